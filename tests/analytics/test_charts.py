"""What a chart shows, read back from its SVG as a browser would."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from analytics.charts import Resolution, Series, TimeChart, Tone, Unit, draw, share, shown, sparkline
from analytics.charts.drawing import HEIGHT, PLOT_HEIGHT, SLOT
from analytics.charts.scales import time_ticks, value_ticks
from analytics.charts.wording import number, on_axis

BERLIN = ZoneInfo("Europe/Berlin")
LENGTHS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
TUESDAY = datetime(2026, 3, 3, 14, tzinfo=UTC)


def chart_of(
    *series: Series,
    start: datetime = TUESDAY,
    resolution: Resolution = "hour",
    kind: Literal["stacked", "lines"] = "stacked",
    unit: Unit = "requests",
    title: str = "Requests",
) -> TimeChart:
    count = len(series[0].values)
    times = [at(start, resolution, index) for index in range(count + 1)]
    return TimeChart(title, times[:-1], times[-1], series, kind, unit, resolution)


def at(start: datetime, resolution: Resolution, index: int) -> datetime:
    """Return when a bucket starts: after so many real hours, days by the calendar, or months."""
    if resolution == "month":
        years, month = divmod(start.month - 1 + index, 12)
        return start.replace(year=start.year + years, month=month + 1)
    if resolution == "day":
        return start + timedelta(days=index)
    return (start.astimezone(UTC) + LENGTHS[resolution] * index).astimezone(start.tzinfo)


def requests(values: Sequence[float | None]) -> Series:
    return Series("Requests", values, "requests")


def stack(
    ok: Sequence[float | None], client: Sequence[float | None], server: Sequence[float | None]
) -> tuple[Series, ...]:
    return (
        Series("Successful", ok, "ok"),
        Series("Client errors", client, "client-errors"),
        Series("Server errors", server, "server-errors"),
    )


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)  # noqa: S314 - our own


def tooltips(chart: TimeChart) -> list[str]:
    return [title.text or "" for title in parsed(draw(chart)).iter("title")]


def paths(chart: TimeChart, css: str, tone: Tone) -> list[str]:
    found = parsed(draw(chart)).iter("path")
    return [path.get("d", "") for path in found if path.get("class") == f"{css} chart-{tone}"]


def bars(chart: TimeChart, tone: Tone) -> list[tuple[float, float]]:
    """Return the top and the height of each bar of a series."""
    drawn = "".join(paths(chart, "chart-bar", tone))
    return [(float(top), float(height)) for top, height in re.findall(r"M\S+ (\S+?)h\S+?v(\S+?)h", drawn)]


def labels(chart: TimeChart, picture: str) -> list[tuple[int, str]]:
    return [(tick.index, tick.label) for tick in time_ticks(chart) if tick.only in ("", picture)]


def hours_of_a_day(day: datetime, count: int) -> TimeChart:
    return chart_of(requests([1] * count), start=day)


def test_tooltip_says_when_and_how_many() -> None:
    chart = chart_of(*stack([1189, 0], [12, 1], [3, 0]))
    assert tooltips(chart) == [
        "Tue 3 Mar 14:00: 1,204 requests, 12 client errors, 3 server errors",
        "Tue 3 Mar 15:00: 1 request, 1 client error, 0 server errors",
    ]


def test_tooltip_of_a_bucket_without_values_says_so() -> None:
    assert tooltips(chart_of(requests([None, 2]))) == ["Tue 3 Mar 14:00: no data", "Tue 3 Mar 15:00: 2 requests"]


def test_tooltip_of_what_is_measured_has_the_unit() -> None:
    chart = chart_of(Series("p50", [41.26], "p50"), Series("p99", [1204], "p99"), kind="lines", unit="ms")
    assert tooltips(chart) == ["Tue 3 Mar 14:00: p50 41.3 ms, p99 1,204 ms"]


def test_chart_says_what_time_it_is_of() -> None:
    hours, days = chart_of(requests([1, 2])), chart_of(requests([1, 2]), resolution="day")
    assert parsed(draw(hours)).get("aria-label") == "Requests, Tue 3 Mar 14:00 to Tue 3 Mar 16:00 (UTC)"
    assert parsed(draw(days)).get("aria-label") == "Requests, Tue 3 Mar 2026 to Wed 4 Mar 2026 (UTC)"


def test_parts_of_a_bar_stand_on_each_other() -> None:
    chart = chart_of(*stack([50], [30], [20]))
    assert [bars(chart, "ok"), bars(chart, "client-errors"), bars(chart, "server-errors")] == [
        [(100, 100)],
        [(40, 60)],
        [(0, 40)],
    ]


def test_few_errors_among_many_requests_are_seen_and_the_bar_is_no_higher_for_it() -> None:
    chart = chart_of(*stack([999_997], [0], [3]))
    ((ok_top, ok_height),) = bars(chart, "ok")
    assert bars(chart, "server-errors") == [(0, 1.5)]
    assert (ok_top, ok_height) == (1.5, 198.5)


def test_previous_period_is_a_line_before_the_bars() -> None:
    chart = chart_of(requests([10, 10]), Series("Previous day", [5, 10], "previous"))
    assert bars(chart, "requests") == [(0, 200), (0, 200)]
    assert paths(chart, "chart-line", "previous") == ["M5 100.0L15 0.0"]
    assert tooltips(chart)[0] == "Tue 3 Mar 14:00: 10 requests, previous day 5"


def test_line_has_gaps_and_a_value_between_two_of_them_is_a_dot() -> None:
    chart = chart_of(Series("p95", [10, 20, None, 30, None, 50, 40], "p95"), kind="lines", unit="ms")
    assert paths(chart, "chart-line", "p95") == ["M5 160.0L15 120.0M55 0.0L65 40.0"]
    assert paths(chart, "chart-dot", "p95") == ["M35 80.0h0"]


@pytest.mark.parametrize("values", [[], [None], [None] * 24])
def test_chart_without_values_says_so_and_has_no_axis(values: list[float | None]) -> None:
    svg = parsed(draw(chart_of(requests(values))))
    assert svg.get("aria-label") == "Requests: no data"
    assert [text.text for text in svg.iter("text") if text.get("class") == "chart-nothing"] == ["No data"]
    assert [text for text in svg.iter("text") if text.get("class") == "chart-value"] == []


def test_chart_of_zeros_has_an_axis_and_no_bars() -> None:
    chart = chart_of(requests([0] * 24))
    assert bars(chart, "requests") == []
    assert len(tooltips(chart)) == 24
    assert ">1</text>" in draw(chart)


def test_one_bucket_is_a_bar_and_no_wall() -> None:
    (path,) = paths(chart_of(requests([7])), "chart-bar", "requests")
    assert path.startswith("M4.65 ")
    assert "h0.70v" in path


@pytest.mark.parametrize(
    ("highest", "unit", "expected"),
    [
        (0, "requests", [0, 1]),
        (1, "requests", [0, 1]),
        (3, "requests", [0, 1, 2, 3]),
        (1204, "requests", [0, 500, 1000, 1500]),
        (10, "requests", [0, 2, 4, 6, 8, 10]),
        (0.3, "%", [0, 0.1, 0.2, 0.3]),
        (0.02, "ms", [0, 0.1]),
        (1e12, "requests", [0, 2e11, 4e11, 6e11, 8e11, 1e12]),
    ],
)
def test_value_axis_has_round_steps(highest: float, unit: Unit, expected: list[float]) -> None:
    assert value_ticks(highest, unit) == expected


@given(st.floats(1e-9, 1e15), st.sampled_from(["requests", "ms", "%"]))
def test_value_axis_reaches_the_highest_in_few_steps(highest: float, unit: Unit) -> None:
    ticks = value_ticks(highest, unit)
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] >= highest * (1 - 1e-9)
    assert len({on_axis(value, unit) for value in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0, "requests", "0"),
        (500, "requests", "500"),
        (1500, "requests", "1.5k"),
        (2e7, "requests", "20M"),
        (1e12, "requests", "1T"),
        (0, "ms", "0"),
        (200, "ms", "200 ms"),
        (1500, "ms", "1.5 s"),
        (0.5, "%", "0.5%"),
    ],
)
def test_values_are_short_on_the_axis(value: float, unit: Unit, expected: str) -> None:
    assert on_axis(value, unit) == expected


def test_numbers_are_as_long_as_is_worth_reading() -> None:
    assert [number(value) for value in (0, 1204, 1204.4, 99.96, 12.34, 0.0412)] == [
        *("0", "1,204", "1,204", "100.0", "12.3", "0.041"),
    ]


def test_day_of_23_hours_names_each_hour_where_it_is() -> None:
    chart = hours_of_a_day(datetime(2026, 3, 29, tzinfo=BERLIN), 23)
    assert chart.ends == datetime(2026, 3, 30, tzinfo=BERLIN)
    # There is no two o'clock: four o'clock is the fourth bucket.
    assert labels(chart, "wide")[:3] == [(0, "29 Mar"), (3, "04:00"), (5, "06:00")]
    assert tooltips(chart)[1:3] == ["Sun 29 Mar 01:00 CET: 1 request", "Sun 29 Mar 03:00 CEST: 1 request"]


def test_day_of_25_hours_tells_the_repeated_hour_apart() -> None:
    chart = hours_of_a_day(datetime(2026, 10, 25, tzinfo=BERLIN), 25)
    assert chart.ends == datetime(2026, 10, 26, tzinfo=BERLIN)
    assert labels(chart, "wide")[:4] == [(0, "25 Oct"), (2, "02:00"), (5, "04:00"), (7, "06:00")]
    assert tooltips(chart)[2:4] == ["Sun 25 Oct 02:00 CEST: 1 request", "Sun 25 Oct 02:00 CET: 1 request"]


def test_day_that_begins_at_one_o_clock_is_named() -> None:
    start = datetime(2026, 3, 7, 12, tzinfo=ZoneInfo("America/Havana"))
    assert (12, "8 Mar") in labels(chart_of(requests([1] * 24), start=start), "wide")


@pytest.mark.parametrize(
    ("start", "resolution", "count", "wide", "narrow"),
    [
        (
            *(TUESDAY, "hour", 24),
            *("14:00 16:00 18:00 20:00 22:00 4 Mar 02:00 04:00 06:00 08:00 10:00 12:00", "18:00 4 Mar 06:00 12:00"),
        ),
        (
            *(TUESDAY + timedelta(minutes=37), "minute", 60),
            *("14:40 14:45 14:50 14:55 15:00 15:05 15:10 15:15 15:20 15:25 15:30 15:35", "14:45 15:00 15:15 15:30"),
        ),
        (
            *(datetime(2026, 3, 2, tzinfo=BERLIN), "day", 28),
            *("2 Mar 4 Mar 6 Mar 8 Mar 10 Mar 12 Mar 14 Mar 16 Mar 18 Mar 20 Mar 22 Mar 24 Mar 26 Mar 28 Mar",),
            "2 Mar 9 Mar 16 Mar 23 Mar",
        ),
        (
            *(datetime(2025, 3, 1, tzinfo=BERLIN), "month", 13),
            *("Mar Apr May Jun Jul Aug Sep Oct Nov Dec 2026 Feb Mar", "Apr Jul Oct 2026"),
        ),
        (datetime(2026, 3, 3, tzinfo=BERLIN), "day", 1, "3 Mar", "3 Mar"),
    ],
)
def test_times_are_named_at_even_steps(
    start: datetime, resolution: Resolution, count: int, wide: str, narrow: str
) -> None:
    chart = chart_of(requests([1] * count), start=start, resolution=resolution)
    assert " ".join(label for _, label in labels(chart, "wide")) == wide
    assert " ".join(label for _, label in labels(chart, "narrow")) == narrow


@given(st.integers(1, 400), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from(["hour", "day"]))
def test_few_times_are_named_and_never_none(count: int, start: datetime, resolution: Resolution) -> None:
    chart = chart_of(requests([1] * count), start=start.replace(minute=0, tzinfo=BERLIN), resolution=resolution)
    assert 1 <= len(labels(chart, "wide")) <= 15
    assert 1 <= len(labels(chart, "narrow")) <= 5


TONES: list[Tone] = ["requests", "ok", "client-errors", "server-errors", "p50", "p95", "p99", "previous"]
VALUES = st.none() | st.floats(0, 1e12) | st.integers(0, 10**12)


@st.composite
def charts(draw: st.DrawFn) -> TimeChart:
    count = draw(st.sampled_from([0, 1, 2, 24, 130]))
    column = st.lists(VALUES, min_size=count, max_size=count)
    tones = draw(st.lists(st.sampled_from(TONES), min_size=1, max_size=4, unique=True))
    return chart_of(
        *(Series(draw(st.text()), draw(column), tone) for tone in tones),
        kind=draw(st.sampled_from(["stacked", "lines"])),
        unit=draw(st.sampled_from(["requests", "ms", "%"])),
        title=draw(st.text()),
    )


@given(charts())
def test_any_chart_is_well_formed_and_within_its_box(chart: TimeChart) -> None:
    svg = parsed(draw(chart))
    for text in svg.iter("text"):
        across = text.get("x", "")
        assert across == "-10" or 0 <= float(across.removesuffix("%")) <= 100
        assert 0 <= float(text.get("y", "")) <= HEIGHT
    for line in svg.iter("line"):
        assert 0 <= float(line.get("y1", "")) <= PLOT_HEIGHT
    for path in svg.iter("path"):
        for x, y in corners(path.get("d", "")):
            assert 0 <= x <= len(chart.times) * SLOT
            assert -0.1 <= y <= PLOT_HEIGHT + 0.1  # rounding


def corners(path: str) -> list[tuple[float, float]]:
    """Return the points that a path goes through, by the few commands that are used here."""
    found: list[tuple[float, float]] = []
    x = y = 0.0
    for command, arguments in re.findall(r"([MLhvz])([^MLhvz]*)", path):
        numbers = [float(one) for one in arguments.split()]
        if command in "ML":
            x, y = numbers
        elif command != "z":
            x, y = (x + numbers[0], y) if command == "h" else (x, y + numbers[0])
        found.append((x, y))
    return found


@given(st.lists(VALUES, max_size=60), st.text())
def test_any_sparkline_is_well_formed_and_within_its_box(values: list[float | None], label: str) -> None:
    svg = parsed(sparkline(values, label))
    for path in svg.iter("path"):
        assert all(0 <= x <= 90 and 0 <= y <= 20 for x, y in corners(path.get("d", "")))
    if label.isprintable():
        assert svg.get("aria-label") == label


def test_sparkline_goes_from_zero_to_its_highest_and_has_gaps() -> None:
    assert re.findall(r' d="(.*?)"', sparkline([0, 8, None, 4, None], "x")) == [
        "M2.0 18.0L2.0 18.0L23.5 2.0M66.5 10.0L66.5 10.0"
    ]


@pytest.mark.parametrize(
    ("value", "of", "percent"), [(0, 0, "0"), (0, 7, "0"), (1, 2, "50"), (7, 7, "100"), (9, 7, "100")]
)
def test_share_is_never_more_than_all(value: float, of: float, percent: str) -> None:
    assert f'aria-label="{percent}%"' in share(value, of)
    assert f'class="share-part" width="{percent}.0"' in share(value, of)


def page_of(chart: TimeChart) -> ElementTree.Element:
    html = render_to_string("partials/chart.html", {"chart": shown(chart)})
    return parsed(re.sub(r" (data-zoom|data-picture|hidden)(?=[ >])", r' \1=""', html))


def test_page_has_the_values_as_a_table_with_the_zone() -> None:
    start = datetime(2026, 3, 3, 14, tzinfo=BERLIN)
    page = page_of(chart_of(*stack([1189, None], [12, None], [3, 0]), start=start, title="Requests <today>"))
    rows = [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]
    assert rows == [
        ["Time (Europe/Berlin)", "Successful", "Client errors", "Server errors"],
        ["Tue 3 Mar 14:00", "1,189", "12", "3"],
        ["Tue 3 Mar 15:00", "—", "—", "0"],
    ]
    assert [caption.text for caption in page.iter("caption")] == ["Requests <today>"]
    assert next(time.get("datetime") for time in page.iter("time")) == "2026-03-03T14:00:00+01:00"
    assert {head.get("scope") for head in page.iter("th")} == {"col", "row"}


def test_legend_has_totals_of_counts_and_the_highest_of_measures() -> None:
    counts = shown(chart_of(*stack([1189, 11], [12, None], [None, None])))
    assert [(item.label, item.total, item.is_line) for item in counts.legend] == [
        ("Successful", "1,200", False),
        ("Client errors", "12", False),
        ("Server errors", "—", False),
    ]
    measures = shown(chart_of(Series("p95", [80, 812.4], "p95"), kind="lines", unit="ms"))
    assert [(item.label, item.total, item.is_line) for item in measures.legend] == [("p95", "up to 812 ms", True)]


def test_only_what_has_something_to_see_can_be_zoomed() -> None:
    assert "data-zoom " in render_to_string("partials/chart.html", {"chart": shown(chart_of(requests([1, 2])))})
    for values in ([], [None, None], [5]):
        page = render_to_string("partials/chart.html", {"chart": shown(chart_of(requests(values)))})
        assert "data-zoom " not in page


def test_chart_of_no_buckets_has_no_table() -> None:
    assert list(page_of(chart_of(requests([]))).iter("table")) == []


CSS = (Path(__file__).resolve().parents[2] / "static/commonhold.css").read_text()


def tones_in(theme: int) -> dict[str, str]:
    """Return the colour of each tone, with that of the card: theme 0 is light, 1 is dark."""
    colours = {"surface": re.search(r"--surface: light-dark\((\S+), (\S+)\)", CSS)}
    for tone in TONES:
        colours[tone] = re.search(rf"\.chart-{tone}\b[^{{]*{{ --tone: light-dark\((\S+), (\S+)\)", CSS)
    return {name: found.groups()[theme] for name, found in colours.items() if found}


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of #rgb or #rrggbb, as WCAG has it."""
    digits = colour.removeprefix("#")
    pairs = [digits[at : at + 2] for at in (0, 2, 4)] if len(digits) == 6 else [digit * 2 for digit in digits]
    red, green, blue = (linear(int(pair, 16) / 255) for pair in pairs)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else pow((channel + 0.055) / 1.055, 2.4)


@pytest.mark.parametrize("theme", [0, 1])
def test_every_tone_stands_out_from_a_card(theme: int) -> None:
    colours = tones_in(theme)
    assert colours.keys() == {"surface", *TONES}
    assert {tone for tone in TONES if contrast(colours[tone], colours["surface"]) < 3} == set()


@pytest.mark.parametrize("theme", [0, 1])
def test_neighbours_in_a_stack_differ_in_lightness(theme: int) -> None:
    colours = tones_in(theme)
    for one, other in (("ok", "client-errors"), ("client-errors", "server-errors")):
        assert contrast(colours[one], colours[other]) > 1.25
