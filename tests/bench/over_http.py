"""The JSON API over HTTP, by wrk: the product, a bare Django view and Django REST framework in turn, round by round.

Each is served by the same gunicorn with two processes of four threads. Where TYK_GATEWAY_BIN names a gateway, its own
key creation is measured as well, on a Redis with `appendfsync always` (REDIS_BIN, else redis-server on the PATH).
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.bench import gateway

BASE_DIR = Path(__file__).resolve().parent.parent.parent
PORTS = {"product": 8931, "bare": 8932, "rest": 8933}
APPLICATIONS = {
    "product": "dashboard.wsgi",
    "bare": "tests.bench.applications:bare",
    "rest": "tests.bench.applications:rest",
}
BULK = 10_000


@dataclass(frozen=True)
class Shot:
    """What wrk sends."""

    url: str
    method: str = "GET"
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def script(self, path: Path) -> Path:
        headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in self.headers)
        path.write_text(f'wrk.method = "{self.method}"\nwrk.body = [==[{self.body}]==]\n{headers}')
        return path


@contextmanager
def serving(name: str, environment: dict[str, str]) -> Iterator[int]:
    """Run gunicorn with one of the applications; yield its process id."""
    port = PORTS[name]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--log-level", "error", APPLICATIONS[name]],
        cwd=BASE_DIR,
        env={**os.environ, **environment, "PORT": str(port), "API_RATE": "0", "LOG_LEVEL": "ERROR"},
    )
    try:
        wait_for(port)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/hello")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"Nothing answers on port {port}.")


def throughput(shot: Shot, *, connections: int, seconds: int, scratch: Path) -> float:
    """Return the answers a second; any that is not 2xx ends the measurement."""
    script = shot.script(scratch / "shot.lua")
    done = subprocess.run(
        [str(shutil.which("wrk")), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), shot.url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise AssertionError(f"{shot.url}: {done.stdout}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]


def in_turn(shots: dict[str, Shot], *, connections: int, rounds: int, scratch: Path) -> dict[str, list[float]]:
    """Measure each once in every round, after one round that does not count."""
    found: dict[str, list[float]] = {name: [] for name in shots}
    for turn in range(rounds + 1):
        for name in sorted(shots, reverse=bool(turn % 2)):
            rate = throughput(shots[name], connections=connections, seconds=5 if turn else 1, scratch=scratch)
            if turn:
                found[name].append(rate)
    return found


def ratio(found: dict[str, list[float]], one: str, other: str) -> float:
    return median(first / second for first, second in zip(found[one], found[other], strict=True))


def memory_mb(parent: int) -> float:
    """The largest resident memory of the web processes of a gunicorn."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return max(_high_water_kb(child) for child in children) / 1024


def _high_water_kb(process: str) -> int:
    with Path(f"/proc/{process}/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def request(port: int, method: str, path: str, token: str, body: bytes = b"") -> tuple[int, int, float]:
    """Return the status, the bytes and the seconds of one call."""
    connection = HTTPConnection("127.0.0.1", port, timeout=300)
    began = perf_counter()
    connection.request(method, path, body, {"authorization": token})
    answer = connection.getresponse()
    size = 0
    while chunk := answer.read(1 << 16):
        size += len(chunk)
    return answer.status, size, perf_counter() - began


Say = Callable[[str, float, float, str], None]


def measure(tokens: dict[str, str], api_ids: dict[str, str], superuser: str, say: Say, least: Say, rounds: int, scratch: Path) -> None:  # fmt: skip
    """`tokens` and `api_ids` are by the slug of the organisation: wire, wide and org-500."""
    if not shutil.which("wrk"):
        print("  wrk is missing: nothing is measured over HTTP")
        return
    with ExitStack() as stack:
        product = stack.enter_context(serving("product", {}))
        stack.enter_context(serving("bare", {"DATABASE_URL": superuser}))
        stack.enter_context(serving("rest", {"DATABASE_URL": superuser}))
        base = {name: f"http://127.0.0.1:{port}" for name, port in PORTS.items()}
        listing = {
            "product": Shot(f"{base['product']}/api/apis?p=-1", headers=(("authorization", tokens["wire"]),)),
            "rest": Shot(f"{base['rest']}/apis"),
        }
        found = in_turn(listing, connections=2, rounds=rounds, scratch=scratch)
        detail = f"{median(found['product']):.1f}/s, {median(found['rest']):.1f}/s"
        least("1,000 definitions of 5 kB / the same by REST framework", ratio(found, "product", "rest"), 5, detail)

        session = {
            "alias": "bench",
            "access_rights": {api_ids["org-500"]: {"api_id": api_ids["org-500"], "versions": ["Default"]}},
        }
        creating = {
            "product": Shot(f"{base['product']}/api/keys", "POST", json.dumps(session), (("authorization", tokens["org-500"]),)),
            "bare": Shot(f"{base['bare']}/", "POST", json.dumps(session)),
        }  # fmt: skip
        if theirs := stack.enter_context(gateway.running(scratch)):
            secret = (("x-tyk-authorization", gateway.SECRET),)
            creating["gateway"] = Shot(theirs, "POST", json.dumps(gateway.SESSION), secret)
        found = in_turn(creating, connections=8, rounds=rounds, scratch=scratch)
        for other, aim in (("bare", 0.62), ("gateway", 0.6)):
            if other in found:
                detail = f"{median(found['product']):,.0f}/s, {median(found[other]):,.0f}/s"
                least(f"POST /api/keys at 8 connections / {other}", ratio(found, "product", other), aim, detail)

        bulk = json.dumps([session | {"alias": f"bulk {n}"} for n in range(BULK)]).encode()
        rates = [BULK / request(PORTS["product"], "POST", "/api/keys", tokens["org-500"], bulk)[2] for _ in range(3)]
        least("thousand keys a second in an array body", median(rates) / 1000, 40, f"{BULK:,} in a call")

        pages = [
            request(PORTS["product"], "GET", "/api/apis/keys?p=7&page_size=50", tokens["org-1"])[2] for _ in range(30)
        ]
        say("a page of 50 keys of 100,000, in ms", median(pages) * 1000, 3, "0.005 of a gateway's own listing")

        before = memory_mb(product)
        status, size, took = request(PORTS["product"], "GET", "/api/apis?p=-1", tokens["wide"])
        assert status == 200, status
        say("memory that listing 20,000 definitions adds, in MB", memory_mb(product) - before, 20, f"{size / 1e6:.0f} MB in {took:.1f} s")  # fmt: skip
