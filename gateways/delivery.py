"""From the outbox into the Redis of a group.

One worker at a time delivers to a Redis: who holds the lock of its lane. What is written there is how a thing is by
then, read in the scope of its organisation. So telling it twice changes nothing, and after a crash before the outbox
was cleared it is told again.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import redis
from django.db import OperationalError
from django.db.models.functions import Now

from gateways import bus, credentials, nodes, outbox, sweeping
from gateways.models import GatewayGroup, Lane, ThisTransaction
from gateways.outbox import BEGUN, KEY, ORGANISATION_KEY, QUOTA, RELOAD, Entry
from gateways.protocol import DROP_SESSIONS
from gateways.protocol import RELOAD as RELOAD_COMMAND
from gateways.reminders import Reminders
from gateways.states import states_of
from orgs import scope
from orgs.ids import new_id
from orgs.sealing import unseal
from orgs.turns import Turns

log = logging.getLogger(__name__)

# An organisation has its turn with so many entries, so that nobody waits for another one's import.
ENTRIES_OF_ONE, ORGANISATIONS_AT_ONCE = 250, 40
NAMES_AT_ONCE = 125  # a session that names every API of a large organisation has a megabyte
RELOADS_APART_S = 0.5
LOOKS_APART_S = 2.0
LONGEST_WAIT_S = 10
LONGEST_FAULT = 300


class Delivery:
    """To one group; `secrets` are those that its nodes may have."""

    def __init__(
        self, group: GatewayGroup, lane: Lane, turns: Turns, reminders: Reminders, *, looks: bool, reloaded_at: float
    ) -> None:
        self.group, self.lane, self.turns, self.reminders = group, lane, turns, reminders
        self.looks, self.reloaded_at = looks, reloaded_at
        self.client = bus.connect(group)
        self.secrets = credentials.valid_secrets(group)
        self.api_secret = unseal(group.sealed_api_secret) if group.sealed_api_secret else ""
        self.is_due_to_reload = lane.wants_reload

    def run(self) -> int:
        """Deliver the next entries of each organisation; return how many."""
        if self.looks:
            self.look()
        with scope.opened(scope.EVERYTHING):
            organisations = self.turns.take(outbox.waiting(self.group.pk), most=ORGANISATIONS_AT_ONCE)
        may_reload = time.monotonic() - self.reloaded_at >= RELOADS_APART_S
        delivered = sum(self.give_turn(organisation_id, may_reload=may_reload) for organisation_id in organisations)
        if self.is_due_to_reload:
            bus.publish(self.client, RELOAD_COMMAND, "", self.secrets)
            self.reloaded_at = time.monotonic()
        if delivered:
            self.mark()
        return delivered

    def give_turn(self, organisation_id: str, *, may_reload: bool) -> int:
        try:
            with scope.opened(scope.of(organisation_id), savepoint=True):
                entries = outbox.next_entries(self.group.pk, most=ENTRIES_OF_ONE, with_reload=may_reload)
                if entries:
                    self.deliver(organisation_id, entries)
                    outbox.done(entries)
                return len(entries)
        except (redis.RedisError, OperationalError, OSError):
            raise
        except Exception:  # what is wrong with one organisation must not keep the others waiting
            log.exception("Delivering to %s for the organisation %s failed.", self.group, organisation_id)
            self.turns.put_off(organisation_id)
            return 0

    def look(self) -> None:
        """See whether the Redis is the one that it was, holds nothing that it should not, and was listened to."""
        if self.client.get(sweeping.marker_name(self.group.pk)) != self.lane.marker:
            self.begin_anew()
        if sweeping.sweep(self.client, self.group, self.secrets):
            self.lane.ended = ThisTransaction()
            self.lane.save(update_fields=["ended"])
        self.is_due_to_reload |= self.reminders.is_due(is_behind=nodes.is_any_behind(self.group.pk))

    def begin_anew(self) -> None:
        """The Redis is a new one, or it has lost what it was told: all of that is told again, also what was revoked."""
        log.info("The Redis of %s is empty, new or as it was before: everything is delivered.", self.group)
        for organisation_id in sweeping.served_by(self.group.pk):
            with scope.opened(scope.of(organisation_id)):
                outbox.add_everything(self.group.pk)
        self.mark()

    def mark(self) -> None:
        """After all that was written: a Redis that comes back as it was before that has another marker."""
        self.lane.marker = new_id()
        self.lane.save(update_fields=["marker"])
        self.client.set(sweeping.marker_name(self.group.pk), self.lane.marker)

    def deliver(self, organisation_id: str, entries: Sequence[Entry]) -> None:
        told = dict.fromkeys(entry.name for entry in entries)
        names = [name for name in told if name not in (RELOAD, BEGUN)]
        self.is_due_to_reload |= RELOAD in told
        is_known = not self.client.sadd(sweeping.organisations_name(self.group.pk), organisation_id)
        if is_known and BEGUN in told:  # from a time before, which nothing has swept since
            sweeping.take_out(self.client, {organisation_id}, self.secrets)
        for first in range(0, len(names), NAMES_AT_ONCE):
            self.write(names[first : first + NAMES_AT_ONCE])
        if changed := sorted(changed_sessions(entries)):
            bus.publish(self.client, DROP_SESSIONS, ",".join(changed), self.secrets)

    def write(self, names: Sequence[str]) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            for name, stored in states_of(names, api_secret=self.api_secret).items():
                if name.startswith(QUOTA):
                    self.forget_quota(pipeline, name.removeprefix(QUOTA))
                elif stored is None:
                    pipeline.delete(name)
                else:
                    pipeline.set(name, stored.value, exat=stored.until or None)
            pipeline.execute()

    def forget_quota(self, pipeline: "redis.client.Pipeline", hash: str) -> None:
        """The counters of a key: its own, and that of each API which has a limit of its own."""
        pipeline.delete(f"{QUOTA}{hash}")
        for name in self.client.scan_iter(match=f"{QUOTA}*-{hash}", count=1_000):
            pipeline.delete(name)


def changed_sessions(entries: Sequence[Entry]) -> set[str]:
    """Return what gateways remember sessions by for some seconds; of a new key they know nothing yet."""
    names = [entry.name for entry in entries if not entry.is_new]
    return {
        name.removeprefix(prefix) for name in names for prefix in (KEY, ORGANISATION_KEY) if name.startswith(prefix)
    }


class Deliveries:
    """To all groups. What is in memory is only when each was looked at and told to reload, and how many it served."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, Turns] = defaultdict(Turns)
        self._reminders: defaultdict[str, Reminders] = defaultdict(Reminders)
        self._served: dict[str, int] = {}
        self._looked_at: dict[str, float] = {}
        self._reloaded_at: dict[str, float] = {}

    def run(self) -> int:
        """Deliver to the groups for which something waits, and now and then look after the others."""
        with scope.opened(scope.EVERYTHING):
            waiting, served = outbox.groups_waiting(), sweeping.how_many_served()
            waiting |= set(Lane.objects.filter(wants_reload=True).values_list("group_id", flat=True))
            groups = list(GatewayGroup.objects.order_by("id").values_list("id", flat=True))
        # An organisation that is deleted leaves nothing that waits, and gateways serve it until they are told.
        for group_id in groups:
            if served.get(group_id) != self._served.get(group_id):
                self._looked_at.pop(group_id, None)
        self._served = served
        return sum(self.deliver_to(id) for id in groups if id in waiting or self._is_to_look_at(id))

    def _is_to_look_at(self, group_id: str) -> bool:
        return time.monotonic() - self._looked_at.get(group_id, float("-inf")) >= LOOKS_APART_S

    def deliver_to(self, group_id: str) -> int:
        """Deliver what is next to this group, unless another worker does; return how many entries."""
        with scope.opened(scope.INSTALLATION):
            lane = Lane.objects.select_for_update(skip_locked=True).filter(pk=group_id, due_at__lte=Now()).first()
            group = GatewayGroup.objects.filter(pk=group_id).first() if lane else None
            if lane is None or group is None:
                return 0
            looks, reloaded_at = self._is_to_look_at(group_id), self._reloaded_at.get(group_id, 0)
            try:
                own = self._turns[group_id], self._reminders[group_id]
                delivery = Delivery(group, lane, *own, looks=looks, reloaded_at=reloaded_at)
                delivered = delivery.run()
            except (redis.RedisError, bus.NoBus, OSError) as error:
                failed(lane, group, error)
                return 0
            self._reloaded_at[group_id] = delivery.reloaded_at
            if looks:
                self._looked_at[group_id] = time.monotonic()
            succeeded(lane, has_delivered=delivered > 0)
            return delivered


def failed(lane: Lane, group: GatewayGroup, error: Exception) -> None:
    """Note why, and when it is tried again; the entries stay."""
    lane.failures += 1
    wait = timedelta(seconds=min(2 ** min(lane.failures, 10) / 4, LONGEST_WAIT_S))
    fault = str(error)[:LONGEST_FAULT]
    if lane.failures == 1:
        log.warning("The Redis of %s cannot be reached: %s", group, fault)
    Lane.objects.filter(pk=lane.pk).update(
        failures=lane.failures,
        failing_since=lane.failing_since or Now(),
        fault=fault,
        due_at=Now() + wait,
    )


def succeeded(lane: Lane, *, has_delivered: bool) -> None:
    if lane.failures or lane.wants_reload or has_delivered:
        Lane.objects.filter(pk=lane.pk).update(
            failures=0, failing_since=None, fault="", delivered_at=Now(), wants_reload=False
        )
