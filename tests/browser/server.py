"""A server of the browser tests' own, started as `make run` starts it, with a database of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Server:
    address: str
    environment: dict[str, str]

    def manage(self, *words: str, typed: str = "") -> str:
        """Run a command of manage.py beside the server; return what it prints. `typed` is its standard input."""
        done = subprocess.run(  # noqa: S603 - the words are the tests' own
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=self.environment, input=typed, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"manage.py {words[0]}: {done.stderr}"
        return done.stdout


@contextmanager
def running(var_dir: Path, **settings: str) -> Iterator[Server]:
    """Run a server whose first organisation is Acme with the administrator Ann, both as `bootstrap` makes them."""
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}", environment(var_dir, port) | settings)
    log = var_dir / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT, env=server.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_until_it_answers(process, port, log)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=START_TIMEOUT_S)
        shutil.rmtree(var_dir)


def environment(var_dir: Path, port: int) -> dict[str, str]:
    """Nothing of the tests' own settings: the server has secrets and a database of its own."""
    return {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(var_dir),
        "PORT": str(port),
        "WEB_WORKERS": "1",
        "LOG_LEVEL": "WARNING",
        "ORG_NAME": "Acme",
        "ORG_SLUG": "acme",
        "ADMIN_NAME": "Ann",
        "ADMIN_EMAIL": "ann@acme.example",
        "ADMIN_PASSWORD": PASSWORD,
    }


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"The server has not started: {log.read_text()}")
