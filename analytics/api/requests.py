"""Single requests: `/api/analytics/requests`, a page after the other."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from analytics import queries
from analytics.api.asked import Times, times
from analytics.api.whose import READ, api_number, key_numbers, looked_at
from analytics.models import Record
from orgs.machines import Call, Refusal, operation

LARGEST_PAGE = 1_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Wanted(Times, kw_only=True):
    """`after` is what `next` said: the requests that come after those of that answer."""

    errors: Annotated[bool, msgspec.Meta(description="Only requests that failed.")] = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_PAGE)] = 100
    after: str = ""


class SingleRequest(msgspec.Struct, kw_only=True):
    """One request. Times are milliseconds, `bytes` those of the answer's body. `key` is a hash."""

    id: str
    at: datetime
    api: str
    api_name: str
    version: str
    key: str
    alias: str
    client: str
    endpoint: str
    method: str
    host: str
    path: str
    status: int
    latency_ms: int
    upstream_ms: int
    bytes: int
    address: str
    country: str
    agent: str
    tags: list[str]


class Requests(msgspec.Struct):
    """The newest first. `next` is empty on the last page."""

    requests: list[SingleRequest]
    next: str


@operation(
    "GET", "/api/analytics/requests", "Single requests, the newest first", access=READ, query=Wanted, answers=Requests,
    refusals=(404,),
)  # fmt: skip
def get_requests(call: Call[Wanted, None]) -> Requests:
    """For as long as they are kept. What a request and its answer held is not told here."""
    query = call.query
    with looked_at(call):
        start, end = times(query)
        rows = Record.objects.filter(at__gte=start, at__lt=end).order_by("-at", "-id").defer("request", "response")
        if query.api:
            rows = rows.filter(api=api_number(query.api))
        if query.key:
            rows = rows.filter(key__in=key_numbers(query.key))
        if query.errors:
            rows = rows.filter(status__gte=400)
        if query.after:
            at, number = place_of(query.after)
            rows = rows.filter(at__lte=at).exclude(at=at, id__gte=number)
        found = list(rows[: query.limit + 1])
        page = found[: query.limit]
        return Requests(described(page), id_of(page[-1]) if len(found) > len(page) else "")


def described(rows: list[Record]) -> list[SingleRequest]:
    names = queries.named(
        [each for row in rows for each in (row.api, row.version, row.key, row.client, row.endpoint) if each]
    )
    none = ("", "")
    return [
        SingleRequest(
            id=id_of(row),
            at=row.at,
            api=names.get(row.api, none)[0],
            api_name=names.get(row.api, none)[1],
            version=names.get(row.version, none)[0],
            key=names.get(row.key, none)[0],
            alias=names.get(row.key, none)[1],
            client=names.get(row.client, none)[0],
            endpoint=names.get(row.endpoint, none)[1],
            method=row.method,
            host=row.host,
            path=row.path,
            status=row.status,
            latency_ms=row.latency,
            upstream_ms=row.upstream,
            bytes=row.size,
            address=row.address,
            country=row.country,
            agent=row.agent,
            tags=row.tags,
        )
        for row in rows
    ]


def id_of(row: Record) -> str:
    """Return the place of a request among all: when it was, to the microsecond, and its number."""
    return f"{(row.at - EPOCH) // MICROSECOND}-{row.id}"


def place_of(id: str) -> tuple[datetime, int]:
    at, dash, number = id.partition("-")
    if not (dash and at.isascii() and at.isdecimal() and number.isascii() and number.isdecimal()):
        raise Refusal(400, "after: give what `next` said.")
    if len(at) > 17 or len(number) > 19 or int(number) >= 2**63:
        raise Refusal(400, "after: give what `next` said.")
    return EPOCH + int(at) * MICROSECOND, int(number)
