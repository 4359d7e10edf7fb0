"""The request log of the Tyk Dashboard's API: single requests, the newest first, for as long as they are kept."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
from django.db.models import QuerySet

from analytics import queries
from analytics.api.days import DAYS
from analytics.api.tyk import span_in
from analytics.api.units import zulu
from analytics.api.whose import READ, Whose, api_number, key_numbers, looked_at
from analytics.models import Record
from orgs.machines import Answer, Call, Streamed, operation, page_of
from orgs.machines.lists import LARGEST_PAGE, PAGE_SIZE


class LogQuery(Whose, kw_only=True):
    """`p` is the page, from 1; 0 or less is everything."""

    p: int = 1
    page_size: Annotated[int, msgspec.Meta(description=f"At most {LARGEST_PAGE:,}.")] = PAGE_SIZE
    api_id: str = ""
    key: Annotated[str, msgspec.Meta(description="The hash of a key.")] = ""
    code: Annotated[int, msgspec.Meta(description="A status; 400 and more with `errors`.")] = 0
    errors: Annotated[bool, msgspec.Meta(description="Only requests that failed.")] = False


class Latency(msgspec.Struct):
    total: int
    upstream: int


class Country(msgspec.Struct):
    iso_code: str


class Geo(msgspec.Struct):
    country: Country


class LogLine(msgspec.Struct, kw_only=True):
    """One request. What it and its answer held is not in this list: `raw_request` and `raw_response` are empty."""

    method: str
    host: str
    path: str
    raw_path: str
    content_length: int
    user_agent: str
    response_code: int
    api_key: str
    timestamp: str
    api_version: str
    api_name: str
    api_id: str
    org_id: str
    oauth_id: str
    request_time: int
    raw_request: str = ""
    raw_response: str = ""
    ip_address: str
    geo: Geo
    latency: Latency
    tags: list[str]
    alias: str


class Log(msgspec.Struct):
    data: list[LogLine]
    pages: int


@operation(
    "GET", f"/api/logs/{DAYS}", "Single requests, the newest first", access=READ, query=LogQuery, answers=Log,
    refusals=(400, 404),
)  # fmt: skip
def get_logs(call: Call[LogQuery, None], *days: str) -> Answer | Streamed:
    with looked_at(call):
        span = span_in(days, "day")
        rows = Record.objects.filter(at__gte=span.start, at__lt=span.end).order_by("-at", "-id")
        return page_of(call, chosen(rows, call.query).defer("request", "response"), render, name="data")


def chosen(rows: "QuerySet[Record]", query: LogQuery) -> "QuerySet[Record]":
    if query.api_id:
        rows = rows.filter(api=api_number(query.api_id))
    if query.key:
        rows = rows.filter(key__in=key_numbers(query.key))
    if query.code:
        rows = rows.filter(status=min(max(query.code, 0), 1000))
    return rows.filter(status__gte=400) if query.errors else rows


def render(rows: Iterable[Record]) -> Iterator[bytes]:
    chunk = list(rows)
    names = queries.named([number for row in chunk for number in (row.api, row.key, row.version, row.client) if number])
    return (msgspec.json.encode(line(row, names)) for row in chunk)


def line(row: Record, names: dict[int, tuple[str, str]]) -> LogLine:
    def name(number: int) -> Any:
        return names.get(number, ("", ""))

    return LogLine(
        method=row.method,
        host=row.host,
        path=row.path,
        raw_path=row.path,
        content_length=row.size,
        user_agent=row.agent,
        response_code=row.status,
        api_key=name(row.key)[0],
        timestamp=zulu(row.at),
        api_version=name(row.version)[0] or "Non Versioned",
        api_name=name(row.api)[1],
        api_id=name(row.api)[0],
        org_id=row.organisation_id,
        oauth_id=name(row.client)[0],
        request_time=row.latency,
        ip_address=row.address,
        geo=Geo(Country(row.country)),
        latency=Latency(row.latency, row.upstream),
        tags=row.tags,
        alias=name(row.key)[1],
    )
