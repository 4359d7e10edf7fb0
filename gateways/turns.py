"""Whose turn it is, and when: every organisation with something to do has one before any has two."""

import time

PUT_OFF_S = 30.0
FIRST_REMINDER_S, LONGEST_S = 5.0, 300.0


class Turns:
    """Of one process. An organisation for which something went wrong waits a while, and the others do not."""

    def __init__(self) -> None:
        self._last = ""
        self._put_off: dict[str, float] = {}

    def take(self, organisations: list[str], *, most: int) -> list[str]:
        """Return those whose turn it is, of these ids in their order."""
        now = time.monotonic()
        self._put_off = {id: until for id, until in self._put_off.items() if until > now}
        ready = [id for id in organisations if id not in self._put_off]
        later, sooner = [id for id in ready if id > self._last], [id for id in ready if id <= self._last]
        turn = [*later, *sooner][:most]
        self._last = turn[-1] if turn else self._last
        return turn

    def put_off(self, organisation_id: str) -> None:
        self._put_off[organisation_id] = time.monotonic() + PUT_OFF_S


class Reminders:
    """When to tell gateways again what they seem not to have heard: soon, and then ever less often."""

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
