"""45 varied definitions: whichever way they go in and come back, they are equal but for our ids."""

from typing import Any

import pytest

from orgs import scope
from tests.apis.roundtrip import FILES, make_certificates
from tests.apis.roundtrip import read as definition_of
from tests.conftest import World
from tests.machines.client import Machine, admin, machine_of, read

PATH = "/api/apis"
IDS = {"id", "api_id", "org_id"}


def without_ids(definition: dict[str, Any]) -> list[tuple[str, Any]]:
    """As a list, so that the order counts."""
    return [(field, value) for field, value in definition.items() if field not in IDS]


@pytest.fixture
def sent(world: World) -> list[dict[str, Any]]:
    with scope.opened(scope.of(world.acme.id)):
        make_certificates()
    return [definition_of(file, organisation=world.acme.id) for file in FILES]


def test_each_comes_back_as_it_was_sent(world: World, sent: list[dict[str, Any]]) -> None:
    ann = machine_of(world.ann)
    for definition in sent:
        created = read(ann.post(PATH, {"api_definition": definition}))
        assert created["Status"] == "OK", (definition["name"], created)
        got = read(ann.get(f"{PATH}/{created['Meta']}"))["api_definition"]
        assert without_ids(got) == without_ids(definition)
        assert {field: got[field] for field in IDS} == {
            "id": created["Meta"], "api_id": created["ID"], "org_id": world.acme.id,
        }  # fmt: skip
    listed = read(ann.get(f"{PATH}?p=-1&sort=created_at"))["apis"]
    assert [without_ids(each["api_definition"]) for each in listed] == [without_ids(each) for each in sent]
    assert len(listed) == 45
    assert all(replaced_as_it_is(ann, each) for each in listed)


def replaced_as_it_is(machine: Machine, wrapper: dict[str, Any]) -> bool:
    """Whether putting it back leaves its first revision."""
    answer = machine.put(f"{PATH}/{wrapper['api_definition']['api_id']}", wrapper)
    return answer.status_code == 200 and answer.headers["ETag"] == '"1"'


def test_each_comes_back_as_what_replaced_another(world: World, sent: list[dict[str, Any]]) -> None:
    ann = machine_of(world.ann)
    path = f"{PATH}/{read(ann.post(PATH, sent[-1]))['Meta']}"
    for definition in sent:
        replaced = read(ann.put(path, {"api_definition": definition}))
        assert replaced["Status"] == "OK", (definition["name"], replaced)
        assert without_ids(read(ann.get(path))["api_definition"]) == without_ids(definition)


def test_what_was_exported_is_imported_elsewhere_with_its_ids(world: World, sent: list[dict[str, Any]]) -> None:
    answered = read(admin().post("/admin/apis/import", {"apis": [{"api_definition": each} for each in sent]}))
    assert answered["Message"] == "APIs imported"
    assert len(answered["Meta"]) == 45
    listed = read(machine_of(world.ann).get(f"{PATH}?p=-1&sort=created_at"))["apis"]
    kept = {field for each in sent for field in (each.get("id"), each.get("api_id")) if field}
    assert kept <= {each["api_definition"][field] for each in listed for field in ("id", "api_id")}
