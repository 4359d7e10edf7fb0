"""Spans of time in somebody's zone, the buckets of a chart, and which roll-ups a span is summed from.

Requests are counted by the hour of UTC. Where a zone is half an hour off, its days begin at the hour before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Resolution = Literal["minute", "hour", "day", "month"]
RESOLUTIONS: tuple[Resolution, ...] = ("minute", "hour", "day", "month")
HOUR = timedelta(hours=1)
# What a chart can show; asking for more takes the next resolution.
MOST_BUCKETS = 400
LENGTHS: dict[str, tuple[str, timedelta, Resolution]] = {
    "1h": ("Last hour", timedelta(hours=1), "minute"),
    "6h": ("Last 6 hours", timedelta(hours=6), "minute"),
    "24h": ("Last 24 hours", timedelta(hours=24), "hour"),
    "7d": ("Last 7 days", timedelta(days=7), "hour"),
    "30d": ("Last 30 days", timedelta(days=30), "day"),
    "90d": ("Last 90 days", timedelta(days=90), "day"),
    "12m": ("Last 12 months", timedelta(days=365), "month"),
}
DEFAULT = "24h"
# Minutes are kept a little longer: see `Minute`.
MINUTES_LAST = timedelta(days=2)


@dataclass(frozen=True)
class Span:
    """From `start`, a whole hour of UTC, to `end`. `until` is where what has happened ends.

    What is counted by the hour begins at whole hours, also where a chart shows minutes.
    """

    start: datetime
    end: datetime
    until: datetime
    zone: ZoneInfo
    resolution: Resolution

    @property
    def starts(self) -> list[datetime]:
        """When each bucket of the chart begins, in the zone."""
        found, at = [], self.start
        while at < self.end:
            found.append(at.astimezone(self.zone))
            at = following(at, self.resolution, self.zone)
        return found

    @property
    def before(self) -> "Span":
        """The span of the same length that ends where this one begins, and as much of it as has happened of this one.

        A day of 23 or 25 hours counts as a day.
        """
        first, last = day_of(self.start, self.zone), day_of(self.end, self.zone)
        if self.resolution == "month":
            months = (last.year - first.year) * 12 + last.month - first.month
            earlier = at_local(month_shifted(first, -months), self.zone)
        elif self.start == at_local(first, self.zone) and self.end == at_local(last, self.zone):
            earlier = at_local(first - (last - first), self.zone)
        else:
            earlier = self.start - (self.end - self.start)
        passed = self.until - self.start
        return replace(self, start=earlier, end=self.start, until=min(earlier + passed, self.start))


def following(at: datetime, resolution: Resolution, zone: ZoneInfo) -> datetime:
    if resolution == "minute":
        return at + timedelta(minutes=1)
    if resolution == "hour":
        return at + HOUR
    day = day_of(at, zone)
    return at_local(day + timedelta(days=1) if resolution == "day" else month_shifted(day.replace(day=1), 1), zone)


def day_of(start: datetime, zone: ZoneInfo) -> date:
    """Return the day that begins at `start`: where a zone is half an hour off, that is still the day before."""
    return (start + HOUR).astimezone(zone).date()


def month_shifted(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def at_local(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins, at the whole hour of UTC."""
    return floor(datetime.combine(day, time(), zone).astimezone(UTC), "hour")


def floor(at: datetime, resolution: Resolution) -> datetime:
    at = at.astimezone(UTC).replace(second=0, microsecond=0)
    return at if resolution == "minute" else at.replace(minute=0)


def last(length: str, *, now: datetime, zone: ZoneInfo, resolution: Resolution | None = None) -> Span:
    """Return one of LENGTHS, up to and with the minute, hour, day or month that runs."""
    _, long, usual = LENGTHS[length]
    chosen = fitting(long, resolution or usual)
    if length == "12m":
        first = at_local(month_shifted(now.astimezone(zone).date(), -11), zone)
        end = at_local(month_shifted(now.astimezone(zone).date(), 1), zone)
    elif long >= timedelta(days=7):
        today = now.astimezone(zone).date()
        first = at_local(today - timedelta(days=long.days - 1), zone)
        end = at_local(today + timedelta(days=1), zone)
    else:
        step = timedelta(minutes=1) if chosen == "minute" else HOUR
        end = floor(now, chosen) + step
        first = floor(end - long, "hour")
    return Span(first, end, min(end, ceiling(now, chosen)), zone, chosen)


