"""What does not start: a model outside the walls, a role that could go round them, a table that is open."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import Tags, run_checks
from django.db import connection, models
from django.test.utils import isolate_apps

from orgs import checks
from orgs.models import OrgOwned
from tests.walls.conftest import OWNER, connect
from users.models import User


def test_checks_pass_here(installed: None) -> None:
    assert [fault for fault in run_checks(tags=[Tags.models]) if str(fault.id).startswith("orgs.")] == []
    assert run_checks(tags=[Tags.database], databases=["default"]) == []


@pytest.fixture
def careless() -> Iterator[type[models.Model]]:
    with isolate_apps("orgs"):

        class Careless(OrgOwned):
            user = models.ForeignKey(User, models.CASCADE)
            objects = models.Manager()  # type: ignore[assignment]

            class Meta:
                app_label = "orgs"

            def __str__(self) -> str:
                return "careless"

        yield Careless


def test_check_names_each_fault_of_a_careless_model(careless: type[models.Model]) -> None:
    assert [code for code, _ in checks.model_faults(careless)] == ["E002", "E003", "E004"]


def test_check_finds_a_model_of_no_organisation(careless: type[models.Model], monkeypatch: pytest.MonkeyPatch) -> None:
    class Loose(models.Model):
        class Meta:
            app_label = "orgs"

        def __str__(self) -> str:
            return "loose"

    monkeypatch.setattr(apps, "get_models", lambda **_: [Loose])
    assert [fault.id for fault in checks.models_are_walled()] == ["orgs.E001"]


def start(role: str) -> subprocess.CompletedProcess[str]:
    """Load what gunicorn loads, in a process of its own, on this worker's database as this role."""
    url = f"postgres://{role}@/{quote(connection.settings_dict['HOST'])}/{connection.settings_dict['NAME']}"
    return subprocess.run(
        [sys.executable, "-c", "import dashboard.wsgi"],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "dashboard.settings"},
        cwd=Path(settings.BASE_DIR),
        capture_output=True,
        text=True,
    )


def test_web_process_starts_as_the_webs_role(installed: None) -> None:
    assert start("commonhold_web").returncode == 0


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("postgres", "role postgres: It has SUPERUSER."),
        ("commonhold_owner", "role commonhold_owner: It owns table keys_key."),
    ],
)
def test_web_process_does_not_start_as_a_role_that_passes_the_walls(installed: None, role: str, reason: str) -> None:
    process = start(role)
    last = process.stderr.strip().splitlines()[-1]
    assert process.returncode == 1
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: The walls do not stand.")
    assert reason in last


def test_web_process_does_not_start_on_a_table_that_is_not_forced(installed: None) -> None:
    with connect(OWNER, autocommit=True) as owner:
        owner.execute("ALTER TABLE keys_key NO FORCE ROW LEVEL SECURITY")
        try:
            process = start("commonhold_web")
        finally:
            owner.execute("ALTER TABLE keys_key FORCE ROW LEVEL SECURITY")
    assert "table keys_key: Row-level security is not forced" in process.stderr


def test_web_process_says_when_the_database_cannot_be_reached(installed: None) -> None:
    assert "The database cannot be reached" in start("nobody_at_all").stderr
