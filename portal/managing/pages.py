"""The pages that an organisation writes for its portal."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may, require
from portal.managing.forms import PageForm
from portal.managing.frame import confirm_page, preview_page
from portal.markdown import html
from portal.models import Page
from portal.services import pages as service
from portal.services import settings as portals
from users.services.errors import Refused

READ = require(ObjectKind.PORTAL, Level.READ)
WRITE = require(ObjectKind.PORTAL, Level.WRITE)
FIELDS = tuple(PageForm.base_fields)


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    """A portal has few: they are all on one page."""
    prefix = f"{request.site.prefix}/portal-pages/"
    may_write = may(request, ObjectKind.PORTAL, Level.WRITE)
    pages = Page.objects.order_by("position", "title", "id").values_list(
        "id", "title", "slug", "is_published", "is_for_developers", "in_navigation"
    )
    rows = [
        (
            f"{prefix}{id}/{'edit' if may_write else 'preview'}/", title, f"/pages/{slug}/",
            "developers" if is_for_developers else "everyone", "yes" if in_navigation else "no",
            *(("active", "published") if is_published else ("off", "draft")), f"{prefix}{id}/preview/",
        )
        for id, title, slug, is_published, is_for_developers, in_navigation in pages
    ]  # fmt: skip
    empty = {"icon": "books", "title": "No pages yet", "text": "Write what developers need: how to begin, whom to ask."}
    if may_write:
        empty |= {"action_url": f"{prefix}create/", "action_label": "Write a page"}
    context = {"page_title": "Portal pages", "rows": rows, "may_write": may_write, "empty": empty}
    return render(request, "portal_managing/pages.html", context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    return _edited(request, None)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    return _edited(request, get_object_or_404(Page, pk=id))


def _edited(request: OrgRequest, page: Page | None) -> HttpResponse:
    initial = {name: getattr(page, name) for name in FIELDS} if page else {}
    form = PageForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        settings = dict(form.cleaned_data)
        revision = settings.pop("revision")
        try:
            saved = (
                service.update_page(page=page, revision=revision, **settings)
                if page
                else service.create_page(**settings)
            )
            messages.success(request, f"{saved.title} is saved.")
            return redirect("portal_managing:pages")
        except Refused as refused:
            form.add_error(None, str(refused))
    here = f"{request.site.prefix}/portal-pages/"
    context = {
        "page_title": f"Edit {initial['title']}" if page else "Write a page",
        "form": form,
        "action": "Save",
        "cancel_url": here,
        "preview_url": f"{here}{page.pk}/preview/" if page else "",
        "delete_url": f"{here}{page.pk}/delete/" if page else "",
    }
    return render(request, "portal_managing/edit_page.html", context)


@READ
@require_safe
def preview(request: OrgRequest, id: str) -> HttpResponse:
    page = get_object_or_404(Page, pk=id)
    context = {"page_title": page.title, "body": html(page.body)}
    back_url = f"{request.site.prefix}/portal-pages/"
    return preview_page(request, "portal/page.html", portals.portal_of(), context, back_url=back_url)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    page = get_object_or_404(Page, pk=id)
    if request.method == "POST":
        service.delete_page(page=page)
        messages.success(request, f"{page.title} is deleted.")
        return redirect("portal_managing:pages")
    confirm = {
        "title": f"Delete {page.title}?",
        "stops": ["Its text is gone, and links to it lead nowhere."],
        "undo": "No.",
        "action_label": "Delete the page",
        "cancel_url": "../edit/",
    }
    return confirm_page(request, confirm)
