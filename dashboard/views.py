"""The overview of an organisation: its numbers, its first steps, what was changed last."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apis.models import Api
from gateways import drift, sight
from keys.models import Key
from keys.states import in_state
from orgs import trail
from orgs.http import OrgRequest
from orgs.models import AuditEntry, Domain
from orgs.paging import count
from orgs.permissions import Level, ObjectKind, may, signed_in
from portal.models import Developer, KeyRequest
from users.mail_list import waiting_too_long
from users.models import User

NAME_OF_BOOTSTRAP = "Default"


@signed_in
@require_safe
def home(request: OrgRequest) -> HttpResponse:
    may_audit = may(request, ObjectKind.AUDIT, Level.READ)
    context = {
        "page_title": "Overview",
        "mail_waits": waiting_too_long(now=timezone.now()) if may(request, ObjectKind.SYSTEM, Level.READ) else "",
        "mail_url": f"{request.site.prefix}/mail/?state=queued",
        "stats": stats(request),
        "checklist": checklist(request),
        "failing_domains": failing_domains(request),
        "history": trail.lines(AuditEntry.objects.order_by("-at", "-id")[:8]) if may_audit else None,
        "history_title": "Last changes",
        "history_url": f"{request.site.prefix}/audit/",
    }
    return render(request, "dashboard/home.html", context)


def failing_domains(request: OrgRequest) -> list[dict[str, str]]:
    """Return the domains that are about to be lost."""
    if not may(request, ObjectKind.SYSTEM, Level.READ):
        return []
    failing = Domain.objects.filter(proven_at__isnull=False, failing_since__isnull=False).order_by("host")
    prefix = f"{request.site.prefix}/domains/"
    return [{"host": host, "url": f"{prefix}{id}/"} for id, host in failing.values_list("id", "host")]


def stats(request: OrgRequest) -> list[dict[str, str]]:
    """Return the numbers that the user may see; counting stops at 1,000."""
    now, found = timezone.now(), []
    if may(request, ObjectKind.APIS, Level.READ):
        found += [_stat(request, "Active APIs", count(Api.objects.filter(is_active=True)), "apis/?state=active")]
    if may(request, ObjectKind.KEYS, Level.READ):
        active, expiring = (Key.objects.filter(in_state(state, now=now)) for state in ("active", "expiring"))
        found += [_stat(request, "Active keys", count(active), "keys/?state=active")]
        found += [_stat(request, "Keys that expire soon", count(expiring), "keys/?state=expiring")]
    if may(request, ObjectKind.USERS, Level.READ):
        found += [_stat(request, "Users", count(User.objects.all()), "users/")]
    if may(request, ObjectKind.PORTAL, Level.READ):
        waiting = KeyRequest.objects.filter(state=KeyRequest.PENDING)
        found += [_stat(request, "Developers", count(Developer.objects.all()), "developers/")]
        found += [_stat(request, "Requests for keys", count(waiting), "key-requests/?state=pending")]
    return found


def _stat(request: OrgRequest, label: str, value: str, path: str) -> dict[str, str]:
    return {"label": label, "value": value, "url": f"{request.site.prefix}/{path}"}


def checklist(request: OrgRequest) -> dict[str, Any] | None:
    """Return the first steps until all of them are done."""
    steps = [
        _step(
            request,
            "Name the organisation",
            ("settings/", "Open the settings", ObjectKind.SYSTEM),
            is_done=request.organisation.name != NAME_OF_BOOTSTRAP,
        ),
        _step(
            request,
            "Import or create the first API",
            ("apis/import/", "Import an API", ObjectKind.APIS),
            is_done=Api.objects.exists(),
        ),
        _step(
            request,
            "Issue the first key",
            ("keys/create/", "Create a key", ObjectKind.KEYS),
            is_done=Key.objects.exists(),
        ),
        *_steps_of_gateways(request),
        _step(
            request,
            "Invite a second user",
            ("users/invite/", "Invite a user", ObjectKind.USERS),
            is_done=User.objects.order_by()[1:2].exists(),
        ),
    ]
    done = sum(step["is_done"] for step in steps)
    if done == len(steps):
        return None
    return {"title": "First steps", "steps": steps, "done": done, "total": len(steps)}


def _steps_of_gateways(request: OrgRequest) -> list[dict[str, Any]]:
    """Whoever may see the gateways is led there; there is nothing to change."""
    nodes = sight.look().nodes
    where = ("gateways/", "See the gateways", ObjectKind.SYSTEM)
    return [
        _step(request, "See a gateway register", where, is_done=bool(nodes), level=Level.READ),
        _step(request, "See it load the first API", where, is_done=drift.has_loaded(nodes), level=Level.READ),
    ]


def _step(
    request: OrgRequest,
    title: str,
    where: tuple[str, str, ObjectKind],
    *,
    is_done: bool,
    level: Level = Level.WRITE,
) -> dict[str, Any]:
    path, action, kind = where
    url = f"{request.site.prefix}/{path}" if may(request, kind, level) else ""
    return {"title": title, "is_done": is_done, "url": url, "action": action}
