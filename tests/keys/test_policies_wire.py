import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import Api
from keys.errors import NoSuchApi, NoSuchOrganisation
from keys.models import Policy
from keys.policies.errors import BadPolicy
from keys.policies.services import create_policy, set_active, settings_of, update_policy
from keys.policies.wire import accesses_of, policies_json, policy_json, settings_of_json
from keys.rights import ApiAccess
from orgs import scope
from tests.conftest import World
from tests.keys.test_policies import make_policy
from tests.keys.test_services import make_api

ORDER = [
    "_id", "id", "name", "org_id", "rate", "per", "quota_max", "quota_renewal_rate", "throttle_interval",
    "throttle_retry_limit", "max_query_depth", "access_rights", "hmac_enabled", "enable_http_signature_validation",
    "active", "is_inactive", "tags", "key_expires_in", "partitions", "last_updated", "meta_data",
]  # fmt: skip


def written(policy: Policy) -> dict[str, Any]:
    saved = Policy.objects.get(pk=policy.pk)
    return policy_json(saved, accesses_of([saved])[saved.pk])


def right_of(api: Api, **fields: Any) -> dict[str, Any]:
    return {
        "api_name": api.name,
        "api_id": api.api_id,
        "versions": ["Default"],
        "allowed_urls": [],
        "restricted_types": [],
        "limit": None,
        "field_access_rights": [],
        "allowance_scope": "",
        **fields,
    }


def document_of(*rights: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "auth_type": "authToken",
        "auth_types": ["authToken"],
        "state": "active",
        "access_rights_array": list(rights),
        "graphql_enabled": False,
        "id": "gold",
        "name": "Gold",
        "rate": 1000,
        "per": 60,
        "quota_max": -1,
        "quota_renewal_rate": -1,
        "throttle_interval": -1,
        "throttle_retry_limit": -1,
        "max_query_depth": -1,
        "access_rights": {right["api_id"]: right for right in rights},
        "hmac_enabled": False,
        "enable_http_signature_validation": False,
        "active": True,
        "is_inactive": False,
        "date_created": "2022-01-26T11:56:19.657Z",
        "tags": [],
        "key_expires_in": 0,
        "partitions": {"quota": True, "rate_limit": True, "complexity": False, "acl": True, "per_api": False},
        "meta_data": {},
        "smoothing": None,
        **fields,
    }


def documents(api: Api) -> list[dict[str, Any]]:
    own = {
        "rate": 3, "per": 6, "throttle_interval": -1, "throttle_retry_limit": -1, "max_query_depth": -1,
        "quota_max": 0, "quota_renews": 0, "quota_remaining": 0, "quota_renewal_rate": -1, "set_by": "",
    }  # fmt: skip
    per_api = {"quota": False, "rate_limit": False, "complexity": False, "acl": False, "per_api": True}
    paths = [{"url": "^/orders", "methods": ["GET", "POST"]}]
    return [
        document_of(right_of(api)),
        document_of(),
        document_of(right_of(api), rate=-1, per=-1),
        document_of(right_of(api), rate=2.5, per=1.5, quota_max=0, quota_renewal_rate=0),
        document_of(right_of(api, limit=own, allowed_urls=paths), partitions=per_api),
        document_of(right_of(api, endpoints=[{"path": "/x", "methods": []}], disable_introspection=True)),
        document_of(right_of(api), active=False, is_inactive=True, state="deny"),
        document_of(right_of(api), active=False, is_inactive=True, state="draft"),
        document_of(right_of(api), tags=["b", "a"], meta_data={"plan": {"name": "gold"}}, key_expires_in=60),
        document_of(right_of(api), throttle_interval=2, max_query_depth=5, hmac_enabled=True, made_by={"who": "us"}),
        document_of(right_of(api), smoothing={"enabled": True, "threshold": 5}, oauth2_scopes=["x"], auth_types=[]),
    ]


def test_a_document_that_goes_in_comes_out(in_acme: World) -> None:
    for document in documents(make_api("Orders")):
        policy = create_policy(**settings_of_json(document))
        answer = written(policy)
        ours = {name: answer.pop(name) for name in ("_id", "org_id", "last_updated")}
        assert (ours["_id"], ours["org_id"]) == (policy.pk, in_acme.acme.id)
        assert int(ours["last_updated"]) > 1_700_000_000
        assert answer == document
        assert json.dumps(answer["rate"]) == json.dumps(document["rate"])
        policy.delete()


def test_what_comes_out_goes_in_without_a_change(in_acme: World) -> None:
    for document in documents(make_api("Orders")):
        policy = create_policy(**settings_of_json(document))
        before, answer = settings_of(policy), written(policy)
        update_policy(policy=policy, revision=1, **settings_of_json(answer))
        assert settings_of(Policy.objects.get()) == before
        policy.delete()


