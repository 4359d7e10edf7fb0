from typing import Any

from django.core.management.commands import migrate
from django.db import transaction

from orgs import definers, roles, walls


class Command(migrate.Command):
    help = f"{migrate.Command.help} Runs as the tables' owner, then builds the walls (orgs.walls)."

    def handle(self, *args: Any, **options: Any) -> None:
        web = roles.web_role()
        with roles.as_owner():
            super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"]):
                with transaction.atomic():
                    walls.build(web)
                    definers.build(web)
