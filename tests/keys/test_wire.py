from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from apis.models import Api
from keys import services, wire
from keys.errors import BadSession, NoSuch, NoSuchApi, NoSuchCertificate, NoSuchOrganisation, NoSuchPolicy
from keys.models import Key
from keys.session_fields import (
    ACCESS_RIGHT,
    LIMIT,
    OWN_ACCESS_FIELDS,
    OWN_LIMIT_FIELDS,
    OWN_SESSION_FIELDS,
    SESSION,
    empty_access_right,
    empty_limit,
    empty_session,
)
from keys.sessions import session_of
from orgs import scope
from orgs.ids import new_id
from tests.conftest import World
from tests.keys.test_services import make_api, make_basic_api, make_certificate, make_key, make_policy

COMPUTED = ("last_check", "allowance", "date_created", "last_updated", "quota_renews", "quota_remaining")


def session_for(*apis: Api, **fields: Any) -> dict[str, Any]:
    rights = {api.api_id: {"api_id": api.api_id, "api_name": api.name, "versions": ["Default"]} for api in apis}
    return {"alias": "Mobile app", "access_rights": rights, "rate": 100, "per": 60, "quota_max": -1} | fields


def create(document: dict[str, Any]) -> Key:
    key, _ = services.create_key(**wire.settings_of_session(document))
    return Key.objects.get(pk=key.pk)


def saved_api(name: str = "Orders", **fields: Any) -> Api:
    return Api.objects.get(pk=make_api(name, **fields).pk)


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """What is left to compare once our own computed fields are gone."""
    kept = {name: value for name, value in document.items() if name not in COMPUTED}
    kept["access_rights"] = {
        api_id: {name: value for name, value in right.items() if name != "allowance_scope"}
        for api_id, right in document["access_rights"].items()
    }
    for right in kept["access_rights"].values():
        right["limit"] = right["limit"] and {n: v for n, v in right["limit"].items() if n not in COMPUTED}
    return kept


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
rates = st.integers(1, 10**6) | st.floats(1, 10**6)
counts = st.integers(-1, 10**6)
whole = st.integers(-(2**63), 2**63 - 1)
anything = st.recursive(
    st.none() | st.booleans() | whole | names, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner)
)
unknown = st.dictionaries(names.map("x-".__add__), anything, max_size=2)
limits = st.one_of(
    st.fixed_dictionaries({"rate": rates, "per": rates}),
    st.fixed_dictionaries({"quota_max": st.integers(1, 2**53), "quota_renewal_rate": st.integers(0, 10**9)}),
    st.fixed_dictionaries({"rate": rates, "per": rates, "throttle_interval": counts, "throttle_retry_limit": counts}),
    st.fixed_dictionaries({"rate": rates, "per": rates, "smoothing": st.just({"enabled": True, "threshold": 3})}),
)
graphql = st.lists(st.fixed_dictionaries({"name": names, "fields": st.lists(names, max_size=2)}), max_size=2)
access_rights = st.fixed_dictionaries(
    {"versions": st.just(["Default"])},
    optional={
        "allowed_urls": st.just([{"url": "^/a", "methods": ["GET", "POST"]}, {"url": "b", "methods": ["PUT"]}]),
        "limit": st.none() | limits,
        "restricted_types": graphql,
        "allowed_types": graphql,
        "field_access_rights": st.just([{"type_name": "Q", "field_name": "a", "limits": {"max_query_depth": 3}}]),
        "disable_introspection": st.booleans(),
        "endpoints": st.just([{"path": "/a", "methods": [{"name": "GET", "limit": {"rate": 5, "per": 1}}]}]),
    },
)
sessions = st.fixed_dictionaries(
    {"alias": names},
    optional={
        "quota_max": st.just(-1) | st.integers(1, 2**53),
        "quota_renewal_rate": st.integers(0, 10**9),
        "expires": st.just(0) | st.integers(2 * 10**9, 10**11),
        "is_inactive": st.booleans(),
        "tags": st.lists(names.filter(lambda name: "," not in name), max_size=3, unique=True),
        "meta_data": st.dictionaries(names.map("m-".__add__), anything, max_size=3),
        "throttle_interval": counts,
        "throttle_retry_limit": counts,
        "max_query_depth": counts,
        "data_expires": whole,
        "monitor": st.fixed_dictionaries({"trigger_limits": st.lists(st.integers(1, 100), max_size=3)}),
        "enable_http_signature_validation": st.booleans(),
        "enable_detail_recording": st.booleans(),
        "enable_detailed_recording": st.booleans(),
        "id_extractor_deadline": whole,
        "session_lifetime": whole,
        "oauth_keys": st.dictionaries(names, names, max_size=2),
        "post_expiry_action": st.sampled_from(["retain", "delete"]),
        "post_expiry_grace_period": whole,
    },
)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_session_that_goes_in_comes_out_equal(in_acme: World, rows: int) -> None:
    apis = [saved_api(name) for name in ("Orders", "Bills")][:rows]
    policies = [make_policy(name).pk for name in ("Gold", "Silver")]

    @settings(max_examples=25, deadline=None)
    @given(sessions, unknown, rates, st.permutations(policies), st.tuples(*[st.tuples(access_rights, unknown)] * rows))
    def check(session: Any, more: Any, rate: float, applied: list[str], rights: Any) -> None:
        document = session | more | {"rate": rate, "per": 60, "org_id": in_acme.acme.id}
        document["apply_policies"] = applied[: len(more)]
        document["access_rights"] = {
            api.api_id: right | extra | {"api_id": api.api_id, "api_name": api.name}
            for api, (right, extra) in zip(apis, rights, strict=True)
        }
        expected = empty_session() | document | {"access_rights": {}}
        for api_id, right in document["access_rights"].items():
            limit = right.get("limit") and empty_limit() | right["limit"]
            expected["access_rights"][api_id] = empty_access_right() | right | {"limit": limit or None}
        answer = wire.session_json(create(document))
        assert shown(answer) == shown(expected)
        assert shown(wire.session_json(create(answer))) == shown(expected)

    check()


