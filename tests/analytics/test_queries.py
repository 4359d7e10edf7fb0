"""Every number against a naive count of the records themselves."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics import closing, queries, spans
from analytics.models import Facet, Leaders, Record
from analytics.queries import Of
from analytics.rollups import LEVELS
from orgs import scope
from tests.analytics.conftest import Pour
from tests.analytics.traffic import traffic
from tests.conftest import World

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata")


@pytest.fixture
def served(world: World, pour: Pour, close: Callable[[], None]) -> Iterator[World]:
    """Thirty days of both organisations' traffic, in acme's scope."""
    end = datetime.now(UTC)
    start = end - timedelta(days=29.9)
    pour(traffic(world.acme.id, world.globex.id, count=3_000, start=start, end=end))
    close()
    pour(
        traffic(world.acme.id, world.globex.id, count=500, seed=2, start=start, end=end)
    )  # later than their buckets' sums
    with scope.opened(scope.of(world.acme.id)):
        yield world


def records(start: datetime, end: datetime) -> list[Record]:
    return list(Record.objects.filter(at__gte=start, at__lt=end))


def seen(numbers: queries.Numbers) -> tuple[int, ...]:
    return (numbers.hits, numbers.client_errors, numbers.server_errors, numbers.latency_sum, numbers.slowest)


def naive(found: list[Record]) -> tuple[int, ...]:
    return (
        len(found),
        sum(400 <= record.status < 500 for record in found),
        sum(record.status >= 500 for record in found),
        sum(record.latency for record in found),
        max((record.latency for record in found), default=0),
    )


@pytest.mark.parametrize("zone", ZONES)
def test_series_and_totals_are_a_count_of_the_records(served: World, zone: str) -> None:
    for length in spans.LENGTHS:
        compare(spans.last(length, now=datetime.now(UTC), zone=ZoneInfo(zone)))


def compare(span: spans.Span) -> None:
    ends = [*span.starts[1:], span.end]
    series = queries.series(queries.EVERYTHING, span)
    assert len(series) == len(span.starts)
    for start, end, numbers in zip(span.starts, ends, series, strict=True):
        if numbers is None:
            assert start >= span.until
        else:
            assert seen(numbers) == naive(records(start, end)), start
    assert seen(queries.totals(queries.EVERYTHING, span.start, span.until)) == naive(records(span.start, span.until))


def test_tops_are_a_count_of_the_records(served: World) -> None:
    for length in spans.LENGTHS:
        for facet in (Facet.API, Facet.KEY, Facet.ENDPOINT):
            compare_top(spans.last(length, now=datetime.now(UTC), zone=ZoneInfo("Europe/Berlin")), facet)


def compare_top(span: spans.Span, facet: Facet) -> None:
    column = {Facet.API: "api", Facet.KEY: "key", Facet.ENDPOINT: "endpoint"}[facet]
    for by_errors in (False, True):
        counted = Counter(
            getattr(record, column)
            for record in records(span.start, span.until)
            if getattr(record, column) and (not by_errors or record.status >= 400)
        )
        expected = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:10]
        of = Of(facet, 0 if facet == Facet.API else None)
        found = queries.top(of, span.start, span.until, by_errors=by_errors)
        scores = [(value.value, value.numbers.errors if by_errors else value.numbers.hits) for value in found]
        assert scores == expected


def test_leaders_never_change_what_comes_out(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few leaders, most values are in no bucket's, and some of the first are in few."""
    span = spans.last("30d", now=datetime.now(UTC), zone=ZoneInfo("UTC"))
    asked = [(Of(facet, None), by_errors) for facet in (Facet.KEY, Facet.ENDPOINT) for by_errors in (False, True)]
    before = [queries.top(of, span.start, span.until, by_errors=by_errors, limit=3) for of, by_errors in asked]
    monkeypatch.setattr(closing, "LEADERS", {"hour": 2, "day": 2})
    with scope.opened(scope.INTAKE):
        for level in ("hour", "day"):
            for days in range(31):
                for hours in range(24 if level == "hour" else 1):
                    at = spans.start_of("day", datetime.now(UTC)) - timedelta(days=days, hours=-hours)
                    if at < datetime.now(UTC) - timedelta(hours=2):
                        closing.lead(LEVELS[level], at)
    assert Leaders.objects.filter(level="day").count() > 50
    after = [queries.top(of, span.start, span.until, by_errors=by_errors, limit=3) for of, by_errors in asked]
    assert after == before
