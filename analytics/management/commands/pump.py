"""Takes in the records that gateways write of requests, and sums them up."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics import closing
from analytics.ingest.pumping import Pump, run_side_by_side


class Command(BaseCommand):
    help = "Take records of requests out of the Redis of gateway groups, until it is stopped. Any number may run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--group", metavar="NAME", default="", help="only the group of this name")
        parser.add_argument("--once", action="store_true", help="take in what is there now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stopping.set())
        pump = Pump(stopping, options["group"])
        if options["group"] and not pump.places():
            raise CommandError(f"There is no gateway group with the name {options['group']}.")
        if options["once"]:
            done = 0
            while taken := pump.work():
                done += taken
            while closing.close_ended():
                pass
            self.stdout.write(f"{done:,} records.")
        else:
            run_side_by_side(stopping, options["group"])