def test_every_field_is_typed_and_either_ours_or_kept() -> None:
    for empty, own, types in (
        (empty_session(), OWN_SESSION_FIELDS, SESSION),
        (empty_access_right(), OWN_ACCESS_FIELDS, ACCESS_RIGHT),
        (empty_limit(), OWN_LIMIT_FIELDS, LIMIT),
    ):
        assert empty.keys() <= types.keys()
        assert own <= empty.keys()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"rate": "100"}, "rate"),
        ({"quota_max": 1.5}, "quota_max"),
        ({"quota_max": -2}, "quota_max"),
        ({"rate": 0.5}, "rate"),
        ({"rate": float("nan")}, "rate"),
        ({"per": 0}, "rate"),
        ({"expires": "never"}, "expires"),
        ({"expires": 2**62}, "expires"),
        ({"expires": True}, "expires"),
        ({"is_inactive": "no"}, "is_inactive"),
        ({"tags": ["a", 1]}, "tags.1"),
        ({"meta_data": []}, "meta_data"),
        ({"access_rights": []}, "access_rights"),
        ({"apply_policies": "gold"}, "apply_policies"),
        ({"basic_auth_data": {"password": 5}}, "basic_auth_data.password"),
        ({"monitor": {"trigger_limits": ["50"]}}, "monitor.trigger_limits.0"),
        ({"ORG_ID": "x"}, "ORG_ID"),
        ({"Hmac_Enabled": True}, "Hmac_Enabled"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(in_acme: World, change: dict[str, Any], place: str) -> None:
    with pytest.raises(BadSession) as refused:
        wire.settings_of_session(session_for(saved_api(), **change))
    assert [problem.place for problem in refused.value.problems] == [place]
    assert place in str(refused.value)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"limit": {"rate": "5"}}, "limit.rate"),
        ({"limit": {"rate": 5}}, "limit.rate"),
        ({"limit": {"quota_max": -5}}, "limit.quota_max"),
        ({"versions": "Default"}, "versions"),
        (
            {"allowed_urls": [{"url": "^/a", "methods": ["GET"]}, {"url": "(?=x)", "methods": ["GET"]}]},
            "allowed_urls.1",
        ),
        ({"allowed_urls": [{"url": "/a"}]}, "allowed_urls.0"),
        ({"api_id": "another"}, "api_id"),
        ({"disable_introspection": 1}, "disable_introspection"),
        ({"Limit": None, "limit": {}}, "Limit"),
    ],
)
def test_a_wrong_access_right_is_refused_with_its_place(in_acme: World, change: dict[str, Any], place: str) -> None:
    api = saved_api()
    with pytest.raises(BadSession) as refused:
        wire.settings_of_session(session_for(access_rights={api.api_id: {"versions": ["Default"]} | change}))
    assert [problem.place for problem in refused.value.problems] == [f"access_rights.{api.api_id}.{place}"]


