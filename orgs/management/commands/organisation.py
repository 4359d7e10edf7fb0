from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgs import audit, scope, services
from orgs.models import Organisation


class Command(BaseCommand):
    help = "Show an organisation; suspend or resume it; give it a domain of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("show", help="say what it is")
        suspend = actions.add_parser("suspend", help="stop sign-ins and changes; reading goes on")
        suspend.add_argument("--reason", required=True, help="what whoever signs in is told")
        actions.add_parser("resume", help="end the suspension")
        domain = actions.add_parser("domain", help="let its site stand at / of this host")
        domain.add_argument("host", metavar="HOST")
        actions.add_parser("no-domain", help="take the domain away")

    def handle(self, *args: Any, **options: Any) -> None:
        with scope.opened(scope.by_slug(options["slug"])):
            organisation = Organisation.objects.filter(slug=options["slug"]).first()
        if organisation is None:
            raise CommandError(f"There is no organisation with the slug {options['slug']}.")
        actor = audit.Actor(id="", name="manage.py organisation")
        try:
            with scope.opened(scope.of(organisation.id)), audit.acting(actor):
                change(organisation, options)
        except services.OrganisationRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(description(organisation))


def change(organisation: Organisation, options: dict[str, Any]) -> None:
    match options["action"]:
        case "suspend":
            services.suspend(organisation=organisation, reason=options["reason"])
        case "resume":
            services.resume(organisation=organisation)
        case "domain":
            services.set_domain(organisation=organisation, domain=options["host"])
        case "no-domain":
            services.set_domain(organisation=organisation, domain=None)


def description(organisation: Organisation) -> str:
    state = f"suspended: {organisation.suspension_reason}" if organisation.is_suspended else "active"
    place = f"https://{organisation.domain}/" if organisation.domain else f"/o/{organisation.slug}/"
    return f"{organisation.name} ({organisation.slug}), {place}, {state}"
