"""A look through the records, from a place on: so many rows as a page has, and no further than is quick."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleGreaterThanOrEqual,
    TupleLessThan,
    TupleLessThanOrEqual,
)

from analytics.log.filters import Filters
from analytics.models import Record

SIZE = 50
LOOKS_AT = 20_000
FIELDS = (
    "at", "id", "method", "host", "path", "status", "latency", "upstream", "size", "api", "version", "key", "client",
    "address", "country", "agent", "tags",
)  # fmt: skip
FORMAT = "%Y%m%dT%H%M%S.%f"
PLACE = re.compile(r"(\d{8}T\d{6}\.\d{6})-(\d{1,19})", re.ASCII)
MOST_ID = 2**63 - 1
Place = tuple[datetime, int]


@dataclass(frozen=True)
class Found:
    """`older` and `newer` are where the rows go on, if they may; `looked_to` is where a look ended without enough."""

    rows: list[dict[str, Any]]
    older: Place | None
    newer: Place | None
    looked_to: datetime | None


def look(
    filters: Filters, *, after: Place | None, before: Place | None, size: int = SIZE, looks_at: int = LOOKS_AT
) -> Found:
    """Look for older rows `after` a place, or for newer ones `before` it, or from the newest on."""
    is_back = before is not None and after is None
    place = before if is_back else after
    records = _from(Record.objects.filter(filters.indexed), place, is_back)
    edge = _edge(records, looks_at) if filters.others else None
    if edge:
        records = _until(records, edge, is_back)
    rows = [
        dict(zip(FIELDS, row, strict=True)) for row in records.filter(filters.others).values_list(*FIELDS)[: size + 1]
    ]
    goes_on = _place(rows[size - 1]) if len(rows) > size else edge
    looked_to = edge[0] if edge and len(rows) <= size else None
    rows = rows[:size]
    if is_back:
        rows.reverse()
        return Found(rows, _place(rows[-1]) if rows else before, goes_on, looked_to)
    return Found(rows, goes_on, (_place(rows[0]) if rows else after) if after else None, looked_to)


def _from(records: "QuerySet[Record]", place: Place | None, is_back: bool) -> "QuerySet[Record]":
    """Compare the time alone as well: by that, PostgreSQL leaves out the days beyond."""
    if place and is_back:
        records = records.filter(TupleGreaterThan(Tuple(F("at"), F("id")), place), at__gte=place[0])
    elif place:
        records = records.filter(TupleLessThan(Tuple(F("at"), F("id")), place), at__lte=place[0])
    return records.order_by("at", "id") if is_back else records.order_by("-at", "-id")


def _edge(records: "QuerySet[Record]", looks_at: int) -> Place | None:
    return next(iter(records.values_list("at", "id")[looks_at - 1 : looks_at]), None)


def _until(records: "QuerySet[Record]", edge: Place, is_back: bool) -> "QuerySet[Record]":
    if is_back:
        return records.filter(TupleLessThanOrEqual(Tuple(F("at"), F("id")), edge), at__lte=edge[0])
    return records.filter(TupleGreaterThanOrEqual(Tuple(F("at"), F("id")), edge), at__gte=edge[0])


def _place(row: dict[str, Any]) -> Place:
    return row["at"], row["id"]


def write(place: Place) -> str:
    return f"{place[0].astimezone(UTC).strftime(FORMAT)}-{place[1]}"


def read(text: str) -> Place | None:
    """Return the place that is written so. What we did not write is no place: the newest."""
    found = PLACE.fullmatch(text)
    try:
        at = datetime.strptime(found[1], FORMAT).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
    return (at, int(found[2])) if at and found and int(found[2]) <= MOST_ID and at.year > 1 else None
