"""What developers call: the gateway for tests at an address, which counts and records requests as real ones do.

Where TYK_GATEWAY_BIN names a real one, it is that.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import httpx
import redis

from gateways.outbox import QUOTA
from tests.analytics.traffic import LIST, record
from tests.browser.server import Server
from tests.browser.viewer_page import CORS, Quiet, served
from tests.gateways import real
from tests.gateways.gateway import Gateway
from tests.gateways.real import Upstream, listening, redis_url, secret

WITHIN_S = 10


@dataclass
class CalledGateway:
    """`target` is where its APIs have to lead, if it goes there."""

    address: str = ""
    target: str = ""

    def call(self, path: str, key: str) -> int:
        return httpx.get(self.address + path, headers={"authorization": key}).status_code

    def until(self, path: str, key: str, wanted: int) -> None:
        """Fail unless a call ends so soon: what is changed reaches gateways by the worker."""
        deadline = time.monotonic() + WITHIN_S
        while (status := self.call(path, key)) != wanted:
            assert time.monotonic() < deadline, f"{path} still answers {status}"
            time.sleep(0.1)


@contextmanager
def called_gateway(server: Server, folder: Path) -> Iterator[CalledGateway]:
    if not real.PROGRAM:
        with gateway_for_tests(server) as called:
            yield called
        return
    with listening(Upstream) as upstream, real.gateway(server, server.address, folder) as gateway:
        yield CalledGateway(gateway.address, upstream)


@contextmanager
def gateway_for_tests(server: Server) -> Iterator[CalledGateway]:
    def send(method: str, path: str, headers: dict[str, str], body: str) -> tuple[int, str]:
        answer = httpx.request(method, server.address + path, headers=headers, content=body)
        return answer.status_code, answer.text

    bus = redis.Redis.from_url(redis_url(server))
    gateway, lock, called = Gateway(send, secret(server, "NODE_SECRET"), bus), Lock(), CalledGateway()

    class Handler(Quiet):
        def do_OPTIONS(self) -> None:
            self.answer(204, b"", CORS)

        def do_GET(self) -> None:
            with lock:
                status = opened(gateway, self.path, self.headers.get("authorization", ""))
            self.answer(status, b'{"parcels": []}', {"Content-Type": "application/json", **CORS})

    with bus, served(Handler) as called.address:
        gateway.register()
        yield called


def opened(gateway: Gateway, path: str, key: str) -> int:
    """Read all anew, which a gateway does when it is told to, and note the request."""
    gateway.load()
    gateway.cache.clear()
    status = gateway.opens(path, key)
    api = next((api for api in gateway.apis.values() if path.startswith(api["proxy"]["listen_path"])), None)
    if api and gateway.bus and (session := gateway.session(key)):
        note(gateway.bus, api, hashlib.sha256(key.encode()).hexdigest(), session, status)
    return status


def note(bus: "redis.Redis", api: dict[str, Any], hash: str, session: dict[str, Any], status: int) -> None:
    bus.incr(f"{QUOTA}{hash}")
    alias = session.get("alias", "")
    names = {"OrgID": api["org_id"], "APIID": api["api_id"], "APIName": api["name"], "APIKey": hash, "Alias": alias}
    bus.rpush(LIST, record(**names, ResponseCode=status))
