from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgs import audit, scope, services
from orgs.domains import services as domains
from orgs.models import Domain, Organisation


class Command(BaseCommand):
    help = "Show an organisation; suspend or resume it; give it a domain without a proof."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("show", help="say what it is")
        suspend = actions.add_parser("suspend", help="stop sign-ins and changes; reading goes on")
        suspend.add_argument("--reason", required=True, help="what whoever signs in is told")
        actions.add_parser("resume", help="end the suspension")
        domain = actions.add_parser("domain", help="let it have this host, as if it had proven that")
        domain.add_argument("host", metavar="HOST")
        domain.add_argument(
            "--purpose", choices=Domain.Purpose.values, default=Domain.Purpose.DASHBOARD.value, help="what stands there"
        )
        no_domain = actions.add_parser("no-domain", help="take back a host that it was given")
        no_domain.add_argument("host", metavar="HOST")

    def handle(self, *args: Any, **options: Any) -> None:
        with scope.opened(scope.by_slug(options["slug"])):
            organisation = Organisation.objects.filter(slug=options["slug"]).first()
        if organisation is None:
            raise CommandError(f"There is no organisation with the slug {options['slug']}.")
        actor = audit.Actor(id="", name="manage.py organisation")
        try:
            with scope.opened(scope.of(organisation.id)), audit.acting(actor):
                change(organisation, options)
                self.stdout.write(description(organisation))
        except (services.OrganisationRefused, domains.DomainRefused) as refused:
            raise CommandError(str(refused)) from refused


def change(organisation: Organisation, options: dict[str, Any]) -> None:
    match options["action"]:
        case "suspend":
            services.suspend(organisation=organisation, reason=options["reason"])
        case "resume":
            services.resume(organisation=organisation)
        case "domain":
            domains.vouch(host=options["host"], purpose=options["purpose"])
        case "no-domain":
            domains.withdraw(host=options["host"])


def description(organisation: Organisation) -> str:
    state = f"suspended: {organisation.suspension_reason}" if organisation.is_suspended else "active"
    proven = Domain.objects.filter(proven_at__isnull=False).order_by("host").values_list("host", "purpose")
    places = [f"/o/{organisation.slug}/", *(f"{host} ({purpose})" for host, purpose in proven)]
    return f"{organisation.name} ({organisation.slug}), {', '.join(places)}, {state}"
