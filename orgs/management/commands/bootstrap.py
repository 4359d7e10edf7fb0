"""The first organisation with its administrator, and further ones from the command line.

The first run takes its values from the options, else from the environment (ORG_NAME, ORG_SLUG, ADMIN_EMAIL,
ADMIN_NAME, ADMIN_PASSWORD), else from a prompt where there is a terminal, else from VALUES. A password is
generated and shown once, or read from ADMIN_PASSWORD or the first line of standard input; never an option.
"""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import connection, transaction

from gateways.services import GroupRefused, ensure_default_group
from orgs import audit, scope
from orgs.models import Organisation
from orgs.services import OrganisationRefused, create_organisation
from users.models import User
from users.services import create_unbounded_user, create_user, generate_password
from users.services.errors import Refused

# Option: (environment variable, question, default).
VALUES = {
    "org_name": ("ORG_NAME", "Name of the organisation", "Default"),
    "org_slug": ("ORG_SLUG", "Its slug, for addresses", "default"),
    "email": ("ADMIN_EMAIL", "E-mail address of the user", "admin@localhost"),
    "name": ("ADMIN_NAME", "Name of the user", "Administrator"),
}
UNBOUNDED_MEANS = (
    "This makes an unbounded user: one of no organisation, who sees every organisation with all its APIs, "
    "keys and users, changes nothing there, and manages the other unbounded users. "
    "For a user of one organisation add --org SLUG."
)


def make_tables() -> None:
    """On a database without tables this is the first command that anyone runs."""
    if Organisation._meta.db_table in connection.introspection.table_names():
        return
    if settings.DATABASE_OWNER is None:
        raise CommandError("The database has no tables: run manage.py migrate first, with DATABASE_OWNER_URL set.")
    call_command("migrate", verbosity=0)


