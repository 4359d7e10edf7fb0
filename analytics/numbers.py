"""The numbers of some requests, and how they add."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics import histogram

QUANTILES = (0.5, 0.95, 0.99)
SUMS = (
    "hits", "client_errors", "server_errors", "latency_sum", "upstream_sum", "size", "latencies", "code_counts",
)  # fmt: skip


@dataclass(frozen=True)
class Numbers:
    """Of some requests. Times are milliseconds; `codes` is {status: requests}."""

    hits: int = 0
    client_errors: int = 0
    server_errors: int = 0
    latency_sum: int = 0
    upstream_sum: int = 0
    size: int = 0
    latencies: int = 0
    code_counts: int = 0
    slowest: int = 0
    last_at: datetime | None = None

    @property
    def errors(self) -> int:
        return self.client_errors + self.server_errors

    @property
    def success(self) -> int:
        return self.hits - self.errors

    @property
    def latency(self) -> float | None:
        return self.latency_sum / self.hits if self.hits else None

    @property
    def upstream(self) -> float | None:
        return self.upstream_sum / self.hits if self.hits else None

    @property
    def codes(self) -> dict[int, int]:
        return histogram.by_code(self.code_counts)

    def quantiles(self) -> list[float | None]:
        """Return p50, p95 and p99."""
        return histogram.quantiles(self.latencies, QUANTILES)


@dataclass(frozen=True)
class Value:
    """A value of a facet, and the parent it has; of several one."""

    parent: int
    value: int
    numbers: Numbers


def total(several: Sequence[Numbers | None]) -> Numbers:
    """Histograms are numbers whose places are counts, so that they add as numbers do."""
    known = [one for one in several if one is not None]
    sums = {field: sum(getattr(one, field) for one in known) for field in SUMS}
    slowest = max((one.slowest for one in known), default=0)
    return Numbers(**sums, slowest=slowest, last_at=max((one.last_at for one in known if one.last_at), default=None))


def without(whole: Numbers, parts: Sequence[Numbers]) -> Numbers:
    """Return what is left of the whole. How long the slowest of it took, nobody knows."""
    listed = total(parts)
    left = {field: max(0, getattr(whole, field) - getattr(listed, field)) for field in SUMS}
    return Numbers(**left)


def side_by_side(several: Sequence[Sequence[Numbers | None]]) -> list[Numbers | None]:
    """Add the buckets of several series that are of the same span."""
    return [None if all(one is None for one in bucket) else total(bucket) for bucket in zip(*several, strict=True)]


def in_order(values: Sequence[Value], *, by_errors: bool) -> list[Value]:
    """Sort by falling requests (or errors), and equal ones by their numbers."""
    return sorted(values, key=lambda one: (-(one.numbers.errors if by_errors else one.numbers.hits), one.value))
