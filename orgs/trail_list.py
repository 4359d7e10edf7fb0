"""The audit trail of a site, as a list that can be narrowed. At `/all/` it is that of the unbounded users."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

from django.db.models import QuerySet

from orgs import paging, trail
from orgs.display import when
from orgs.forms import AuditFilters
from orgs.http import OrgRequest
from orgs.listing import Column, listing
from orgs.models import AuditEntry
from orgs.paging import Sort

NEWEST = Sort("-at", is_moment=True)
COLUMNS = (Column("When"), Column("What"), Column("From address"))
CSV_HEADER = ("when (UTC)", "who", "action", "kind", "object", "changes", "address")
CSV_MOST = 10_000


def narrowed(request: OrgRequest, filters: AuditFilters) -> "QuerySet[AuditEntry]":
    """Return the site's entries; a filter that makes no sense shows its error and leaves none."""
    entries = AuditEntry.objects.filter(organisation=request.site.organisation)
    if not filters.is_valid():
        return entries.none()
    wanted = filters.cleaned_data
    if wanted["actor"]:
        entries = entries.filter(actor=wanted["actor"].lower())
    for field in ("action", "kind"):
        if wanted[field]:
            entries = entries.filter(**{field: wanted[field]})
    if wanted["since"]:
        entries = entries.filter(at__gte=datetime.combine(wanted["since"], time.min, UTC))
    if wanted["until"]:
        entries = entries.filter(at__lte=datetime.combine(wanted["until"], time.max, UTC))
    return entries


def page(request: OrgRequest) -> dict[str, Any]:
    """Return the context of the page."""
    filters = AuditFilters(request.GET)
    found = paging.page(narrowed(request, filters), query=request.GET, sort=NEWEST, fields=("address", *trail.FIELDS))
    empty = {"icon": "history", "title": "Nothing has been changed yet"}
    if any(request.GET.get(name) for name in filters.fields):
        empty = {
            "icon": "search",
            "title": "Nothing matches",
            "action_url": request.path,
            "action_label": "Clear",
        }
    context = listing(request, found, label="Audit trail", columns=COLUMNS, empty=empty)
    return context | {
        "filters": None,
        "filter_form": filters,
        "csv_url": f"{request.site.prefix}/audit.csv?{request.GET.urlencode()}",
        "rows": [_row(address, *values) for address, *values in found.rows],
    }


def _row(address: str | None, *values: Any) -> tuple[str, str, str]:
    parts = trail.line(*values)
    return parts["when"], trail.sentence(parts), address or ""


def csv_rows(request: OrgRequest) -> Iterator[tuple[str, ...]]:
    """The newest first; where there are more than the most, the last line says so."""
    entries = narrowed(request, AuditFilters(request.GET)).order_by("-at", "-id")
    rows = list(entries.values_list(*trail.FIELDS, "address")[: CSV_MOST + 1])
    for at, actor, action, kind, name, changes, address in rows[:CSV_MOST]:
        texts = "; ".join(f"{field} {before} → {after}" for field, before, after in trail.changes(changes))
        yield when(at), actor, action, kind, name, texts, address or ""
    if len(rows) > CSV_MOST:
        yield (f"Only the newest {CSV_MOST:,} lines are here: narrow the list by days to get the others.",)
