"""`manage.py up`, run as `make run` runs it, with a worker and a pump of these tests' own that only sleep."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path

import pytest

from dashboard import embedded, embedded_valkey, running
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 60
NO_SERVER = "there is neither a valkey-server nor a redis-server"
SLEEPER = """
import os, pathlib, time
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, *args, **options):
        pathlib.Path(os.environ["VAR_DIR"], "NAME.pid").write_text(str(os.getpid()))
        time.sleep(600)
"""
# Before the installation's own apps: so its `worker` and `pump` are those that `up` finds.
SETTINGS = "from dashboard.settings import *\nINSTALLED_APPS = ['sleeper', *INSTALLED_APPS]\n"
WITHOUT_REDIS = """
from dashboard import embedded_valkey
embedded_valkey.program = lambda: None
from sleeping import *
"""


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """A zombie does not: in a container nobody may be there to bury it."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout  # noqa: S603, S607
    return bool(state.strip()) and not state.startswith("Z")


def as_in_a_terminal() -> None:
    """Who runs the tests in the background may have these ignored, and so would our children."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@dataclass(frozen=True)
class Installation:
    var_dir: Path
    environment: dict[str, str]

    def with_(self, **changes: str) -> "Installation":
        return replace(self, environment=self.environment | changes)

    def up(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "up"]
        with self.log.open("w") as log:
            return subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=as_in_a_terminal,
            )  # fmt: skip

    @property
    def log(self) -> Path:
        return self.var_dir.parent / "up.log"

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)  # noqa: S603

    def worker_pid(self, name: str = "worker") -> int:
        note = self.var_dir / f"{name}.pid"
        return int((note.exists() and note.read_text()) or 0)

    def web_pid(self, up: subprocess.Popen[bytes]) -> int:
        """Return the child of `up` that is neither the worker nor the pump."""
        found = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True).stdout  # noqa: S607
        children = [int(pid) for pid, parent in map(str.split, found.splitlines()) if int(parent) == up.pid]
        others = (self.worker_pid(), self.worker_pid("pump"))
        return next(pid for pid in children if pid not in others and lives(pid))

    def web_answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", int(self.environment["PORT"]), timeout=TIMEOUT_S)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except ConnectionError:
            return False
        finally:
            connection.close()

    def serves(self) -> bool:
        return bool(self.worker_pid() and self.worker_pid("pump") and self.web_answers())

    def servers(self) -> tuple[bool, bool]:
        return embedded.is_running(self.var_dir), embedded_valkey.is_running(self.var_dir)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("up")
    commands = folder / "sleeper" / "management" / "commands"
    commands.mkdir(parents=True)
    for package in (folder / "sleeper", folder / "sleeper" / "management", commands):
        (package / "__init__.py").touch()
    for name in ("worker", "pump"):
        (commands / f"{name}.py").write_text(SLEEPER.replace("NAME", name))
    (folder / "sleeping.py").write_text(SETTINGS)
    (folder / "without_redis.py").write_text(WITHOUT_REDIS)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder),
        "DJANGO_SETTINGS_MODULE": "sleeping",
        "VAR_DIR": str(folder / "var"),
        "PORT": str(free_port()),
        "WEB_WORKERS": "1",
    }
    yield Installation(folder / "var", environment)
    Installation(folder / "var", environment).manage("up", "--stop")


@pytest.fixture
def up(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    """An `up` that serves, and whose worker works."""
    if embedded_valkey.program() is None:
        pytest.skip(NO_SERVER)
    for name in ("worker", "pump"):
        (installation.var_dir / f"{name}.pid").unlink(missing_ok=True)
    with installation.up() as process:
        try:
            wait_until(lambda: process.poll() is not None or installation.serves())
            assert installation.servers() == (True, True)
            yield process
        finally:
            process.terminate()


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGHUP])
def test_up_ends_all_that_it_started_when_it_is_told_to(
    installation: Installation, up: subprocess.Popen[bytes], told: signal.Signals
) -> None:
    children = installation.web_pid(up), installation.worker_pid(), installation.worker_pid("pump")
    up.send_signal(told)
    assert up.wait(TIMEOUT_S) == 0
    assert [lives(pid) for pid in children] == [False, False, False]
    assert installation.servers() == (False, False)


def test_stop_ends_all_that_up_started(installation: Installation, up: subprocess.Popen[bytes]) -> None:
    children = installation.web_pid(up), installation.worker_pid()
    assert installation.manage("up", "--stop").stdout == "Commonhold has stopped.\n"
    assert [lives(pid) for pid in children] == [False, False]
    assert installation.servers() == (False, False)
    assert installation.manage("up", "--stop").stdout == "Commonhold was not running.\n"


def test_a_worker_that_ends_is_begun_anew(installation: Installation, up: subprocess.Popen[bytes]) -> None:
    ended = installation.worker_pid()
    os.kill(ended, signal.SIGKILL)
    wait_until(lambda: installation.worker_pid() not in (0, ended))
    assert lives(installation.worker_pid())


def test_up_ends_when_the_web_server_crashes(installation: Installation, up: subprocess.Popen[bytes]) -> None:
    worker = installation.worker_pid()
    os.kill(installation.web_pid(up), signal.SIGKILL)
    assert up.wait(TIMEOUT_S) == 1
    assert installation.log.read_text().endswith("CommandError: The web server has ended by itself, with -9.\n")
    assert (lives(worker), installation.servers()) == (False, (False, False))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells children that their parent was killed")
def test_nothing_outlives_an_up_that_is_killed_but_the_servers_which_stop_ends(
    installation: Installation, up: subprocess.Popen[bytes]
) -> None:
    children = installation.web_pid(up), installation.worker_pid()
    up.kill()
    wait_until(lambda: not any(map(lives, children)))
    wait_until(lambda: running.found(installation.var_dir) is None)
    assert installation.servers() == (True, True)
    installation.manage("up", "--stop")
    assert installation.servers() == (False, False)


@pytest.mark.skipif(embedded_valkey.program() is None, reason=NO_SERVER)
def test_port_that_valkey_cannot_have_stops_the_start(installation: Installation) -> None:
    """And with it the database, which was started before."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port + 1)):
        done = installation.with_(PORT=str(port)).manage("up")
    assert f"CommandError: The embedded Valkey needs the port above PORT, and {port + 1} cannot" in done.stderr
    assert (done.returncode, installation.servers()) == (1, (False, False))


def test_without_a_redis_up_says_that_gateways_wait_and_serves(installation: Installation) -> None:
    (installation.var_dir / "worker.pid").unlink(missing_ok=True)
    without = installation.with_(DJANGO_SETTINGS_MODULE="without_redis")
    with without.up() as process:
        wait_until(lambda: without.web_answers() and without.worker_pid())
        assert without.servers() == (True, False)
        process.terminate()
    said = "Gateways wait for a Redis: install valkey-server, or set GATEWAY_REDIS_URL.\n"
    assert without.log.read_text().count(said) == 1