def test_the_fields_have_their_order(in_acme: World) -> None:
    assert list(written(make_policy())) == ORDER
    assert list(written(make_policy("Another", extra={"x": 1, "throttle_interval": 5}))) == [*ORDER, "x"]


@pytest.mark.parametrize(
    ("fields", "is_active"),
    [
        ({}, True),
        ({"active": True, "is_inactive": False, "state": "active"}, True),
        ({"active": False}, False),
        ({"is_inactive": True, "active": True}, False),
        ({"state": "draft", "active": True}, False),
        ({"state": "deny"}, False),
    ],
)
def test_each_way_to_say_inactive(in_acme: World, fields: dict[str, Any], is_active: bool) -> None:
    assert settings_of_json({"name": "Gold", **fields})["is_active"] is is_active


def test_the_state_follows_what_is_done_here(in_acme: World) -> None:
    policy = create_policy(**settings_of_json(document_of(right_of(make_api()))))
    states = []
    for is_active in (False, True):
        set_active(policy=policy, is_active=is_active)
        answer = written(policy)
        states.append((answer["active"], answer["is_inactive"], answer["state"]))
    assert states == [(False, True, "deny"), (True, False, "active")]


def test_the_older_spelling_of_an_apis_id_is_taken(in_acme: World) -> None:
    api = make_api("Orders")
    right = {"apiid": api.api_id, "apiname": "Orders", "versions": ["Default"]}
    policy = create_policy(**settings_of_json({"name": "Gold", "access_rights": {api.api_id: right}}))
    assert written(policy)["access_rights"][api.api_id]["api_id"] == api.api_id


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"rate": "5"}, "rate"),
        ({"rate": True}, "rate"),
        ({"quota_max": 1.5}, "quota_max"),
        ({"tags": [5]}, "tags.0"),
        ({"partitions": {"acl": "yes"}}, "partitions.acl"),
        ({"meta_data": []}, "meta_data"),
        ({"access_rights": []}, "access_rights"),
        ({"access_rights": {"orders": {"versions": [5]}}}, "access_rights.orders.versions.0"),
        ({"access_rights": {"orders": {"limit": {"rate": "5"}}}}, "access_rights.orders.limit.rate"),
        ({"access_rights": {"orders": {"allowed_urls": [{"url": 5}]}}}, "access_rights.orders.allowed_urls.0.url"),
    ],
)
def test_a_wrong_type_is_named_with_its_place(in_acme: World, fields: dict[str, Any], place: str) -> None:
    with pytest.raises(BadPolicy) as refused:
        settings_of_json({"name": "Gold", **fields})
    assert [problem.place for problem in refused.value.problems] == [place]
    assert place in str(refused.value)


@pytest.mark.parametrize("document", [None, [], "gold", 5])
def test_what_is_no_object_is_refused(in_acme: World, document: Any) -> None:
    with pytest.raises(BadPolicy):
        settings_of_json(document)


def test_an_access_right_that_contradicts_itself_is_refused(in_acme: World) -> None:
    api = make_api("Orders", versions=("v1", "v2"))
    right = {"api_id": "another", "versions": [], "allowed_urls": [{"url": "(?=x)", "methods": ["GET"]}]}
    with pytest.raises(BadPolicy) as refused:
        settings_of_json({"name": "Gold", "access_rights": {api.api_id: right}})
    assert [problem.path[2:] for problem in refused.value.problems] == [
        ("api_id",),
        ("versions",),
        ("allowed_urls", 0),
    ]


def test_what_another_organisation_has_is_as_what_nobody_has(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_api("Secret").api_id
    with scope.opened(scope.of(world.acme.id)):
        sentences = set()
        for api_id in (foreign, "never-was", "with\0nul"):
            with pytest.raises(NoSuchApi) as missing:
                settings_of_json({"name": "Gold", "access_rights": {api_id: {}}})
            sentences.add(str(missing.value))
        assert len(sentences) == 1
        for organisation_id in (world.globex.id, "f" * 24):
            with pytest.raises(NoSuchOrganisation):
                settings_of_json({"name": "Gold", "org_id": organisation_id})


def test_many_policies_take_as_many_queries_as_one(in_acme: World) -> None:
    counts = []
    for number in range(3):
        make_policy(f"Policy {number}", accesses=[ApiAccess(make_api().id), ApiAccess(make_api().id)])
        with CaptureQueriesContext(connection) as queries:
            documents = list(policies_json(Policy.objects.order_by("sort_name")))
        assert [len(document["access_rights"]) for document in documents] == [2] * (number + 1)
        counts.append(len(queries))
    assert len(set(counts)) == 1
