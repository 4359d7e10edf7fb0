from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from orgs import roles
from orgs.proof import inspect, tables
from orgs.proof.finding import Report


@pytest.fixture
def installed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The migrated database outside a test's transaction, for what opens connections itself."""
    with django_db_blocker.unblock():
        yield
        connection.close()


SUPERUSER = {"USER": "postgres", "PASSWORD": ""}  # the embedded cluster trusts whoever reaches its socket
OWNER: dict[str, Any] = settings.DATABASE_OWNER or SUPERUSER


def connect(who: dict[str, Any], *, autocommit: bool = False) -> psycopg.Connection:
    here = connection.settings_dict
    return psycopg.connect(
        host=str(here["HOST"]), port=str(here["PORT"]), dbname=str(here["NAME"]), user=str(who["USER"]),
        password=str(who["PASSWORD"]), autocommit=autocommit,
    )  # fmt: skip


@pytest.fixture
def superuser(installed: None) -> Iterator[psycopg.Connection]:
    """A transaction of the cluster's superuser, rolled back: other workers never see what it changes."""
    if not settings.EMBEDDED_DATABASE:
        pytest.skip("needs the superuser of the embedded cluster")
    with connect(SUPERUSER) as server:
        yield server
        server.rollback()


class Walls:
    """The walls as one transaction sees them."""

    def __init__(self, server: psycopg.Connection) -> None:
        self.server = server
        self.expected = tables.expected_policies(server.cursor())

    def run(self, statement: str) -> None:
        self.server.execute(statement)

    def faults(self) -> list[str]:
        report = Report()
        inspect(report, self.server.cursor(), roles.web_role(), self.expected)
        return [f"{finding.place}: {finding.fault}" for finding in report.findings]


@pytest.fixture
def walls(superuser: psycopg.Connection) -> Walls:
    return Walls(superuser)
