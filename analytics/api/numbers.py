"""What an organisation's requests add up to: `/api/analytics/totals`, `series` and `top`."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from analytics import queries
from analytics.api.asked import Asked, Counts, Times, counts, question
from analytics.api.whose import READ, looked_at
from analytics.models import Facet
from analytics.queries import Of, Value
from orgs.machines import Call, Refusal, not_found, operation

FACETS = {
    "apis": Facet.API,
    "versions": Facet.VERSION,
    "keys": Facet.KEY,
    "endpoints": Facet.ENDPOINT,
    "countries": Facet.COUNTRY,
    "clients": Facet.CLIENT,
    "tags": Facet.TAG,
}
# Whose values are counted apart for each API.
BY_API = (Facet.VERSION, Facet.KEY, Facet.ENDPOINT)
LARGEST_LIMIT = 1_000


class Totals(Counts, kw_only=True):
    """`from` and `to` are what was counted: the whole hours of the time that was asked for, up to now.

    `statuses` is how many requests were answered with each.
    """

    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    statuses: dict[str, int]


class Bucket(Counts, kw_only=True):
    at: datetime


class Buckets(msgspec.Struct, kw_only=True):
    """`resolution` may be longer than what was asked for. What has not happened yet is not among `buckets`."""

    resolution: str
    zone: str
    buckets: list[Bucket]


class Top(Times, kw_only=True):
    """The values with the most requests, or errors."""

    by: Literal["requests", "errors"] = "requests"
    limit: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_LIMIT)] = 10


class Ranked(Counts, kw_only=True):
    """`id` is what it is called: an `api_id`, a key's hash, a path, a country's code; `name` what people call it."""

    id: str
    name: str
    api: str


class Ranking(msgspec.Struct):
    values: list[Ranked]


@operation(
    "GET", "/api/analytics/totals", "What requests add up to", access=READ, query=Times, answers=Totals,
    refusals=(404,),
)  # fmt: skip
def get_totals(call: Call[Times, None]) -> Totals:
    with looked_at(call):
        asked = question(call.query, resolution="hour")
        start, until = asked.span.start, asked.span.until
        numbers = queries.totals(asked.of, start, until, among=asked.among)
        statuses = {str(code): count for code, count in sorted(numbers.codes.items())}
        return Totals(start=start, end=until, statuses=statuses, **counts(numbers))  # type: ignore[arg-type]


@operation(
    "GET", "/api/analytics/series", "Requests over time", access=READ, query=Asked, answers=Buckets, refusals=(404,),
)  # fmt: skip
def get_series(call: Call[Asked, None]) -> Buckets:
    with looked_at(call):
        asked = question(call.query, zone=call.query.zone, resolution=call.query.resolution)
        found = zip(asked.span.starts, queries.series(asked.of, asked.span, among=asked.among), strict=True)
        buckets = [Bucket(at=at, **counts(numbers)) for at, numbers in found if numbers is not None]  # type: ignore[arg-type]
        return Buckets(resolution=asked.span.resolution, zone=str(asked.span.zone), buckets=buckets)


@operation(
    "GET", "/api/analytics/top/{facet}", "The values with the most requests", access=READ, query=Top, answers=Ranking,
    refusals=(404,),
)  # fmt: skip
def get_top(call: Call[Top, None], facet: str) -> Ranking:
    """Of `apis`, `versions`, `keys`, `endpoints`, `countries`, `clients` or `tags`."""
    wanted = FACETS.get(facet)
    if wanted is None:
        raise not_found(f"There is no such ranking; there are {', '.join(FACETS)}.")
    with looked_at(call):
        if call.query.key or (call.query.api and wanted not in BY_API):
            raise Refusal(400, f"{facet} are not counted by {'key' if call.query.key else 'API'}.")
        asked = question(call.query, resolution="hour")
        parent = asked.of.value if call.query.api else None if wanted in BY_API else 0
        found = queries.top(
            Of(wanted, parent),
            asked.span.start,
            asked.span.until,
            by_errors=call.query.by == "errors",
            limit=call.query.limit,
        )
        return Ranking(ranked(found, wanted))


def ranked(found: list[Value], facet: Facet) -> list[Ranked]:
    names = queries.named([each for value in found for each in (value.value, value.parent) if each])
    none = ("", "")
    rows = []
    for value in found:
        text, label = names.get(value.value, none)
        # A key is used at several APIs, and one of them would be no answer.
        api = "" if facet == Facet.KEY else names.get(value.parent, none)[0]
        id = label if facet == Facet.ENDPOINT else text
        rows.append(Ranked(id=id, name=label or text, api=api, **counts(value.numbers)))  # type: ignore[arg-type]
    return rows
