"""Gateways of acme and globex: one group serves both, and each has one of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client

from apis import definition as definitions
from apis.definition import Authentication
from apis.models import Api
from apis.services import create_api
from gateways import serving
from gateways.feed import building, sending
from gateways.models import GatewayGroup
from gateways.presence import Presence
from gateways.services import create_group, delete_group
from orgs import scope
from orgs.models import Organisation
from orgs.services import create_organisation, delete_organisation
from tests.conftest import World
from tests.gateways.gateway import Gateway
from tests.machines.client import content
from tests.walls.conftest import SUPERUSER, connect, installed

__all__ = ["installed"]
Plug = Callable[..., Gateway]


@dataclass(frozen=True)
class Groups:
    """The groups and their node secrets."""

    shared: GatewayGroup
    acme: GatewayGroup
    globex: GatewayGroup
    secrets: dict[str, str]


@dataclass(frozen=True)
class Committed:
    acme: Organisation
    group: GatewayGroup
    gateway: Gateway


@pytest.fixture
def groups(world: World, vars_apart: None, monkeypatch: pytest.MonkeyPatch) -> Groups:
    # Within one transaction it is chance whether a snapshot has seen what was written.
    monkeypatch.setattr(sending, "_kept", lambda *_: None)
    shared, shared_secret = create_group(name="Shared", serves_all=True)
    acme, acme_secret = create_group(name="Acme's", organisation_ids=[world.acme.id])
    globex, globex_secret = create_group(name="Globex's", organisation_ids=[world.globex.id])
    serving.write_out()
    secrets = {shared.pk: shared_secret, acme.pk: acme_secret, globex.pk: globex_secret}
    return Groups(shared, acme, globex, secrets)


@pytest.fixture
def vars_apart(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a test's own, and a process that remembers no node."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr("gateways.api.PRESENCE", Presence())


def send(method: str, path: str, headers: dict[str, str], body: str) -> tuple[int, str]:
    """As over HTTP, without it."""
    client = Client(raise_request_exception=False)
    answer = cast(
        HttpResponse, client.generic(method, path, body, content_type="application/json", headers=dict(headers))
    )
    return answer.status_code, content(answer).decode()


@pytest.fixture
def plug(groups: Groups) -> Plug:
    """Register a gateway of a group."""

    def plugged(group: GatewayGroup, **settings: Any) -> Gateway:
        gateway = Gateway(send=send, secret=groups.secrets[group.pk], **settings)
        assert gateway.register() == 200
        return gateway

    return plugged


def add_api(organisation_id: str, path: str, **fields: Any) -> Api:
    settings = {"authentication": Authentication.TOKEN, "rate": 0, "per": 0, "tags": [], "active": True, **fields}
    definition = definitions.build(
        name=path.strip("/"), listen_path=path, target_url="https://upstream.example/", **settings
    )
    with scope.opened(scope.of(organisation_id)):
        return create_api(definition=definition)


def build() -> None:
    """Do what the worker does before it delivers."""
    while serving.write_out() + building.build_waiting():
        pass


@pytest.fixture
def committed(installed: None, vars_apart: None) -> Iterator[Committed]:
    """Acme and a group of gateways for it, in transactions that end: what depends on them needs it so."""
    acme = create_organisation(slug="acme", name="Acme")
    group, secret = create_group(name="Acme's", organisation_ids=[acme.id])
    serving.write_out()
    yield Committed(acme, group, Gateway(send=send, secret=secret))
    delete_group(group=group)
    delete_organisation(organisation=acme, cascade=True)
    serving.write_out()
    forget_everything()


def forget_everything() -> None:
    """The trail of the installation outlives what it tells of."""
    with connect(SUPERUSER, autocommit=True) as server:
        for table in ("orgs_auditentry", "gateways_lane", "gateways_node"):
            server.execute(f"DELETE FROM {table}")  # noqa: S608
