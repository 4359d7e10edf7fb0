"""What the environment may say, and where the secrets come from."""

import os
import runpy
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.errors import InvalidHeader

from dashboard import running, secret_settings

SECRET = "a secret of more than twenty-four characters"
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that has been told nothing: no variable set, an empty `var/`."""
    for name in set(os.environ) - set(KEPT):
        monkeypatch.delenv(name)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))


def read(**environment: str) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (dict.fromkeys(secret_settings.NAMES, SECRET) | environment).items():
            patch.setenv(name, value)
        return runpy.run_path(str(secret_settings.BASE_DIR / "dashboard" / "settings.py"))


def manage(*words: str, **environment: str) -> tuple[int, str]:
    command = [sys.executable, str(secret_settings.BASE_DIR / "manage.py"), *words]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)  # noqa: S603
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name", [name for name in secret_settings.NAMES if name not in ("ADMIN_SECRET", "VALKEY_PASSWORD")]
)
def test_secret_that_is_missing_or_short_stops_the_start(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not set"):
        read(**{name: ""})
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is shorter than 24 characters"):
        read(**{name: "x" * 23})


def test_token_of_the_metrics_may_be_left_out_and_is_long_where_it_is_not() -> None:
    assert read(METRICS_TOKEN="")["METRICS_TOKEN"] == ""
    assert read(METRICS_TOKEN=SECRET)["METRICS_TOKEN"] == SECRET
    with pytest.raises(ImproperlyConfigured, match=r"^METRICS_TOKEN is shorter than 24 characters\."):
        read(METRICS_TOKEN="x" * 23)


def test_admin_secret_may_be_left_out() -> None:
    """The Admin API is off then."""
    assert read(ADMIN_SECRET="")["ADMIN_SECRET"] == ""


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("DEBUG", "yes", "must be one of on, off."),
        ("HTTPS", "true", "must be one of on, off."),
        ("TRUSTED_PROXIES", "-1", "must be at least 0."),
        ("TRUSTED_PROXIES", "one", "must be a whole number."),
        ("DATABASE_URL", "mysql://db/commonhold", "must be a postgres:// address."),
        ("DATABASE_URL", "commonhold", "must be a postgres:// address."),
        ("DATABASE_OWNER_URL", "sqlite:///x", "must be a postgres:// address."),
        ("PUMP_SQL_URL", "mysql://db/tyk_analytics", "must be a postgres:// address."),
        ("GATEWAY_REDIS_URL", "http://redis:6379", "must be a redis:// or rediss:// address."),
        ("GATEWAY_REDIS_URL", "redis:", "must be a redis:// or rediss:// address."),
        ("SESSION_HOURS", "0", "must be at least 1."),
        ("DNS_SERVERS", "ns.example", "must be addresses like 192.0.2.1 or 192.0.2.1:53."),
        ("DNS_SERVERS", "192.0.2.1,192.0.2.1:x", "must be addresses like 192.0.2.1 or 192.0.2.1:53."),
        ("KEY_HASH", "md5", "must be one of sha256, murmur64, murmur128."),
        ("LOG_LEVEL", "loud", "must be one of DEBUG, INFO, WARNING, ERROR."),
    ],
)
def test_wrong_setting_stops_the_start_with_its_name(name: str, value: str, fault: str) -> None:
    environment = {"DATABASE_URL": "postgres://db/commonhold", name: value}
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**environment)
    assert str(refused.value) == f"{name} {fault}"


def test_name_servers_are_addresses_with_or_without_a_port() -> None:
    assert read(DNS_SERVERS="")["DNS_SERVERS"] == []
    given = "192.0.2.1,192.0.2.2:5353,2001:db8::1,[2001:db8::2]:5353"
    assert read(DNS_SERVERS=given)["DNS_SERVERS"] == [
        ("192.0.2.1", 53), ("192.0.2.2", 5353), ("2001:db8::1", 53), ("2001:db8::2", 5353),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "80a"), ("PORT", "65535"), ("WEB_WORKERS", "0"), ("WEB_THREADS", "-1")]
)
def test_wrong_number_for_the_web_server_stops_it_with_its_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"^{name} must be a whole number from 1 to .*, not '{value}'.$"):
        runpy.run_path(str(secret_settings.BASE_DIR / "gunicorn.conf.py"))


def test_web_server_believes_no_header_of_a_client() -> None:
    conf = runpy.run_path(str(secret_settings.BASE_DIR / "gunicorn.conf.py"))
    names = (
        "bind",
        "forwarded_allow_ips",
        "secure_scheme_headers",
        "forwarder_headers",
        "control_socket_disable",
    )
    assert [conf[name] for name in names] == ["127.0.0.1:8000", "", {}, "", True]


def read_by_the_web_server(*headers: str) -> list[tuple[str, str]]:
    runpy.run_path(str(secret_settings.BASE_DIR / "gunicorn.conf.py"))
    sent = "\r\n".join(("POST /api/apis HTTP/1.1", "Host: one.example", *headers, "", ""))
    request = next(RequestParser(Config(), iter([sent.encode()]), ("192.0.2.1", 1)))
    return [header for header in request.headers if header[0] != "HOST"]


def test_web_server_takes_a_content_type_that_is_said_twice_in_the_same_words() -> None:
    json = "application/json"
    assert read_by_the_web_server(f"Content-Type: {json}", "X-One: 1", f"content-type:{json}") == [
        ("CONTENT-TYPE", json),
        ("X-ONE", "1"),
    ]
    with pytest.raises(InvalidHeader):
        read_by_the_web_server(f"Content-Type: {json}", "Content-Type: text/plain")
    with pytest.raises(InvalidHeader):
        read_by_the_web_server(f"Content-Type: {json}", "Host: one.example")


def test_web_server_waits_for_no_visitor_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few who send half a request, or read no answer, would take the threads of all organisations."""
    monkeypatch.setattr(os, "isatty", lambda _: False)
    conf = runpy.run_path(str(secret_settings.BASE_DIR / "gunicorn.conf.py"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        conf["when_ready"](SimpleNamespace(LISTENERS=[SimpleNamespace(sock=listening)]))
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
    with accepted:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            assert struct.unpack("ll", accepted.getsockopt(socket.SOL_SOCKET, option, 16)) == (10, 0)


def test_wrong_setting_is_one_sentence_on_the_command_line() -> None:
    secrets = dict.fromkeys(secret_settings.NAMES, SECRET)
    assert manage("check", KEY_HASH="md5", **secrets) == (
        1,
        "KEY_HASH must be one of sha256, murmur64, murmur128.\n",
    )


def test_command_without_secrets_says_how_to_get_them() -> None:
    assert manage("check") == (
        1,
        "SECRET_KEY is not set. Set it, or run `manage.py bootstrap` to generate it.\n",
    )


def test_database_is_the_embedded_one_while_no_other_is_named(tmp_path: Path) -> None:
    database = read()["DATABASES"]["default"]
    assert (database["USER"], database["HOST"], database["NAME"]) == (
        "commonhold_web",
        str(tmp_path / "var" / "run"),
        "commonhold",
    )
    assert read(DATABASE_URL="postgres://web@db/other")["DATABASES"]["default"]["HOST"] == "db"


@pytest.fixture
def valkey_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name on the PATH; nobody runs it."""
    program = tmp_path / "bin" / "valkey-server"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(program.parent))


def test_redis_is_the_embedded_one_while_no_other_is_named(valkey_server: None) -> None:
    names = ("EMBEDDED_VALKEY", "GATEWAY_REDIS_URL")
    found = [read(), read(PORT="9000"), read(GATEWAY_REDIS_URL="rediss://:word@db:6380/2")]
    assert [tuple(settings[name] for name in names) for settings in found] == [
        (True, f"redis://:{quote(SECRET)}@127.0.0.1:8001"),
        (True, f"redis://:{quote(SECRET)}@127.0.0.1:9001"),
        (False, "rediss://:word@db:6380/2"),
    ]


def test_embedded_valkey_is_found_beside_the_dashboard_that_runs(valkey_server: None, tmp_path: Path) -> None:
    running.claim(tmp_path / "var", 9000)
    assert read()["GATEWAY_REDIS_URL"].endswith("@127.0.0.1:9001")


def test_without_a_server_gateways_have_no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.embedded_valkey.program", lambda: None)
    settings = read(VALKEY_PASSWORD="")
    assert (settings["EMBEDDED_VALKEY"], settings["GATEWAY_REDIS_URL"]) == (False, "")


def test_password_of_the_embedded_valkey_is_needed_with_it_alone(valkey_server: None) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^VALKEY_PASSWORD is not set"):
        read(VALKEY_PASSWORD="")
    assert not read(VALKEY_PASSWORD="", GATEWAY_REDIS_URL="redis://db")["EMBEDDED_VALKEY"]


def test_secrets_are_generated_once_into_a_private_file() -> None:
    assert secret_settings.generate_missing() == list(secret_settings.NAMES)
    written = secret_settings.path().read_text()
    values = [line.partition("=")[2] for line in written.splitlines()]
    assert len({value for value in values if len(value) == 64}) == 7
    assert stat.S_IMODE(secret_settings.path().stat().st_mode) == 0o600
    assert secret_settings.generate_missing() == []
    assert secret_settings.path().read_text() == written


def test_secret_from_the_environment_is_not_generated_and_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_SECRET", SECRET)
    assert "ADMIN_SECRET" not in secret_settings.generate_missing()
    monkeypatch.delenv("ADMIN_SECRET")
    secret_settings.generate_missing()
    assert read(ADMIN_SECRET=SECRET)["ADMIN_SECRET"] == SECRET


def test_secret_is_appended_on_a_line_of_its_own() -> None:
    secret_settings.path().parent.mkdir()
    secret_settings.path().write_text(f"SECRET_KEY={SECRET}")
    secret_settings.generate_missing()
    assert secret_settings.path().read_text().splitlines()[0] == f"SECRET_KEY={SECRET}"


def test_generating_secrets_prints_none_of_them() -> None:
    refused = manage("migrate", DATABASE_URL="mysql://db/x")
    assert refused == (1, "DATABASE_URL must be a postgres:// address.\n")
    assert len(secret_settings.path().read_text().splitlines()) == 7


def test_secrets_that_cannot_be_kept_are_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    var_dir = tmp_path / "file" / "var"
    assert manage("migrate", VAR_DIR=str(var_dir)) == (
        1,
        f"The secrets cannot be kept in {var_dir}/secrets.env: Not a directory.\n",
    )