def between(start: datetime, end: datetime, *, now: datetime, zone: ZoneInfo, resolution: Resolution | None) -> Span:
    """Return the span between two moments that somebody chose. Raises ValueError with a sentence."""
    if end <= start:
        raise ValueError("The end has to come after the beginning.")
    if start > now:
        raise ValueError("The beginning has to lie in the past.")
    chosen = fitting(end - start, resolution or usual_for(end - start))
    if chosen == "minute" and start < now - MINUTES_LAST:
        chosen = "hour"
    first, until = floor(start, "hour"), ceiling(end - timedelta(microseconds=1), "hour")
    if chosen == "day":
        first = at_local(start.astimezone(zone).date(), zone)
        until = at_local((end - timedelta(microseconds=1)).astimezone(zone).date() + timedelta(days=1), zone)
    elif chosen == "month":
        first = at_local(start.astimezone(zone).date().replace(day=1), zone)
        until = at_local(month_shifted((end - timedelta(microseconds=1)).astimezone(zone).date(), 1), zone)
    return Span(first, until, max(first, min(until, ceiling(now, chosen))), zone, chosen)


def ceiling(at: datetime, resolution: Resolution) -> datetime:
    fine: Resolution = "minute" if resolution == "minute" else "hour"
    return floor(at, fine) + (timedelta(minutes=1) if fine == "minute" else HOUR)


def usual_for(long: timedelta) -> Resolution:
    if long <= timedelta(hours=6):
        return "minute"
    if long <= timedelta(days=7):
        return "hour"
    return "day" if long <= timedelta(days=100) else "month"


def fitting(long: timedelta, wanted: Resolution) -> Resolution:
    """Return the resolution that was asked for, or the next that a chart can show."""
    steps = {"minute": timedelta(minutes=1), "hour": HOUR, "day": timedelta(days=1), "month": timedelta(days=28)}
    if wanted == "minute" and long > timedelta(hours=6):
        wanted = "hour"
    while wanted != "month" and long / steps[wanted] > MOST_BUCKETS:
        wanted = RESOLUTIONS[RESOLUTIONS.index(wanted) + 1]
    return wanted


@dataclass(frozen=True)
class Piece:
    """A part of a span that is summed from one level of roll-ups."""

    level: str
    start: datetime
    end: datetime


def cover(start: datetime, end: datetime, closed: Mapping[str, datetime], *, hours_since: datetime) -> list[Piece]:
    """Return the fewest roll-ups that make up the time from start to end: months, days at both ends, and hours.

    `closed` says until when days and months have been summed. Before `hours_since` there are no hours: what begins or
    ends there is taken to the day of UTC. An hour that has only begun ends with its minutes.
    """
    if start < hours_since:
        start = start.replace(hour=0)
    if end < hours_since:
        end = end.replace(hour=0)
    return _cover(start, end, ("month", "day"), closed)


def _cover(start: datetime, end: datetime, levels: tuple[str, ...], closed: Mapping[str, datetime]) -> list[Piece]:
    if start >= end:
        return []
    if not levels:
        hour = floor(end, "hour")
        pieces = [Piece("hour", start, hour), Piece("minute", max(start, hour), end)]
        return [piece for piece in pieces if piece.start < piece.end]
    level, *finer = levels
    first = start_of(level, start)
    if first < start:
        first = next_start(level, first)
    last = min(start_of(level, end), closed.get(level, first))
    if first >= last:
        return _cover(start, end, tuple(finer), closed)
    return [
        *_cover(start, first, tuple(finer), closed),
        Piece(level, first, last),
        *_cover(last, end, tuple(finer), closed),
    ]


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Join pieces of the same level that follow each other."""
    found: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: (piece.level, piece.start)):
        if found and found[-1].level == piece.level and found[-1].end == piece.start:
            found[-1] = replace(found[-1], end=piece.end)
        else:
            found.append(piece)
    return found


def start_of(level: str, at: datetime) -> datetime:
    """Return when the bucket of UTC begins that a moment is in."""
    at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if level == "hour":
        return at
    return at.replace(hour=0, day=1 if level == "month" else at.day)


def next_start(level: str, start: datetime) -> datetime:
    if level == "month":
        return (start + timedelta(days=32)).replace(day=1)
    return start + (HOUR if level == "hour" else timedelta(days=1))
