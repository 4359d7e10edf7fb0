"""How a page is asked, and how its numbers read."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import asking
from analytics.countries import NAMES, country
from analytics.numbers import Numbers, total, without
from analytics.pages.wording import change, data, milliseconds, percent

NOW = datetime(2026, 11, 28, 17, 30, tzinfo=UTC)


def test_moments_come_before_a_length() -> None:
    asked = asking.read({"span": "7d", "from": "2026-11-01", "to": "2026-11-02"}, now=NOW)
    assert (asked.length, asked.span.end - asked.span.start) == ("", timedelta(days=2))
    assert dict(asked.kept) == {"from": "2026-11-01", "to": "2026-11-02"}


def test_times_are_of_the_zone() -> None:
    asked = asking.read({"from": "2026-11-01T00:00", "to": "2026-11-01T05:00", "zone": "Asia/Tokyo"}, now=NOW)
    assert asked.span.start == datetime(2026, 10, 31, 15, tzinfo=UTC)


def test_one_senseless_value_leaves_the_others() -> None:
    asked = asking.read({"span": "30d", "zone": "Moon", "resolution": "hour", "api": "a"}, now=NOW)
    assert (asked.length, asked.span.resolution, len(asked.errors)) == ("30d", "day", 1)
    assert "zone" not in asked.kept
    assert asked.typed["zone"] == "Moon"


def test_minutes_that_are_gone_are_shown_by_the_hour() -> None:
    recent = asking.read({"from": "2026-11-28T10:00", "to": "2026-11-28T12:00"}, now=NOW)
    old = asking.read({"from": "2026-11-08T10:00", "to": "2026-11-08T12:00"}, now=NOW)
    assert (recent.span.resolution, old.span.resolution) == ("minute", "hour")


@given(st.dictionaries(st.sampled_from(asking.OF_TIME), st.text() | st.datetimes().map(str) | st.dates().map(str)))
def test_every_query_is_answered_with_a_span(query: dict[str, str]) -> None:
    asked = asking.read(query, now=NOW)
    assert asked.span.start < asked.span.end
    assert 0 < len(asked.span.starts) <= 1_300
    again = asking.read(dict(asked.kept), now=NOW)
    assert (again.span, again.errors) == (asked.span, ())


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0, 0), "—"), (percent(0, 5), "0%"), (percent(1, 10**6), "under 0.01%"), (percent(2, 100), "2.0%"),
        (percent(1, 3), "33%"), (data(999), "999 B"), (data(1_250), "1.2 kB"), (data(3.2e12), "3.2 TB"),
        (milliseconds(None), "—"), (milliseconds(3.25), "3.2 ms"), (milliseconds(812.4), "812 ms"),
        (milliseconds(12_400), "12.4 s"), (change(112, 100), "+12%"), (change(5, 0), ""), (change(1, 1), "as before"),
        (change(50, 100), "\N{MINUS SIGN}50%"), (change(2_000, 100), "20 times as much"),
    ],
)  # fmt: skip
def test_numbers_read_well(shown: str, expected: str) -> None:
    assert shown == expected


def test_what_is_left_is_the_whole_without_the_parts() -> None:
    parts = [Numbers(hits=2, client_errors=1, latencies=10**12 + 1), Numbers(hits=3, size=7, latencies=3)]
    left = Numbers(hits=4, size=1, latencies=4)
    assert without(total([*parts, left, None]), parts) == left


def test_countries_have_names() -> None:
    assert (len(NAMES), country("DE"), country("CI"), country("ZZ")) == (250, "Germany", "Côte d'Ivoire", "ZZ")
    assert all(len(code) == 2 and code.isupper() and name for code, name in NAMES.items())
