"""`make demo`: three organisations of a believable size, to look around in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.demo.content import ORGANISATIONS, UNBOUNDED_EMAIL
from dashboard.demo.making import NotOurs, is_there, make
from dashboard.demo.portal import emails
from dashboard.demo.traffic import make_traffic
from users.services import generate_password


class Command(BaseCommand):
    help = "Make three organisations with users, APIs, keys, portals and requests; run again, it says so."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.make_or_tell()
        except NotOurs as error:
            raise CommandError(f"{error} Nothing has been made.") from error

    def make_or_tell(self) -> None:
        if is_there(ORGANISATIONS):
            return self.tell("The demo has been made before, with a password that was shown then.")
        password = generate_password()
        made = make(ORGANISATIONS, password=password, tell=self.show_progress)
        self.show_progress("")
        self.tell(f"The demo is made. Everybody's password is {password} (shown this once).")
        for organisation_id, demo in zip(made, ORGANISATIONS, strict=True):  # whatever fails here, they can sign in
            self.show_progress(f"{demo.name}: requests")
            make_traffic(organisation_id, demo)
        return self.show_progress("")

    def show_progress(self, text: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r\033[K{text}", ending="")
            self.stderr.flush()

    def tell(self, first: str) -> None:
        self.stdout.write(f"\n{first}\n")
        for demo in ORGANISATIONS:
            self.stdout.write(f"\n{demo.name}  /o/{demo.slug}/")
            for person in demo.people:
                self.stdout.write(f"  {demo.email(person):<42}{person.role}")
            self.stdout.write(f"  {demo.email(demo.invited):<42}invited")
            self.stdout.write(f"{demo.name} for developers  /o/{demo.slug}/portal/\n  {emails()[0]:<42}developer")
        self.stdout.write(f"\nEvery organisation  /all/\n  {UNBOUNDED_EMAIL:<42}unbounded user\n\n")
