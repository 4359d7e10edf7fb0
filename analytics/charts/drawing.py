"""A chart over time as SVG.

Heights are pixels. Across, a chart is as wide as its place: what is drawn in `chart-plot` is stretched, and texts
stand at percentages, so that they have the same size in a wide and in a narrow place. Colours are the stylesheet's.
"""

from collections.abc import Iterator, Sequence

from django.utils.safestring import SafeString, mark_safe

from analytics.charts.model import Series, TimeChart
from analytics.charts.scales import TimeTick, time_ticks, value_ticks
from analytics.charts.wording import bucket, moment, on_axis, text, zone

PLOT_HEIGHT, HEIGHT, TIMES_AT = 200, 224, 219
SLOT = 10  # what a bucket is wide in `chart-plot`
BAR = 8
WIDEST_BAR = 0.07  # of the plot, so that a chart of one bucket is no wall
FINE = 120  # with more buckets than this the gaps between the bars would be finer than a pixel
LEAST_BAR = 1.5  # three errors among millions of requests are seen


def draw(chart: TimeChart) -> SafeString:
    """Return the chart as an `<svg>`; without any value it says so."""
    inside = _nothing() if chart.highest is None else _drawn(chart, chart.highest)
    return mark_safe(  # noqa: S308 - numbers, and texts that were escaped one by one
        f'<svg class="chart-svg" height="{HEIGHT}" role="img"'
        f' aria-label="{text(_summary(chart))}">{inside}{_times(chart)}</svg>'
    )


def _summary(chart: TimeChart) -> str:
    if chart.highest is None:
        return f"{chart.title}: no data"
    # "3 March to 5 March" takes in the fifth, "14:00 to 16:00" ends when 16:00 begins.
    last = chart.times[-1] if chart.resolution in ("day", "month") else chart.ends
    begins, ends = moment(chart.times[0], chart.resolution), moment(last, chart.resolution)
    return f"{chart.title}, {begins} to {ends} ({zone(chart)})"


def _nothing() -> str:
    base = _line_across(PLOT_HEIGHT, "chart-base")
    return f'{base}<text class="chart-nothing" x="50%" y="{PLOT_HEIGHT // 2}">No data</text>'


def _drawn(chart: TimeChart, highest: float) -> str:
    ticks = value_ticks(highest, chart.unit)
    scale = PLOT_HEIGHT / ticks[-1]
    grid = "".join(_value_tick(PLOT_HEIGHT - value * scale, on_axis(value, chart.unit)) for value in ticks)
    lines = (_line(one, scale, is_over_bars=bool(chart.stacked)) for one in chart.lines)
    marks = "".join((*_bars(chart, scale), *lines))
    return (
        f'{grid}<svg class="chart-plot" width="100%" height="{PLOT_HEIGHT}"'
        f' viewBox="0 0 {len(chart.times) * SLOT} {PLOT_HEIGHT}" preserveAspectRatio="none">{marks}'
        f'<g class="chart-hits">{"".join(_hits(chart))}</g></svg>{_line_across(PLOT_HEIGHT, "chart-base")}'
    )


def _line_across(y: float, css: str) -> str:
    return f'<line class="{css}" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'


def _value_tick(y: float, label: str) -> str:
    return f'{_line_across(y, "chart-grid")}<text class="chart-value" x="-10" y="{y:.1f}" dy=".32em">{label}</text>'


def _times(chart: TimeChart) -> str:
    return "".join(_time_tick(tick, len(chart.times)) for tick in time_ticks(chart))


def _time_tick(tick: TimeTick, count: int) -> str:
    css = f"chart-time chart-{tick.only}" if tick.only else "chart-time"
    return f'<text class="{css}" x="{(tick.index + 0.5) / count:.2%}" y="{TIMES_AT}">{tick.label}</text>'


def _bars(chart: TimeChart, scale: float) -> Iterator[str]:
    """Yield a path for each series, since a rectangle for each bar would be three times as long."""
    count = len(chart.times)
    width = SLOT if count > FINE else min(BAR, WIDEST_BAR * SLOT * count)
    paths: list[list[str]] = [[] for _ in chart.stacked]
    for index in range(count):
        bottom = float(PLOT_HEIGHT)
        left = index * SLOT + (SLOT - width) / 2
        for path, height in zip(paths, _heights(chart, index, scale), strict=True):
            if height:
                bottom -= height
                path.append(f"M{left:.2f} {bottom:.1f}h{width:.2f}v{height:.1f}h-{width:.2f}z")
    for one, path in zip(chart.stacked, paths, strict=True):
        if path:
            yield f'<path class="chart-bar chart-{one.tone}" d="{"".join(path)}"/>'


def _heights(chart: TimeChart, index: int, scale: float) -> list[float]:
    """Return how high each part of a stack is. What small parts are given to be seen is taken from the largest."""
    values = [one.values[index] or 0 for one in chart.stacked]
    heights = [max(value * scale, LEAST_BAR) if value else 0 for value in values]
    largest = max(heights, default=0)
    surplus = sum(heights) - sum(values) * scale
    if surplus and largest > LEAST_BAR:
        heights[heights.index(largest)] = max(largest - surplus, LEAST_BAR)
    return heights


def _line(series: Series, scale: float, *, is_over_bars: bool) -> str:
    """Return the line of a series, broken where it has gaps. A value between two gaps is a dot."""
    runs = list(_runs([None if value is None else PLOT_HEIGHT - value * scale for value in series.values]))
    line = "".join("M" + "L".join(run) for run in runs if len(run) > 1)
    dots = "".join(f"M{run[0]}h0" for run in runs if len(run) == 1)
    shapes = [("chart-line", line), ("chart-dot", dots)]
    if is_over_bars:
        shapes.insert(0, ("chart-halo", line))
    return "".join(f'<path class="{css} chart-{series.tone}" d="{path}"/>' for css, path in shapes if path)


def _runs(heights: Sequence[float | None]) -> Iterator[list[str]]:
    run: list[str] = []
    for index, y in enumerate(heights):
        if y is not None:
            run.append(f"{index * SLOT + SLOT // 2} {y:.1f}")
        elif run:
            yield run
            run = []
    if run:
        yield run


def _hits(chart: TimeChart) -> Iterator[str]:
    for index in range(len(chart.times)):
        yield (
            f'<rect x="{index * SLOT}" width="{SLOT}" height="{PLOT_HEIGHT}">'
            f"<title>{text(bucket(chart, index))}</title></rect>"
        )
