"""What every page of analytics is asked by its query string: which span of time, in whose zone, by which steps.

A value that makes no sense is answered with a sentence, and by the span that there is without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings

from analytics import spans
from analytics.spans import MINUTES_LAST, Resolution, Span

OF_TIME = ("span", "from", "to", "resolution", "zone")
OF_SUBJECT = ("api", "key")
LONGEST = 2_000
# Before it there was nothing to count.
FIRST_YEAR = 2000
# What is offered; every name of the IANA's list is taken.
ZONES = (
    "UTC", "Africa/Johannesburg", "Africa/Lagos", "America/Chicago", "America/Los_Angeles", "America/New_York",
    "America/Sao_Paulo", "America/Toronto", "Asia/Dubai", "Asia/Kolkata", "Asia/Shanghai", "Asia/Singapore",
    "Asia/Tokyo", "Australia/Sydney", "Europe/Berlin", "Europe/Istanbul", "Europe/London", "Europe/Madrid",
    "Europe/Paris", "Europe/Warsaw", "Pacific/Auckland",
)  # fmt: skip


class Senseless(ValueError):
    """A value of the query string that makes no sense; the text is a sentence about it."""


@dataclass(frozen=True)
class Asked:
    """`length` is one of spans.LENGTHS, or empty between two moments. `typed` is what the form shows again.

    `kept` is what links to other pages keep, all of it sound. `has_times` says that somebody chose the span.
    """

    span: Span
    length: str
    typed: Mapping[str, str]
    kept: Mapping[str, str]
    errors: tuple[str, ...] = ()
    has_times: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return self.span.zone

    def link(self, path: str = "", /, **changes: str | None) -> str:
        """Return a page's address with everything that was asked for; None drops a part."""
        chosen = {**self.kept, **changes}
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"{path}?{query}" if query else path or "?"

    def requests(self, prefix: str, **changes: str | None) -> str:
        """Lead from what is counted to the requests themselves: to those of this span, also where nobody chose it."""
        span = {} if self.has_times else {"span": self.length}
        return self.link(f"{prefix}requests/", **span, **changes)

    def about(self, **subject: str) -> "Asked":
        return replace(self, kept={**self.kept, **subject})

    def by_the_hour(self) -> "Asked":
        """For what is not counted by the minute."""
        span = self.span
        return replace(self, span=replace(span, resolution="hour")) if span.resolution == "minute" else self


def read(query: Mapping[str, str], *, now: datetime, also: Sequence[str] = ()) -> Asked:
    """Read a query string. `also` are names of a page's own, kept in its links as they were typed."""
    others = dict.fromkeys((*OF_SUBJECT, *also))
    typed = {name: query.get(name, "").replace("\0", "").strip()[:LONGEST] for name in (*OF_TIME, *others)}
    errors: list[str] = []
    zone = ZoneInfo(settings.TIME_ZONE)
    resolution: Resolution | None = None
    try:
        zone = _zone(typed["zone"])
    except Senseless as error:
        errors.append(str(error))
    try:
        resolution = _resolution(typed["resolution"])
    except Senseless as error:
        errors.append(str(error))
    length, span = "", None
    try:
        length, span = _span(typed, now=now, zone=zone, resolution=resolution)
    except ValueError as error:
        errors.append(str(error))
    sound = {name for name in OF_TIME if typed[name]}
    if errors:
        sound -= {"zone"} if typed["zone"] not in _zones() else set()
        sound -= {"resolution"} if resolution is None else set()
    if span is None:
        sound -= {"span", "from", "to"}
        length, span = spans.DEFAULT, spans.last(spans.DEFAULT, now=now, zone=zone, resolution=resolution)
    elif length:
        sound -= {"from", "to"}
    else:
        sound -= {"span"}
    kept = {name: value for name, value in typed.items() if name in sound or (name in others and value)}
    return Asked(
        span=_with_minutes_that_are_there(span, now),
        length=length,
        typed=typed,
        kept=kept,
        errors=tuple(errors),
        has_times=bool(sound & {"span", "from", "to"}),
    )


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(text: str) -> ZoneInfo:
    if text and text not in _zones():
        raise Senseless(f"There is no time zone “{text}”: write it as Europe/Berlin.")
    return ZoneInfo(text or settings.TIME_ZONE)


def _resolution(text: str) -> Resolution | None:
    found: dict[str, Resolution] = {one: one for one in get_args(Resolution)}
    if text and text not in found:
        raise Senseless(f"There are no steps of “{text}”: choose minute, hour, day or month.")
    return found.get(text)


def _span(
    typed: Mapping[str, str], *, now: datetime, zone: ZoneInfo, resolution: Resolution | None
) -> tuple[str, Span]:
    """Two moments come before a length: whoever fills them in wants them."""
    if typed["from"] or typed["to"]:
        if not typed["from"]:
            raise Senseless("Say from when on as well.")
        start = _moment(typed["from"], zone)
        end = _moment(typed["to"], zone, is_end=True) if typed["to"] else now
        # What lies ahead has nothing to show.
        return "", spans.between(
            start, min(end, now + timedelta(days=1)) if start <= now < end else end,
            now=now, zone=zone, resolution=resolution,
        )  # fmt: skip
    length = typed["span"] or spans.DEFAULT
    if length not in spans.LENGTHS:
        raise Senseless(f"There is no span “{length}”: choose one of {', '.join(spans.LENGTHS)}.")
    return length, spans.last(length, now=now, zone=zone, resolution=resolution)


def _moment(text: str, zone: ZoneInfo, *, is_end: bool = False) -> datetime:
    """Read a day or a time of the zone. A day that is the end is the whole of it."""
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text) + timedelta(days=int(is_end))
            found = datetime.combine(day, time(), zone)
        else:
            found = datetime.fromisoformat(text)
            found = found if found.tzinfo else found.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        raise Senseless(f"“{text}” is no time: write it as 2026-01-31 or 2026-01-31T14:00.") from None
    if not FIRST_YEAR <= found.year < 9999:
        raise Senseless(f"“{text}” is too far away: choose a time after the year {FIRST_YEAR}.")
    return found.astimezone(UTC)


def _with_minutes_that_are_there(span: Span, now: datetime) -> Span:
    """Minutes are counted for the last days alone, and a page shows the span before as well."""
    is_gone = span.resolution == "minute" and span.before.start < now - MINUTES_LAST
    return replace(span, resolution="hour") if is_gone else span
