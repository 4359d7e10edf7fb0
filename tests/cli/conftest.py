"""Acme's server, as `make run` starts one, and the command as Ann, its administrator, or as Al, who may only read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner, Result

from dashboard.cli import main
from dashboard.cli.client import Client
from dashboard.cli.connection import Connection
from tests.browser.server import Server, running

MAKE_KEYS = """
from orgs import audit, scope
from orgs.models import Organisation
from orgs.permissions import Level, ObjectKind
from users.models import User
from users.services import create_user
from users.services.access_keys import create_access_key
with scope.opened(scope.by_slug("acme")):
    acme = Organisation.objects.get(slug="acme")
with scope.opened(scope.of(acme.id)), audit.acting(audit.Actor(id="", name="test")):
    ann = User.objects.get()
    reads = {ObjectKind.APIS: Level.READ, ObjectKind.POLICIES: Level.READ}
    al = create_user(email="al@acme.example", name="Al", password=ann.password, permissions=reads, by=ann)
    for user in (ann, al):
        print(create_access_key(user=user, label="test")[1])
"""


@dataclass(frozen=True)
class Acme:
    """Where the server is, and the access keys of its two users."""

    server: Server
    ann: str
    al: str

    def environment(self, key: str = "") -> dict[str, str]:
        return {"COMMONHOLD_URL": self.server.address, "COMMONHOLD_KEY": key or self.ann}


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme]:
    with running(tmp_path_factory.mktemp("server")) as started:
        ann, al = started.manage("shell", "--no-imports", "--command", MAKE_KEYS).split()
        yield Acme(started, ann, al)


class Commonhold(Protocol):
    def __call__(self, *words: str | Path, key: str = "") -> Result: ...


@pytest.fixture
def commonhold(acme: Acme) -> Commonhold:
    """Run the command as Ann, or with another key."""

    def run(*words: str | Path, key: str = "") -> Result:
        return CliRunner().invoke(main, [*map(str, words)], env=acme.environment(key))

    return run


@pytest.fixture
def client(acme: Acme) -> Iterator[Client]:
    """Ann at the same server without the command; afterwards there are no APIs and policies again."""
    with Client(Connection(acme.server.address, acme.ann)) as found:
        yield found
        for policy in found.get("/api/portal/policies", p="-1").document["Data"]:
            found.delete(f"/api/portal/policies/{policy['_id']}")
        for api in found.get("/api/apis", p="-1").document["apis"]:
            found.delete(f"/api/apis/{api['api_definition']['id']}")
