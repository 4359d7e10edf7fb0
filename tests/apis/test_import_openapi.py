import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apis.models import Api
from apis.openapi import NO_SERVER
from orgs import scope
from orgs.models import AuditEntry
from tests.apis.test_import import ORDERS, TEXT, YAML, document, stored
from tests.conftest import World


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*args: str, **options: Any) -> tuple[list[str], str, str]:
    """Return the lines of standard output, standard error, and the sentence that it ended with."""
    out, err = io.StringIO(), options.pop("stderr", io.StringIO())
    try:
        call_command("import_openapi", *args, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue().splitlines(), err.getvalue(), str(error)
    return out.getvalue().splitlines(), err.getvalue(), ""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_text(TEXT)
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "c.yaml").write_text(YAML.replace("Orders", "Other"))
    return tmp_path


def test_import_openapi_takes_each_file_by_itself(world: World, files: Path) -> None:
    paths = [str(files / name) for name in ("a.json", "bad.json", "none.json", "c.yaml")]
    lines, err, end = run("--org", "acme", *paths)

    assert stored(world) == [ORDERS, ("Other", "/acme/other/", "https://orders.example/v1", True)]
    with scope.opened(scope.of(world.acme.id)):
        ids = {api.name: api.pk for api in Api.objects.all()}
        actors = set(AuditEntry.objects.values_list("action", "actor", "actor_id"))
    assert lines == [
        f"{paths[0]}: “Orders” at /acme/orders/ ({ids['Orders']}).",
        f"{paths[1]}: Line 1: This is not JSON: Expecting property name enclosed in double quotes.",
        f"{paths[2]}: The file cannot be read: No such file or directory.",
        f"{paths[3]}: “Other” at /acme/other/ ({ids['Other']}).",
    ]
    assert (err, end) == ("", "2 of 4 could not be imported.")
    assert actors == {("created", "command import_openapi", "")}


def test_import_openapi_prints_an_object_a_line(world: World, files: Path) -> None:
    lines, _, end = run("--org", "acme", "--json", str(files / "a.json"), str(files))
    with scope.opened(scope.of(world.acme.id)):
        id = Api.objects.get().pk
    assert [json.loads(line) for line in lines] == [
        {"file": str(files / "a.json"), "ok": True, "id": id, "error": ""},
        {"file": str(files), "ok": False, "id": "", "error": "The file cannot be read: Is a directory."},
    ]
    assert end == "1 of 2 could not be imported."


def test_import_openapi_is_silent_about_success(world: World, files: Path) -> None:
    assert run("--org", "acme", str(files / "a.json"))[1:] == ("", "")


def test_import_openapi_says_when_an_api_waits_for_a_target(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document(servers=[])))
    lines, *_ = run("--org", "acme", str(tmp_path / "a.json"))
    assert [line.partition("). ")[2] for line in lines] == [NO_SERVER]


def test_import_openapi_shows_its_progress_on_a_terminal(world: World, files: Path) -> None:
    _, err, _ = run("--org", "acme", str(files / "a.json"), str(files / "c.yaml"), stderr=Terminal())
    assert err == (
        f"\r[{'.' * 30}] 0 of 2\r\033[K"
        f"\r[{'#' * 15}{'.' * 15}] 1 of 2\r\033[K"
    )  # fmt: skip


def test_import_openapi_reads_standard_input(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    run("--org", "acme", "-")
    assert stored(world) == [ORDERS]


def test_import_openapi_reads_no_more_of_a_file_than_it_takes(world: World) -> None:
    lines, _, end = run("--org", "acme", "/dev/zero")
    assert lines == ["/dev/zero: The document is larger than 20 MB."]
    assert end == "1 of 1 could not be imported."


def test_import_openapi_knows_no_such_organisation(world: World, files: Path) -> None:
    assert run("--org", "nobody", str(files / "a.json")) == ([], "", "There is no organisation “nobody”.")


def test_import_openapi_leaves_other_organisations_alone(world: World, files: Path) -> None:
    run("--org", "globex", str(files / "a.json"))
    assert stored(world) == []
    with scope.opened(scope.of(world.globex.id)):
        assert [api.listen_path for api in Api.objects.all()] == ["/globex/orders/"]
