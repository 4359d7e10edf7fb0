"""`/metrics`: who may have it, and that its numbers are right and name nobody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from dashboard import machines
from dashboard.rates import Rates
from gateways.models import GatewayGroup, Lane, Node
from orgs import scope
from orgs.domains.services import vouch
from orgs.models import Domain
from tests.analytics.conftest import Pour
from tests.analytics.traffic import fields
from tests.conftest import World
from tests.machines.client import Machine, machine_of

TOKEN = "t" * 24
LAST_HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(minutes=30)


@pytest.fixture
def scraper(settings: Settings) -> Machine:
    settings.METRICS_TOKEN = TOKEN
    return Machine(authorization=f"Bearer {TOKEN}")


def scraped(machine: Machine) -> dict[str, float]:
    answer = machine.get("/metrics")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_without_a_token_of_the_installation_there_is_nothing(world: World, settings: Settings) -> None:
    assert settings.METRICS_TOKEN == ""
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer " + TOKEN}):
        assert Machine(**headers).get("/metrics").status_code == 404


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", f"Bearer {'t' * 23}", f"Bearer {TOKEN}t", TOKEN, f"Basic {TOKEN}", "Bearer \u00e9"],
)
def test_a_wrong_token_is_not_authorised(world: World, scraper: Machine, header: str) -> None:
    answer = Machine(authorization=header).get("/metrics")
    assert answer.status_code == 401
    assert b"commonhold_" not in answer.content


def test_no_access_key_opens_it_and_the_token_opens_nothing_else(world: World, scraper: Machine) -> None:
    for person in (world.ann, world.uma):
        assert machine_of(person).get("/metrics").status_code == 401
    assert scraper.get("/api/users/me").status_code == 401


def test_guessing_is_slowed_down(world: World, scraper: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "FAILURES", Rates(per_second=0.001, burst=2))
    guesses = [Machine(authorization="Bearer x").get("/metrics").status_code for _ in range(4)]
    assert guesses == [401, 401, 429, 429]
    assert scraper.get("/metrics").status_code == 200


def test_it_only_reads(world: World, scraper: Machine) -> None:
    assert scraper.call("HEAD", "/metrics").status_code == 200
    assert scraper.post("/metrics").status_code == 405


def test_it_is_at_the_installations_own_hosts_alone(world: World, scraper: Machine) -> None:
    with scope.opened(scope.of(world.acme.id)):
        vouch(host="acme.example", purpose=Domain.Purpose.DASHBOARD)
    assert scraper.get("/metrics", host="acme.example").status_code == 404
    assert scraper.get("/o/acme/metrics").status_code in (302, 404)


def test_the_numbers_are_those_of_the_installation(
    world: World, group: GatewayGroup, pour: Pour, close: Callable[[], None], scraper: Machine
) -> None:
    pour(fields(at=LAST_HOUR - timedelta(hours=2), OrgID=world.acme.id) for _ in range(5))
    pour(fields(at=LAST_HOUR, OrgID=world.acme.id, ResponseCode=status) for status in (200, 404, 500))
    pour([fields(at=LAST_HOUR, OrgID=world.globex.id), fields(at=LAST_HOUR, OrgID="f" * 24), b"rubbish", b"junk"])
    close()
    with scope.opened(scope.INSTALLATION):
        Node.objects.create(id="one", group=group, nonce_digest="x")
        Node.objects.create(id="two", group=group, nonce_digest="y", seen_at=datetime.now(UTC) - timedelta(hours=1))
        Lane.objects.update_or_create(pk=group.pk, defaults={"failing_since": datetime.now(UTC)})
    found = scraped(scraper)
    age = found.pop("commonhold_hours_summed_age_seconds")
    assert 0 <= age < 2 * 3600
    assert found.pop("commonhold_deliveries_waiting") >= 0
    assert found == {
        "commonhold_organisations": 2,
        "commonhold_organisations_suspended": 0,
        "commonhold_users": 4,
        'commonhold_nodes_live{group="Gateways"}': 1,
        'commonhold_nodes_silent{group="Gateways"}': 1,
        "commonhold_groups_failing": 1,
        "commonhold_batches_waiting": 0,
        'commonhold_dead_letters_last_day{reason="It is no MessagePack map"}': 2,
        'commonhold_dead_letters_last_day{reason="It is of no organisation that this group serves."}': 1,
        f'commonhold_requests_last_hour{{organisation="{world.acme.id}"}}': 3,
        f'commonhold_requests_last_hour{{organisation="{world.globex.id}"}}': 1,
        f'commonhold_errors_last_hour{{organisation="{world.acme.id}"}}': 2,
        f'commonhold_errors_last_hour{{organisation="{world.globex.id}"}}': 0,
    }


def test_it_names_no_organisation_nor_what_it_has(world: World, pour: Pour, scraper: Machine) -> None:
    pour([fields(at=LAST_HOUR, OrgID=world.acme.id, APIKey="k" * 64, Alias="alias-of-acme", APIName="api-of-acme")])
    text = scraper.get("/metrics").content.decode().lower()
    assert world.acme.id in text
    for name in ("acme", "globex", "example", "k" * 64, "a" * 32):
        assert name not in text


def test_a_name_cannot_make_lines_of_its_own(world: World, group: GatewayGroup, scraper: Machine) -> None:
    with scope.opened(scope.INSTALLATION):
        GatewayGroup.objects.filter(pk=group.pk).update(name='x"} 9\n# \\')
    text = scraper.get("/metrics").content.decode()
    assert 'commonhold_nodes_live{group="x\\"} 9\\n# \\\\"} 0\n' in text


def test_each_metric_is_described_and_has_its_type(world: World, scraper: Machine) -> None:
    lines = scraper.get("/metrics").content.decode().splitlines()
    helped = [line.split()[2] for line in lines if line.startswith("# HELP ")]
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE ") and line.endswith(" gauge")]
    assert helped == typed
    assert len(set(helped)) == len(helped) == 12


@pytest.mark.parametrize("organisations", [1, 3])
def test_it_is_one_statement_for_any_number_of_organisations(
    world: World, pour: Pour, scraper: Machine, organisations: int
) -> None:
    pour(fields(at=LAST_HOUR, OrgID=id) for id in (world.acme.id, world.globex.id)[:organisations])
    with CaptureQueriesContext(connection) as captured:
        scraped(scraper)
    assert len([query for query in captured if "analytics_hour" in query["sql"]]) == 1
    assert len(captured) == 3, [query["sql"] for query in captured]
