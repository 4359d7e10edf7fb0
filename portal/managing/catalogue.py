"""The catalogue's editor."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from keys.models import Policy
from orgs import paging
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may, require
from portal import documents, entry_page
from portal.addresses import places_of
from portal.catalogue import why_closed, why_hidden, with_api
from portal.managing.forms import EntryForm, PlanForms, PlanFormSet
from portal.managing.frame import confirm_page, history, preview_page
from portal.models import WITH_KEY, Entry, KeyRequest, Plan
from portal.services import publishing
from portal.services import settings as portals
from users.services.errors import Refused

READ = require(ObjectKind.PORTAL, Level.READ)
WRITE = require(ObjectKind.PORTAL, Level.WRITE)
COLUMNS = (Column("Title", "title", "-title"), Column("API"), Column("Plans", kind="number"), Column("Who sees it"),
           Column("State"))  # fmt: skip
SORTS = {"title": Sort("title"), "-title": Sort("-title")}
STATE = Select("state", "State", (("", "Any state"), ("published", "Published"), ("draft", "Drafts")))
FIELDS = ("id", "title", "summary", "api_id", "api_name", "api__is_active", "audience", "groups", "is_published",
          "plans_count", "open_plans")  # fmt: skip
FORM = ("api", "title", "summary", "description", "categories", "audience", "groups", "shows_documentation",
        "is_published", "slug", "position", "revision")  # fmt: skip


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    entries = Entry.objects.annotate(
        plans_count=Count("plans"), open_plans=Count("plans", filter=Q(plans__policy__is_active=True))
    )
    if begins := request.GET.get("q", "").replace("\0", "").strip():
        entries = entries.filter(title__istartswith=begins)
    if request.GET.get("state") in ("published", "draft"):
        entries = entries.filter(is_published=request.GET["state"] == "published")
    name, sort = paging.sort_of(request.GET, SORTS)
    page = paging.page(entries, query=request.GET, sort=sort, fields=FIELDS)
    prefix = f"{request.site.prefix}/catalogue/"
    may_write = may(request, ObjectKind.PORTAL, Level.WRITE)
    empty = {
        "icon": "books",
        "title": "Nothing is in the catalogue yet",
        "text": "Publish an API with a policy as its plan, and developers can ask for a key.",
    }
    if may_write:
        empty |= {"action_url": f"{prefix}create/", "action_label": "Publish an API"}
    context = listing(
        request, page, label="Catalogue", columns=COLUMNS, sort=name, search="Title begins with", selects=(STATE,),
        empty=empty,
    )  # fmt: skip
    rows = [_row(prefix, *values) for values in page.rows]
    return render(request, "portal_managing/catalogue.html", context | {"rows": rows, "may_write": may_write})


def _row(
    prefix: str, id: str, title: str, summary: str, api_id: str | None, api_name: str, is_active: bool | None,
    audience: str, groups: list[str], is_published: bool, plans: int, open_plans: int,
) -> tuple[str, ...]:  # fmt: skip
    api = api_name if api_id else f"{api_name} (deleted)" if api_name else "—"
    is_hidden = not (is_active if api_id else open_plans and not api_name)
    state, label = ("active", "published") if is_published else ("off", "draft")
    if is_published and is_hidden:
        state, label = "faulty", "hidden"
    whose = ", ".join(groups) if audience == Entry.GROUPS else dict(Entry.AUDIENCES)[audience]
    plans_text = f"{plans}" if plans == open_plans else f"{open_plans} of {plans}"
    return f"{prefix}{id}/", title, summary, api, plans_text, whose, state, label


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    entry = get_object_or_404(with_api(Entry.objects.all()), pk=id)
    plans = list(Plan.objects.filter(entry=entry).select_related("policy").order_by("position", "name", "id"))
    counts = dict(
        KeyRequest.objects.filter(WITH_KEY, plan__entry=entry).order_by().values_list("plan_id").annotate(Count("pk"))
    )
    portal, portal_url = portals.portal_of(), places_of(request).page("portal:entry", slug=entry.slug)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(portal_url))
    context = {
        "page_title": entry.title,
        "entry": entry,
        "origin_refused": origin
        if entry.api and documents.has_document(entry) and not documents.lets_browsers_read(entry, origin)
        else "",
        "why_hidden": why_hidden(entry, plans) if entry.is_published else "",
        "portal_is_on": portal.is_on,
        "whose": ", ".join(entry.groups) if entry.audience == Entry.GROUPS else entry.get_audience_display(),
        "plans": [_plan(request, plan, counts.get(plan.pk, 0)) for plan in plans],
        "portal_url": portal_url,
        "api_url": f"{request.site.prefix}/apis/{entry.api_id}/" if entry.api_id else "",
        "may_write": may(request, ObjectKind.PORTAL, Level.WRITE),
        "history": history(request, publishing.KIND, entry),
    }
    return render(request, "portal_managing/entry.html", context)


def _plan(request: OrgRequest, plan: Plan, keys: int) -> dict[str, Any]:
    return {
        "name": plan.name,
        "description": plan.description,
        "policy": plan.policy_name,
        "policy_url": f"{request.site.prefix}/policies/{plan.policy_id}/" if plan.policy_id else "",
        "limits": ", ".join(text for _, text in entry_page.limits(plan)),
        "approval": plan.get_approval_display(),
        "keys": keys,
        "why_closed": why_closed(plan),
    }


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    """With `?api=` that API is chosen, and the policy of its plan, where one opens it."""
    api_id = request.GET.get("api", "").replace("\0", "")
    initial = {"api": api_id, "audience": Entry.EVERYONE, "shows_documentation": True, "is_published": True}
    opening = list(Policy.objects.filter(accesses__api=api_id, is_active=True).order_by("sort_name", "id")[:2])
    rows = [{"policy": opening[0].pk, "name": opening[0].name[:80]}] if len(opening) == 1 else []
    return _edited(request, None, EntryForm(request.POST or None, initial=initial), rows)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    entry = get_object_or_404(Entry, pk=id)
    plans = Plan.objects.filter(entry=entry).order_by("position", "name", "id")
    initial: dict[str, Any] = {name: getattr(entry, name) for name in FORM if name != "api"} | {"api": entry.api_id}
    fields = ("policy_id", "name", "description", "approval")
    rows = [dict(zip(("policy", *fields[1:]), values, strict=True)) for values in plans.values_list(*fields)]
    return _edited(request, entry, EntryForm(request.POST or None, initial=initial), rows)


def _edited(request: OrgRequest, entry: Entry | None, form: EntryForm, rows: list[dict[str, Any]]) -> HttpResponse:
    api_id = str(form["api"].value() or "").replace("\0", "")
    plans: PlanForms = PlanFormSet(request.POST or None, initial=rows, prefix="plans", api_id=api_id)  # type: ignore
    if request.method == "POST" and form.is_valid() and plans.is_valid():
        try:
            saved = _save(entry, dict(form.cleaned_data), plans.plans())
            messages.success(request, f"{saved.title} is saved.")
            return redirect("portal_managing:entry", id=saved.pk)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {
        "page_title": f"Edit {entry.title}" if entry else "Publish an API",
        "form": form,
        "plans": plans,
        "cancel_url": f"{request.site.prefix}/catalogue/{f'{entry.pk}/' if entry else ''}",
    }
    return render(request, "portal_managing/edit_entry.html", context)


@transaction.atomic
def _save(entry: Entry | None, settings: dict[str, Any], plans: list[Any]) -> Entry:
    revision = settings.pop("revision")
    if entry is None:
        saved = publishing.create_entry(**settings)
    else:
        settings["slug"] = settings["slug"] or entry.slug
        saved = publishing.update_entry(entry=entry, revision=revision, **settings)
    publishing.set_plans(entry=saved, plans=plans)
    return saved


@READ
@require_safe
def preview(request: OrgRequest, id: str) -> HttpResponse:
    entry = get_object_or_404(with_api(Entry.objects.all()), pk=id)
    portal = portals.portal_of()
    prefix = request.site.prefix
    context = entry_page.context(entry, portal, developer=None, root=f"{prefix}/portal/", is_preview=True)
    return preview_page(request, "portal/api.html", portal, context, back_url=f"{prefix}/catalogue/{entry.pk}/")


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    entry = get_object_or_404(Entry, pk=id)
    if request.method == "POST":
        publishing.delete_entry(entry=entry)
        messages.success(request, f"{entry.title} is no longer in the catalogue.")
        return redirect("portal_managing:catalogue")
    asked = KeyRequest.objects.filter(plan__entry=entry)
    keys = asked.filter(WITH_KEY).count()
    waiting = asked.filter(state=KeyRequest.PENDING).count()
    notices = [f"Developers' keys for it, which work on: {keys:,}. Revoke them under Keys."] if keys else []
    notices += [f"Requests that wait, and can only be refused afterwards: {waiting:,}."] if waiting else []
    confirm = {
        "title": f"Take {entry.title} out of the catalogue?",
        "stops": ["Its page in the portal, and asking for keys there."],
        "notices": notices,
        "undo": "No, but it can be published anew.",
        "action_label": "Take it out",
        "cancel_url": f"{request.site.prefix}/catalogue/{entry.pk}/",
    }
    return confirm_page(request, confirm)
