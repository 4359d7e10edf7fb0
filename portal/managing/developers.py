"""The developers of the portal."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from keys.states import state_of
from orgs import paging
from orgs.display import when
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may, require
from portal.addresses import places_of
from portal.managing.forms import DeveloperForm, InviteForm
from portal.managing.frame import confirm_page, history
from portal.managing.requests import BADGES
from portal.models import Developer, KeyRequest, SignUp
from portal.services import developers as service
from portal.services import signing_up
from users import mail
from users.services.errors import Refused

READ = require(ObjectKind.PORTAL, Level.READ)
WRITE = require(ObjectKind.PORTAL, Level.WRITE)
COLUMNS = (
    Column("E-mail address", "email", "-email"),
    Column("Name"),
    Column("Groups"),
    Column("Keys", kind="number"),
    Column("State"),
    Column("Last sign-in"),
    Column("Since", "newest", "oldest"),
)
SORTS = {
    "email": Sort("email"),
    "-email": Sort("-email"),
    "newest": Sort("-created_at", is_moment=True),
    "oldest": Sort("created_at", is_moment=True),
}
STATE = Select("state", "State", (("", "Any state"), ("active", "Active"), ("disabled", "Disabled")))
FIELDS = ("id", "email", "name", "groups", "keys", "is_active", "last_login", "created_at")
WORKS = Q(applications__requests__key__isnull=False, applications__requests__key__revoked_at=None)
MOST = 200


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    developers = Developer.objects.annotate(keys=Count("applications__requests", filter=WORKS))
    if begins := request.GET.get("q", "").replace("\0", "").strip().lower():
        developers = developers.filter(email__begins_with=begins)
    if request.GET.get("state") in ("active", "disabled"):
        developers = developers.filter(is_active=request.GET["state"] == "active")
    name, sort = paging.sort_of(request.GET, SORTS)
    page = paging.page(developers, query=request.GET, sort=sort, fields=FIELDS)
    prefix = f"{request.site.prefix}/developers/"
    may_write = may(request, ObjectKind.PORTAL, Level.WRITE)
    empty = {"icon": "users", "title": "No developers yet", "text": "They sign up in the portal, or are invited."}
    if may_write:
        empty |= {"action_url": f"{prefix}invite/", "action_label": "Invite a developer"}
    context = listing(
        request, page, label="Developers", columns=COLUMNS, sort=name, search="E-mail address begins with",
        selects=(STATE,), empty=empty,
    )  # fmt: skip
    context |= {
        "rows": [_row(prefix, *values) for values in page.rows],
        "may_write": may_write,
        "invitations": _invitations(prefix),
    }
    return render(request, "portal_managing/developers.html", context)


def _row(
    prefix: str, id: str, email: str, name: str, groups: list[str], keys: int, is_active: bool,
    last_login: datetime | None, created_at: datetime,
) -> tuple[str, ...]:  # fmt: skip
    state = "active" if is_active else "disabled"
    return f"{prefix}{id}/", email, name, ", ".join(groups), f"{keys:,}", state, when(last_login), when(created_at)


def _invitations(prefix: str) -> list[tuple[str, str, str]]:
    """Those whom somebody here has invited: who asked by themselves is nobody yet."""
    waiting = SignUp.objects.exclude(invited_by="").filter(expires_at__gt=timezone.now()).order_by("email", "id")[:50]
    return [(one.email, when(one.expires_at), f"{prefix}invitations/{one.pk}/revoke/") for one in waiting]


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    developer = get_object_or_404(Developer, pk=id)
    asked = KeyRequest.objects.filter(application__developer=developer).select_related("application", "key")
    may_keys = may(request, ObjectKind.KEYS, Level.READ)
    terms = f"revision {developer.terms_revision}" if developer.terms_revision else ""
    context = {
        "page_title": developer.email,
        "developer": developer,
        "facts": [
            {"label": "Name", "value": developer.name},
            {"label": "Groups", "value": ", ".join(developer.groups)},
            {"label": "Terms accepted", "value": terms},
            {"label": "Last sign-in", "value": when(developer.last_login)},
            {"label": "Since", "value": when(developer.created_at)},
            {"label": "ID", "value": developer.pk, "is_code": True},
        ],
        "requests": [_request_row(request, one, may_keys) for one in asked.order_by("-created_at", "-id")[:MOST]],
        "may_write": may(request, ObjectKind.PORTAL, Level.WRITE),
        "here": f"{request.site.prefix}/developers/{developer.pk}/",
        "history": history(request, signing_up.KIND, developer),
    }
    return render(request, "portal_managing/developer.html", context)


def _request_row(request: OrgRequest, asked: KeyRequest, may_keys: bool) -> dict[str, Any]:
    prefix, key = request.site.prefix, asked.key
    return {
        "application": asked.application.name,
        "what": f"{asked.entry_title}, {asked.plan_name}",
        "href": f"{prefix}/key-requests/{asked.pk}/",
        "state": asked.get_state_display().lower(),
        "badge": BADGES[asked.state],
        "key": key.masked if key else "",
        "key_state": state_of(key, now=timezone.now()) if key else "",
        "key_url": f"{prefix}/keys/{key.pk}/" if key and may_keys else "",
        "at": when(asked.created_at),
    }


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: OrgRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            sign_up, link = signing_up.invite(places=places_of(request), by=request.user.email, **form.cleaned_data)
            return _shown_once(request, sign_up, link)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"page_title": "Invite a developer", "form": form, "action": "Invite", "cancel_url": "../"}
    return render(request, "portal_managing/form.html", context)


def _shown_once(request: OrgRequest, sign_up: SignUp, link: str) -> HttpResponse:
    mailed = "It is on its way to them by mail too. " if mail.is_real() else ""
    secret = {
        "title": f"The invitation of {sign_up.email}",
        "text": f"{mailed}Give this link to them alone: it works once, within 72 hours, and is not shown again.",
        "label": "Link",
        "value": link,
        "done_url": f"{request.site.prefix}/developers/",
        "done_label": "Done",
    }
    return render(request, "portal_managing/secret.html", {"page_title": "Invite a developer", "secret": secret})


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_invitation(request: OrgRequest, id: str) -> HttpResponse:
    sign_up = get_object_or_404(SignUp.objects.exclude(invited_by=""), pk=id)
    confirm = {
        "title": f"Revoke the invitation of {sign_up.email}?",
        "stops": ["The link that was sent."],
        "undo": "No, but they can be invited again.",
        "action_label": "Revoke the invitation",
        "cancel_url": f"{request.site.prefix}/developers/",
    }
    if request.method == "POST":
        signing_up.revoke(sign_up=sign_up)
        messages.success(request, f"The invitation of {sign_up.email} is revoked.")
        return redirect("portal_managing:developers")
    return confirm_page(request, confirm)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    developer = get_object_or_404(Developer, pk=id)
    form = DeveloperForm(request.POST or None, initial={"name": developer.name, "groups": developer.groups})
    if request.method == "POST" and form.is_valid():
        service.update_developer(developer=developer, **form.cleaned_data)
        messages.success(request, f"{developer.email} is saved.")
        return redirect("portal_managing:developer", id=developer.pk)
    context = {"page_title": f"Edit {developer.email}", "form": form, "action": "Save", "cancel_url": "../"}
    return render(request, "portal_managing/form.html", context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def disable(request: OrgRequest, id: str) -> HttpResponse:
    developer = get_object_or_404(Developer, pk=id)
    if request.method == "POST":
        service.disable_developer(developer=developer)
        messages.success(request, f"{developer.email} is disabled.")
        return redirect("portal_managing:developer", id=id)
    confirm = {
        "title": f"Disable {developer.email}?",
        "stops": ["They are signed out of the portal, now, and cannot sign in.", *_keys(developer, "is disabled")],
        "undo": "Yes: enabled again, they have these keys again.",
        "action_label": "Disable the developer",
        "cancel_url": "../",
    }
    return confirm_page(request, confirm)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def enable(request: OrgRequest, id: str) -> HttpResponse:
    developer = get_object_or_404(Developer, pk=id)
    if request.method == "POST":
        service.enable_developer(developer=developer)
        messages.success(request, f"{developer.email} is enabled.")
        return redirect("portal_managing:developer", id=id)
    confirm = {
        "title": f"Enable {developer.email}?",
        "notices": ["They can sign in again, and the keys that were disabled with them work again."],
        "undo": "Yes: the developer can be disabled again.",
        "action_label": "Enable the developer",
        "cancel_url": "../",
    }
    return confirm_page(request, confirm)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    developer = get_object_or_404(Developer, pk=id)
    confirm: dict[str, Any] = {
        "title": f"Delete {developer.email}?",
        "stops": [
            "Their account, applications and requests are gone.",
            *_keys(developer, "is revoked for good"),
        ],
        "notices": ["Whoever calls with their keys: gateways refuse them within seconds."],
        "undo": "No. Disabling the developer can be undone.",
        "action_label": "Delete the developer",
        "cancel_url": "../",
        "name_to_type": developer.email,
    }
    if request.method == "POST":
        if request.POST.get("confirm_name", "").strip() == developer.email:
            service.delete_developer(developer=developer)
            messages.success(request, f"{developer.email} is deleted.")
            return redirect("portal_managing:developers")
        confirm["error"] = "This is not the e-mail address."
    return confirm_page(request, confirm)


def _keys(developer: Developer, what: str) -> list[str]:
    found = [one.key for one in service.keys_of(developer) if one.key]
    lines = [f"The key {key.alias} ({key.masked}) {what}." for key in found[:10]]
    return [*lines, f"So are {len(found) - 10:,} more."] if len(found) > 10 else lines
