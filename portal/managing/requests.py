"""Requests for keys: who asks for what, approved or refused by one button."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orgs import paging
from orgs.display import when, when_of
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, check, may, require
from portal import entry_page
from portal.addresses import places_of
from portal.managing.forms import DecisionForm
from portal.models import KeyRequest
from portal.services import requests as service
from users.services.errors import Refused

READ = require(ObjectKind.PORTAL, Level.READ)
COLUMNS = (
    Column("Developer"),
    Column("Asks for"),
    Column("Application"),
    Column("State"),
    Column("Asked", "oldest", "newest"),
)
SORTS = {"newest": Sort("-created_at", is_moment=True), "oldest": Sort("created_at", is_moment=True)}
STATES = Select("state", "State", (("", "Any state"), *((state, label) for state, label in KeyRequest.STATES)))
FIELDS = ("id", "application__developer__email", "entry_title", "plan_name", "application__name", "state", "asked")
BADGES = {
    KeyRequest.PENDING: "waiting",
    KeyRequest.APPROVED: "active",
    KeyRequest.REFUSED: "revoked",
    KeyRequest.WITHDRAWN: "off",
    KeyRequest.ENDED: "off",
}


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    asked = KeyRequest.objects.annotate(asked=when_of("created_at"))
    if request.GET.get("state") in dict(KeyRequest.STATES):
        asked = asked.filter(state=request.GET["state"])
    if begins := request.GET.get("q", "").replace("\0", "").strip().lower():
        asked = asked.filter(application__developer__email__begins_with=begins)
    name, sort = paging.sort_of(request.GET, SORTS)
    page = paging.page(asked, query=request.GET, sort=sort, fields=FIELDS)
    empty = {
        "icon": "mail",
        "title": "Nobody has asked for a key yet",
        "text": "Developers ask by a plan. Where that is not given at once, the request waits here for you.",
    }
    context = listing(
        request, page, label="Requests", columns=COLUMNS, sort=name, search="E-mail address begins with",
        selects=(STATES,), empty=empty,
    )  # fmt: skip
    rows = [_row(f"{request.site.prefix}/key-requests/", *values) for values in page.rows]
    return render(request, "portal_managing/requests.html", context | {"rows": rows})


def _row(
    prefix: str, id: str, email: str, entry: str, plan: str, application: str, state: str, asked: str
) -> tuple[str, ...]:
    label = dict(KeyRequest.STATES)[state].lower()
    return f"{prefix}{id}/", email, entry, plan, application, BADGES[state], label, asked


@READ
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: OrgRequest, id: str) -> HttpResponse:
    known = KeyRequest.objects.select_related("application__developer", "plan__policy", "key")
    asked = get_object_or_404(known, pk=id)
    form = DecisionForm(request.POST or None)
    if request.method == "POST":
        check(request, ObjectKind.PORTAL, Level.WRITE)
        if form.is_valid() and (answer := _decided(request, asked, form)):
            return answer
    return render(request, "portal_managing/request.html", _context(request, asked, form))


def _decided(request: OrgRequest, asked: KeyRequest, form: DecisionForm) -> HttpResponse | None:
    reason, by = form.cleaned_data["reason"].strip(), request.user.email
    try:
        if "refuse" in request.POST:
            if not reason:
                form.add_error("reason", "Say why: the developer reads it.")
                return None
            service.refuse(places=places_of(request), asked=asked, by=by, reason=reason)
            messages.success(request, "The request is refused, and the developer is told why.")
        elif "approve" in request.POST:
            service.approve(places=places_of(request), asked=asked, by=by, reason=reason)
            messages.success(request, "The request is approved: the developer can take the key.")
        else:
            form.add_error(None, "Press one of the two buttons.")
            return None
    except service.DecidedAlready as refused:
        messages.warning(request, str(refused))
    except Refused as refused:
        form.add_error(None, str(refused))
        return None
    return redirect("portal_managing:requests")


def _context(request: OrgRequest, asked: KeyRequest, form: DecisionForm) -> dict[str, Any]:
    prefix = request.site.prefix
    developer = asked.application.developer
    key_url = f"{prefix}/keys/{asked.key_id}/" if asked.key_id and may(request, ObjectKind.KEYS, Level.READ) else ""
    facts = [
        {"label": "State", "value": asked.get_state_display().lower(), "state": BADGES[asked.state]},
        {"label": "Asks for", "value": f"{asked.entry_title}, {asked.plan_name}"},
        *({"label": label, "value": text} for label, text in (entry_page.limits(asked.plan) if asked.plan else [])),
        {"label": "Application", "value": asked.application.name},
        {"label": "What for", "value": asked.purpose},
        {"label": "Asked", "value": when(asked.created_at)},
        *([{"label": "Decided by", "value": asked.decided_by}] if asked.decided_by else []),
        *([{"label": "Decided", "value": when(asked.decided_at)}] if asked.decided_at else []),
        *([{"label": "Reason", "value": asked.reason}] if asked.reason else []),
    ]
    return {
        "page_title": f"{asked.entry_title}, {asked.plan_name}",
        "facts": facts,
        "developer": developer,
        "developer_url": f"{prefix}/developers/{developer.pk}/",
        "key": asked.key,
        "key_url": key_url,
        "form": form,
        "may_decide": asked.state == KeyRequest.PENDING and may(request, ObjectKind.PORTAL, Level.WRITE),
    }
