"""What the Tyk Dashboard's analytics answer with: counts of one bucket, or of one value, and what it is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Annotated, Literal

import msgspec

from analytics.api.whose import Whose
from analytics.queries import Numbers
from orgs.machines import Refusal
from orgs.machines.lists import LARGEST_PAGE

NEVER = "0001-01-01T00:00:00Z"


class UnitId(msgspec.Struct, kw_only=True):
    """What was counted. Fields that do not say it are 0 or empty."""

    day: int = 0
    month: int = 0
    year: int = 0
    hour: int = 0
    code: int = 0
    path: str = ""
    key: str = ""
    alias: str = ""
    url: Annotated[str, msgspec.Meta(description="Method and path.")] = ""
    iso_country: str = ""
    api_id: str = ""
    api_name: str = ""


class Unit(msgspec.Struct, kw_only=True):
    """Times are milliseconds: `request_time` and `latency` the average of both ends, `upstream_latency` of the target.

    The slowest is known of the whole request alone; the fastest is not counted.
    """

    id: UnitId
    hits: int
    success: int
    error: int
    last_hit: str
    request_time: float
    latency: float
    upstream_latency: float
    max_latency: int
    min_latency: int = 0
    max_upstream_latency: int = 0
    min_upstream_latency: int = 0


class Usage(msgspec.Struct):
    data: list[Unit]
    pages: int


class UsageQuery(Whose, kw_only=True):
    """`p` is the page, from 1; without it, or with 0 or less, everything. `tags` is one tag."""

    p: int = 0
    page_size: Annotated[int, msgspec.Meta(description=f"At most {LARGEST_PAGE:,}.")] = 10
    res: Annotated[Literal["", "hour", "day", "month"], msgspec.Meta(description="How long a bucket is.")] = "day"
    by: Annotated[
        Literal["", "Hits", "Success", "Error", "Latency", "hits", "success", "error", "latency", "last_hit"],
        msgspec.Meta(description="What to sort by; otherwise time, or hits."),
    ] = ""
    sort: Annotated[Literal["", "1", "-1"], msgspec.Meta(description="1 is falling, -1 rising.")] = ""
    api_id: str = ""
    api_version: str = ""
    tags: str = ""


def unit(numbers: Numbers, id: UnitId) -> Unit:
    return Unit(
        id=id,
        hits=numbers.hits,
        success=numbers.success,
        error=numbers.errors,
        last_hit=zulu(numbers.last_at),
        request_time=round(numbers.latency or 0, 3),
        latency=round(numbers.latency or 0, 3),
        upstream_latency=round(numbers.upstream or 0, 3),
        max_latency=numbers.slowest,
    )


def zulu(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else NEVER


def usage(units: list[Unit], query: UsageQuery) -> Usage:
    """Answer with a page of them, in the order that is asked for."""
    field = query.by.lower()
    if field or query.sort:
        units = sorted(units, key=lambda each: getattr(each, field or "hits"), reverse=query.sort != "-1")
    if query.p <= 0:
        return Usage(units, 1)
    size = min(max(query.page_size, 1), LARGEST_PAGE)
    first = (min(query.p, 10**9) - 1) * size
    return Usage(units[first : first + size], max(1, ceil(len(units) / size)))


def refuse_filters(query: UsageQuery, names: Sequence[str], reason: str) -> None:
    """Refuse a filter that cannot be followed: without it, the numbers would be others than were asked for."""
    for name in names:
        if getattr(query, name):
            raise Refusal(400, f"{name} cannot be asked for here: {reason}.")
