"""What a worker does, over and over: it looks five times a second, and sleeps where there is nothing to do."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from django.db import DatabaseError, connection

from gateways import nodes, serving, versions
from gateways.delivery import Deliveries
from gateways.feed import building
from orgs.domains.checking import Checks
from orgs.hot import drop_dead_connection
from users.mailing import Sender

log = logging.getLogger(__name__)
LOOKS_EVERY_S = 0.2
SERVES_EVERY_S = 1.0
ASKS_EVERY_S = 60.0
MAILS_EVERY_S = 1.0
CHECKS_EVERY_S = 0.5
TIDIES_EVERY_S = 600.0
LONGEST_WAIT_S = 10.0
# One waits for a Redis that hardly answers, whose lane it has; the other goes on with all the rest.
SIDE_BY_SIDE = 2


def run_side_by_side(stopping: threading.Event) -> None:
    """Work until it is stopped, or until one of them fails.

    Neither gateways that do not say their version nor servers of mail and names that do not answer delay anything.
    """
    log.info("The worker delivers to gateways, sends mail and looks up proofs of domains.")
    beside = (
        (versions.ask_all, ASKS_EVERY_S),
        (Sender().send_next, MAILS_EVERY_S),
        (Checks().work, CHECKS_EVERY_S),
    )
    with ThreadPoolExecutor(SIDE_BY_SIDE + len(beside)) as pool:
        running = [pool.submit(Worker(stopping).run) for _ in range(SIDE_BY_SIDE)]
        running += [pool.submit(repeat, work, every_s, stopping) for work, every_s in beside]
        for ended in as_completed(running):
            stopping.set()
            ended.result()
    log.info("The worker has stopped.")


def run_once(stopping: threading.Event) -> None:
    """Do what waits now, then end."""
    Worker(stopping).until_nothing_waits()
    sender = Sender()
    while not stopping.is_set() and sender.send_next():
        pass


def repeat(work: Callable[[], int | None], every_s: float, stopping: threading.Event) -> None:
    """Work until it is stopped, at once again where something was done; what fails is tried again, ever less often."""
    failures = 0
    while not stopping.is_set():
        try:
            drop_dead_connection()
            wait, failures = (0.0 if work() else every_s), 0
        except DatabaseError as error:
            failures += 1
            wait = min(2**failures / 10, LONGEST_WAIT_S)
            log.warning("The worker waits %.1f s for the database: %s", wait, error)
            connection.close()
        stopping.wait(wait)


class Worker:
    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self.deliveries = Deliveries()
        self.served_at = self.tidied_at = float("-inf")

    def run(self) -> None:
        repeat(self.work, LOOKS_EVERY_S, self.stopping)

    def until_nothing_waits(self) -> None:
        self.tidied_at = time.monotonic()
        self.served_at = float("-inf")
        while not self.stopping.is_set() and self.work():
            pass

    def work(self) -> int:
        """Do what there is to do now; return how much it was."""
        now = time.monotonic()
        if now - self.tidied_at >= TIDIES_EVERY_S:
            self.tidied_at = now
            building.renumber()
            building.look_again()
            nodes.forget_lost()
        served = 0
        if now - self.served_at >= SERVES_EVERY_S:
            self.served_at = now
            served = serving.write_out()
        return served + building.build_waiting() + self.deliveries.run()
