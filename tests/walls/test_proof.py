"""The proof as one runs it: it passes on walls that stand, and names what crosses where one is broken."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import models
from pytest_django import Settings

from gateways.models import GatewayGroup
from orgs import definers, proof, roles, scope, walls
from orgs.proof import probes
from orgs.proof.finding import Report
from orgs.proof.world import make_world, undone
from tests.walls.conftest import OWNER, SUPERUSER, connect
from users.models import AccessKey


def prove(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("prove_isolation", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@contextmanager
def broken(*statements: str) -> Iterator[None]:
    """Break the walls of this worker's database for the block, as their owner."""
    web = roles.web_role()
    with connect(OWNER, autocommit=True) as owner:
        try:
            for statement in statements:
                owner.execute(statement)
            yield
        finally:
            for repair in (*walls.statements(web), *definers.statements(web)):
                owner.execute(repair.as_string(owner).encode())


def found(report: Report, place: str) -> list[str]:
    return [finding.fault for finding in report.findings if finding.place == place]


def test_proof_exits_with_0_where_the_walls_stand_and_leaves_nothing_behind(installed: None) -> None:
    status, text = prove()
    assert (status, text.splitlines()[-1]) == (0, "Nothing crosses.")
    with connect(SUPERUSER) as server:
        counts = [
            server.execute(f'SELECT count(*) FROM "{model._meta.db_table}"').fetchone()  # noqa: S608
            for model in walls.owned_models()
        ]
    assert counts == [(0,)] * len(counts)


def test_proof_as_json_tells_of_every_table_and_kind_of_crossing(installed: None) -> None:
    status, text = prove("--json")
    answer = json.loads(text)
    assert (status, answer["findings"], answer["unchecked"]) == (0, [], [])
    models_ = walls.models_of_organisations()
    tried, tables = answer["tried"], len(models_)
    assert tried["move a row"] == tables
    assert tried["refer to a row"] == sum(len(walls.references(model)) for model in models_)
    assert min(tried[f"{verb} a row"] for verb in ("read", "change", "delete", "add")) >= 10 * tables
    assert min(tried.values()) >= 1


def test_proof_without_the_owner_says_what_it_could_not_check(installed: None, settings: Settings) -> None:
    settings.DATABASE_OWNER = None
    status, text = prove()
    assert status == 0
    assert "Not checked. The wording of the policies: DATABASE_OWNER_URL is not set." in text


def test_proof_exits_with_1_and_names_the_table_without_a_policy(installed: None) -> None:
    with broken("DROP POLICY commonhold_update ON keys_key"):
        status, text = prove()
    assert status == 1
    assert "table keys_key: The policy commonhold_update is missing." in text


def attempts(model: type[models.Model]) -> list[str]:
    """Try the rows of this table alone, from one organisation's scope and from none."""
    report = Report()
    with undone():
        world = make_world()
        for case in probes.cases(world)[:2]:
            with undone(), scope.opened(case.scope):
                probes.try_rows(report, world, case, model)
        with undone(), scope.opened(scope.of(world.a)):
            probes.try_own_row(report, world, model)
    return found(report, f"table {model._meta.db_table}")


@pytest.mark.parametrize("model", walls.owned_models(), ids=lambda model: model._meta.db_table)
def test_attempts_get_through_a_loosened_policy_of_every_table(installed: None, model: type[models.Model]) -> None:
    table = model._meta.db_table
    with broken(f"ALTER POLICY commonhold_select ON {table} USING (true)"):
        faults = attempts(model)
    whose = "another's" if model in walls.models_of_organisations() else "no organisation's"
    assert f"It is possible to read {whose} row in the scope of one organisation." in faults
    assert f"It is possible to read {whose} row in no scope." in faults


def test_attempts_find_that_an_organisation_could_have_gateways_of_its_own_making(installed: None) -> None:
    with broken("ALTER POLICY commonhold_insert ON gateways_gatewaygroup WITH CHECK (true)"):
        faults = attempts(GatewayGroup)
    assert "It is possible to make a row of the installation one's own." in faults


def test_attempts_get_through_policies_that_check_nothing(installed: None) -> None:
    clauses = {
        "select": "USING (true)",
        "insert": "WITH CHECK (true)",
        "update": "USING (true) WITH CHECK (true)",
        "delete": "USING (true)",
    }
    with broken(*(f"ALTER POLICY commonhold_{verb} ON users_accesskey {how}" for verb, how in clauses.items())):
        faults = attempts(AccessKey)
    expected = [
        f"It is possible to {verb} {whose} row in {scope}."
        for scope, victims in {
            "the scope of one organisation": ("another's", "no organisation's"),
            "no scope": ("one organisation's", "another's", "no organisation's"),
        }.items()
        for whose in victims
        for verb in ("read", "change", "delete", "add")
    ]
    assert faults[:-1] == expected
    assert faults[-1].startswith("PostgreSQL refuses to move a row into another organisation, but for another reason")


def test_attempts_get_through_a_foreign_key_of_one_column(installed: None) -> None:
    simple = (
        "ALTER TABLE keys_keyaccess DROP CONSTRAINT keys_keyaccess_api_id_organisation",
        "ALTER TABLE keys_keyaccess ADD CONSTRAINT simple FOREIGN KEY (api_id) REFERENCES apis_api",
    )
    try:
        with broken(*simple):
            faults = found(proof.prove(), "table keys_keyaccess")
    finally:
        with connect(OWNER) as owner:
            owner.execute("ALTER TABLE keys_keyaccess DROP CONSTRAINT simple")
    assert faults == [
        "The foreign key simple lets a row point to another organisation's row of apis_api.",
        "Nothing keeps api_id within the organisation.",
        "It is possible to name another organisation's row in api_id.",
    ]


def test_attempts_get_through_rights_that_nobody_should_have(installed: None) -> None:
    with broken(
        "GRANT UPDATE ON orgs_auditentry TO commonhold_web",
        "GRANT TRUNCATE ON keys_keyterm TO commonhold_web",
    ):
        report = proof.prove()
    assert "It is possible to UPDATE one's own row." in found(report, "table orgs_auditentry")
    assert 'It is possible to TRUNCATE "keys_keyterm" CASCADE.' in found(report, "role commonhold_web")
