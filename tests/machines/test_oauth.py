"""The OAuth clients of an API over the wire."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import Api, OAuthClient
from keys.policies.services import create_policy
from orgs import scope, sealing
from tests.apis.test_oauth_clients import policy_of
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read
from tests.walls.walk import oauth_api

URI = "https://app.example/callback"


def api_of(world: World, slug: str = "acme") -> Api:
    with scope.opened(scope.of(getattr(world, slug).id)):
        return oauth_api(f"/{slug}-tokens/")


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


@pytest.fixture
def path(world: World) -> str:
    return f"/api/apis/oauth/{api_of(world).api_id}"


def test_client_is_created_read_changed_and_deleted(world: World, ann: Machine, path: str) -> None:
    created = read(ann.post(path, {"redirect_uri": URI, "description": "Shop", "meta_data": {"plan": "gold"}}))
    id, secret = created["client_id"], created["secret"]
    assert len(secret) >= 32
    expected = {
        "client_id": id, "client_name": "", "description": "Shop", "meta_data": {"plan": "gold"}, "policy_id": "",
        "redirect_uri": URI, "secret": secret,
    }  # fmt: skip
    assert created == expected
    got = read(ann.get(f"{path}/{id}"))
    assert got == expected | {"secret": ""}
    assert read(ann.get(path)) == {"apps": [got], "pages": 1}
    assert read(ann.put(f"{path}/{id}", got | {"description": "Shops"})) == got | {"description": "Shops"}
    assert read(ann.put(f"{path}/{id}", {"redirect_uri": ""}))["description"] == "Shops"
    assert read(ann.delete(f"{path}/{id}")) == {
        "Status": "OK", "Message": "OAuth client deleted successfully.", "Meta": None,
    }  # fmt: skip
    assert read(ann.get(f"{path}/{id}"))["Message"] == "Could not retrieve app detail."


def test_clients_own_id_and_secret_are_kept(world: World, ann: Machine, path: str) -> None:
    created = read(ann.post(path, {"client_id": "shop", "secret": "correct-horse-battery", "client_name": "Shop"}))
    assert (created["client_id"], created["secret"], created["description"]) == (
        "shop", "correct-horse-battery", "Shop",
    )  # fmt: skip
    assert ann.post(path, {"client_id": "shop"}).status_code == 400


def test_new_secret_is_told_once(world: World, ann: Machine, path: str) -> None:
    created = read(ann.post(path, {"redirect_uri": URI}))
    one = f"{path}/{created['client_id']}"
    renewed = read(ann.put(f"{one}/rotate"))
    assert renewed["secret"] not in ("", created["secret"])
    with scope.opened(scope.of(world.acme.id)):
        assert sealing.unseal(OAuthClient.objects.get().sealed) == renewed["secret"]
    for answer in (ann.get(one), ann.get(path), ann.put(one, {"description": "x"})):
        assert renewed["secret"] not in str(read(answer))


def test_policy_must_be_ones_own_and_open_the_api(world: World, ann: Machine) -> None:
    api, theirs = api_of(world), api_of(world, "globex")
    with scope.opened(scope.of(world.acme.id)):
        own = policy_of(api).pk
        other = create_policy(name="Silver").pk
    with scope.opened(scope.of(world.globex.id)):
        foreign = policy_of(theirs).pk
    path = f"/api/apis/oauth/{api.pk}"
    refused = [ann.post(path, {"policy_id": id}) for id in (foreign, "0" * 24, other, "x")]
    assert {(answer.status_code, answer.content) for answer in refused} == {(400, refused[0].content)}
    assert read(ann.post(path, {"policy_id": own}))["policy_id"] == own


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ({"redirect_uri": 1}, "$.redirect_uri"),
        ({"meta_data": "x"}, "$.meta_data"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect"),
        ({"secret": "short"}, "secret"),
        ({"client_id": "a b"}, "client ID"),
        ({"api_id": "another"}, "api_id"),
        ({"org_id": "0" * 24}, "org_id"),
        ({"meta_data": {"a": "x" * 20_000}}, "metadata"),
    ],
)
def test_wrong_fields_are_refused_with_their_place(ann: Machine, path: str, fault: dict[str, Any], place: str) -> None:
    refused = ann.post(path, {"redirect_uri": URI} | fault)
    assert refused.status_code == 400
    assert place in read(refused)["Message"]
    assert read(ann.get(path))["apps"] == []


def test_id_and_secret_are_not_changed(ann: Machine, path: str) -> None:
    id = read(ann.post(path, {"redirect_uri": URI}))["client_id"]
    assert ann.put(f"{path}/{id}", {"client_id": "x"}).status_code == 400
    assert ann.put(f"{path}/{id}", {"secret": "correct-horse-battery"}).status_code == 400


def test_another_organisations_client_is_as_one_that_never_was(world: World, ann: Machine, path: str) -> None:
    id = read(ann.post(path, {"redirect_uri": URI}))["client_id"]
    gus, own = machine_of(world.gus), f"/api/apis/oauth/{api_of(world, 'globex').api_id}"
    for method in ("GET", "PUT", "DELETE"):
        body = {"description": "x"} if method == "PUT" else None
        foreign, never = gus.call(method, f"{path}/{id}", body), gus.call(method, f"/api/apis/oauth/never/{id}", body)
        assert (foreign.status_code, foreign.content) == (404, never.content)
        foreign, never = gus.call(method, f"{own}/{id}", body), gus.call(method, f"{own}/never", body)
        assert (foreign.status_code, foreign.content) == (404, never.content)
    assert gus.post(path, {}).content == gus.post("/api/apis/oauth/never", {}).content
    assert ann.get(f"{path}/{id}").status_code == 200


def test_reader_changes_nothing(world: World, ann: Machine, path: str) -> None:
    id = read(ann.post(path, {"redirect_uri": URI}))["client_id"]
    al = machine_of(world.al)
    assert al.get(f"{path}/{id}").status_code == 200
    assert al.post(path, {}).status_code == 403
    assert al.put(f"{path}/{id}/rotate").status_code == 403
    assert al.delete(f"{path}/{id}").status_code == 403


@pytest.mark.parametrize("query", ["", "?p=-1"])
def test_list_costs_the_same_for_one_and_three(ann: Machine, path: str, query: str) -> None:
    ann.post(path, {"description": "a"})
    ann.get(path)
    with CaptureQueriesContext(connection) as one:
        read(ann.get(f"{path}{query}"))
    ann.post(path, {"description": "b"})
    ann.post(path, {"description": "c"})
    with CaptureQueriesContext(connection) as three:
        assert [each["description"] for each in read(ann.get(f"{path}{query}"))["apps"]] == ["c", "b", "a"]
    assert len(one) == len(three)
