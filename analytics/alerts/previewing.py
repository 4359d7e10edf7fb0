"""How often a rule would have fired, from roll-ups; and for what it is true now, where those do not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics import queries
from analytics.alerts import measuring
from analytics.alerts.kinds import CALM_MIN, OF_REQUESTS, is_true, times_fired
from analytics.alerts.measuring import UTC_ZONE, CannotTell
from analytics.alerts.models import AlertRule
from analytics.models import Facet
from analytics.queries import Numbers, Of
from analytics.quotas import Counters
from analytics.spans import Resolution, Span, floor

# Records of the day before yesterday still come into their minutes, so these two days are whole.
MINUTES_LOOKED_AT = timedelta(days=2)
HOURS_LOOKED_AT = timedelta(days=7)
SHOWN = 3


@dataclass(frozen=True)
class Past:
    """What is summed in steps of `step_min` minutes, `days` back."""

    of: tuple[Of, ...]
    resolution: Resolution
    days: int
    step_min: int


def preview(rule: AlertRule, *, now: datetime) -> str:
    """Return a sentence; the rule need not be saved."""
    if rule.kind not in OF_REQUESTS:
        return _true_now(rule, now)
    past = _past_of(rule)
    if past is None:
        return "How often it would have fired is not known: keys are summed by the hour, and this looks at minutes."
    if not past.of:
        return "It would never fire: its API or key is gone."
    times = times_fired(truths(rule, past, now), calm=max(1, CALM_MIN // past.step_min))
    how = "hour by hour" if past.resolution == "hour" else "minute by minute: minutes are kept no longer"
    return f"It would {_fired(times)} in the last {past.days} days, {how}."


def _past_of(rule: AlertRule) -> Past | None:
    """Minutes are summed for all requests and each API and kept for days; hours of everything, for longer."""
    of, keys = measuring.of_rule(rule), measuring.keys_of(rule)
    if of is None or keys is None:
        return Past((), "hour", 0, 60)
    if rule.window_min < 60:
        return None if keys else Past((of,), "minute", MINUTES_LOOKED_AT.days, 1)
    if keys:
        parent = of.value if rule.api else None
        return Past(tuple(Of(Facet.KEY, parent, key) for key in keys), "hour", HOURS_LOOKED_AT.days, 60)
    return Past((of,), "hour", HOURS_LOOKED_AT.days, 60)


def truths(rule: AlertRule, past: Past, now: datetime) -> list[bool]:
    """Return whether the rule was true at the end of each step."""
    end = floor(now, past.resolution)
    span = Span(end - timedelta(days=past.days), end, end, UTC_ZONE, past.resolution)
    steps = [
        _added([one or Numbers() for one in at])
        for at in zip(*(queries.series(of, span) for of in past.of), strict=True)
    ]
    width = rule.window_min // past.step_min
    return [
        is_true(
            rule.kind, measuring.counted(rule, [window]), threshold=rule.threshold, least_requests=rule.least_requests
        )
        for window in rolling(steps, width)
    ]


def _added(numbers: Sequence[Numbers]) -> Numbers:
    """Only what a rule looks at."""
    return Numbers(
        hits=sum(one.hits for one in numbers),
        client_errors=sum(one.client_errors for one in numbers),
        server_errors=sum(one.server_errors for one in numbers),
        latencies=sum(one.latencies for one in numbers),
    )


def rolling(steps: Sequence[Numbers], width: int) -> list[Numbers]:
    """Return the sum of each step and the `width` - 1 before it."""
    sums = [(0, 0, 0, 0)]
    for one in steps:
        hits, client, server, latencies = sums[-1]
        sums.append(
            (hits + one.hits, client + one.client_errors, server + one.server_errors, latencies + one.latencies)
        )
    found = []
    for place in range(1, len(sums)):
        before, now = sums[max(0, place - width)], sums[place]
        hits, client, server, latencies = (b - a for a, b in zip(before, now, strict=True))
        found.append(Numbers(hits=hits, client_errors=client, server_errors=server, latencies=latencies))
    return found


def _true_now(rule: AlertRule, now: datetime) -> str:
    try:
        found = measuring.findings(rule, now=now, counters=Counters())
    except CannotTell as error:
        return str(error)
    if not found:
        return "It would not fire now."
    named = "; ".join(finding.concerns for finding in found[:SHOWN])
    more = f"; and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    return f"It would fire now: {named}{more}."


def _fired(times: int) -> str:
    return {0: "not have fired", 1: "have fired once"}.get(times, f"have fired {times:,} times")
