"""Delivers what has changed: builds what gateways fetch, writes keys to Redis, tells gateways to reload; sends mail."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gateways.working import run_once, run_side_by_side


class Command(BaseCommand):
    help = "Deliver changes to gateways and send mail, until it is stopped. Any number of them may run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="deliver what waits now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stopping.set())
        run_once(stopping) if options["once"] else run_side_by_side(stopping)
