"""How much of its quota a key has used, in the window that runs.

It is read where gateways count it, the counters in the Redis of each group: a window begins with a key's first request
after the last one has ended, which no roll-up knows, and those count keys by whole hours of the clock, with requests
too that a rate limit refused before the quota. Only counters of the open scope's own keys are asked for, by their
hashes; a Redis that several organisations share is never searched.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import redis
from django.db.models import Case, Max, Q, Value, When
from django.db.models.functions import Coalesce

from gateways import bus
from gateways.models import GatewayGroup, Serving
from gateways.outbox import QUOTA
from keys.models import Key, KeyPolicy
from keys.states import in_state
from orgs import scope

AT_ONCE = 1_000
# In percent: from here on a quota is nearly used up.
NEAR = 80


class NotCounted(Exception):
    """Why the counters cannot be read, as a sentence."""


@dataclass(frozen=True)
class Watched:
    """A key with a quota. `hashes` are that of its secret, and of the one that it replaces."""

    id: str
    alias: str
    hashes: tuple[str, ...]
    quota: int


class Counters:
    """Of one round: a Redis that did not answer is not waited for again by the next organisation."""

    def __init__(self) -> None:
        self.away: set[object] = set()

    def used(self, keys: list[Watched], places: Mapping[object, GatewayGroup]) -> dict[str, int]:
        """Return the requests of each key by its id: where several groups count, the highest. Raises NotCounted."""
        names = [(key.id, f"{QUOTA}{hash}") for key in keys for hash in key.hashes]
        found = {key.id: 0 for key in keys}
        for place, group in places.items():
            counts = self.read(place, group, [name for _, name in names])
            for (id, _), count in zip(names, counts, strict=True):
                found[id] = max(found[id], count)
        return found

    def read(self, place: object, group: GatewayGroup, names: list[str]) -> list[int]:
        if place not in self.away:
            try:
                return [_count(value) for value in bus.connect(group).mget(names)]
            except (redis.RedisError, OSError):
                self.away.add(place)
        raise NotCounted("The counters of quotas cannot be read now: the Redis of a gateway group does not answer.")


def places() -> dict[object, GatewayGroup]:
    """Return a group for each Redis of those that serve the organisation."""
    serving = list(Serving.objects.order_by("group_id").values_list("group_id", flat=True))
    with scope.opened(scope.INSTALLATION):
        groups = list(GatewayGroup.objects.filter(pk__in=serving).order_by("id"))
    return {place: group for group in groups if (place := bus.place_of(group))}


def _count(value: object) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@dataclass(frozen=True)
class Used:
    """How much of its quota a key has used; `share` is in percent."""

    key: Watched
    count: int

    @property
    def share(self) -> float:
        return 100 * self.count / self.key.quota


def used_up(*, least: float, now: datetime, counters: Counters, key: str = "") -> list[Used]:
    """Return the keys that have used at least this percentage of their quota, or that one key. Raises NotCounted."""
    found: list[Used] = []
    watched, served = iter(_watched(key, now)), places()
    while chunk := list(islice(watched, AT_ONCE)):
        counts = counters.used(chunk, served)
        found += [used for one in chunk if (used := Used(one, counts[one.id])).share >= least]
    return found


def _watched(key: str, now: datetime) -> Iterator[Watched]:
    """Yield the usable keys with a quota of their own, or from policies where they apply some."""
    keys = Key.objects.filter(in_state("active", now=now)).order_by()
    policies = _from_policies(key)
    if key:
        keys = keys.filter(pk=key)
    limited = keys.filter(Q(quota_max__gt=0) | Q(pk__in=[*policies])) if len(policies) < AT_ONCE else keys
    columns = ("id", "alias", "hash", "previous_hash", "quota_max")
    for id, alias, hash, previous, own in limited.values_list(*columns).iterator(chunk_size=AT_ONCE):
        quota = policies.get(id, own)
        if quota > 0:
            yield Watched(id, alias, tuple(text for text in (hash, previous) if text), quota)


def _from_policies(key: str) -> dict[str, int]:
    """Return the quota that policies give each key, by its id: the highest, and -1 where one of them gives none.

    Policies with limits for each API give none for the whole key.
    """
    gives = Q(policy__partitions=[]) | Q(policy__partitions__contains=["quota"])
    rows = KeyPolicy.objects.filter(gives, policy__is_active=True).exclude(policy__quota_max=0)
    if key:
        rows = rows.filter(key_id=key)
    grouped = (
        rows.order_by()
        .values("key_id")
        .annotate(
            highest=Max("policy__quota_max"),
            is_unlimited=Coalesce(Max(_unlimited()), Value(0)),
        )
    )
    return {row["key_id"]: -1 if row["is_unlimited"] else row["highest"] for row in grouped}


def _unlimited() -> Case:
    return Case(When(policy__quota_max__lt=0, then=Value(1)), default=Value(0))