@pytest.mark.parametrize("document", [None, [], "text", 5])
def test_a_session_that_is_no_object_is_refused(in_acme: World, document: Any) -> None:
    with pytest.raises(BadSession):
        wire.settings_of_session(document)


def test_an_access_right_without_versions_opens_an_api_that_has_one(in_acme: World) -> None:
    api = saved_api("Orders")
    key = create(session_for(access_rights={api.api_id: None}))
    assert wire.session_json(key)["access_rights"][api.api_id]["versions"] == ["Default"]


def test_an_access_right_without_versions_does_not_open_all_of_several(in_acme: World) -> None:
    api = saved_api("Orders", versions=("v1", "v2"))
    with pytest.raises(BadSession, match="must name at least one version"):
        wire.settings_of_session(session_for(access_rights={api.api_id: {}}))


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"quota_max": 0}, "quota_max", -1),
        ({"rate": -1, "per": -1}, "rate", 0),
        ({"rate": None, "per": None}, "rate", 0),
        ({"quota_renewal_rate": -1}, "quota_renewal_rate", 0),
        ({"expires": -1}, "expires", 0),
        ({"expires": None}, "expires", 0),
        ({"tags": None}, "tags", []),
        ({"meta_data": None}, "meta_data", {}),
        ({"monitor": None}, "monitor", {"trigger_limits": []}),
        ({"is_inactive": True}, "is_inactive", True),
        ({"apply_policy_id": ""}, "apply_policies", []),
    ],
)
def test_a_session_is_read_as_gateways_do(in_acme: World, change: dict[str, Any], name: str, value: Any) -> None:
    assert wire.session_json(create(session_for(saved_api(), **change)))[name] == value


def test_a_session_that_has_expired_makes_no_key(in_acme: World) -> None:
    past = int((timezone.now() - timedelta(days=1)).timestamp())
    with pytest.raises(ValueError, match="has passed"):
        create(session_for(saved_api(), expires=past))


@pytest.mark.parametrize("alias", [{"alias": ""}, {"alias": None}])
def test_a_session_without_an_alias_gets_one(in_acme: World, alias: dict[str, Any]) -> None:
    key = create(session_for(saved_api()) | alias)
    assert key.alias == f"key {key.masked}"
    services.update_key(key=key, revision=1, **wire.settings_of_session(session_for(saved_api()) | alias))
    assert Key.objects.get(pk=key.pk).alias == key.alias


def test_policies_are_named_by_either_id_and_the_old_field(in_acme: World) -> None:
    gold, silver = make_policy("Gold", explicit_id="gold"), make_policy("Silver")
    key = create(session_for(apply_policies=[silver.pk, "gold"], apply_policy_id=gold.pk, access_rights=None))
    assert wire.session_json(key)["apply_policies"] == [silver.pk, gold.pk]


