"""Whose turn it is: an organisation for which something went wrong waits a while, and the others do not."""

import time

WAITS_S = 30.0


class Faulty:
    """The organisations that wait, in this process."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, organisation_id: str) -> None:
        self._until[organisation_id] = time.monotonic() + WAITS_S

    def without(self, organisations: list[str]) -> list[str]:
        """Return those that do not wait."""
        if not self._until:
            return organisations
        now = time.monotonic()
        self._until = {id: until for id, until in self._until.items() if until > now}
        return [id for id in organisations if id not in self._until]
