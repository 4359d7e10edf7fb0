"""The proof that the walls stand: what PostgreSQL's catalogue says, then attempts to cross the line."""

from collections.abc import Iterable

from django.conf import settings
from django.db import connection, transaction

from orgs import roles
from orgs.proof import definers, keys, probes, role, tables
from orgs.proof.finding import Cursor, Finding, Report
from orgs.proof.tables import Policies


def prove() -> Report:
    """Check everything on the web's connection; only the wording of the policies needs the owner's."""
    web, expected = roles.web_role(), None
    if settings.DATABASE_OWNER is not None:
        with roles.as_owner(), transaction.atomic(), connection.cursor() as cursor:
            expected = tables.expected_policies(cursor)
            transaction.set_rollback(True)
    report = Report()
    with connection.cursor() as cursor:
        inspect(report, cursor, web, expected)
    if any(finding.place == f"role {web}" for finding in report.findings):
        report.unchecked.append(f"Attempts to cross the line: {web} is strong enough to do harm by them.")
    else:
        probes.run(report, web)
    return report


def inspect(report: Report, cursor: Cursor, web: str, expected: dict[str, Policies] | None) -> None:
    """Compare the catalogue with the models."""
    parts: dict[str, Iterable[Finding]] = {
        "the web's role": role.findings(cursor, web),
        "tables, rights and views": tables.findings(cursor, web),
        "the functions that run as the owner": definers.findings(cursor, web),
        "foreign keys and unique constraints": keys.findings(cursor),
    }
    if expected is None:
        report.unchecked.append("The wording of the policies: DATABASE_OWNER_URL is not set.")
    else:
        parts["the wording of the policies"] = tables.wrong_policies(cursor, expected)
    for kind, findings in parts.items():
        report.count(kind, list(findings))
