import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from orgs import scope
from orgs.models import AuditEntry, Organisation
from tests.conftest import PASSWORD, World
from users.models import User


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("bootstrap", *arguments, stdout=out)
    return out.getvalue()


def state() -> tuple[list[Any], list[Any]]:
    with scope.opened(scope.EVERYTHING):
        organisations = list(Organisation.objects.order_by("slug").values_list("slug", "name"))
        users = list(
            User.objects.order_by("email").values_list("email", "name", "is_administrator", "organisation__slug")
        )
        return organisations, users


def test_bootstrap_makes_the_default_organisation_and_shows_its_password_once(db: None) -> None:
    said = run()
    found = re.fullmatch(
        r"Made the gateway group Default; its node secret is NODE_SECRET\.\n"
        r"Made the organisation Default, at /o/default/\.\n"
        r"Sign in as admin@localhost with the password (\S+) \(shown this once\)\.\n",
        said,
    )
    assert found
    assert state() == ([("default", "Default")], [("admin@localhost", "Administrator", True, "default")])
    with scope.opened(scope.EVERYTHING):
        assert User.objects.get().check_password(found[1])
        assert found[1] not in str(list(AuditEntry.objects.values()))


def test_bootstrap_makes_the_tables_of_an_empty_database(tmp_path: Path) -> None:
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    command = [sys.executable, "manage.py", "bootstrap"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    assert "Made the organisation Default" in done.stdout


def test_bootstrap_run_again_says_what_is_there_and_changes_nothing(db: None) -> None:
    run("--org-slug", "acme", "--org-name", "Acme", "--email", "Ann@Acme.example")
    before = state()
    there = "Acme is at /o/acme/. Sign in as ann@acme.example.\n"
    assert [run(), run("--org-slug", "acme"), run("--email", "ann@acme.example")] == [there, there, there]
    assert state() == before


def test_bootstrap_takes_the_environment(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"ORG_NAME": "Acme", "ORG_SLUG": "acme", "ADMIN_EMAIL": "a@acme.example", "ADMIN_NAME": "A"}
    for name, value in {**values, "ADMIN_PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(name, value)
    said = run()
    assert said.endswith("Sign in as a@acme.example and the password in ADMIN_PASSWORD.\n")
    assert PASSWORD not in said
    assert state() == ([("acme", "Acme")], [("a@acme.example", "A", True, "acme")])


def test_bootstrap_reads_a_password_from_standard_input(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    said = run("--password-stdin")
    assert said.endswith("Sign in as admin@localhost and the password you gave.\n")
    with scope.opened(scope.EVERYTHING):
        assert User.objects.get().check_password(PASSWORD)


def test_bootstrap_refuses_a_weak_password_and_makes_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="too short"):
        run("--password-stdin")
    assert state() == ([], [])


def test_bootstrap_refuses_a_node_secret_that_no_header_can_hold(db: None, settings: Settings) -> None:
    settings.NODE_SECRET = "a secret with spaces between words"
    with pytest.raises(CommandError, match="Node secret: give 24 to 200 letters, digits or signs, without spaces"):
        run()
    assert state() == ([], [])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--org-slug", "initech"], "There are organisations, but none with the slug initech: add --new-org"),
        (
            ["--org-slug", "acme", "--email", "x@acme.example"],
            "to make x@acme.example one, add --new-user --org acme",
        ),
        (
            ["--new-user", "--org", "initech", "--email", "x@y.example"],
            "no organisation with the slug initech",
        ),
        (
            ["--new-user", "--org", "acme", "--email", "Ann@acme.example"],
            "already a user with the e-mail address",
        ),
        (["--new-user", "--org", "acme", "--email", "nonsense"], "nonsense is not an e-mail address"),
        (["--new-user", "--org", "acme"], "--email is missing"),
        (["--new-user", "--email", "x@y.example"], "add --yes where nobody can be asked"),
        (["--new-org", "--org-name", "X", "--email", "x@y.example"], "--org-slug is missing"),
        (["--new-org", "--new-user"], "leave --new-user out"),
        (["--org", "acme"], "--org belongs to --new-user"),
    ],
)
def test_bootstrap_refuses_with_a_sentence(world: World, arguments: list[str], sentence: str) -> None:
    before = state()
    with pytest.raises(CommandError, match=re.escape(sentence)):
        run(*arguments)
    assert state() == before


def test_bootstrap_refuses_a_slug_that_is_taken(world: World) -> None:
    with pytest.raises(CommandError, match="There is already an organisation with the slug acme"):
        run("--new-org", "--org-slug", "acme", "--org-name", "Other", "--email", "x@y.example")


def test_bootstrap_makes_a_further_organisation_and_users(world: World) -> None:
    run("--new-org", "--org-slug", "initech", "--org-name", "Initech", "--email", "ida@initech.example")
    run("--new-user", "--org", "acme", "--email", "bob@acme.example", "--name", "Bob")
    said = run("--new-user", "--email", "ulf@hosting.example", "--name", "Ulf", "--yes")
    assert "sees every organisation" in said
    organisations, users = state()
    assert organisations == [("acme", "Acme"), ("globex", "Globex"), ("initech", "Initech")]
    assert [user for user in users if user[1] in ("Administrator", "Bob", "Ulf")] == [
        ("bob@acme.example", "Bob", True, "acme"),
        ("ida@initech.example", "Administrator", True, "initech"),
        ("ulf@hosting.example", "Ulf", False, None),
    ]


def test_organisation_command_suspends_resumes_and_gives_a_domain(world: World) -> None:
    def organisation(*arguments: str) -> str:
        out = io.StringIO()
        call_command("organisation", *arguments, stdout=out)
        return out.getvalue()

    assert organisation("acme", "show") == "Acme (acme), /o/acme/, active\n"
    suspended = organisation("acme", "suspend", "--reason", "Unpaid")
    assert suspended == "Acme (acme), /o/acme/, suspended: Unpaid\n"
    assert organisation("acme", "resume") == "Acme (acme), /o/acme/, active\n"
    own = "Acme (acme), /o/acme/, acme.example (dashboard), active\n"
    assert organisation("acme", "domain", "ACME.example") == own
    both = "Acme (acme), /o/acme/, acme.example (dashboard), api.acme.example (apis), active\n"
    assert organisation("acme", "domain", "api.acme.example", "--purpose", "apis") == both
    assert organisation("acme", "no-domain", "api.acme.example") == own
    with scope.opened(scope.of(world.acme.id)):
        assert sorted(AuditEntry.objects.values_list("actor", "action")) == [
            ("manage.py organisation", "deleted"),
            ("manage.py organisation", "proven"),
            ("manage.py organisation", "proven"),
            ("manage.py organisation", "resumed"),
            ("manage.py organisation", "suspended"),
        ]


@pytest.mark.parametrize("host", ["localhost", "nonsense", "a b.example", "x.example/y", "x.example:80", "127.0.0.1"])
def test_organisation_command_refuses_a_domain_that_is_none(world: World, host: str) -> None:
    with pytest.raises(CommandError, match=r"the host alone|at least two parts|An address of numbers"):
        call_command("organisation", "acme", "domain", host)
