"""Pings: two seconds apart from each node, so they are answered from memory, and written down together.

A process remembers for a moment which nodes it has recognised. Whom it has heard since is written once a second, in
one statement: a thousand pings a second are one transaction.
"""

import threading
import time
from collections.abc import Callable

from django.db.models.functions import Now

from gateways import credentials, nodes
from gateways.models import Node
from gateways.protocol import Sent
from orgs import scope

REMEMBERED_S = 2.0  # for so long a node may still beat with a secret that is no longer valid
WRITTEN_EVERY_S = 1.0
MOST = 20_000

Key = tuple[str, str, str]


class Presence:
    """Of one process; `clock` is for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Key, float] = {}
        self._heard: set[str] = set()
        self._written_at = clock()
        self._lock = threading.Lock()

    def ping(self, sent: Sent) -> None:
        """Take note that the node lives. Raises protocol.Refused."""
        key = (credentials.digest(sent.secret), sent.node_id, credentials.nonce_digest(sent.nonce))
        now = self._clock()
        if self._known.get(key, 0) <= now:
            nodes.recognise(sent)
            self._remember(key, now)
        if heard := self._note(sent.node_id, now):
            with scope.opened(scope.INSTALLATION):
                Node.objects.filter(pk__in=heard).update(seen_at=Now())

    def _remember(self, key: Key, now: float) -> None:
        with self._lock:
            if len(self._known) >= MOST:
                self._known = {known: until for known, until in self._known.items() if until > now}
            self._known[key] = now + REMEMBERED_S

    def _note(self, node_id: str, now: float) -> set[str]:
        """Return whom to write down, where it is time to."""
        with self._lock:
            self._heard.add(node_id)
            if now - self._written_at < WRITTEN_EVERY_S and len(self._heard) < MOST:
                return set()
            heard, self._heard, self._written_at = self._heard, set(), now
            return heard


PRESENCE = Presence()
