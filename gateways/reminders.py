"""When to tell gateways again what they seem not to have heard."""

import time

FIRST_REMINDER_S, LONGEST_S = 5.0, 300.0


class Reminders:
    """Soon, and then ever less often."""

    def __init__(self) -> None:
        self._wait_s = FIRST_REMINDER_S
        self._due_at: float | None = None

    def is_due(self, *, is_behind: bool) -> bool:
        """Whether to remind now; `is_behind` says that one of them still has not what it was told of."""
        now = time.monotonic()
        if not is_behind:
            self._wait_s, self._due_at = FIRST_REMINDER_S, None
            return False
        if self._due_at is None:
            self._due_at = now + self._wait_s
        if now < self._due_at:
            return False
        self._wait_s = min(2 * self._wait_s, LONGEST_S)
        self._due_at = now + self._wait_s
        return True
