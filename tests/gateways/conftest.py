"""Gateways of acme and globex: one group serves both, and each has one of its own."""

from collections.abc import Callable
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
from gateways.feed import building
from gateways.models import GatewayGroup
from gateways.presence import Presence
from gateways.services import create_group
from orgs import scope
from tests.conftest import World
from tests.gateways.gateway import Gateway
from tests.machines.client import content


@dataclass(frozen=True)
class Groups:
    """The groups and their node secrets."""

    shared: GatewayGroup
    acme: GatewayGroup
    globex: GatewayGroup
    secrets: dict[str, str]


def made(**settings: Any) -> tuple[GatewayGroup, str]:
    return create_group(**settings)


@pytest.fixture
def groups(world: World, vars_apart: None) -> Groups:
    shared, shared_secret = made(name="Shared", serves_all=True)
    acme, acme_secret = made(name="Acme's", organisation_ids=[world.acme.id])
    globex, globex_secret = made(name="Globex's", organisation_ids=[world.globex.id])
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


Plug = Callable[..., Gateway]


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
