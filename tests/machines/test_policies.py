"""Policies over the wire."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import Api
from apis.services import create_api
from keys.models import Key, Policy
from keys.services import create_key
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World
from tests.machines.client import Machine, admin, machine_of, read

MISSING = {"Status": "Error", "Message": "Could not retrieve policy detail", "Meta": None}
PATH = "/api/portal/policies"


def api_of(world: World, slug: str = "acme", name: str = "Orders") -> Api:
    definition = {
        "name": f"{name} of {slug}", "active": True, "api_id": f"{name.lower()}-{slug}",
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": f"/{slug}-{name.lower()}/", "target_url": "https://orders.example/"},
    }  # fmt: skip
    with scope.opened(scope.of(getattr(world, slug).id)):
        return create_api(definition=definition)


def document(api: Api, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Gold",
        "rate": 100,
        "per": 60,
        "quota_max": 5000,
        "quota_renewal_rate": 86400,
        "access_rights": {api.api_id: {"api_id": api.api_id, "api_name": api.name, "versions": ["Default"]}},
        "tags": ["paid"],
        "active": True,
        "colour_in_our_shop": {"rgb": [1, 2, 3]},
    } | fields


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


def test_policy_is_created_read_replaced_and_deleted(world: World, ann: Machine) -> None:
    api = api_of(world)
    created = read(ann.post(f"{PATH}/", document(api)))
    id = created["Message"]
    assert created == {"Status": "OK", "Message": id, "Meta": None}
    got = read(ann.get(f"{PATH}/{id}"))
    assert next(iter(got)) == "_id"
    assert (got["_id"], got["rate"], got["org_id"], got["colour_in_our_shop"]) == (
        id, 100, world.acme.id, {"rgb": [1, 2, 3]},
    )  # fmt: skip
    assert read(ann.put(f"{PATH}/{id}", got | {"rate": 7}))["Message"] == "Data updated"
    assert read(ann.get(f"{PATH}/{id}"))["rate"] == 7
    assert read(ann.delete(f"{PATH}/{id}"))["Message"] == "Data deleted"
    assert ann.get(f"{PATH}/{id}").status_code == 404


def test_clients_id_is_kept_where_it_is_free(world: World, ann: Machine) -> None:
    id = "5f0c1c6a1d2e3f4a5b6c7d8e"
    api = api_of(world)
    assert read(ann.post(PATH, document(api, _id=id)))["Message"] == id
    assert ann.post(PATH, document(api, _id=id, name="Other")).status_code == 409
    replaced = read(machine_of(world.gus).post(PATH, document(api_of(world, "globex"), _id=id)))
    assert replaced["Message"] != id


@pytest.mark.parametrize("state", [{"active": False}, {"is_inactive": True}, {"state": "deny"}, {"state": "draft"}])
def test_inactive_is_said_in_four_ways(world: World, ann: Machine, state: dict[str, Any]) -> None:
    id = read(ann.post(PATH, document(api_of(world), **state)))["Message"]
    got = read(ann.get(f"{PATH}/{id}"))
    assert (got["active"], got["is_inactive"]) == (False, True)


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ({"rate": "many"}, "rate"),
        ({"access_rights": []}, "access_rights"),
        ({"partitions": {"acl": "yes"}}, "partitions.acl"),
        ({"tags": [1]}, "tags.0"),
    ],
)
def test_wrong_type_is_refused_with_its_place(world: World, ann: Machine, fault: dict[str, Any], place: str) -> None:
    refused = ann.post(PATH, document(api_of(world)) | fault)
    assert refused.status_code == 400
    assert place in read(refused)["Message"]


def test_another_organisations_api_is_as_one_that_never_was(world: World, ann: Machine) -> None:
    theirs = api_of(world, "globex")
    refused = ann.post(PATH, document(theirs))
    assert refused.status_code == 404
    missing = ann.post(PATH, {**document(theirs), "access_rights": {"never-was": {"api_id": "never-was"}}})
    assert refused.content == missing.content


def test_another_organisations_policy_is_as_one_that_never_was(world: World, ann: Machine) -> None:
    id = read(ann.post(PATH, document(api_of(world))))["Message"]
    gus = machine_of(world.gus)
    for method in ("GET", "PUT", "DELETE"):
        foreign = gus.call(method, f"{PATH}/{id}", {"name": "x"} if method == "PUT" else None)
        never = gus.call(method, f"{PATH}/{'0' * 24}", {"name": "x"} if method == "PUT" else None)
        assert (foreign.status_code, foreign.content) == (never.status_code, never.content)
        assert read(foreign) == MISSING
    with scope.opened(scope.of(world.acme.id)):
        assert Policy.objects.get().name == "Gold"


def test_change_from_an_old_revision_is_refused(world: World, ann: Machine) -> None:
    created = ann.post(PATH, document(api_of(world)))
    path, tag = f"{PATH}/{read(created)['Message']}", created.headers["ETag"]
    got = ann.get(path)
    assert got.headers["ETag"] == tag
    assert ann.get(path, **{"If-None-Match": tag}).status_code == 304
    assert ann.put(path, read(got) | {"rate": 1}, **{"If-Match": tag}).status_code == 200
    assert ann.put(path, read(got) | {"rate": 2}, **{"If-Match": tag}).status_code == 412
    assert ann.delete(path, **{"If-Match": tag}).status_code == 412
    assert read(ann.get(path))["rate"] == 1


def test_what_was_read_is_sent_back_without_changing_anything(world: World, ann: Machine) -> None:
    api, other = api_of(world), api_of(world, name="Bills")
    rights = {each.api_id: {"api_id": each.api_id, "versions": ["Default"]} for each in (api, other)}
    created = ann.post(PATH, document(api, access_rights=rights, partitions={"acl": True}))
    path = f"{PATH}/{read(created)['Message']}"
    got = read(ann.get(path))
    backwards = got | {"access_rights": dict(reversed(got["access_rights"].items()))}
    for sent in (got, backwards):
        assert ann.put(path, sent).headers["ETag"] == created.headers["ETag"]
    assert read(ann.get(path)) == got
    with scope.opened(scope.of(world.acme.id)):
        assert AuditEntry.objects.filter(kind="policies").count() == 1


def test_deleting_a_policy_disables_the_keys_that_applied_it(world: World, ann: Machine) -> None:
    id = read(ann.post(PATH, document(api_of(world))))["Message"]
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="Shop", policies=[id])
    ann.delete(f"{PATH}/{id}")
    with scope.opened(scope.of(world.acme.id)):
        assert Key.objects.get(pk=key.pk).is_disabled


def test_list_has_the_clients_wrapper_and_costs_the_same_for_one_and_three(world: World, ann: Machine) -> None:
    api = api_of(world)
    ann.post(PATH, document(api))
    with CaptureQueriesContext(connection) as one:
        assert list(read(ann.get(PATH))) == ["Data", "Pages"]
    for name in ("Silver", "Bronze"):
        ann.post(PATH, document(api, name=name))
    with CaptureQueriesContext(connection) as three:
        assert [policy["name"] for policy in read(ann.get(PATH))["Data"]] == ["Bronze", "Silver", "Gold"]
    assert len(one) == len(three) > 0


@pytest.mark.parametrize("p", ["-1", "-2", "0"])
def test_everything_is_one_page(world: World, ann: Machine, p: str) -> None:
    api = api_of(world)
    for n in range(12):
        ann.post(PATH, document(api, name=f"Plan {n:02}"))
    listed = read(ann.get(f"{PATH}?p={p}&sort=name"))
    assert [policy["name"] for policy in listed["Data"]] == [f"Plan {n:02}" for n in range(12)]
    assert listed["Pages"] == 1
    first, second = read(ann.get(f"{PATH}?p=1&sort=name")), read(ann.get(f"{PATH}?p=2&sort=-name"))
    assert ([len(page["Data"]) for page in (first, second)], first["Pages"]) == ([10, 2], 2)
    assert second["Data"][-1]["name"] == "Plan 00"


def test_search_narrows(world: World, ann: Machine) -> None:
    api = api_of(world)
    kinds: dict[str, dict[str, Any]] = {
        "Gold": {"auth_type": "basic"},
        "Golden": {"active": False, "auth_types": ["jwt", "basic"]},
        "Silver": {"id": "silver"},
    }
    gold, *_ = [read(ann.post(PATH, document(api, name=name, **kind)))["Message"] for name, kind in kinds.items()]

    def names(query: str) -> list[str]:
        return [policy["name"] for policy in read(ann.get(f"{PATH}/search?sort=name&{query}"))["Data"]]

    assert names("q=GOLD") == ["Gold", "Golden"]
    assert names("active=1") == ["Gold", "Silver"]
    assert names("state=deny") == ["Golden"]
    assert names(f"api_id={api.api_id}") == ["Gold", "Golden", "Silver"]
    assert names("api_id=none") == []
    assert names("auth_type=basic") == ["Gold", "Golden"]
    assert names("auth_type=jwt") == ["Golden"]
    assert names(f"policy_ids={gold},silver,none") == ["Gold", "Silver"]


def test_a_tag_of_another_organisation_is_as_one_that_never_was(world: World, ann: Machine) -> None:
    api = api_of(world)
    policy = read(ann.post(PATH, document(api)))["Message"]
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/{policy}")):
        tagged = [document(api, name="Tagged", tags=[f"org-{id}"]) for id in (world.globex.id, "0" * 24)]
        answers = [ann.call(method, path, sent) for sent in tagged]
        assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}


def test_import_puts_policies_into_their_organisations_or_none(world: World) -> None:
    ours, theirs = api_of(world), api_of(world, "globex")
    sent = [
        document(ours, _id="a" * 24, org_id=world.acme.id),
        document(theirs, _id="b" * 24, org_id=world.globex.id),
    ]
    assert (
        admin().post("/admin/policies/import", {"Data": [*sent, document(theirs, org_id=world.acme.id)]}).status_code
        == 404
    )
    assert read(admin().post("/admin/policies/import", {"Data": None}))["Meta"] == {}
    answered = read(admin().post("/admin/policies/import/", {"Data": sent}))
    assert answered == {"Status": "OK", "Message": "Policies imported", "Meta": {"a" * 24: True, "b" * 24: True}}
    with scope.opened(scope.of(world.globex.id)):
        assert Policy.objects.get().pk == "b" * 24
