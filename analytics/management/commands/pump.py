"""Takes in the records that gateways write of requests, and sums them up."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from analytics import closing
from analytics.ingest.pumping import SIDE_BY_SIDE, Pump, run_side_by_side
from analytics.ingest.sql_source import SqlSource
from gateways.models import GatewayGroup
from orgs import scope


class Command(BaseCommand):
    help = "Take records of requests out of the Redis of gateway groups, until it is stopped. Any number may run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--group", metavar="NAME", default="", help="only the group of this name")
        parser.add_argument(
            "--sql",
            action="store_true",
            help="out of the database that a tyk-pump fills, PUMP_SQL_URL: of the gateways of --group",
        )
        parser.add_argument("--once", action="store_true", help="take in what is there now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stopping.set())
        works = works_of(stopping, options["group"], is_sql=options["sql"])
        if options["once"]:
            done = 0
            while taken := works[0]():
                done += taken
            while closing.close_ended():
                pass
            self.stdout.write(f"{done:,} records.")
        else:
            run_side_by_side(stopping, works)


def works_of(stopping: threading.Event, group_name: str, *, is_sql: bool) -> list[Callable[[], int]]:
    """Return what is to be done side by side."""
    if is_sql:
        return [SqlSource(*source(group_name), stopping).work]
    pumps = [Pump(stopping, group_name) for _ in range(SIDE_BY_SIDE)]
    if group_name and not pumps[0].places():
        raise CommandError(f"There is no gateway group with the name {group_name}.")
    return [pump.work for pump in pumps]


def source(group_name: str) -> tuple[str, str]:
    """Return the address of the database, and the id of the group whose gateways its records are of."""
    if not settings.PUMP_SQL_URL:
        raise CommandError("Set PUMP_SQL_URL to the address of the database that tyk-pump fills.")
    if not group_name:
        raise CommandError(
            "Say with --group which gateways the records are of: only organisations that it serves count."
        )
    with scope.opened(scope.INSTALLATION):
        group = GatewayGroup.objects.filter(name=group_name).first()
    if group is None:
        raise CommandError(f"There is no gateway group with the name {group_name}.")
    return settings.PUMP_SQL_URL, group.pk
