"""Delivers everything anew to the Redis of gateway groups, as when it had come back empty."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models.functions import Now
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateways import outbox, serving, sweeping
from gateways.delivery import Deliveries
from gateways.feed import building
from gateways.models import GatewayGroup, Lane
from gateways.working import LOOKS_EVERY_S
from orgs import scope


class Command(BaseCommand):
    help = "Deliver everything anew to the Redis of gateway groups, and have their gateways reload."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--group", metavar="NAME", help="only the group of this name")

    def handle(self, *args: Any, **options: Any) -> None:
        serving.write_out()
        groups = chosen(options["group"] or "")
        for group in groups:
            self.add(group)
        while building.build_waiting():
            pass
        for group in groups:
            self.deliver(group)

    def add(self, group: GatewayGroup) -> None:
        for organisation_id in sweeping.served_by(group.pk):
            with scope.opened(scope.of(organisation_id)):
                outbox.add_feed()
                outbox.add_everything(group.pk)
        with scope.opened(scope.INSTALLATION):
            Lane.objects.filter(pk=group.pk).update(due_at=Now())

    def deliver(self, group: GatewayGroup) -> None:
        """Show how far it is, whoever does it: a worker that runs delivers too."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        deliveries, total = Deliveries(), outbox.count_waiting(group.pk)
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(group.name, total=total)
            while waiting := outbox.count_waiting(group.pk):
                progress.update(task, completed=max(0, total - waiting))
                if not deliveries.deliver_to(group.pk):  # another worker does, or it is too soon to tell of a reload
                    time.sleep(LOOKS_EVERY_S)
                refuse_failing(group)
            progress.update(task, completed=total)
        self.stdout.write(f"{group.name}: {total:,} delivered.")


def chosen(name: str) -> list[GatewayGroup]:
    with scope.opened(scope.INSTALLATION):
        groups = list(GatewayGroup.objects.order_by("name", "id"))
    if name and name not in [group.name for group in groups]:
        raise CommandError(f"There is no gateway group with the name {name}.")
    return [group for group in groups if name in ("", group.name)]


def refuse_failing(group: GatewayGroup) -> None:
    with scope.opened(scope.INSTALLATION):
        lane = Lane.objects.filter(pk=group.pk).first()
    if lane and lane.failures:
        raise CommandError(f"The Redis of {group.name} cannot be reached: {lane.fault} The rest waits for the worker.")
