"""Webhooks over the wire."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import Webhook
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read

PATH = "/api/hooks"
TARGET = "https://hooks.example/services/T0K3N"
SECRET = "hunter2"


def hook(**fields: Any) -> dict[str, Any]:
    return {"name": "Alerts", "method": "POST", "target_path": TARGET, "header_map": {"x-auth": SECRET}} | fields


def ids(machine: Machine, query: str = "") -> list[str]:
    return [each["id"] for each in read(machine.get(f"{PATH}{query}"))["hooks"]]


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


@pytest.fixture
def made(world: World, ann: Machine) -> str:
    """The path of a webhook."""
    assert ann.post(PATH, hook()).status_code == 200
    return f"{PATH}/{ids(ann)[0]}"


def test_webhook_is_created_read_replaced_and_deleted(world: World, ann: Machine) -> None:
    created = read(ann.post(f"{PATH}/", hook(shade={"rgb": [1, 2]}, template_path=None, api_model={})))
    assert created == {"Status": "OK", "Message": "Webhook created", "Meta": None}
    (id,) = ids(ann)
    got = read(ann.get(f"{PATH}/{id}"))
    assert got == {
        "api_model": {},
        "id": id,
        "org_id": world.acme.id,
        "name": "Alerts",
        "method": "POST",
        "target_path": TARGET,
        "template_path": "",
        "header_map": {"x-auth": SECRET},
        "event_timeout": 0,
        "webhook_id": id,
        "shade": {"rgb": [1, 2]},
    }
    assert read(ann.put(f"{PATH}/{id}", got | {"event_timeout": 5, "webhook_id": "ours"}))["Message"] == "Hook updated"
    assert read(ann.get(f"{PATH}/{id}")) == got | {"event_timeout": 5, "webhook_id": "ours"}
    assert read(ann.delete(f"{PATH}/{id}"))["Message"] == "Webhook deleted"
    assert ann.get(f"{PATH}/{id}").status_code == 404


def test_what_a_replacement_leaves_out_is_empty_after_it(ann: Machine, made: str) -> None:
    ann.put(made, {"name": "Alerts", "method": "GET", "target_path": TARGET})
    got = read(ann.get(made))
    assert (got["method"], got["header_map"]) == ("GET", {})


def test_a_reader_sees_the_names_of_headers_and_the_host_alone(world: World, ann: Machine, made: str) -> None:
    ann.put(made, hook(note=SECRET))
    al = machine_of(world.al)
    for answer in (al.get(made), al.get(PATH), machine_of(world.uma).get(made)):
        assert answer.status_code == 200
        assert SECRET not in str(read(answer))
        assert "T0K3N" not in str(read(answer))
    got = read(al.get(made))
    assert (got["header_map"], got["target_path"]) == ({"x-auth": ""}, "https://hooks.example/…")
    assert al.put(made, hook()).status_code == 403


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ({"name": 1}, "$.name"),
        ({"method": None}, "$.method"),
        ({"target_path": []}, "$.target_path"),
        ({"header_map": {"a": 1}}, "$.header_map"),
        ({"header_map": [1]}, "$.header_map"),
        ({"event_timeout": "5"}, "$.event_timeout"),
        ({"event_timeout": 10**30}, "number"),
        ({"event_timeout": -1}, "timeout"),
        ({"target_path": "ftp://x"}, "target"),
        ({"target_path": "http://169.254.169.254/"}, "target"),
        ({"template_path": "/etc/passwd"}, "template"),
        ({"method": "BREW"}, "method"),
        ({"name": ""}, "name"),
        ({"id": "a" * 24}, "id"),
        ({"extra": "x" * 30_000}, "characters"),
    ],
)
def test_wrong_fields_are_refused_with_their_place(ann: Machine, fault: dict[str, Any], place: str) -> None:
    refused = ann.post(PATH, hook() | fault)
    assert refused.status_code == 400
    assert place in read(refused)["Message"]
    assert ids(ann) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"name":"\\u0000"}', b'{"name":"\\ud800"}', b"\xff"])
def test_broken_bodies_are_refused(ann: Machine, body: bytes) -> None:
    assert ann.post(PATH, body).status_code == 400


def test_any_organisation_but_ones_own_is_refused_alike(world: World, ann: Machine) -> None:
    answers = [ann.post(PATH, hook(org_id=id)) for id in (world.globex.id, "a" * 24)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].content == answers[1].content
    assert ann.post(PATH, hook(org_id=world.acme.id)).status_code == 200


def test_another_organisations_webhook_is_as_one_that_never_was(world: World, ann: Machine, made: str) -> None:
    gus = machine_of(world.gus)
    for method in ("GET", "PUT", "DELETE"):
        body = hook() if method == "PUT" else None
        foreign, never = gus.call(method, made, body), gus.call(method, f"{PATH}/{'0' * 24}", body)
        assert (foreign.status_code, foreign.content) == (404, never.content)
    assert ann.get(made).status_code == 200
    assert ids(gus) == []


def test_list_costs_the_same_for_one_and_three(ann: Machine, made: str) -> None:
    with CaptureQueriesContext(connection) as one:
        assert list(read(ann.get(PATH))) == ["hooks", "pages"]
    for name in ("Bells", "Calls"):
        ann.post(PATH, hook(name=name))
    with CaptureQueriesContext(connection) as three:
        assert [each["name"] for each in read(ann.get(f"{PATH}?sort=name"))["hooks"]] == ["Alerts", "Bells", "Calls"]
    assert len(one) == len(three)
    assert len(ids(ann, "?p=-1")) == 3
    assert len(ids(ann, "?q=ell")) == 1


def test_audit_line_has_the_caller_and_no_secret(world: World, ann: Machine, made: str) -> None:
    ann.delete(made)
    with scope.opened(scope.of(world.acme.id)):
        lines = list(AuditEntry.objects.filter(kind="webhooks").order_by("at", "id"))
        assert not Webhook.objects.exists()
    assert [(line.action, line.actor) for line in lines] == [("created", world.ann.email), ("deleted", world.ann.email)]
    assert SECRET not in str([line.changes for line in lines])
