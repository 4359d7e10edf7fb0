"""A real Tyk Gateway to measure against: TYK_GATEWAY_BIN names its program, TYK_GATEWAY_HOME the folder of its templates.

It stores its keys in a Redis of its own that writes each to the disk before it answers, as our database does.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

PORT, REDIS_PORT, SECRET = 8934, 8935, "bench-gateway-secret"
API = {
    "name": "Bench", "api_id": "bench", "org_id": "bench", "active": True, "use_keyless": False,
    "auth": {"auth_header_name": "Authorization"},
    "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
    "proxy": {"listen_path": "/bench/", "target_url": "http://127.0.0.1:1/", "strip_listen_path": True},
}  # fmt: skip
SESSION = {
    "alias": "bench",
    "org_id": "bench",
    "access_rights": {"bench": {"api_id": "bench", "versions": ["Default"]}},
}


@contextmanager
def running(scratch: Path) -> Iterator[str | None]:
    """Yield the address of its key creation, or None where there is no gateway or no Redis."""
    binary, redis = os.environ.get("TYK_GATEWAY_BIN", ""), shutil.which("redis-server") or shutil.which("valkey-server")
    if not binary or not redis:
        yield None
        return
    folder = scratch / "gateway"
    (folder / "apps").mkdir(parents=True, exist_ok=True)
    (folder / "apps" / "bench.json").write_text(json.dumps(API))
    (folder / "policies.json").write_text("{}")
    (folder / "tyk.conf").write_text(
        json.dumps(configuration(Path(os.environ.get("TYK_GATEWAY_HOME") or Path(binary).parent), folder))
    )
    store = ["--port", str(REDIS_PORT), "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"]
    processes = [
        subprocess.Popen([redis, *store], stdout=subprocess.DEVNULL),
        subprocess.Popen(
            [binary, f"--conf={folder / 'tyk.conf'}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "TYK_LOGLEVEL": "error"}, cwd=folder,
        ),
    ]  # fmt: skip
    try:
        wait_until_it_creates()
        yield f"http://127.0.0.1:{PORT}/tyk/keys/create"
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)


def configuration(home: Path, folder: Path) -> dict[str, object]:
    return {
        "listen_address": "127.0.0.1", "listen_port": PORT, "secret": SECRET, "node_secret": SECRET,
        "template_path": str(home / "templates"), "middleware_path": str(home / "middleware"),
        "use_db_app_configs": False, "app_path": str(folder / "apps"),
        "policies": {"policy_source": "file", "policy_record_name": str(folder / "policies.json")},
        "storage": {"type": "redis", "host": "127.0.0.1", "port": REDIS_PORT, "optimisation_max_idle": 2000},
        "enable_analytics": False, "hash_keys": True, "hash_key_function": "sha256",
    }  # fmt: skip


def create_once() -> int:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=2)
    connection.request("POST", "/tyk/keys/create", json.dumps(SESSION), {"x-tyk-authorization": SECRET})
    return connection.getresponse().status


def wait_until_it_creates() -> None:
    for _ in range(100):
        try:
            if create_once() == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError("The gateway has not started.")