class Command(BaseCommand):
    help = "Make the first organisation and its administrator; run again, it says what is there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--org-name", help="name of the organisation (ORG_NAME)")
        parser.add_argument("--org-slug", help="its part of the address, /o/SLUG/ (ORG_SLUG)")
        parser.add_argument("--email", help="e-mail address of the administrator (ADMIN_EMAIL)")
        parser.add_argument("--name", help="name of the administrator (ADMIN_NAME)")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        parser.add_argument("--new-org", action="store_true", help="make a further organisation with an administrator")
        parser.add_argument(
            "--new-user", action="store_true", help="make a user: an administrator of --org, or unbounded"
        )
        parser.add_argument("--org", metavar="SLUG", help="the organisation of --new-user")
        parser.add_argument("--yes", action="store_true", help="do not ask before making an unbounded user")

    def handle(self, *args: Any, **options: Any) -> None:
        check_options(options)
        self.options = options
        make_tables()
        try:
            with transaction.atomic(), audit.acting(audit.Actor(id="", name="manage.py bootstrap")):
                self.make()
        except (Refused, OrganisationRefused, GroupRefused) as error:
            raise CommandError(str(error)) from error

    def make(self) -> None:
        if self.options["new_org"]:
            self.make_organisation()
        elif self.options["new_user"]:
            self.make_user()
        else:
            self.make_first_gateways()
            self.make_first()

    def make_first_gateways(self) -> None:
        """A group of gateways for all organisations, so that the first gateway finds its dashboard."""
        group, is_new = ensure_default_group()
        if is_new:
            self.stdout.write(f"Made the gateway group {group.name}; its node secret is NODE_SECRET.")

    def make_first(self) -> None:
        slug = self.value("org_slug") if self.options["org_slug"] or not any_organisation() else any_organisation()
        organisation = find(slug)
        if organisation is None and any_organisation():
            raise CommandError(f"There are organisations, but none with the slug {slug}: add --new-org to make it.")
        if organisation is None:
            self.make_organisation(slug)
        else:
            self.complete(organisation)

    def complete(self, organisation: Organisation) -> None:
        """Say what is there; make the administrator whom an organisation lacks."""
        with scope.opened(scope.of(organisation.id)):
            emails = list(User.objects.filter(is_administrator=True, is_active=True).values_list("email", flat=True))
        if not emails:
            return self.make_administrator(organisation)
        wanted = self.options["email"]
        if wanted and wanted.lower() not in emails:
            raise CommandError(
                f"{organisation.name} has its administrators ({', '.join(emails)}): "
                f"to make {wanted} one, add --new-user --org {organisation.slug}."
            )
        self.stdout.write(f"{organisation.name} is at /o/{organisation.slug}/. Sign in as {' or '.join(emails)}.")
        return None

    def make_organisation(self, slug: str | None = None) -> None:
        organisation = create_organisation(slug=slug or self.value("org_slug"), name=self.value("org_name"))
        self.stdout.write(f"Made the organisation {organisation.name}, at /o/{organisation.slug}/.")
        self.make_administrator(organisation)

    def make_administrator(self, organisation: Organisation) -> None:
        email, name, (password, note) = self.email(), self.value("name"), self.password()
        with scope.opened(scope.of(organisation.id)):
            create_user(email=email, name=name, password=password, is_administrator=True)
        self.stdout.write(f"Sign in as {email} {note}")

    def make_user(self) -> None:
        if self.options["org"]:
            organisation = find(self.options["org"])
            if organisation is None:
                raise CommandError(f"There is no organisation with the slug {self.options['org']}.")
            return self.make_administrator(organisation)
        self.confirm_unbounded()
        email, name, (password, note) = self.email(), self.value("name"), self.password()
        with scope.opened(scope.INSTALLATION):
            create_unbounded_user(email=email, name=name, password=password)
        self.stdout.write(f"Sign in at /all/ as {email} {note}")
        return None

    def confirm_unbounded(self) -> None:
        self.stdout.write(UNBOUNDED_MEANS)
        if self.options["yes"]:
            return
        if not self.can_ask():
            raise CommandError("Nothing has been made: add --yes where nobody can be asked.")
        if input("Make it? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing has been made.")

    def value(self, option: str) -> str:
        """Return a value; the environment and the defaults are the first run's alone."""
        variable, question, default = VALUES[option]
        is_first = not (self.options["new_org"] or self.options["new_user"])
        given: str = self.options[option] or (os.environ.get(variable, "") if is_first else "")
        if given:
            return given
        if self.can_ask():
            return input(f"{question} [{default}]: " if is_first else f"{question}: ").strip() or default
        if not is_first and option != "name":
            raise CommandError(f"--{option.replace('_', '-')} is missing.")
        return default

    def email(self) -> str:
        email = self.value("email").strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is not an e-mail address.") from error
        return email

    def password(self) -> tuple[str, str]:
        """Return the password and what to say of it: only a generated one is shown."""
        if self.options["password_stdin"]:
            return sys.stdin.readline().rstrip("\r\n"), "and the password you gave."
        is_first = not (self.options["new_org"] or self.options["new_user"])
        if is_first and os.environ.get("ADMIN_PASSWORD"):
            return os.environ["ADMIN_PASSWORD"], "and the password in ADMIN_PASSWORD."
        password = generate_password()
        return password, f"with the password {password} (shown this once)."

    def can_ask(self) -> bool:
        """Only a person at a terminal is asked; and not when standard input brings the password."""
        return sys.stdin.isatty() and self.stdout.isatty() and not self.options["password_stdin"]


def check_options(options: dict[str, Any]) -> None:
    if options["new_org"] and options["new_user"]:
        raise CommandError("--new-org makes its administrator too: leave --new-user out.")
    if options["org"] and not options["new_user"]:
        raise CommandError("--org belongs to --new-user.")


def find(slug: str) -> Organisation | None:
    with scope.opened(scope.by_slug(slug)):
        return Organisation.objects.filter(slug=slug).first()


def any_organisation() -> str:
    """Return the slug of the oldest organisation, empty if there is none."""
    with scope.opened(scope.EVERYTHING):
        return Organisation.objects.order_by("id").values_list("slug", flat=True).first() or ""
