"""What the pages of domains show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from orgs import paging
from orgs.display import when, when_and_ago
from orgs.domains import proving, schedule
from orgs.domains.names import shown
from orgs.hosts import PROOF_PATH
from orgs.http import OrgRequest
from orgs.listing import Column, listing
from orgs.models import Domain
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may
from orgs.sites import Kind

COLUMNS = (Column("Host"), Column("Purpose"), Column("State"), Column("Looked up"), Column("Added", "oldest", "newest"))
SORTS = {"newest": Sort("-created_at", is_moment=True), "oldest": Sort("created_at", is_moment=True)}
FIELDS = ("id", "host", "purpose", "proven_at", "proven_by", "failing_since", "checked_at", "fault", "created_at")
# The class of a badge for each state.
BADGES = {"proven": "active", "waiting": "waiting", "failing": "expiring", "lapsed": "expired"}
EMPTY = {
    "icon": "world",
    "title": "No domains yet",
    "text": "At a domain of your own stands this site, the portal, or what gateways serve.",
}


def domains(request: OrgRequest) -> dict[str, Any]:
    name, sort = paging.sort_of(request.GET, SORTS)
    page = paging.page(Domain.objects.all(), query=request.GET, sort=sort, fields=FIELDS)
    prefix, may_write = f"{request.site.prefix}/domains/", may(request, ObjectKind.SYSTEM, Level.WRITE)
    empty = EMPTY | ({"action_url": f"{prefix}add/", "action_label": "Add a domain"} if may_write else {})
    context = listing(request, page, label="Domains", columns=COLUMNS, sort=name, empty=empty)
    rows = [_row(request, prefix, Domain(**dict(zip(FIELDS, values, strict=True)))) for values in page.rows]
    return context | {"rows": rows, "prefix": prefix, "may_write": may_write}


def _row(request: OrgRequest, prefix: str, domain: Domain) -> dict[str, str]:
    return {
        "href": f"{prefix}{domain.pk}/",
        "host": shown(domain.host),
        "site": site_url(request, domain),
        "purpose": Domain.Purpose(domain.purpose).label,
        "state": domain.state,
        "badge": BADGES[domain.state],
        "fault": domain.fault,
        "checked": "never, it is given" if domain.proven_by == Domain.ProvenBy.OPERATOR else when(domain.checked_at),
        "created": when(domain.created_at),
    }


def site_url(request: OrgRequest, domain: Domain) -> str:
    """Where it serves; nothing where it does not, and where gateways do: only they know at which ports."""
    is_served = domain.proven_at is not None and domain.purpose != Domain.Purpose.APIS
    return f"{request.scheme}://{domain.host}/" if is_served else ""


def domain_page(request: OrgRequest, domain: Domain) -> dict[str, Any]:
    """Return the context of `domains/detail.html`. It renews itself while a look is near; visits never do."""
    now = timezone.now()
    is_due = domain.check_due_at is not None and domain.check_due_at <= now + schedule.AFTER_CLAIM[0]
    is_given = domain.proven_by == Domain.ProvenBy.OPERATOR
    return {
        "page_title": shown(domain.host),
        "domain": domain,
        "may_write": may(request, ObjectKind.SYSTEM, Level.WRITE),
        "is_live": request.site.kind != Kind.VISIT and (domain.state == "waiting" or is_due),
        "is_given": is_given,
        "facts": facts(request, domain, now),
        "lapses": when(domain.failing_since + schedule.LAPSES_AFTER) if domain.failing_since else "",
        "failing_since": when(domain.failing_since),
        "next_look": _next_look(domain, now),
        "record": {"name": proving.record_name(domain.host), "value": proving.record_value(domain.token)},
        "file": "" if domain.purpose == Domain.Purpose.APIS else f"https://{domain.host}{PROOF_PATH}",
    }


def facts(request: OrgRequest, domain: Domain, now: datetime) -> list[dict[str, str]]:
    site = site_url(request, domain)
    return [
        {"label": "State", "value": domain.state, "state": BADGES[domain.state]},
        {"label": "What stands there", "value": Domain.Purpose(domain.purpose).label},
        *([{"label": "Address", "value": site, "url": site}] if site else []),
        {"label": "Proven by", "value": Domain.ProvenBy(domain.proven_by).label if domain.proven_by else ""},
        {"label": "Proven", "value": when(domain.proven_at, never="")},
        {"label": "Last looked up", "value": when_and_ago(domain.checked_at, now=now)},
        {"label": "Added", "value": when(domain.created_at)},
    ]


def _next_look(domain: Domain, now: datetime) -> str:
    """Say when it is looked up next; nothing where it is not by itself."""
    if domain.check_due_at is None:
        return ""
    return "within seconds" if domain.check_due_at <= now else f"at {when(domain.check_due_at)}"


def stops(domain: Domain, apis: Sequence[str]) -> list[str]:
    """Say what stops without the domain."""
    if domain.proven_at is None:
        return ["Nothing: it is not proven."]
    host = shown(domain.host)
    if domain.purpose == Domain.Purpose.APIS:
        listed = f"Gateways stop serving {', '.join(apis)} at {host}." if apis else ""
        return [listed or f"Nothing now: no API names {host}."]
    what = "This site and the portal" if domain.purpose == Domain.Purpose.DASHBOARD else "The portal"
    return [f"{what} at {host}: whoever is signed in there is signed out."]
