"""The days in the paths of the Tyk Dashboard's analytics: from which day to which, in the installation's zone."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from analytics.spans import Resolution, Span, at_local, ceiling, floor

DAYS = "{startDay}/{startMonth}/{startYear}/{endDay}/{endMonth}/{endYear}"
FIRST_YEAR, LAST_YEAR = 2000, 2200
MOST_BUCKETS = 2_000
MOST_DAYS: dict[Resolution, int] = {"hour": MOST_BUCKETS // 24, "day": MOST_BUCKETS, "month": MOST_BUCKETS * 28}


def span_of(parts: Sequence[str], resolution: Resolution, *, now: datetime, zone: ZoneInfo) -> Span:
    """Return the span of `DAYS`, the last of which belongs to it. Raises ValueError with a sentence."""
    first, last = day(parts[:3]), day(parts[3:])
    if last < first:
        raise ValueError(f"The last day, {last}, comes before the first, {first}.")
    return Span(
        start := at_local(first, zone),
        end := at_local(last + timedelta(days=1), zone),
        max(start, min(end, ceiling(now, "hour"))),
        zone,
        resolution,
    )


def refuse_many(span: Span) -> None:
    """Raise ValueError where the span has more buckets than an answer holds."""
    most = MOST_DAYS[span.resolution]
    if span.end - span.start > timedelta(days=most + 1):
        raise ValueError(f"With res={span.resolution} at most {most:,} days can be asked for.")


def day(parts: Sequence[str]) -> date:
    if not all(part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts):
        raise ValueError(f"{'/'.join(parts)[:40]} is no day: it is written day/month/year, as 28/11/2026.")
    number, month, year = map(int, parts)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"The year {year} does not lie between {FIRST_YEAR} and {LAST_YEAR}.")
    try:
        return date(year, month, number)
    except ValueError as error:
        raise ValueError(f"There is no day {number}/{month}/{year}.") from error


def place_of(start: datetime, resolution: Resolution, zone: ZoneInfo) -> tuple[int, int, int, int]:
    """Return day, month, year and hour of a bucket, 0 where it is longer.

    Where a zone is half an hour off, its day has begun at the whole hour before.
    """
    local = (
        start.astimezone(zone) if resolution == "hour" else (floor(start, "hour") + timedelta(hours=1)).astimezone(zone)
    )
    return 0 if resolution == "month" else local.day, local.month, local.year, local.hour if resolution == "hour" else 0
