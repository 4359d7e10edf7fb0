"""What a call of `/api/analytics/…` asks for: a span of time, in which zone, of which API and key."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from django.conf import settings
from django.utils import timezone

from analytics.api.days import FIRST_YEAR, LAST_YEAR
from analytics.api.whose import Whose, api_number, key_numbers
from analytics.histogram import quantiles
from analytics.models import Facet
from analytics.queries import EVERYTHING, QUANTILES, Numbers, Of, of_api
from analytics.spans import Resolution, Span, between
from orgs.machines import Refusal

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
DAY = timedelta(days=1)


class Times(Whose, kw_only=True):
    """`from` and `to` are moments of RFC 3339, as 2026-11-28T09:00:00Z: without them, the last 24 hours."""

    start: Moment | None = msgspec.field(name="from", default=None)
    end: Moment | None = msgspec.field(name="to", default=None)
    api: Annotated[str, msgspec.Meta(description="The `api_id` of an API.")] = ""
    key: Annotated[str, msgspec.Meta(description="The hash of a key, or several with commas between.")] = ""


class Asked(Times, kw_only=True):
    """Days and months are those of `zone`, such as Europe/Berlin: else of the installation's."""

    resolution: Annotated[
        Literal["minute", "hour", "day", "month"] | None,
        msgspec.Meta(description="How long a bucket is; where there would be more than 400, the next longer one."),
    ] = None
    zone: str = ""


class Counts(msgspec.Struct, kw_only=True):
    """Of some requests. Times are milliseconds, and null where there are none; quantiles are right to an eighth."""

    requests: int
    client_errors: int
    server_errors: int
    latency_ms: float | None
    upstream_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    slowest_ms: int
    bytes: int
    last_at: datetime | None


def counts(numbers: Numbers) -> dict[str, object]:
    """Return the fields of Counts."""
    p50, p95, p99 = (rounded(value) for value in quantiles(numbers.latencies, QUANTILES))
    return {
        "requests": numbers.hits,
        "client_errors": numbers.client_errors,
        "server_errors": numbers.server_errors,
        "latency_ms": rounded(numbers.latency),
        "upstream_ms": rounded(numbers.upstream),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "slowest_ms": numbers.slowest,
        "bytes": numbers.size,
        "last_at": numbers.last_at,
    }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


@dataclass(frozen=True)
class Question:
    """What is asked of `analytics.queries`."""

    of: Of
    among: list[int] | None
    span: Span


def question(query: Times, *, zone: str = "", resolution: Resolution | None = None) -> Question:
    """Requests are counted by the hour; by the minute those of all and of an API, not those of a key."""
    among = key_numbers(query.key) if query.key else None
    api = api_number(query.api) if query.api else None
    if among is not None:
        of = Of(Facet.KEY, api)
        resolution = "hour" if resolution == "minute" else resolution
    else:
        of = EVERYTHING if api is None else of_api(api)
    start, end = times(query)
    try:
        span = between(start, end, now=timezone.now(), zone=zone_of(zone), resolution=resolution)
        if among is not None and span.resolution == "minute":
            span = between(start, end, now=timezone.now(), zone=zone_of(zone), resolution="hour")
    except ValueError as error:
        raise Refusal(400, str(error)) from error
    return Question(of, among, span)


def times(query: Times) -> tuple[datetime, datetime]:
    """Return from when to when; one that is missing is a day from the other, or now."""
    for moment in (query.start, query.end):
        if moment and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise Refusal(400, f"from and to have to lie between the years {FIRST_YEAR} and {LAST_YEAR}.")
    end = query.end or timezone.now()
    return query.start or end - DAY, end


def zone_of(name: str) -> ZoneInfo:
    if name and name not in zones():
        raise Refusal(400, "zone: there is no such time zone; one is called as Europe/Berlin.")
    return ZoneInfo(name or settings.TIME_ZONE)


@cache
def zones() -> frozenset[str]:
    return frozenset(available_timezones())
