"""`import keys` against a server."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard.cli.client import Client
from dashboard.cli.failures import Exit
from tests.cli.conftest import Acme, Commonhold
from tests.cli.making import definition, put

ROOT = Path(__file__).resolve().parents[2]
Saved = Callable[[], set[str]]
START = "from dashboard.cli import main; main()"


@pytest.fixture(autouse=True)
def orders(client: Client) -> None:
    client.post("/api/apis", {"api_definition": definition("Orders", "orders", use_keyless=False)})


def session(number: int, api_id: str = "orders") -> str:
    return json.dumps({"alias": f"key {number}", "access_rights": {api_id: {"api_id": api_id, "versions": []}}})


def lines(numbers: range) -> str:
    return "".join(f"{session(number)}\n" for number in numbers)


def records(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def saved(client: Client) -> Saved:
    """Give the hashes of the keys that the server has and had not before."""
    before: set[str] = set()

    def found() -> set[str]:
        return {key["key_hash"] for key in client.get("/api/keys/detailed", p="-1").document["keys"]} - before

    before = found()
    return found


def test_issued_keys_are_in_a_file_for_its_owner_alone(commonhold: Commonhold, saved: Saved, tmp_path: Path) -> None:
    file, out = put(tmp_path, "keys.jsonl", lines(range(3))), tmp_path / "issued"
    told = commonhold("import", "keys", file, "--out", out)
    assert (told.exit_code, told.stdout) == (Exit.DONE, f"Created 3 keys; they are in {out}.\n")
    issued = records(out)
    assert [(record["line"], record["alias"]) for record in issued] == [(1, "key 0"), (2, "key 1"), (3, "key 2")]
    assert {record["key_hash"] for record in issued} == saved()
    assert len({record["key_id"] for record in issued}) == 3
    assert out.stat().st_mode & 0o777 == 0o600
    assert not any(record["key_id"] in told.output for record in issued)


def test_a_csv_file_is_imported_and_shown_when_asked(commonhold: Commonhold, client: Client, tmp_path: Path) -> None:
    file = put(tmp_path, "keys.csv", "alias,apis,rate,per,expires,tags,meta.team\nAnna,orders,5,60,2090-01-01,a;b,blue")
    told = commonhold("import", "keys", file, "--show")
    assert told.exit_code == Exit.DONE
    (issued,) = [json.loads(line) for line in told.stdout.splitlines()]
    found = client.get(f"/api/keys/{issued['key_id']}").document["data"]
    assert (found["alias"], found["rate"], found["per"], found["tags"]) == ("Anna", 5, 60, ["a", "b"])
    assert (found["expires"], found["meta_data"]) == (3786912000, {"team": "blue"})


def test_an_import_goes_on_where_it_stopped(commonhold: Commonhold, saved: Saved, tmp_path: Path) -> None:
    text = lines(range(1_000)) + session(1_000, "nowhere") + "\n" + lines(range(1_001, 1_003))
    file, out = put(tmp_path, "keys.jsonl", text), tmp_path / "issued"
    stopped = commonhold("import", "keys", file, "--out", out)
    assert stopped.exit_code == Exit.REFUSED
    assert "None of lines 1001 to 1003 was created" in stopped.stderr
    assert "--from 1001 goes on there" in stopped.stderr
    assert len(records(out)) == len(saved()) == 1_000
    put(tmp_path, "keys.jsonl", text.replace("nowhere", "orders"))
    assert commonhold("import", "keys", file, "--out", out).exit_code == Exit.REFUSED
    assert commonhold("import", "keys", file, "--out", out, "--from", "1001").exit_code == Exit.DONE
    assert [record["line"] for record in records(out)] == list(range(1, 1_004))
    assert {record["key_hash"] for record in records(out)} == saved()


def test_a_file_with_a_wrong_last_line_sends_nothing(commonhold: Commonhold, saved: Saved, tmp_path: Path) -> None:
    file = put(tmp_path, "keys.jsonl", lines(range(1_500)) + "oh\n")
    assert "Line 1501 is not a JSON object" in commonhold("import", "keys", file, "--out", tmp_path / "issued").stderr
    assert saved() == set()


def test_keys_go_nowhere_unless_it_is_said(commonhold: Commonhold, saved: Saved, tmp_path: Path) -> None:
    file = put(tmp_path, "keys.jsonl", lines(range(1)))
    readable = put(tmp_path, "readable", "")
    readable.chmod(0o644)
    assert commonhold("import", "keys", file).exit_code == Exit.USAGE
    assert "may be read by others" in commonhold("import", "keys", file, "--out", readable).stderr
    assert saved() == set()


def test_an_interrupted_import_loses_no_key(acme: Acme, saved: Saved, tmp_path: Path) -> None:
    file, out = put(tmp_path, "keys.jsonl", lines(range(20_000))), tmp_path / "issued"
    command = [sys.executable, "-c", START, "import", "keys", str(file), "--out", str(out)]
    environment = {"PATH": os.environ["PATH"], **acme.environment()}
    importing = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)  # noqa: S603
    while not (out.exists() and out.stat().st_size):
        assert importing.poll() is None
        time.sleep(0.01)
    importing.send_signal(signal.SIGINT)
    _, told = importing.communicate(timeout=30)
    kept = len(records(out))
    assert importing.returncode == Exit.REFUSED
    assert told == f"Error: Stopped. Everything before line {kept + 1} was done; --from {kept + 1} goes on there.\n"
    assert {record["key_hash"] for record in records(out)} == saved()


def test_exported_keys_have_no_secrets(commonhold: Commonhold, tmp_path: Path, saved: Saved) -> None:
    file, out = put(tmp_path, "keys.jsonl", lines(range(2))), tmp_path / "issued"
    commonhold("import", "keys", file, "--out", out)
    assert commonhold("export", tmp_path / "all", "--keys", "yes").exit_code == Exit.DONE
    exported = tmp_path / "all" / "keys.jsonl"
    assert exported.stat().st_mode & 0o777 == 0o600
    ours = saved()
    new = [key for key in records(exported) if key["key_hash"] in ours]
    assert sorted(key["data"]["alias"] for key in new) == ["key 0", "key 1"]
    assert not any(record["key_id"] in exported.read_text() for record in records(out))


def test_exported_keys_can_be_issued_anew(commonhold: Commonhold, tmp_path: Path, saved: Saved) -> None:
    exported = {"key_hash": "0" * 64, "data": json.loads(session(7))}
    file = put(tmp_path, "keys.jsonl", exported)
    assert commonhold("import", "keys", file, "--out", tmp_path / "issued").exit_code == Exit.DONE
    (issued,) = records(tmp_path / "issued")
    assert issued["alias"] == "key 7"
    assert saved() == {issued["key_hash"]}


def test_a_key_is_shown_and_deleted_by_its_hash(commonhold: Commonhold, tmp_path: Path, saved: Saved) -> None:
    commonhold("import", "keys", put(tmp_path, "keys.jsonl", lines(range(1))), "--out", tmp_path / "issued")
    (issued,) = records(tmp_path / "issued")
    assert f"{issued['key_hash']}\tkey 0\t1\t" in commonhold("list", "keys", "--search", issued["key_hash"]).stdout
    assert json.loads(commonhold("get", "keys", issued["key_hash"]).stdout)["data"]["alias"] == "key 0"
    deleted = commonhold("delete", "keys", issued["key_hash"], "--yes")
    assert (deleted.exit_code, "“key 0”" in deleted.stdout) == (Exit.DONE, True)
    assert saved() == set()
