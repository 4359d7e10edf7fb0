"""The portal's own domain, as clients of the JSON API ask for it."""

from typing import Any

import pytest

from orgs import scope
from orgs.domains.services import claim_domain, vouch
from orgs.models import Domain
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read

PATH, HOST = "/api/portal/cname", "developers.acme.example"


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


def message(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return read(answer)["Message"]


def domains(world: World) -> list[tuple[str, str, bool]]:
    with scope.opened(scope.of(world.acme.id)):
        return [(each.host, each.purpose, each.proven_at is not None) for each in Domain.objects.order_by("host")]


def test_a_name_becomes_a_claim_that_is_to_be_proven(world: World, ann: Machine) -> None:
    for _ in range(2):
        assert message(ann.put(PATH, {"cname": f" {HOST.upper()} "})) == "Data updated"
    assert domains(world) == [(HOST, Domain.Purpose.PORTAL, False)]


@pytest.mark.parametrize("sent", [{}, {"cname": ""}, {"cname": None}])
def test_no_name_changes_nothing(world: World, ann: Machine, sent: dict[str, Any]) -> None:
    message(ann.put(PATH, {"cname": HOST}))
    assert message(ann.put(PATH, sent)) == "Data updated"
    assert domains(world) == [(HOST, Domain.Purpose.PORTAL, False)]


@pytest.mark.parametrize("cname", ["localhost", "https://acme.example", "10.0.0.1", "nul\0.example"])
def test_what_is_no_host_is_refused(world: World, ann: Machine, cname: str) -> None:
    assert ann.put(PATH, {"cname": cname}).status_code == 400
    assert domains(world) == []


def test_a_domain_with_another_purpose_keeps_it(world: World, ann: Machine) -> None:
    with scope.opened(scope.of(world.acme.id)):
        claim_domain(host=HOST, purpose=Domain.Purpose.DASHBOARD)
    assert message(ann.put(PATH, {"cname": HOST}), 409).startswith("cname: this organisation has the domain")
    assert domains(world) == [(HOST, Domain.Purpose.DASHBOARD, False)]


def test_whether_another_organisation_has_it_is_not_told(world: World, ann: Machine) -> None:
    with scope.opened(scope.of(world.globex.id)):
        vouch(host=HOST, purpose=Domain.Purpose.PORTAL)
    answers = [ann.put(PATH, {"cname": host}) for host in (HOST, "free.acme.example")]
    assert answers[0].status_code == 200
    assert answers[0].content == answers[1].content
    assert [proven for _, _, proven in domains(world)] == [False, False]
