"""What proofs of domains are looked up by, on this machine."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from orgs.domains import proving
from orgs.domains.checking import Checks
from orgs.hosts import PROOF_PATH
from tests.orgs.name_server import NameServer
from tests.orgs.test_guard import Server

Serve = Callable[..., Server]


@pytest.fixture
def names(settings: Settings) -> Iterator[NameServer]:
    server = NameServer()
    settings.DNS_SERVERS = [server.address]
    yield server
    server.close()


@pytest.fixture
def host_serves(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Let every host lead to a server on this machine, which answers with these bytes."""
    settings.PRIVATE_TARGETS = True
    made: list[Server] = []

    def serve(answer: bytes) -> Server:
        made.append(Server(answer=answer))
        place = f"http://{{host}}:{made[-1].port}{PROOF_PATH}"
        monkeypatch.setattr(proving, "PLACES", (place,))
        return made[-1]

    looked_up = socket.getaddrinfo

    def here(host: Any, *args: Any, **kwargs: Any) -> Any:
        return looked_up("127.0.0.1" if str(host).endswith(".example") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    yield serve
    for server in made:
        server.close()


@pytest.fixture
def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of tests are nobody's: no host is asked for a file."""
    monkeypatch.setattr(proving, "PLACES", ())


def check(checks: Checks | None = None) -> None:
    """Look at what is due, as the worker does, until all of it is written down."""
    checks = checks or Checks()
    while checks.work() or checks.running:
        time.sleep(0.01)
