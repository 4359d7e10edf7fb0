"""The analytics of the Tyk Dashboard's API: `/api/usage/…` and `/api/activity/…`, each between two days."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from analytics import queries
from analytics.api.days import DAYS, place_of, refuse_many, span_of
from analytics.api.units import Unit, UnitId, Usage, UsageQuery, refuse_filters, unit, usage
from analytics.api.whose import READ, api_number, key_numbers, looked_at, refuse_nul
from analytics.decoding import UNVERSIONED
from analytics.models import Facet
from analytics.naming import number
from analytics.queries import EVERYTHING, Of, Value
from analytics.spans import Span
from orgs.machines import Call, Refusal, operation

UsageCall = Call[UsageQuery, None]
Handler = Callable[..., Usage]
Names = dict[int, tuple[str, str]]
# Of more values than these, those with the fewest hits are left out.
MOST_VALUES = 10_000
APART = "requests are not counted by both together"


def reads(path: str, summary: str) -> Callable[[Handler], Handler]:
    return operation("GET", path, summary, access=READ, query=UsageQuery, answers=Usage, refusals=(400, 404))


@reads(f"/api/usage/{DAYS}", "Requests over time")
def get_usage(call: UsageCall, *days: str) -> Usage:
    """With `api_id`, and `api_version`, or `tags`, those of one API, version or tag."""
    with looked_at(call):
        return over_time(call, days, filtered(call.query))


@reads(f"/api/usage/apis/{DAYS}", "Requests by API")
def get_usage_of_apis(call: UsageCall, *days: str) -> Usage:
    with looked_at(call):
        refuse_filters(call.query, ("api_version", "tags"), APART)
        of = Of(Facet.API, 0, api_number(call.query.api_id) if call.query.api_id else None)
        return by_value(call, days, of, lambda value, names: named_api(value.value, names))


@reads(f"/api/usage/apis/{{id}}/{DAYS}", "Requests of an API over time")
def get_usage_of_api(call: UsageCall, id: str, *days: str) -> Usage:
    """Also of an API that is gone. Of one that never was there are none."""
    with looked_at(call):
        call.query.api_id = id
        return over_time(call, days, filtered(call.query))


@reads(f"/api/activity/keys/{DAYS}", "Requests by key")
def get_activity_of_keys(call: UsageCall, *days: str) -> Usage:
    with looked_at(call):
        return by_value(call, days, Of(Facet.KEY, api_of_keys(call.query)), key_id)


@reads(f"/api/activity/keys/{{hash}}/{DAYS}", "Requests of a key over time")
def get_activity_of_key(call: UsageCall, hash: str, *days: str) -> Usage:
    """Also of a key that is gone. Of one that never was there are none."""
    with looked_at(call):
        return over_time(call, days, Of(Facet.KEY, api_of_keys(call.query)), among=key_numbers(hash))


@reads(f"/api/activity/keys/aggregate/{{hashes}}/{DAYS}", "Requests of several keys together, over time")
def get_activity_of_several_keys(call: UsageCall, hashes: str, *days: str) -> Usage:
    """At most 50 hashes, with commas between them."""
    with looked_at(call):
        return over_time(call, days, Of(Facet.KEY, api_of_keys(call.query)), among=key_numbers(hashes))


@reads(f"/api/activity/oauthid/{{id}}/{DAYS}", "Requests of an OAuth client over time")
def get_activity_of_client(call: UsageCall, id: str, *days: str) -> Usage:
    with looked_at(call):
        refuse_filters(call.query, ("api_id", "api_version", "tags"), APART)
        refuse_nul(id)
        return over_time(call, days, Of(Facet.CLIENT, 0, number(Facet.CLIENT.value, id)))


@reads(f"/api/activity/errors/{DAYS}", "Failed requests by status")
def get_activity_of_errors(call: UsageCall, *days: str) -> Usage:
    with looked_at(call):
        span = span_in(days, "day")
        codes = queries.totals(filtered(call.query), span.start, span.until).codes
        failed = [(code, count) for code, count in codes.items() if code >= 400 or code in (4, 5)]
        failed.sort(key=lambda each: (-each[1], each[0]))
        none = queries.Numbers()
        units = [unit(none, UnitId(code=code)) for code, _ in failed]
        for each, (_, count) in zip(units, failed, strict=True):
            each.hits = each.error = count
        return usage(units, call.query)


@reads(f"/api/activity/geo/{DAYS}", "Requests by country")
def get_activity_by_country(call: UsageCall, *days: str) -> Usage:
    with looked_at(call):
        refuse_filters(call.query, ("api_id", "api_version", "tags"), APART)
        return by_value(
            call, days, Of(Facet.COUNTRY), lambda value, names: UnitId(iso_country=text_of(value.value, names))
        )


@reads(f"/api/activity/endpoint/{DAYS}", "Requests by path")
def get_activity_of_endpoints(call: UsageCall, *days: str) -> Usage:
    """`path` is the path as it is counted, with `{id}` for what differs; `url` has the method too."""
    with looked_at(call):
        refuse_filters(call.query, ("api_version", "tags"), APART)
        parent = api_number(call.query.api_id) if call.query.api_id else None
        return by_value(call, days, Of(Facet.ENDPOINT, parent), endpoint_id)


def filtered(query: UsageQuery) -> Of:
    """Return what the filters of a call ask for."""
    version = "" if query.api_version in UNVERSIONED else query.api_version
    refuse_nul(version)
    if query.tags:
        if "," in query.tags:
            raise Refusal(400, "tags: name one tag, since a request with two of them would count twice.")
        refuse_filters(query, ("api_id", "api_version"), APART)
        return Of(Facet.TAG, 0, number(Facet.TAG.value, query.tags))
    if not query.api_id:
        refuse_filters(query, ("api_version",) if version else (), "a version is one of an API, so api_id is needed")
        return EVERYTHING
    api = api_number(query.api_id)
    return Of(Facet.VERSION, api, number(Facet.VERSION.value, version)) if version else queries.of_api(api)


def api_of_keys(query: UsageQuery) -> int | None:
    """Return the API at which keys are asked for, or None for all of them."""
    refuse_filters(query, () if query.api_version in UNVERSIONED else ("api_version",), APART)
    refuse_filters(query, ("tags",), APART)
    return api_number(query.api_id) if query.api_id else None


def over_time(call: UsageCall, days: Sequence[str], of: Of, *, among: list[int] | None = None) -> Usage:
    """Answer with the buckets that have any requests."""
    span = span_in(days, call.query.res or "day")
    try:
        refuse_many(span)
    except ValueError as error:
        raise Refusal(400, str(error)) from error
    found = queries.series(of, span, among=among)
    return usage(
        [
            unit(numbers, placed(start, span))
            for start, numbers in zip(span.starts, found, strict=True)
            if numbers and numbers.hits
        ],
        call.query,
    )


def placed(start: datetime, span: Span) -> UnitId:
    day, month, year, hour = place_of(start, span.resolution, span.zone)
    return UnitId(day=day, month=month, year=year, hour=hour)


def by_value(call: UsageCall, days: Sequence[str], of: Of, id_of: Callable[[Value, Names], UnitId]) -> Usage:
    """Answer with the values, those with the most hits first."""
    span = span_in(days, "day")
    found = queries.top(of, span.start, span.until, limit=MOST_VALUES)
    names = queries.named([each for value in found for each in (value.value, value.parent) if each])
    units: list[Unit] = [unit(value.numbers, id_of(value, names)) for value in found]
    return usage(units, call.query)


def key_id(value: Value, names: Names) -> UnitId:
    text, label = names.get(value.value, ("", ""))
    return UnitId(key=text, alias=label)


def endpoint_id(value: Value, names: Names) -> UnitId:
    _, label = names.get(value.value, ("", ""))
    return named_api(value.parent, names, path=label.partition(" ")[2], url=label)


def named_api(api: int, names: Names, *, path: str = "", url: str = "") -> UnitId:
    text, label = names.get(api, ("", ""))
    return UnitId(api_id=text, api_name=label, path=path, url=url)


def text_of(value: int, names: Names) -> str:
    return names.get(value, ("", ""))[0]


def span_in(days: Sequence[str], resolution: Any) -> Span:
    try:
        return span_of(days, resolution, now=timezone.now(), zone=ZoneInfo(settings.TIME_ZONE))
    except ValueError as error:
        raise Refusal(400, str(error)) from error
