"""What a pump does, over and over: it takes what gateways have written, and writes it down."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import redis
from django.db import DataError

from analytics import closing
from analytics.alerts.working import Alerts
from analytics.ingest import taking
from analytics.ingest.writing import Writer
from gateways import bus
from gateways.models import GatewayGroup
from gateways.working import repeat
from orgs import scope

log = logging.getLogger(__name__)
LOOKS_EVERY_S = 1.0
CLOSES_EVERY_S = 30.0
ALERTS_EVERY_S = 2.0
# While one waits for PostgreSQL, the other decodes.
SIDE_BY_SIDE = 2


def run_side_by_side(stopping: threading.Event, works: Sequence[Callable[[], int]]) -> None:
    """Do each work until it is stopped, or until one of them fails."""
    log.info("The pump takes records in.")
    with ThreadPoolExecutor(len(works) + 2) as pool:
        running = [pool.submit(repeat, work, LOOKS_EVERY_S, stopping) for work in works]
        running.append(pool.submit(repeat, closing.Housekeeper().work, CLOSES_EVERY_S, stopping))
        running.append(pool.submit(repeat, Alerts().work, ALERTS_EVERY_S, stopping))
        for ended in as_completed(running):
            stopping.set()
            ended.result()
    log.info("The pump has stopped.")


class Pump:
    """Of one thread; several may work at the same groups. Without `group_name` it serves all of them."""

    def __init__(self, stopping: threading.Event, group_name: str = "") -> None:
        self.stopping = stopping
        self.group_name = group_name
        self.writer = Writer()
        self.resumed: set[str] = set()
        self.failing: set[str] = set()

    def work(self) -> int:
        """Take in what there is now; return how many records that was."""
        return sum(self.work_at(groups) for groups in self.places() if not self.stopping.is_set())

    def places(self) -> list[list[GatewayGroup]]:
        """Return the groups, those together that share a Redis: nobody knows which of them a record there is of."""
        places: dict[object, list[GatewayGroup]] = {}
        with scope.opened(scope.INSTALLATION):
            for group in GatewayGroup.objects.order_by("id"):
                if place := bus.place_of(group):
                    places.setdefault(place, []).append(group)
        return [groups for groups in places.values() if not self.group_name or self.is_named(groups)]

    def is_named(self, groups: list[GatewayGroup]) -> bool:
        return any(group.name == self.group_name for group in groups)

    def work_at(self, groups: list[GatewayGroup]) -> int:
        ids = [group.pk for group in groups]
        try:
            client = bus.connect_for_bytes(groups[0])
            if ids[0] not in self.resumed:
                taking.resume(client, ids[0])
                self.resumed.add(ids[0])
            taking.take(client, ids[0])
            done = 0
            while not self.stopping.is_set() and (written := self.write_next(client, ids)):
                done += written
        except redis.RedisError as error:
            if ids[0] not in self.failing:
                log.warning("The Redis of %s cannot be read: %s", groups[0].name, type(error).__name__)
            self.failing.add(ids[0])
            return 0
        self.failing.discard(ids[0])
        return done

    def write_next(self, client: "redis.Redis", group_ids: list[str]) -> int:
        """Write a part that nobody else writes; return how many records it has. What fails in between is undone.

        A part that PostgreSQL cannot store is written in halves, until it is known which record that is.
        """
        found = None
        try:
            with scope.opened(scope.INTAKE, savepoint=True):
                found = taking.next_batch(group_ids[0])
                if found is None:
                    return 0
                _, taken, first, last = found
                batch = self.writer.write(group_ids, taking.records(client, taken, first, last))
        except DataError as error:
            if found is None:
                raise
            return self.write_less(client, group_ids, found, str(error).partition("\n")[0])
        self.writer.remember(batch)
        taking.forget_if_written(client, taken)
        lost = last - first + 1 - batch.written - batch.refused.total()
        if lost:
            log.error("%d records of %s are gone: its Redis has lost them.", lost, taken)
        return last - first + 1

    def write_less(
        self, client: "redis.Redis", group_ids: list[str], part: tuple[int, str, int, int], fault: str
    ) -> int:
        _, taken, first, last = part
        with scope.opened(scope.INTAKE):
            if not taking.take_apart(*part):
                for data in taking.records(client, taken, first, last):  # none, where Redis has lost it since
                    self.writer.refuse(group_ids, data, f"PostgreSQL cannot store it: {fault}")
        taking.forget_if_written(client, taken)
        return last - first + 1