def test_what_another_organisation_has_is_as_what_nobody_has(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        api, policy = saved_api("Secret project"), make_policy(explicit_id="gold")
        certificate = make_certificate()
    refused: list[tuple[dict[str, Any], dict[str, Any], type[NoSuch]]] = [
        ({"access_rights": {api.api_id: {}}}, {"access_rights": {"nothing": {}}}, NoSuchApi),
        ({"apply_policies": [policy.pk]}, {"apply_policies": [new_id()]}, NoSuchPolicy),
        ({"apply_policies": ["gold"]}, {"apply_policies": ["a\0b"]}, NoSuchPolicy),
        ({"org_id": world.globex.id}, {"org_id": "x"}, NoSuchOrganisation),
        *(
            ({name: certificate}, {name: world.acme.id + "e" * 64}, NoSuchCertificate)
            for name in ("certificate", "rsa_certificate_id")
        ),
    ]
    with scope.opened(scope.of(world.acme.id)):
        own = saved_api()
        for foreign, missing, kind in refused:
            with pytest.raises(kind) as of_foreign:
                create(session_for(own) | foreign)
            with pytest.raises(kind) as of_missing:
                create(session_for(own) | missing)
            assert str(of_foreign.value) == str(of_missing.value)
        assert not Key.objects.exists()


def test_secrets_are_for_gateways_alone(in_acme: World) -> None:
    document = session_for(
        Api.objects.get(pk=make_basic_api().pk),
        hmac_enabled=True,
        hmac_string="hmac-secret",
        jwt_data={"secret": "jwt-secret"},
    )
    document["basic_auth_data"] = {"password": "hunter22", "hash_type": ""}
    key, _ = services.create_key(custom_id="joe@example.org", **wire.settings_of_session(document))
    read = wire.session_json(Key.objects.get(pk=key.pk))
    assert (read["hmac_string"], read["jwt_data"], read["basic_auth_data"]["password"]) == ("", {"secret": ""}, "")
    once = wire.session_json(key, shows_secrets=True)
    assert (once["hmac_string"], once["jwt_data"]) == ("hmac-secret", {"secret": "jwt-secret"})
    assert once["basic_auth_data"] == read["basic_auth_data"]
    gateways = session_of(key)
    assert gateways["hmac_string"] == "hmac-secret"
    assert gateways["basic_auth_data"]["password"].startswith("$2b$10$")
    assert list(gateways) == list(read) == list(empty_session())


def test_reading_a_session_back_in_keeps_its_secrets(in_acme: World) -> None:
    key, _ = services.create_key(**wire.settings_of_session(session_for(saved_api(), hmac_enabled=True)))
    before = session_of(key)["hmac_string"]
    services.update_key(key=key, revision=1, **wire.settings_of_session(wire.session_json(key)))
    assert before == session_of(Key.objects.get(pk=key.pk))["hmac_string"] != ""


def test_a_key_that_opens_nothing_any_more_can_be_read(in_acme: World) -> None:
    api = saved_api()
    key = create(session_for(api))
    api.delete()
    assert wire.session_json(key)["access_rights"] == {}


def test_many_sessions_take_as_many_queries_as_one(in_acme: World, django_assert_num_queries: Any) -> None:
    orders, bills, gold = saved_api("Orders"), saved_api("Bills"), make_policy()
    for count in (1, 3):
        while Key.objects.count() < count * 2:
            create(session_for(orders, bills, apply_policies=[gold.pk]))
            make_key(has_all_apis=True)
        with django_assert_num_queries(6):  # keys, accesses, policies, their APIs, and all APIs with their owners
            documents = [document for _, document in wire.sessions_json(Key.objects.all())]
        assert len(documents) == count * 2
        assert all(document["access_rights"].keys() == {orders.api_id, bills.api_id} for document in documents)


def test_all_apis_are_those_of_the_keys_own_organisation(world: World) -> None:
    own = {}
    for organisation in (world.acme, world.globex):
        with scope.opened(scope.of(organisation.id)):
            own[organisation.id] = saved_api().api_id
            make_key(has_all_apis=True)
    with scope.opened(scope.EVERYTHING):
        read = {key.organisation_id: document for key, document in wire.sessions_json(Key.objects.all())}
    assert {id: list(document["access_rights"]) for id, document in read.items()} == {
        id: [api_id] for id, api_id in own.items()
    }


def test_what_many_sessions_name_is_looked_up_at_once(in_acme: World, django_assert_num_queries: Any) -> None:
    apis, gold = [saved_api(name) for name in ("Orders", "Bills", "Stock")], make_policy()
    for count in (1, 3):
        documents = [session_for(api, apply_policies=[gold.pk]) for api in apis[:count]]
        with django_assert_num_queries(2):
            known = wire.known_to(documents)
            assert [wire.settings_of_session(document, known)["policies"] for document in documents] == [
                [gold.pk]
            ] * count
