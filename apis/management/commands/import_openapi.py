"""`manage.py import_openapi --org acme *.json`: each file an API, each in its own transaction."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apis import services
from apis.models import Api
from apis.openapi import MAX_BYTES, NO_SERVER
from orgs import audit, scope
from orgs.models import Organisation

BAR_WIDTH = 30


@dataclass(frozen=True)
class Outcome:
    """The API that the file has become, or else why it has not."""

    file: str
    api: Api | None = None
    error: str = ""


class Command(BaseCommand):
    help = "Import OpenAPI documents (3.0, 3.1; JSON or YAML) and Tyk definitions as APIs of an organisation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="A document, or - for standard input.")
        parser.add_argument("--org", required=True, metavar="SLUG", help="The organisation that shall own the APIs.")
        parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="A tag for each API; repeatable.")
        parser.add_argument("--json", action="store_true", help="Print one object a line: file, ok, id, error.")

    def handle(self, *, files: list[str], org: str, json: bool, tag: list[str], **options: Any) -> None:
        organisation_id = find_organisation(org)
        failed = 0
        for number, file in enumerate(files):
            self.show_progress(number, len(files))
            outcome = import_file(file, organisation_id, tag)
            self.clear_progress()
            self.stdout.write(as_json(outcome) if json else as_text(outcome))
            failed += outcome.api is None
        if failed:
            raise CommandError(f"{failed} of {len(files)} could not be imported.")

    def show_progress(self, done: int, total: int) -> None:
        if self.stderr.isatty():
            bar = ("#" * (BAR_WIDTH * done // total)).ljust(BAR_WIDTH, ".")
            self.stderr.write(f"\r[{bar}] {done} of {total}", ending="")
            self.stderr.flush()

    def clear_progress(self) -> None:
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
            self.stderr.flush()


def find_organisation(slug: str) -> str:
    with scope.opened(scope.by_slug(slug)):
        organisation = Organisation.objects.filter(slug=slug).first()
    if organisation is None:
        raise CommandError(f"There is no organisation “{slug}”.")
    return organisation.id


def import_file(file: str, organisation_id: str, tags: Sequence[str]) -> Outcome:
    try:
        content = read(file)
    except OSError as error:
        return Outcome(file, error=f"The file cannot be read: {error.strerror}.")
    with (
        scope.opened(scope.of(organisation_id)),
        audit.acting(audit.Actor(id="", name="command import_openapi")),
    ):
        try:
            return Outcome(file, services.import_text(content, tags=tags))
        except services.REFUSALS as error:
            return Outcome(file, error=str(error))


def read(file: str) -> bytes:
    """Read no more than shows that it is too large."""
    if file == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(file).open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def as_json(outcome: Outcome) -> str:
    api = outcome.api
    shown = {"file": outcome.file, "ok": api is not None, "id": api.id if api else "", "error": outcome.error}
    return json.dumps(shown, ensure_ascii=False)


def as_text(outcome: Outcome) -> str:
    api = outcome.api
    if api is None:
        return f"{outcome.file}: {outcome.error}"
    warning = "" if services.has_target(api) else NO_SERVER
    return f"{outcome.file}: “{api.name}” at {api.listen_path} ({api.id}). {warning}".rstrip()
