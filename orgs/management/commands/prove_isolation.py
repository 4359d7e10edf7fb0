import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orgs import proof
from orgs.proof.finding import Report


class Command(BaseCommand):
    help = "Prove that nothing crosses between organisations; exit with 1 where anything could. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        report = proof.prove()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
        else:
            self.tell(report)
        if report.findings:
            sys.exit(1)

    def tell(self, report: Report) -> None:
        for kind, attempts in report.tried.items():
            self.stdout.write(f"{attempts:>6}  {kind}")
        for sentence in report.unchecked:
            self.stdout.write(f"Not checked. {sentence}")
        for finding in report.findings:
            self.stdout.write(self.style.ERROR(str(finding)))
        count = len(report.findings)
        self.stdout.write("Nothing crosses." if not count else f"{count} finding{'s' if count > 1 else ''}.")
