"""A real Tyk Gateway beside an installation of its own, both as processes; nothing of the gateway is kept here.

The tests take its program from TYK_GATEWAY_BIN and its templates from TYK_GATEWAY_HOME.
"""

import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx

from tests.apis.pem import Made, key_pem
from tests.browser.server import PASSWORD, Server, running
from tests.ports import free_port

PROGRAM, HOME = os.environ.get("TYK_GATEWAY_BIN", ""), os.environ.get("TYK_GATEWAY_HOME", "")
GO_SENDS = {"host", "user-agent", "accept-encoding", "content-length", "connection"}
START_TIMEOUT_S, STOP_TIMEOUT_S = 30, 10
WITHIN_S = 2.0
API_SECRET = "the secret of its own API"


class Upstream(BaseHTTPRequestHandler):
    """What the APIs lead to."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        pass


class Recorder(Upstream):
    """Passes a gateway's calls on to the dashboard, and notes what they are."""

    dashboard = ""
    seen: set[tuple[str, str, frozenset[str]]] = set()

    def do_GET(self) -> None:
        names = frozenset(name.lower() for name in self.headers) - GO_SENDS
        self.seen.add((self.command, self.path, names))
        length = int(self.headers.get("content-length") or 0)
        headers = {name: value for name, value in self.headers.items() if name.lower() in names}
        answer = httpx.request(
            self.command, self.dashboard + self.path, headers=headers, content=self.rfile.read(length)
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_POST = do_DELETE = do_GET


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    # Stopping waits until it looks again: by itself twice a second.
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def asking_for(made: Made, folder: Path) -> Iterator[str]:
    """An upstream over TLS that lets nobody in without this certificate. It has the same one for itself."""
    own = folder / "upstream.pem"
    own.write_bytes(made.pem + key_pem(made.key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode, context.verify_flags = ssl.CERT_REQUIRED, ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_cert_chain(own)
    context.load_verify_locations(own)
    with listening(Upstream, context) as address:
        yield address


@dataclass
class RealGateway:
    """`call` returns the status with which the gateway answers."""

    address: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def call(self, path: str, token: str = "", *, host: str = "") -> int:
        headers = ({"authorization": token} if token else {}) | ({"host": host} if host else {})
        return httpx.get(self.address + path, headers=headers).status_code

    def until(self, path: str, token: str, *wanted: int, host: str = "", within_s: float = WITHIN_S) -> None:
        """Fail unless a call ends so within the time."""

        def ends_so() -> bool | str:
            status = self.call(path, token, host=host)
            return status in wanted or f"{path} answers {status}"

        self._until(ends_so, within_s)

    def token(self, path: str, client: dict[str, Any]) -> str:
        """Return a token that an OAuth client gets with its secret; nothing where it is refused."""
        own = client["client_id"], client["secret"]
        answer = httpx.post(self.address + path, data={"grant_type": "client_credentials"}, auth=own)
        return str(answer.json()["access_token"]) if answer.status_code == 200 else ""

    def until_token(self, path: str, client: dict[str, Any]) -> str:
        self._until(lambda: bool(self.token(path, client)) or f"{path} gives no token", WITHIN_S)
        return self.token(path, client)

    def until_no_token(self, path: str, client: dict[str, Any]) -> None:
        self._until(lambda: not self.token(path, client) or f"{path} gives tokens", WITHIN_S)

    def _until(self, is_so: Callable[[], bool | str], within_s: float) -> None:
        """`is_so` returns True, or what is so instead."""
        began = time.monotonic()
        while (found := is_so()) is not True:
            assert time.monotonic() - began < within_s, f"Still {found}.\n{self.log.read_text()[-3000:]}"
            time.sleep(0.02)


class Fleet(NamedTuple):
    server: Server
    gateway: RealGateway
    upstream: str


@contextmanager
def fleet(folder: Path, var_dir: Path) -> Iterator[Fleet]:
    """An installation with a gateway of its first group, whose calls are recorded, and an upstream."""
    with running(var_dir) as server, listening(Upstream) as upstream, listening(Recorder) as recorder:
        Recorder.dashboard, Recorder.seen = server.address, set()
        with gateway(server, recorder, folder) as started:
            yield Fleet(server, started, upstream)


@contextmanager
def gateway(
    server: Server, dashboard: str, folder: Path, *, tags: tuple[str, ...] = (), **settings: Any
) -> Iterator[RealGateway]:
    """`settings` are of the gateway's configuration, beside or instead of those that it has here."""
    port = free_port()
    log, conf = folder / f"gateway-{port}.log", folder / f"gateway-{port}.json"
    conf.write_text(json.dumps(configuration(server, dashboard, port, tags) | settings))
    with log.open("wb") as output:
        process = subprocess.Popen([PROGRAM, "--conf", str(conf)], cwd=folder, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603
    real = RealGateway(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until_it_hears(server, real)
        yield real
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:  # asked while it starts, one of generation 5 does not hear it
            process.kill()


def configuration(server: Server, dashboard: str, port: int, tags: tuple[str, ...]) -> dict[str, Any]:
    redis = urlsplit(redis_url(server))
    password = unquote(redis.password or "")
    return {
        "listen_address": "127.0.0.1", "listen_port": port, "secret": API_SECRET,
        "node_secret": secret(server, "NODE_SECRET"),
        "template_path": f"{HOME}/templates",
        "pid_file_location": f"{server.environment['VAR_DIR']}/gateway-{port}.pid",
        "storage": {"type": "redis", "host": redis.hostname, "port": redis.port, "password": password},
        "hash_keys": True, "hash_key_function": "sha256", "enforce_org_quotas": True,
        "local_session_cache": {"disable_cached_session_state": True},
        "use_db_app_configs": True,
        "db_app_conf_options": {"connection_string": dashboard, "node_is_segmented": bool(tags), "tags": list(tags)},
        "policies": {"policy_source": "service", "policy_connection_string": dashboard},
        "disable_dashboard_zeroconf": True, "proxy_ssl_insecure_skip_verify": True, "enable_custom_domains": True,
        "enable_analytics": True, "analytics_config": {"storage_expiration_time": 3600},
    }  # fmt: skip


def secret(server: Server, name: str) -> str:
    lines = (Path(server.environment["VAR_DIR"]) / "secrets.env").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{name}="))


def redis_url(server: Server) -> str:
    return f"redis://:{secret(server, 'VALKEY_PASSWORD')}@127.0.0.1:{int(server.environment['PORT']) + 1}"


def wait_until_it_hears(server: Server, real: RealGateway) -> None:
    """Generation 3 listens to messages only some seconds after it has started."""
    import redis

    deadline = time.monotonic() + START_TIMEOUT_S
    with redis.Redis.from_url(redis_url(server)) as client:
        while time.monotonic() < deadline and real.process.poll() is None:
            heard = dict(client.pubsub_numsub("tyk.cluster.notifications"))
            if heard.get(b"tyk.cluster.notifications") and answers(real):
                return
            time.sleep(0.1)
    raise AssertionError(f"The gateway has not started: {real.log.read_text()[-3000:]}")


def answers(real: RealGateway) -> bool:
    try:
        return httpx.get(f"{real.address}/hello").status_code == 200
    except httpx.TransportError:
        return False


class Organisation:
    """One that scripts made through the Admin API; calls of its administrator's key."""

    def __init__(self, server: Server, slug: str) -> None:
        self.slug = slug
        self.admin = httpx.Client(base_url=server.address, headers={"admin-auth": secret(server, "ADMIN_SECRET")})
        made = self.admin.post("/admin/organisations", json={"owner_name": slug, "owner_slug": slug})
        self.id = made.json()["Meta"]
        user = {"first_name": "A", "last_name": "B", "email_address": f"{slug}@example.com", "password": PASSWORD}
        answer = self.admin.post("/admin/users", json=user | {"org_id": self.id, "active": True})
        self.client = httpx.Client(base_url=server.address, headers={"authorization": answer.json()["Message"]})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, path, json=body)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def api(self, name: str, upstream: str, **fields: Any) -> tuple[str, str]:
        """Return the id of the row and the `api_id`."""
        made = self.call("POST", "/api/apis", {"api_definition": self.definition(name, upstream, **fields)})
        return made["Meta"], made["ID"]

    def definition(self, name: str, upstream: str, **fields: Any) -> dict[str, Any]:
        return {
            "name": name, "active": True, "use_standard_auth": True, "auth": {"auth_header_name": "Authorization"},
            "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
            "proxy": {"listen_path": f"/{self.slug}-{name}/", "target_url": upstream, "strip_listen_path": True},
            **fields,
        }  # fmt: skip

    def key(self, *api_ids: str, **fields: Any) -> dict[str, Any]:
        rights = {id: {"api_id": id, "versions": ["Default"]} for id in api_ids}
        made: dict[str, Any] = self.call("POST", "/api/keys", {"access_rights": rights, **fields})
        return made

    def path(self, name: str) -> str:
        return f"/{self.slug}-{name}/"
