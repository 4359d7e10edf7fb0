"""How numbers, times and texts are written in charts."""

from datetime import datetime

from django.utils.html import escape

from analytics.charts.model import Resolution, TimeChart, Unit

NO_VALUE = "—"
SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
# Characters that no XML may have, not even escaped.
NOT_IN_XML = dict.fromkeys([*({*range(32)} - {9, 10, 13}), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd")


def text(value: str) -> str:
    """Return the value as it may stand in an element or between the quotes of an attribute."""
    return escape(value.translate(NOT_IN_XML))


def number(value: float) -> str:
    """Return as much of a number as is worth reading: 1,204 or 12.3 or 0.04."""
    if value == round(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def short(value: float) -> str:
    """Return a round number: 500, 1.5k, 20M."""
    for size, suffix in SUFFIXES:
        if value >= size:
            return f"{value / size:,.10g}{suffix}"
    return f"{value:.10g}"


def on_axis(value: float, unit: Unit) -> str:
    if unit == "ms" and value >= 1000:
        return f"{short(value / 1000)} s"
    if unit == "ms" and value:
        return f"{short(value)} ms"
    return f"{short(value)}%" if unit == "%" else short(value)


def measured(value: float, unit: Unit) -> str:
    """Return a value and its unit, but for requests, which the label says: 812 ms, and 12.3 s from ten seconds on."""
    if unit == "ms" and value >= 10_000:
        return f"{number(round(value / 1000, 1))} s"
    return number(value) + {"requests": "", "ms": " ms", "%": "%"}[unit]


def moment(when: datetime, resolution: Resolution, *, with_zone: bool = False) -> str:
    """Return a bucket's name: "Tue 3 Mar 14:00", "Tue 3 Mar 2026", "March 2026"."""
    if resolution == "month":
        return f"{when:%B %Y}"
    if resolution == "day":
        return f"{when:%a} {when.day} {when:%b %Y}"
    return f"{when:%a} {when.day} {when:%b %H:%M}" + (f" {zone_then(when)}" if with_zone else "")


def zone_then(when: datetime) -> str:
    """Return what the zone is called at that time, as CET or CEST. Some zones have but a number, as -03."""
    name = when.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def zone(chart: TimeChart) -> str:
    return str(chart.ends.tzinfo)


def bucket(chart: TimeChart, index: int) -> str:
    """Return what the tooltip of a bucket says."""
    parts = _parts(chart, index) or ["no data"]
    return f"{moment(chart.times[index], chart.resolution, with_zone=chart.has_clock_change)}: {', '.join(parts)}"


def _parts(chart: TimeChart, index: int) -> list[str]:
    height = chart.heights[index]
    is_count = chart.unit == "requests"
    parts = [_counted(height, "requests")] if is_count and height is not None else []
    for one in chart.series:
        value = one.values[index]
        if value is None or (parts and one.tone in ("ok", "requests")):
            continue
        label = one.label[:1].lower() + one.label[1:]
        is_counted = is_count and one.tone != "previous"
        parts.append(_counted(value, label) if is_counted else f"{label} {measured(value, chart.unit)}")
    return parts


def _counted(value: float, things: str) -> str:
    return f"{number(value)} {things.removesuffix('s') if value == 1 else things}"
