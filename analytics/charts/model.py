"""What a chart is of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

# Each is a class of the stylesheet: `chart-ok` and so on.
Tone = Literal["requests", "ok", "client-errors", "server-errors", "p50", "p95", "p99", "previous"]
Unit = Literal["requests", "ms", "%"]
Resolution = Literal["minute", "hour", "day", "month"]


@dataclass(frozen=True)
class Series:
    """`values` has one for each bucket, none of them negative; None is a gap.

    The label of a count may follow a number: "Client errors", as in "12 client errors".
    """

    label: str
    values: Sequence[float | None]
    tone: Tone


@dataclass(frozen=True)
class TimeChart:
    """`times` are the starts of the buckets, aware and in the zone to show; `ends` is when the last one ends.

    In a stacked chart the previous period is a line before the stacks, not a part of them.
    """

    title: str
    times: Sequence[datetime]
    ends: datetime
    series: Sequence[Series]
    kind: Literal["stacked", "lines"]
    unit: Unit
    resolution: Resolution

    @cached_property
    def stacked(self) -> list[Series]:
        return [one for one in self.series if self.kind == "stacked" and one.tone != "previous"]

    @cached_property
    def lines(self) -> list[Series]:
        return [one for one in self.series if self.kind == "lines" or one.tone == "previous"]

    @cached_property
    def heights(self) -> list[float | None]:
        """The height of each stack; None where no series has a value."""
        return [total(one.values[index] for one in self.stacked) for index in range(len(self.times))]

    @cached_property
    def highest(self) -> float | None:
        """The highest value that is drawn; None where there is nothing to draw."""
        in_lines = (value for one in self.lines for value in one.values)
        return max((value for value in (*self.heights, *in_lines) if value is not None), default=None)

    @cached_property
    def has_clock_change(self) -> bool:
        """Whether a time of day alone may mean two moments."""
        return self.resolution in ("minute", "hour") and len({when.utcoffset() for when in self.times}) > 1


def total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
