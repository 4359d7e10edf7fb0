"""User groups as clients know them."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs import scope
from orgs.ids import new_id
from tests.conftest import World, user
from tests.machines.client import content, machine_of, read
from users.models import Group

MISSING = b'{"Status":"Error","Message":"Could not retrieve user group detail.","Meta":null}'


def made(world: World, **fields: Any) -> str:
    answer = machine_of(world.ann).post("/api/usergroups/", {"name": "Devops", "active": True} | fields)
    assert answer.status_code == 200, answer.content
    document = read(answer)
    assert list(document.items())[:2] == [("Status", "OK"), ("Message", "User group created")]
    return str(document["Meta"])


def test_a_group_is_made_read_changed_and_deleted(world: World) -> None:
    ann = machine_of(world.ann)
    id = made(world, description="Logs", user_permissions={"analytics": "read", "idm": "write"}, colour="red")
    path = f"/api/usergroups/{id}"
    document = read(ann.get(path))
    assert list(document.items()) == [
        ("id", id),
        ("name", "Devops"),
        ("description", "Logs"),
        ("active", True),
        ("user_permissions", {"analytics": "read", "idm": "write"}),
        ("password_max_days", 0),
        ("org_id", world.acme.id),
        ("colour", "red"),
    ]
    answer = ann.put(path, document | {"name": "Operators", "user_permissions": {"keys": "write"}})
    assert answer.content == b'{"Status":"OK","Message":"User group updated","Meta":null}'
    expected = document | {"name": "Operators", "user_permissions": {"keys": "write"}}
    assert read(ann.get(path)) == expected
    assert ann.put(path, {}).status_code == 200
    assert read(ann.get(path)) == expected
    with scope.opened(scope.of(world.acme.id)):
        assert Group.objects.get().permissions == {"keys": "write"}
    assert ann.delete(path).content == b'{"Status":"OK","Message":"User group deleted","Meta":null}'
    assert ann.get(path).status_code == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"name": ""}, 400),
        ({"name": "x" * 81}, 400),
        ({"name": "G", "description": "x" * 201}, 400),
        ({"name": "G", "active": False}, 400),
        ({"name": "G", "active": "yes"}, 400),
        ({"name": "G", "id": "5f0c1c6a1d2e3f4a5b6c7d8e"}, 400),
        ({"name": "G", "user_permissions": {"IsAdmin": "admin"}}, 400),
        ({"name": "G", "user_permissions": {"ResetPassword": "admin"}}, 400),
        ({"name": "G", "user_permissions": ["apis"]}, 400),
        ({"name": "G", "is_administrator": 1}, 403),
        ([], 400),
        ("{", 400),
    ],
)
def test_a_group_is_refused(world: World, sent: Any, status: int) -> None:
    assert machine_of(world.ann).post("/api/usergroups", sent).status_code == status
    with scope.opened(scope.of(world.acme.id)):
        assert not Group.objects.exists()


def test_a_name_is_given_once(world: World) -> None:
    made(world)
    assert machine_of(world.ann).post("/api/usergroups", {"name": "DEVOPS"}).status_code == 400


def test_a_group_gives_no_more_than_its_maker_holds(world: World) -> None:
    bob = machine_of(user("bob@acme.example", world.acme, permissions={"user_groups": "write", "apis": "read"}))
    path = f"/api/usergroups/{made(world, user_permissions={'keys': 'write'})}"
    assert bob.post("/api/usergroups", {"name": "G", "user_permissions": {"apis": "write"}}).status_code == 403
    assert bob.put(path, {"name": "Mine"}).status_code == 403
    assert bob.delete(path).status_code == 403
    assert bob.post("/api/usergroups", {"name": "G", "user_permissions": {"apis": "read"}}).status_code == 200


@pytest.mark.parametrize(("method", "sent"), [("GET", None), ("PUT", {"name": "Mine"}), ("DELETE", None)])
def test_groups_of_others_are_as_groups_that_never_were(world: World, method: str, sent: Any) -> None:
    id = made(world)
    gus = machine_of(world.gus)
    answers = [gus.call(method, f"/api/usergroups/{wanted}", sent) for wanted in (id, new_id(), "nonsense")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, MISSING)}
    assert read(machine_of(world.ann).get(f"/api/usergroups/{id}"))["name"] == "Devops"


def test_readers_and_unbounded_users_read(world: World) -> None:
    id = made(world)
    for person in (world.al, world.uma):
        machine = machine_of(person)
        assert [one["id"] for one in read(machine.get("/api/usergroups"))["groups"]] == [id]
        refused = [
            machine.post("/api/usergroups", {"name": "G"}),
            machine.put(f"/api/usergroups/{id}", {"name": "G"}),
            machine.delete(f"/api/usergroups/{id}"),
        ]
        assert [answer.status_code for answer in refused] == [403] * 3
    nobody = machine_of(user("bob@acme.example", world.acme))
    assert nobody.get("/api/usergroups").status_code == 403


@pytest.mark.parametrize("path", ["/api/usergroups", "/api/usergroups?p=-1"])
def test_a_list_asks_as_often_for_three_as_for_one(world: World, path: str) -> None:
    counts, ann = [], machine_of(world.ann)
    ann.get(path)
    for names in (["One"], ["Two", "Three"]):
        with scope.opened(scope.of(world.acme.id)):
            Group.objects.bulk_create(Group(name=name) for name in names)
        with CaptureQueriesContext(connection) as asked:
            found = json.loads(content(ann.get(path)))
        counts.append((len(found["groups"]), len(asked)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]
    assert [one["name"] for one in found["groups"]] == ["One", "Three", "Two"]
    assert [one["name"] for one in read(ann.get("/api/usergroups?q=T&sort=-name"))["groups"]] == ["Two", "Three"]
