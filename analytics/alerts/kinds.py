"""What a rule can watch, in words, and when it fires. No models here."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import TextChoices

WINDOWS = (5, 15, 60)
PERCENTILES = (95, 99)
# What is over for less than this, and comes back, has not been over: so nobody is told of each swing.
CALM_MIN = 5


class Kind(TextChoices):
    ERRORS = "errors", "Share of errors"
    LATENCY = "latency", "Latency"
    QUOTA = "quota", "Quota nearly used up"
    EXPIRY = "expiry", "Key about to expire"
    NODE = "node", "Gateway node gone"


HELP = {
    Kind.ERRORS: "Too many of the last minutes' requests were answered with an error.",
    Kind.LATENCY: "Too many of the last minutes' requests took too long.",
    Kind.QUOTA: "A key has used most of its quota in the window that runs.",
    Kind.EXPIRY: "A key stops working in a few days.",
    Kind.NODE: "A gateway that serves this organisation has not been heard of.",
}
OF_REQUESTS = (Kind.ERRORS, Kind.LATENCY)
OF_KEYS = (*OF_REQUESTS, Kind.QUOTA, Kind.EXPIRY)
# The smallest and the largest threshold of each.
BOUNDS = {
    Kind.ERRORS: (0, 99.99),
    Kind.LATENCY: (1, 600_000),
    Kind.QUOTA: (1, 100),
    Kind.EXPIRY: (1, 365),
    Kind.NODE: (1, 720),
}


@dataclass(frozen=True)
class Finding:
    """Something for which a rule is true now.

    `subject` tells it from others of the rule: a key's or node's id, or empty where requests are counted together.
    """

    subject: str
    concerns: str
    value: float


@dataclass(frozen=True)
class Counts:
    """Of the requests in a window; `latency` is the percentile of a rule in milliseconds, None without requests."""

    hits: int
    errors: int
    latency: float | None


def value_of(kind: str, counts: Counts) -> float:
    """Return the share of errors in percent, or the latency."""
    if kind == Kind.ERRORS:
        return 100 * counts.errors / counts.hits if counts.hits else 0.0
    return counts.latency or 0.0


def is_true(kind: str, counts: Counts, *, threshold: float, least_requests: int) -> bool:
    """Whether a rule of requests is true; of too few requests it never is."""
    return counts.hits >= max(1, least_requests) and value_of(kind, counts) > threshold


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def condition(
    kind: str, *, threshold: float, window_min: int, least_requests: int, percentile: int, only_server: bool
) -> str:
    """Return the condition of a rule as one reads it, without whom it is about."""
    amount, least = number(threshold), _plural(least_requests, "request")
    if kind == Kind.ERRORS:
        errors = "server errors" if only_server else "errors"
        return f"more than {amount}% {errors} in {window_min} min, of at least {least}"
    if kind == Kind.LATENCY:
        return f"p{percentile} over {amount} ms in {window_min} min, of at least {least}"
    return {
        Kind.QUOTA: f"{amount}% of the quota used",
        Kind.EXPIRY: f"expires within {_plural(threshold, 'day')}",
        Kind.NODE: f"not heard of for {_plural(threshold, 'minute')}",
    }[Kind(kind)]


def reading(kind: str, value: float, *, percentile: int = 95) -> str:
    """Return a value in words: `12.5% errors`."""
    amount = number(value)
    return {
        Kind.ERRORS: f"{amount}% errors",
        Kind.LATENCY: f"p{percentile} {amount} ms",
        Kind.QUOTA: f"{amount}% of the quota used",
        Kind.EXPIRY: f"{_plural(value, 'day')} left",
        Kind.NODE: f"silent for {_plural(value, 'minute')}",
    }[Kind(kind)]


def _plural(value: float, unit: str) -> str:
    return f"{number(value)} {unit}" if value == 1 else f"{number(value)} {unit}s"


def worst(kind: str, before: float, now: float) -> float:
    """Return the worse of two values: of days that are left, the fewer."""
    return min(before, now) if kind == Kind.EXPIRY else max(before, now)


def times_fired(truths: Sequence[bool], *, calm: int) -> int:
    """Return how often a rule would have fired that was true and false so, step by step.

    `calm` is how many steps in a row it has to be false until what fires is over.
    """
    fired, false_for = 0, calm
    for is_now_true in truths:
        if is_now_true:
            fired += false_for >= calm
            false_for = 0
        else:
            false_for += 1
    return fired
