"""The embedded database, on a cluster of these tests' own that they stop, kill and start again."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dashboard import embedded
from dashboard.embedded_server import EmbeddedServerError
from dashboard.settings import env


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    var_dir = tmp_path_factory.mktemp("cluster")
    embedded.start(var_dir, fast_and_unsafe=True)
    yield var_dir
    embedded.stop(var_dir)


@pytest.fixture
def var_dir(cluster: Path) -> Iterator[Path]:
    """A running cluster, whatever the test before did to it."""
    embedded.start(cluster, fast_and_unsafe=True)
    yield cluster
    embedded.start(cluster, fast_and_unsafe=True)


def ask(var_dir: Path, url_index: int, query: str) -> list[tuple[object, ...]]:
    config = env.db_url_config(embedded.database_urls(var_dir)[url_index])
    address = {"host": config["HOST"], "user": config["USER"], "dbname": config["NAME"]}
    with psycopg.connect(**address) as connection:
        return connection.execute(query).fetchall()


def server_pid(var_dir: Path) -> int:
    return int((var_dir / "postgres" / "postmaster.pid").read_text().split()[0])


ROLE = """
    SELECT rolname::text, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb
    FROM pg_roles WHERE rolname = current_user
"""


def test_web_role_has_no_power(var_dir: Path) -> None:
    assert ask(var_dir, 0, ROLE) == [("commonhold_web", False, False, False, False)]


def test_owner_may_create_databases_and_nothing_else(var_dir: Path) -> None:
    assert ask(var_dir, 1, ROLE) == [("commonhold_owner", False, False, False, True)]


def test_web_role_may_not_create_tables(var_dir: Path) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(var_dir, 0, "CREATE TABLE stray ()")


def test_server_listens_on_its_socket_alone(var_dir: Path) -> None:
    assert ask(var_dir, 0, "SELECT current_setting('listen_addresses')") == [("",)]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
def test_server_is_told_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "told to the server")
    embedded.start(tmp_path, fast_and_unsafe=True)
    environment = Path(f"/proc/{server_pid(tmp_path)}/environ").read_bytes()
    embedded.stop(tmp_path)
    assert (b"PATH=" in environment, b"told to the server" in environment) == (True, False)


def test_start_leaves_a_running_server_alone(var_dir: Path) -> None:
    before = server_pid(var_dir)
    embedded.start(var_dir)
    assert server_pid(var_dir) == before


def test_stop_and_start_keep_what_was_stored(var_dir: Path) -> None:
    with psycopg.connect(
        host=str(embedded._socket_dir(var_dir)), user="commonhold_owner", dbname="commonhold"
    ) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    embedded.stop(var_dir)
    assert not embedded.is_running(var_dir)
    embedded.start(var_dir)
    assert ask(var_dir, 1, "SELECT answer FROM kept") == [(42,)]


def test_stop_of_a_stopped_server_does_nothing(var_dir: Path) -> None:
    embedded.stop(var_dir)
    embedded.stop(var_dir)
    assert not embedded.is_running(var_dir)


def test_start_recovers_from_a_killed_server(var_dir: Path) -> None:
    killed = server_pid(var_dir)
    os.kill(killed, signal.SIGKILL)
    time.sleep(0.2)
    embedded.start(var_dir)
    assert embedded.is_running(var_dir)
    assert server_pid(var_dir) != killed


def test_start_is_not_fooled_by_another_process_with_the_crashed_servers_number(var_dir: Path) -> None:
    embedded.stop(var_dir)
    note = var_dir / "postgres" / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{var_dir / 'postgres'}\n1\n5432\n\n\n")
    assert not embedded.is_running(var_dir)
    embedded.stop(var_dir)  # must not signal this process
    embedded.start(var_dir)
    assert server_pid(var_dir) != os.getpid()


def test_borrowed_server_is_stopped_afterwards(var_dir: Path) -> None:
    embedded.stop(var_dir)
    with embedded.borrowed(var_dir):
        assert embedded.is_running(var_dir)
    assert not embedded.is_running(var_dir)


def test_borrowed_server_stays_while_somebody_else_uses_it(var_dir: Path) -> None:
    embedded.stop(var_dir)
    with embedded.borrowed(var_dir):
        user = embedded.join_users(var_dir)
    os.close(user)
    assert embedded.is_running(var_dir)


def test_borrowed_server_that_ran_before_stays(var_dir: Path) -> None:
    with embedded.borrowed(var_dir):
        pass
    assert embedded.is_running(var_dir)


def test_nobody_else_may_enter_the_data_or_the_socket(var_dir: Path) -> None:
    places = (var_dir / "postgres", embedded._socket_dir(var_dir))
    assert [stat.S_IMODE(place.stat().st_mode) for place in places] == [0o700, 0o700]


def test_start_leaves_the_folders_above_as_they_are(cluster: Path) -> None:
    assert [(place.stat().st_uid, stat.S_IMODE(place.stat().st_mode)) for place in (cluster, cluster.parent)] == [
        (os.geteuid(), 0o700),
        (os.geteuid(), 0o700),
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root borrows an account")
def test_server_of_root_runs_as_another_account(var_dir: Path) -> None:
    assert (var_dir / "postgres").stat().st_uid != 0
    assert Path(f"/proc/{server_pid(var_dir)}").stat().st_uid == (var_dir / "postgres").stat().st_uid


def test_socket_of_a_long_path_lies_in_a_short_private_folder(tmp_path: Path) -> None:
    var_dir = tmp_path / ("long" * 30) / "var"
    place = embedded._socket_dir(var_dir)
    assert len(os.fsencode(place / ".s.PGSQL.5432")) <= 107
    assert embedded._socket_dir(var_dir) == place != embedded._socket_dir(tmp_path / ("long" * 31))


def test_short_folder_that_somebody_else_made_is_refused(tmp_path: Path) -> None:
    var_dir = tmp_path / ("long" * 30) / "var"
    place = embedded._socket_dir(var_dir)
    place.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedServerError, match="belongs to another account"):
            embedded.start(var_dir)
    finally:
        place.unlink()


@pytest.mark.parametrize("folder", ["a b", "a+b", "a%20b", "é"])
def test_urls_keep_the_characters_of_a_path(folder: str) -> None:
    configs = [env.db_url_config(url) for url in embedded.database_urls(Path("/srv") / folder)]
    assert [(c["HOST"], c["USER"], c["NAME"]) for c in configs] == [
        (f"/srv/{folder}/run", "commonhold_web", "commonhold"),
        (f"/srv/{folder}/run", "commonhold_owner", "commonhold"),
    ]


def test_a_cluster_starts_in_a_folder_with_odd_characters(tmp_path: Path) -> None:
    var_dir = tmp_path / 'it\'s, "a" $(touch x) `b` \\ 100%'
    try:
        embedded.start(var_dir, fast_and_unsafe=True)
        assert ask(var_dir, 0, "SELECT 1") == [(1,)]
    finally:
        embedded.stop(var_dir)
    assert [place.name for place in tmp_path.iterdir()] == [var_dir.name]
    assert not embedded._socket_dir(var_dir).exists()
