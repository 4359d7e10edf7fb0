"""How often one may call: a bucket of tokens for each caller, in each web process."""

import threading
import time
from dataclasses import dataclass

MOST_CALLERS = 10_000


@dataclass
class Bucket:
    tokens: float
    at: float


class Rates:
    """`per_second` calls on average and `burst` at once, each caller for itself; 0 per second is no limit."""

    def __init__(self, per_second: float, burst: float) -> None:
        self.per_second, self.burst = per_second, burst
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def wait_of(self, caller: str) -> float:
        """Count a call; return 0, or the seconds to wait before the next one is taken."""
        if not self.per_second:
            return 0
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.get(caller)
            if bucket is None:
                self._forget_some(now)
                bucket = self._buckets[caller] = Bucket(self.burst, now)
            bucket.tokens = min(self.burst, bucket.tokens + (now - bucket.at) * self.per_second)
            bucket.at = now
            if bucket.tokens < 1:
                return (1 - bucket.tokens) / self.per_second
            bucket.tokens -= 1
            return 0

    def _forget_some(self, now: float) -> None:
        """Drop the callers whose buckets are full again: they are as if they had never called."""
        if len(self._buckets) < MOST_CALLERS:
            return
        full = self.burst / self.per_second
        self._buckets = {who: bucket for who, bucket in self._buckets.items() if now - bucket.at < full}
        if len(self._buckets) >= MOST_CALLERS:
            self._buckets.clear()
