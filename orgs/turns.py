"""Whose turn it is, and when: every organisation with something to do has one before any has two."""

import time
from datetime import timedelta

PUT_OFF_S = 30.0
# What somebody else has to take is tried again 1, 2, 4, … minutes apart, until a day has gone by.
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
GIVEN_UP_AFTER = timedelta(days=1)


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


def wait_after(attempt: int) -> timedelta:
    doubled: int = 2 ** min(attempt - 1, 10)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)
