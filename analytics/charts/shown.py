"""What `templates/partials/chart.html` shows: the picture, its legend and the table of its values."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from analytics.charts.drawing import draw
from analytics.charts.model import Series, TimeChart, Tone, total
from analytics.charts.wording import NO_VALUE, measured, moment, number, text, zone

TIME_HEADS = {"minute": "Time", "hour": "Time", "day": "Day", "month": "Month"}


@dataclass(frozen=True)
class LegendItem:
    """`total` is the sum of what is counted, and says how high it went of what is measured."""

    label: str
    total: str
    tone: Tone
    is_line: bool


@dataclass(frozen=True)
class ShownChart:
    """`rows` is the ready body of the table. `can_zoom` says that there is something to look at more closely."""

    title: str
    svg: SafeString
    legend: list[LegendItem]
    zone: str
    head: list[str]
    rows: SafeString
    can_zoom: bool


def shown(chart: TimeChart) -> ShownChart:
    unit = "" if chart.unit == "requests" else f" ({chart.unit})"
    return ShownChart(
        title=chart.title,
        svg=draw(chart),
        legend=[LegendItem(one.label, _total(chart, one), one.tone, one in chart.lines) for one in chart.series],
        zone=zone(chart),
        head=[f"{TIME_HEADS[chart.resolution]} ({zone(chart)})", *(f"{one.label}{unit}" for one in chart.series)],
        rows=mark_safe("".join(_rows(chart))),  # noqa: S308 - numbers, and times that were escaped
        can_zoom=chart.highest is not None and len(chart.times) > 1,
    )


def _total(chart: TimeChart, series: Series) -> str:
    if chart.unit == "requests":
        summed = total(series.values)
        return NO_VALUE if summed is None else number(summed)
    highest = max((value for value in series.values if value is not None), default=None)
    return NO_VALUE if highest is None else f"up to {measured(highest, chart.unit)}"


def _rows(chart: TimeChart) -> Iterator[str]:
    """Yield a row for each bucket. 400 of them would take the template engine a hundred times as long."""
    for index, when in enumerate(chart.times):
        name = moment(when, chart.resolution, with_zone=chart.has_clock_change)
        cells = "".join(f'<td class="number">{_cell(one.values[index])}</td>' for one in chart.series)
        yield f'<tr><th scope="row"><time datetime="{when.isoformat()}">{text(name)}</time></th>{cells}</tr>\n'


def _cell(value: float | None) -> str:
    return NO_VALUE if value is None else number(value)
