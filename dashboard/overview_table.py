"""The table of organisations: what it is narrowed to and sorted by, as a page and as CSV."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.db.models.functions import Lower
from django.http import HttpResponse, QueryDict

from analytics.charts import sparkline
from analytics.pages.wording import percent
from dashboard.overview_numbers import QUERIES, Numbers, numbers
from orgs.display import when
from orgs.export import csv_response
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing
from orgs.models import Organisation
from orgs.paging import SIZE, Page

LONG_AGO = datetime.min.replace(tzinfo=UTC)
COLUMNS = (
    Column("Organisation", "name", "-name"),
    Column("Users", "users", "-users", kind="number"),
    Column("APIs", "apis", "-apis", kind="number"),
    Column("Active keys", "keys", "-keys", kind="number"),
    Column("Expiring", "expiring", "-expiring", kind="number"),
    Column("Developers", "developers", "-developers", kind="number"),
    Column("Domains", "domains", "-domains", kind="number"),
    Column("Requests in 24 h", "requests", "-requests", kind="number"),
    Column("Errors", "errors", "-errors", kind="number"),
    Column("Last action", "last", "-last"),
    Column("State", "state", "-state"),
)
STATES = Select("state", "State", (("", "Any state"), ("active", "Active"), ("suspended", "Suspended")))
SORTS = {name for column in COLUMNS for name in (column.sort, column.reverse) if name}
EMPTY = {
    "icon": "building",
    "title": "No organisations yet",
    "text": "Make the first one on the command line: manage.py bootstrap --new-org.",
}
HEADER = (
    "id", "slug", "name", "users", "apis", "active_keys", "keys_expiring_in_30_days",
    "last_administrator_action", "state", "requests_in_24_h", "error_share_in_24_h", "developers", "portal",
    "proven_domains", "unproven_domains",
)  # fmt: skip
NONE = Numbers()


def page(request: OrgRequest) -> dict[str, Any]:
    """Return the context of the page. `after` is the number of rows before it: there are few enough."""
    sort = _sort(request.GET)
    found = ordered(request.GET)
    after = _after(request.GET)
    shown = found[after : after + SIZE]
    of = numbers([organisation.id for organisation in shown])
    rows = [_row(f"{request.site.prefix}/o/{o.slug}", o, of.get(o.id, NONE)) for o in shown]
    context = listing(
        request,
        _links(request.GET, rows, len(found), after),
        label="Organisations",
        columns=COLUMNS,
        sort=sort,
        search="Search by name or slug",
        selects=(STATES,),
        export=f"{request.site.prefix}/organisations.csv",
        empty=EMPTY,
    )
    return context | {"rows": rows}


def ordered(query: QueryDict) -> list[Organisation]:
    """Return the organisations asked for, in order; only sorting by a number counts for all of them."""
    found = list(_narrowed(query).order_by(Lower("name"), "id"))
    sort = _sort(query)
    field = sort.removeprefix("-")
    if field != "name":
        least = LONG_AGO if field == "last" else 0
        values = {} if field == "state" else QUERIES[field](None)
        found.sort(
            key=lambda o: o.is_suspended if field == "state" else values.get(o.id, {}).get(field) or least,
            reverse=sort.startswith("-"),
        )
    elif sort == "-name":
        found.reverse()
    return found


def csv(request: OrgRequest) -> HttpResponse:
    of = numbers(None)
    rows = (_csv_row(organisation, of.get(organisation.id, NONE)) for organisation in ordered(request.GET))
    return csv_response("organisations.csv", HEADER, rows)


def _narrowed(query: QueryDict) -> Any:
    organisations = Organisation.objects.only("id", "slug", "name", "colour", "is_suspended")
    text = query.get("q", "").replace("\0", "").strip()
    if text:
        organisations = organisations.filter(Q(name__icontains=text) | Q(slug__icontains=text))
    if query.get("state") in ("active", "suspended"):
        organisations = organisations.filter(is_suspended=query["state"] == "suspended")
    return organisations


def _sort(query: QueryDict) -> str:
    sort = query.get("sort", "name")
    return sort if sort in SORTS else "name"


def _after(query: QueryDict) -> int:
    text = query.get("after", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _links(query: QueryDict, rows: list[Any], total: int, after: int) -> Page[Any]:
    def link(start: int) -> str:
        target = query.copy()
        target["after"] = str(start)
        return f"?{target.urlencode()}"

    return Page(
        rows=rows,
        total=f"{total:,}",
        first=link(0) if after else None,
        previous=link(max(0, after - SIZE)) if after else None,
        next=link(after + SIZE) if after + SIZE < total else None,
    )


def _row(href: str, organisation: Organisation, of: Numbers) -> tuple[Any, ...]:
    state, change = ("suspended", "resume") if organisation.is_suspended else ("active", "suspend")
    return (
        href,
        organisation.name,
        organisation.slug,
        organisation.colour,
        of.users,
        of.apis,
        of.keys,
        of.expiring,
        when(of.last),
        state,
        f"{href[: href.index('/o/')]}/organisations/{organisation.id}/{change}/",
        change.capitalize(),
        f"{of.requests:,}",
        sparkline(of.hours, f"Requests of {organisation.name} by the hour") if of.hours else "",
        percent(of.errors, 1) if of.requests else "",
        f"{of.developers:,}",
        "portal on" if of.has_portal else "portal off",
        f"{of.domains:,}",
        f"{of.waiting:,} unproven" if of.waiting else "",
    )


def _csv_row(organisation: Organisation, of: Numbers) -> tuple[Any, ...]:
    state = "suspended" if organisation.is_suspended else "active"
    last = of.last.astimezone(UTC).isoformat(timespec="seconds") if of.last else ""
    counts = (of.users, of.apis, of.keys, of.expiring)
    return (
        organisation.id,
        organisation.slug,
        organisation.name,
        *counts,
        last,
        state,
        of.requests,
        round(of.errors, 6),
        of.developers,
        "on" if of.has_portal else "off",
        of.domains,
        of.waiting,
    )
