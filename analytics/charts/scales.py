"""Where the lines and names of the axes are."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from analytics.charts.model import Resolution, TimeChart, Unit

MOST_VALUE_STEPS = 5
MOST_TIMES_WIDE, MOST_TIMES_NARROW = 15, 5
LEAST_STEP: dict[Unit, float] = {"requests": 1, "ms": 0.1, "%": 0.1}


def value_ticks(highest: float, unit: Unit) -> list[float]:
    """Return round values from 0 to the first that is not below the highest."""
    if highest <= 0:
        return [0, 1]
    step = max(_round_step(highest / MOST_VALUE_STEPS), LEAST_STEP[unit])
    # Without the hair 0.3 / 0.1 would be more than three steps.
    steps = max(1, math.ceil(highest / step - 1e-9))
    return [round(step * count, 6) for count in range(steps + 1)]


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= least * (1 - 1e-9)), 10 * power)


@dataclass(frozen=True)
class TimeTick:
    """`only` says that it belongs to the wide or to the narrow picture alone."""

    index: int
    label: str
    only: Literal["wide", "narrow", ""]


def time_ticks(chart: TimeChart) -> list[TimeTick]:
    """Return the buckets that are named below the chart, by the clock and the calendar of their zone."""
    wide, narrow = _named(chart, MOST_TIMES_WIDE), _named(chart, MOST_TIMES_NARROW)
    return [
        TimeTick(index, _label(chart, index), "" if index in wide & narrow else "wide" if index in wide else "narrow")
        for index in sorted(wide | narrow)
    ]


def _named(chart: TimeChart, most: int) -> set[int]:
    before_and_now = list(zip([None, *chart.times], chart.times, strict=False))
    for is_on_step in STEPS[chart.resolution]:
        named = {index for index, (before, now) in enumerate(before_and_now) if is_on_step(before, now)}
        if 0 < len(named) <= most:
            return named
    return {0} if chart.times else set()


def _label(chart: TimeChart, index: int) -> str:
    when = chart.times[index]
    before = chart.times[index - 1] if index else None
    if chart.resolution == "month":
        return f"{when:%Y}" if when.month == 1 else f"{when:%b}"
    if chart.resolution == "day" or _begins_day(before, when):
        return f"{when.day} {when:%b}"
    return f"{when:%H:%M}"


# Whether a bucket is named, from the start of the one before it (None for the first) and its own start.
IsOnStep = Callable[[datetime | None, datetime], bool]


def _begins_day(before: datetime | None, now: datetime) -> bool:
    """Say whether the day begins here, at midnight or, where the clock skips that, at one."""
    return before.date() != now.date() if before else (now.hour, now.minute) == (0, 0)


def _minutes(step: int) -> IsOnStep:
    return lambda before, now: (now.hour * 60 + now.minute) % step == 0 or _begins_day(before, now)


def _hours(step: int) -> IsOnStep:
    def is_on_step(before: datetime | None, now: datetime) -> bool:
        # The hour that a clock change repeats is named once: there is no room for the second.
        is_new_hour = before is None or before.hour != now.hour
        return (is_new_hour and now.hour % step == 0) or _begins_day(before, now)

    return is_on_step


def _days(step: int) -> IsOnStep:
    # Ordinal 1 is a Monday, so that weeks begin with one.
    return lambda before, now: _begins_day(before, now) and now.toordinal() % step == 1 % step


def _months(step: int) -> IsOnStep:
    return lambda before, now: now.day == 1 and (now.month - 1) % step == 0 and _begins_day(before, now)


def _years(step: int) -> IsOnStep:
    return lambda before, now: now.month == 1 and now.year % step == 0


STEPS: dict[Resolution, list[IsOnStep]] = {
    "minute": [*map(_minutes, (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)), *map(_days, (1, 2, 7))],
    "hour": [*map(_hours, (1, 2, 3, 6, 12)), *map(_days, (1, 2, 4, 7, 14)), *map(_months, (1, 2, 3, 6))],
    "day": [*map(_days, (1, 2, 7, 14)), *map(_months, (1, 2, 3, 6, 12))],
    "month": [*map(_months, (1, 2, 3, 6)), *map(_years, (1, 2, 5, 10, 20, 50))],
}
