import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import bcrypt
import pytest
from django.db import connection
from django.utils import timezone

from apis.models import Api, Certificate, OAuthClient
from keys import rights, services, sessions
from keys.errors import (
    AlreadyCreated,
    BadSetting,
    ChangedMeanwhile,
    NoSuchApi,
    NoSuchCertificate,
    NoSuchClient,
    NoSuchPolicy,
    Revoked,
    SameId,
)
from keys.finding import Found, Secret, find_by_reference, find_by_token
from keys.models import Key, KeyAccess, KeyPolicy, KeyTerm, Policy, PolicyAccess
from keys.paths import AllowedUrl, BadAllowedUrl
from keys.rights import ApiAccess
from keys.session import BadLimit, Limit, NoAccess
from keys.token import parse_token
from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry
from tests.conftest import World

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def make_api(name: str = "Orders", *, versions: tuple[str, ...] = ("Default",), is_active: bool = True) -> Api:
    id = new_id()
    definition = {
        "name": name,
        "api_id": f"{id}12345678",
        "active": is_active,
        "auth": {"auth_header_name": "Authorization"},
        "version_data": {
            "not_versioned": True,
            "versions": {version: {"name": version} for version in versions},
        },
        "proxy": {"listen_path": f"/{name.lower()}-{id}/", "target_url": "https://target.example"},
    }
    api = Api(id=id, definition=json.dumps(definition), authentication="token")
    api.save(force_insert=True)
    return api


def make_policy(name: str = "Gold", *apis: Api, **fields: Any) -> Policy:
    policy = Policy(name=name, **fields)
    policy.save(force_insert=True)
    PolicyAccess.objects.bulk_create(PolicyAccess(policy=policy, api=api, versions=["Default"]) for api in apis)
    return policy


def make_basic_api() -> Api:
    api = make_api("Basic")
    Api.objects.filter(pk=api.pk).update(authentication="basic")
    return api


def make_certificate(fingerprint: str = "c" * 64) -> str:
    certificate = Certificate(fingerprint=fingerprint, pem="")
    certificate.save(force_insert=True)
    return certificate.certificate_id


def make_key(*, alias: str = "Mobile app", **settings: Any) -> tuple[Key, str]:
    if not settings.get("has_all_apis") and "accesses" not in settings:
        settings["accesses"] = [ApiAccess(make_api().id)]
    return services.create_key(alias=alias, **settings)


def lines_of(key: Key) -> list[str]:
    """The actions on a key in alphabetical order: within a second, ids say nothing of time."""
    return sorted(entry.action for entry in AuditEntry.objects.filter(object_id=key.id))


TABLES = ("keys_key", "keys_keyaccess", "keys_keypolicy", "keys_keyterm", "orgs_auditentry", "users_session")


def everything_stored() -> str:
    """Every column of every row of the tables that a key touches."""
    with connection.cursor() as cursor:
        texts = []
        for table in (
            "keys_key",
            "keys_keyaccess",
            "keys_keypolicy",
            "keys_keyterm",
            "orgs_auditentry",
            "users_session",
        ):
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")  # noqa: S608 - the names above
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def test_create_key_stores_what_was_chosen(in_acme: World) -> None:
    api = make_api("Orders", versions=("v1", "v2"))
    access = ApiAccess(api.id, ("v2",), (AllowedUrl("^/orders", ("GET", "POST")),))
    key, _ = services.create_key(
        alias=" Mobile app ", accesses=[access], rate=100, per_s=60, quota_max=5000, quota_window_s=86_400,
        expires_at=NOON, tags=["Gold", "Gold"], metadata={"plan": "gold"},
    )  # fmt: skip
    saved = Key.objects.get(pk=key.pk)
    assert services.settings_of(saved) == {
        "alias": "Mobile app",
        "accesses": (access,),
        "has_all_apis": False,
        "policies": (),
        "rate": 100,
        "per_s": 60,
        "quota_max": 5000,
        "quota_window_s": 86_400,
        "expires_at": NOON,
        "is_disabled": False,
        "tags": ["Gold"],
        "metadata": {"plan": "gold"},
        "extra": {},
    }
    terms = set(KeyTerm.objects.filter(key=key).values_list("term", flat=True))
    assert terms == {"mobile", "app", "gold", "#gold"}
    assert saved.organisation_id == in_acme.acme.id
    assert saved.revision == 1


def test_the_secret_is_in_no_row(in_acme: World, caplog: pytest.LogCaptureFixture) -> None:
    key, token = make_key(tags=["gold"])
    services.update_key(key=key, revision=1, alias="Renamed")
    key, second = services.rotate_key(key=key, revision=2, grace=DAY)
    services.revoke_key(key=key)
    stored = everything_stored()
    assert key.hash in stored
    for text in (token, second):
        secret = json.loads(base64.b64decode(text))["id"]
        assert text not in stored
        assert secret not in stored
        assert text not in caplog.text
        assert secret not in caplog.text


def test_create_key_writes_one_audit_line(in_acme: World) -> None:
    key, _ = make_key(accesses=[ApiAccess(make_api("Orders").id)], metadata={"password": "hunter2"}, rate=5, per_s=1)
    entry = AuditEntry.objects.get(object_id=key.pk)
    assert (entry.action, entry.kind, entry.object_name) == ("created", services.KIND, "Mobile app")
    assert entry.changes == {
        "secret": [None, key.masked],
        "APIs": [None, ["Orders"]],
        "rate": [None, "5 / s"],
    }


def test_create_key_refuses_another_organisations_api(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_api("Secret project")
    with scope.opened(scope.of(world.acme.id)):
        own = make_api("Orders")
        with pytest.raises(NoSuchApi, match="does not exist"):
            make_key(accesses=[ApiAccess(own.id), ApiAccess(foreign.id)])
        with pytest.raises(NoSuchApi, match="does not exist"):
            make_key(accesses=[ApiAccess(foreign.id, ("Default",))])
        assert [Key.objects.count(), KeyAccess.objects.count(), AuditEntry.objects.count()] == [0, 0, 0]


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"accesses": []}, NoAccess, "APIs: the key would open nothing"),
        ({"alias": "  "}, BadSetting, "Alias: "),
        ({"alias": "a\0b"}, BadSetting, "Alias: "),
        ({"tags": ["a,b"]}, BadSetting, "Tags: "),
        ({"tags": ["x" * 61]}, BadSetting, "Tags: "),
        ({"rate": 0.5, "per_s": 1}, BadLimit, "Rate: "),
        ({"rate": 5, "per_s": 0}, BadLimit, "Rate: "),
        ({"quota_max": 0}, BadLimit, "Quota: "),
        ({"quota_max": 2**70}, BadLimit, "Quota: "),
        (
            {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
            BadSetting,
            "Expires: 2020-01-01 00:00 has passed",
        ),
        (
            {"metadata": {"tyk_developer_id": "x"}},
            BadSetting,
            "Metadata: the name 'tyk_developer_id' is reserved",
        ),
        ({"metadata": {"policies": []}}, BadSetting, "Metadata: the name 'policies' is reserved"),
        ({"metadata": {"a": "\0"}}, BadSetting, "Metadata: "),
        ({"metadata": {"a": float("nan")}}, BadSetting, "Metadata: "),
        ({"extra": {"expires": 0}}, BadSetting, "Further fields: expires has a setting of its own"),
        ({"extra": {"Access_Rights": {}}}, BadSetting, "Further fields: Access_Rights must be written"),
        ({"extra": {"session_lifetime": "60"}}, BadSetting, "Further fields: session_lifetime must be a whole"),
        ({"extra": {"x": "x" * 50_001}}, BadSetting, "Further fields: it is longer"),
        ({"extra": {"x": [[] for _ in range(3_000)]}}, BadSetting, "Further fields: "),
        ({"custom_id": "short"}, BadSetting, "Id: give 6 to 100"),
        ({"custom_id": "with space"}, BadSetting, "Id: give 6 to 100"),
        ({"username": "joe:doe", "password": "x"}, BadSetting, "Username: give 1 to 100"),
        ({"username": "joe"}, BadSetting, "Password: a username needs one"),
        ({"password": "x"}, BadSetting, "Password: a username needs one"),
        ({"username": "joe", "password": "x" * 73}, BadSetting, "Password: give at most 72"),
        ({"hmac_string": "a\0b"}, BadSetting, "HMAC secret: "),
        ({"metadata": {"a": "x" * 10_001}}, BadSetting, "Metadata: it is longer"),
    ],
)
def test_create_key_refuses_with_the_place(
    in_acme: World, settings: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=f"^{sentence}"):
        make_key(**settings)
    assert Key.objects.count() == 0


def test_nesting_without_end_is_refused(in_acme: World) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadSetting, match=r"^Further fields: .*nested"):
        make_key(extra={"x": deep})


def test_create_key_refuses_unknown_versions_and_paths_that_gateways_misread(in_acme: World) -> None:
    api = make_api("Orders", versions=("v1",))
    with pytest.raises(NoSuchApi, match=r"^APIs: Orders has no version 'v9'"):
        make_key(accesses=[ApiAccess(api.id, ("v9",))])
    with pytest.raises(BadAllowedUrl):
        make_key(accesses=[ApiAccess(api.id, (), (AllowedUrl("(?=x)", ("GET",)),))])


def test_create_key_with_one_form_twice_makes_one_key(in_acme: World) -> None:
    id = new_id()
    make_key(key_id=id)
    with pytest.raises(AlreadyCreated):
        make_key(key_id=id)
    assert [key.pk for key in Key.objects.all()] == [id]


def test_update_key_changes_what_is_named(in_acme: World) -> None:
    orders, bills = make_api("Orders"), make_api("Bills")
    key, _ = make_key(accesses=[ApiAccess(orders.id)], tags=["gold"], metadata={"plan": "a", "team": "x"})
    services.update_key(
        key=key,
        revision=1,
        alias="Web shop",
        accesses=[ApiAccess(bills.id)],
        metadata={"plan": "b", "team": "x"},
    )
    saved = Key.objects.get(pk=key.pk)
    assert (saved.alias, saved.tags, saved.revision) == ("Web shop", ["gold"], 2)
    assert rights.accesses_of(saved) == (ApiAccess(bills.id),)
    terms = set(KeyTerm.objects.filter(key=key).values_list("term", flat=True))
    assert terms == {"web", "shop", "gold", "#gold"}
    assert AuditEntry.objects.get(object_id=key.pk, action="changed").changes == {
        "alias": ["Mobile app", "Web shop"],
        "APIs": [["Orders"], ["Bills"]],
        "metadata": [["plan"], ["plan"]],
    }


def test_update_key_from_an_older_revision_changes_nothing(in_acme: World) -> None:
    key, _ = make_key()
    services.update_key(key=key, revision=1, alias="Theirs")
    with pytest.raises(ChangedMeanwhile):
        services.update_key(key=key, revision=1, alias="Mine")
    assert Key.objects.get(pk=key.pk).alias == "Theirs"
    assert lines_of(key) == ["changed", "created"]


def test_an_expired_key_can_be_edited_without_a_new_expiry(in_acme: World) -> None:
    key, _ = make_key(expires_at=NOON)
    past = timezone.now() - DAY
    Key.objects.filter(pk=key.pk).update(expires_at=past)
    services.update_key(key=key, revision=1, alias="Old one")
    assert Key.objects.get(pk=key.pk).expires_at == past


def test_disable_and_enable(in_acme: World) -> None:
    key, _ = make_key()
    assert services.disable_key(key=key).is_disabled is True
    services.disable_key(key=key)
    assert sessions.session_of(Key.objects.get(pk=key.pk))["is_inactive"] is True
    assert services.enable_key(key=key).is_disabled is False
    assert lines_of(key) == ["created", "disabled", "enabled"]


def test_a_revoked_key_never_changes_again(in_acme: World) -> None:
    key, _ = make_key()
    services.rotate_key(key=key, revision=1, grace=DAY, now=NOON)
    revoked = services.revoke_key(key=key, now=NOON)
    assert (revoked.revoked_at, revoked.previous_until) == (NOON, NOON)
    attempts: list[Callable[[], object]] = [
        lambda: services.enable_key(key=key),
        lambda: services.disable_key(key=key),
        lambda: services.update_key(key=key, revision=3, alias="x"),
        lambda: services.rotate_key(key=key, revision=3, grace=DAY),
        lambda: services.retire_previous(key=key),
        lambda: services.revoke_key(key=key),
    ]
    for attempt in attempts:
        with pytest.raises(Revoked):
            attempt()
    assert lines_of(key) == ["created", "revoked", "rotated"]


def test_a_revoked_keys_id_is_free_and_its_secrets_still_lead_to_it(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        gone, chosen = make_key(custom_id="mobile-app")
        rotated, second = services.rotate_key(key=gone, revision=1, grace=DAY)
        revoked = services.revoke_key(key=rotated)
        for pasted in (chosen, second):
            found = find_by_token(pasted)
            assert found is not None
            assert (found.key, found.secret) == (revoked, Secret.CURRENT if pasted == second else Secret.RETIRED)
            assert find_by_reference(pasted) is None
        again, token = make_key(custom_id="mobile-app")
        assert token == chosen
        assert find_by_token(chosen) == Found(again, Secret.CURRENT)
        assert find_by_reference("mobile-app") == again
        assert find_by_reference(revoked.pk) is None
    with scope.opened(scope.EVERYTHING):
        found = find_by_token(second)
        assert found is not None
        assert found.key == revoked
    with scope.opened(scope.of(world.globex.id)):
        assert find_by_token(second) is None


def test_a_change_that_changes_nothing_is_not_written(in_acme: World) -> None:
    key, _ = make_key()
    same = services.update_key(key=key, revision=1, **services.settings_of(key))
    assert (same.revision, same.updated_at) == (1, Key.objects.get(pk=key.pk).updated_at)
    renewed = services.update_key(key=key, revision=1, renews_quota=True)
    assert (renewed.revision, renewed.updated_at > same.updated_at) == (1, True)
    assert lines_of(key) == ["created"]


def test_rotating_lets_both_secrets_work_for_the_grace(in_acme: World) -> None:
    key, first = make_key()
    rotated, second = services.rotate_key(key=key, revision=1, grace=timedelta(hours=1), now=NOON)
    assert (rotated.previous_hash, rotated.previous_masked) == (key.hash, key.masked)
    assert rotated.previous_until == NOON + timedelta(hours=1)
    in_grace, after = NOON + timedelta(minutes=59), NOON + timedelta(minutes=60)
    assert find_by_token(second, now=in_grace) == Found(rotated, Secret.CURRENT)
    assert find_by_token(first, now=in_grace) == Found(rotated, Secret.IN_GRACE)
    assert find_by_token(first, now=after) == Found(rotated, Secret.RETIRED)


def test_rotating_again_ends_the_older_grace(in_acme: World) -> None:
    key, first = make_key()
    services.rotate_key(key=key, revision=1, grace=DAY, now=NOON)
    again, _ = services.rotate_key(key=key, revision=2, grace=DAY, now=NOON)
    assert find_by_token(first, now=NOON) is None
    assert again.previous_masked != key.masked


def test_rotating_from_an_older_revision_makes_no_second_secret(in_acme: World) -> None:
    key, _ = make_key()
    rotated, _ = services.rotate_key(key=key, revision=1, grace=DAY)
    with pytest.raises(ChangedMeanwhile):
        services.rotate_key(key=key, revision=1, grace=DAY)
    assert Key.objects.get(pk=key.pk).hash == rotated.hash


def test_retire_previous_ends_the_grace(in_acme: World) -> None:
    key, first = make_key()
    services.rotate_key(key=key, revision=1, grace=DAY, now=NOON)
    services.retire_previous(key=key, now=NOON + timedelta(hours=1))
    retired = services.retire_previous(key=key, now=NOON + timedelta(hours=2))
    assert retired.previous_until == NOON + timedelta(hours=1)
    assert find_by_token(first, now=NOON + timedelta(hours=1)) == Found(retired, Secret.RETIRED)
    assert lines_of(key) == ["created", "retired the previous secret of", "rotated"]


def test_a_pasted_key_is_found_in_its_own_organisation_only(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, token = make_key()
        pasted = f"curl -H 'Authorization: {token}' https://gateway.example/orders/"
        assert find_by_token(pasted) == Found(key, Secret.CURRENT)
        assert find_by_token("Mobile app") is None
    with scope.opened(scope.of(world.globex.id)):
        make_key()
        assert find_by_token(token) is None


def test_session_of_names_the_apis_of_the_key(in_acme: World) -> None:
    orders, _ = make_api("Orders", versions=("v1", "v2")), make_api("Bills")
    key, _ = make_key(accesses=[ApiAccess(orders.id, (), (AllowedUrl("^/a", ("GET",)),))])
    rights_of = sessions.session_of(key)["access_rights"]
    assert {id: (right["versions"], right["allowed_urls"]) for id, right in rights_of.items()} == {
        orders.api_id: (["v1", "v2"], [{"url": "^/a", "methods": ["GET"]}])
    }


def test_session_of_writes_out_all_of_the_organisations_apis(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        make_api("Secret project")
    with scope.opened(scope.of(world.acme.id)):
        key, _ = make_key(has_all_apis=True)
        with pytest.raises(NoAccess):
            sessions.session_of(key)
        own = [make_api("Orders"), make_api("Bills", is_active=False)]
        assert set(sessions.session_of(key)["access_rights"]) == {api.api_id for api in own}


def test_session_of_a_key_whose_apis_are_gone_is_refused(in_acme: World) -> None:
    api = make_api()
    key, _ = make_key(accesses=[ApiAccess(api.id)])
    api.delete()
    with pytest.raises(NoAccess):
        sessions.session_of(key)


def test_creating_a_key_takes_three_statements(in_acme: World, django_assert_num_queries: Any) -> None:
    apis = [make_api(name) for name in ("Orders", "Bills", "Stock")]
    for count in (1, 3):
        with django_assert_num_queries(3):  # the APIs' names, the key with all of its, the audit line
            make_key(accesses=[ApiAccess(api.id) for api in apis[:count]], tags=["gold"])


def test_creating_a_key_with_policies_takes_one_more(in_acme: World, django_assert_num_queries: Any) -> None:
    api, policies = make_api(), [make_policy(name).pk for name in ("Gold", "Silver", "Bronze")]
    for count in (1, 3):
        with django_assert_num_queries(4):  # the policies' names
            make_key(accesses=[ApiAccess(api.id)], tags=["gold"], policies=policies[:count])


def test_policies_are_kept_in_their_order_and_replaced(in_acme: World) -> None:
    gold, silver = make_policy("Gold"), make_policy("Silver", is_active=False)
    key, _ = make_key(accesses=[], policies=[silver.pk, gold.pk, silver.pk])
    assert rights.policies_of(key) == (silver.pk, gold.pk)
    services.update_key(key=key, revision=1, alias="Renamed")
    services.update_key(key=key, revision=2, policies=[gold.pk])
    assert rights.policies_of(key) == (gold.pk,)
    changes = AuditEntry.objects.filter(object_id=key.pk, action="changed").values_list("changes", flat=True)
    assert {"policies": [["Silver", "Gold"], ["Gold"]]} in changes
    with pytest.raises(NoAccess):
        services.update_key(key=key, revision=3, policies=[])


def test_another_organisations_policy_is_as_one_that_never_was(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_policy().pk
    with scope.opened(scope.of(world.acme.id)):
        own, sentences = make_policy().pk, set()
        for id in (foreign, new_id(), "gold", "a\0b"):
            with pytest.raises(NoSuchPolicy) as refused:
                make_key(policies=[own, id])
            sentences.add(str(refused.value))
        assert len(sentences) == 1
        assert [Key.objects.count(), KeyPolicy.objects.count()] == [0, 0]


def test_a_new_key_ends_as_soon_as_one_of_its_policies_says(in_acme: World) -> None:
    policies = [make_policy(str(days), key_expires_in_s=days * 86_400).pk for days in (0, 7, 30)]
    key, _ = make_key(policies=policies)
    assert key.expires_at is not None
    assert timedelta(days=6, hours=23) < key.expires_at - timezone.now() <= timedelta(days=7)
    assert make_key(policies=policies, expires_at=NOON)[0].expires_at == NOON
    assert make_key(policies=policies[:1])[0].expires_at is None


def test_a_session_names_the_keys_own_apis_beside_its_policies(in_acme: World) -> None:
    orders, bills = make_api("Orders"), make_api("Bills")
    gold = make_policy("Gold", bills)
    key, _ = make_key(accesses=[ApiAccess(orders.id)], policies=[gold.pk])
    built = sessions.session_of(key)
    assert [list(built["access_rights"]), built["apply_policies"]] == [[f"{orders.id}12345678"], [gold.pk]]


def test_a_session_without_apis_of_its_own_is_never_empty(in_acme: World) -> None:
    """A gateway would read an empty one as a key to everything."""
    bills = make_api("Bills")
    gold, empty = make_policy("Gold", bills), make_policy("Empty")
    PolicyAccess.objects.filter(policy=gold).update(limit={"rate": -1, "quota_max": 0})
    quota = make_policy("Quota", bills, partitions=["quota"])
    acl = make_policy("Access", bills, partitions=["acl", "quota"])
    for policies in ([gold.pk], [empty.pk, gold.pk], [acl.pk]):
        key, _ = make_key(accesses=[], policies=policies)
        assert list(sessions.session_of(key)["access_rights"]) == [f"{bills.id}12345678"]
    for policies in ([empty.pk], [quota.pk]):
        key, _ = make_key(accesses=[], policies=policies)
        with pytest.raises(NoAccess):
            sessions.session_of(key)


def test_a_disabled_key_is_inactive_whatever_its_policies_say(in_acme: World) -> None:
    """Newer gateways ask only the policies, where there are any."""
    key, _ = make_key(policies=[make_policy().pk], is_disabled=True)
    assert [sessions.session_of(key)[name] for name in ("is_inactive", "apply_policies")] == [True, []]
    services.enable_key(key=key)
    assert sessions.session_of(Key.objects.get(pk=key.pk))["is_inactive"] is False
    key = services.update_key(key=key, revision=2, is_disabled=True)
    assert key.is_disabled
    assert AuditEntry.objects.get(object_id=key.pk, action="changed").changes == {"disabled": [False, True]}


def test_limits_and_further_fields_of_an_api_are_kept(in_acme: World) -> None:
    api = make_api()
    limit = Limit(5, 1, 100, 60, {"throttle_interval": 2})
    access = ApiAccess(api.id, ("Default",), (), limit, {"disable_introspection": True})
    key, _ = make_key(accesses=[access], extra={"session_lifetime": 60})
    assert rights.accesses_of(key) == (access,)
    assert AuditEntry.objects.get(object_id=key.pk).changes["APIs"] == [
        None,
        ["Orders (Default, 5 / s, 100 / min, disable_introspection, throttle_interval)"],
    ]
    built = sessions.session_of(key)
    right = built["access_rights"][f"{api.id}12345678"]
    assert [built["session_lifetime"], right["disable_introspection"]] == [60, True]
    assert [right["limit"][name] for name in ("rate", "throttle_interval", "quota_max")] == [5, 2, 100]


def test_certificates_and_oauth_clients_must_be_the_organisations_own(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_certificate()
        OAuthClient(api=make_api(), client_id="theirs", sealed="").save(force_insert=True)
    with scope.opened(scope.of(world.acme.id)):
        own = make_certificate("d" * 64)
        missing = f"{world.acme.id}{'c' * 64}"
        for id in (foreign, missing, "c" * 64, "/etc/passwd"):
            for extra in ({"certificate": id}, {"rsa_certificate_id": id}, {"mtls_static_certificate_bindings": [id]}):
                with pytest.raises(NoSuchCertificate):
                    make_key(extra=extra)
        with pytest.raises(NoSuchClient):
            make_key(extra={"oauth_client_id": "theirs"})
        key, _ = make_key(extra={"rsa_certificate_id": own})
        with pytest.raises(NoSuchCertificate):
            services.update_key(key=key, revision=1, extra={"rsa_certificate_id": missing})


def test_a_key_of_a_certificate_goes_by_its_fingerprint(in_acme: World) -> None:
    certificate = make_certificate()
    key, token = make_key(extra={"certificate": certificate})
    parsed = parse_token(token)
    assert parsed is not None
    assert parsed.key_id == "c" * 64
    assert find_by_reference(certificate) == key
    with pytest.raises(SameId):
        make_key(extra={"certificate": certificate})
    with pytest.raises(BadSetting, match="no secret of ours to replace"):
        services.rotate_key(key=key, revision=1, grace=DAY)


def test_a_custom_id_is_one_keys_within_its_organisation(world: World, settings: Any) -> None:
    for organisation in (world.acme, world.globex):
        with scope.opened(scope.of(organisation.id)):
            key, token = make_key(custom_id=f"{organisation.id}mobile-app")
            assert find_by_token(token) == Found(key, Secret.CURRENT)
            assert find_by_reference("mobile-app") == find_by_reference(f"{organisation.id}mobile-app") == key
            with pytest.raises(SameId, match="There is already a key with this id"):
                make_key(custom_id="mobile-app")
            settings.KEY_HASH = "murmur64"
            with pytest.raises(SameId):
                make_key(custom_id="mobile-app")
            settings.KEY_HASH = "sha256"
            assert Key.objects.count() == 1


def test_two_keys_with_one_custom_id_at_the_same_moment_are_one(in_acme: World, monkeypatch: Any) -> None:
    make_key(custom_id="mobile-app")
    monkeypatch.setattr("keys.finding.with_id", lambda chosen_id: Key.objects.none())
    with pytest.raises(SameId):
        make_key(custom_id="mobile-app")
    assert Key.objects.count() == 1


def test_secrets_for_gateways_are_sealed(in_acme: World, caplog: pytest.LogCaptureFixture) -> None:
    api = make_basic_api()
    key, token = services.create_key(
        username="joe", password="hunter22", hmac_string="hmac-secret", jwt_secret="jwt-secret",
        accesses=[ApiAccess(api.id)], extra={"hmac_enabled": True},
    )  # fmt: skip
    key = services.update_key(key=key, revision=1, password="hunter33", alias="Joe")
    built = sessions.session_of(key)
    assert [built["hmac_string"], built["jwt_data"]] == ["hmac-secret", {"secret": "jwt-secret"}]
    assert built["basic_auth_data"]["hash_type"] == "bcrypt"
    assert bcrypt.checkpw(b"hunter33", built["basic_auth_data"]["password"].encode())
    stored = everything_stored() + caplog.text + repr(services.settings_of(key)) + repr(key.__dict__)
    secrets = (token, "hunter22", "hunter33", "hmac-secret", "jwt-secret", built["basic_auth_data"]["password"])
    assert [secret for secret in secrets if secret in stored] == []
    assert AuditEntry.objects.get(action="changed").changes == {
        "alias": ["joe", "Joe"],
        "password": [None, "given"],
    }


def test_a_basic_auth_user_is_found_by_its_name_and_has_no_secret_to_rotate(in_acme: World) -> None:
    api = make_basic_api()
    key, token = services.create_key(custom_id="joe", password="hunter22", accesses=[ApiAccess(api.id)])
    parsed = parse_token(token)
    assert parsed is not None
    assert [parsed.key_id, key.username, key.alias] == ["joe", "joe", "joe"]
    assert find_by_reference("joe", username=True) == find_by_reference("joe") == key
    with pytest.raises(BadSetting, match="no secret of ours to replace"):
        services.rotate_key(key=key, revision=1, grace=DAY)


def test_a_username_opens_only_apis_that_ask_for_the_password(in_acme: World) -> None:
    """A gateway takes the name of a key alone where an API wants a token."""
    token_api, basic = make_api(), make_basic_api()
    through_policy = make_policy("Gold", token_api)
    joe: dict[str, Any] = {"username": "joe", "password": "hunter22"}
    reaches: list[dict[str, Any]] = [
        {"accesses": [ApiAccess(basic.id), ApiAccess(token_api.id)]},
        {"accesses": [ApiAccess(basic.id)], "policies": [through_policy.pk]},
        {"has_all_apis": True},
    ]
    for reach in reaches:
        with pytest.raises(BadSetting, match=r"^Username: "):
            make_key(**joe, **reach)
    key, _ = make_key(**joe, accesses=[ApiAccess(basic.id)])
    for reach in reaches:
        with pytest.raises(BadSetting, match=r"^Username: "):
            services.update_key(key=key, revision=1, **reach)


def test_an_hmac_secret_is_made_where_none_is_given(in_acme: World) -> None:
    key, _ = make_key(extra={"hmac_enabled": True})
    first = sessions.session_of(key)["hmac_string"]
    assert len(first) >= 32
    key = services.update_key(key=key, revision=1, alias="Renamed")
    assert sessions.session_of(key)["hmac_string"] == first
    key = services.update_key(key=key, revision=2, hmac_string="another")
    assert sessions.session_of(key)["hmac_string"] == "another"
    assert sessions.session_of(make_key()[0])["hmac_string"] == ""


def test_a_key_without_a_name_gets_one(in_acme: World) -> None:
    key, _ = services.create_key(accesses=[ApiAccess(make_api().id)])
    assert key.alias == f"key {key.masked}"


def test_a_key_is_found_by_what_a_client_knows_of_it(world: World, django_assert_num_queries: Any) -> None:
    with scope.opened(scope.of(world.acme.id)):
        api = make_api()
        key, first = make_key(accesses=[ApiAccess(api.id)])
        rotated, second = services.rotate_key(key=key, revision=1, grace=DAY)
        for text in (first, f"Bearer {second}", key.pk):
            with django_assert_num_queries(1):
                assert find_by_reference(text, api_id=f"{api.id}12345678") == key
        for hash in (key.hash, rotated.hash):
            assert find_by_reference(hash, by_hash=True, api_id=api.id) == key
            assert find_by_reference(hash) is None
        services.retire_previous(key=key)
        assert find_by_reference(first) is None
        assert find_by_reference(key.hash, by_hash=True) is None
        for nothing in ("", "a\0b", "x" * 2000, new_id(), "joe doe", key.alias):
            assert find_by_reference(nothing) is None
            assert find_by_reference(nothing, by_hash=True) is None
            assert find_by_reference(nothing, username=True) is None
        assert find_by_reference(second, api_id="nothing") is None
        impostor, _ = make_key(custom_id=key.pk)
        assert find_by_reference(key.pk) == key != impostor
    with scope.opened(scope.of(world.globex.id)):
        own = make_api()
        for text in (second, key.pk):
            assert find_by_reference(text) is None
            assert find_by_reference(text, api_id=own.id) is None
        assert find_by_reference(rotated.hash, by_hash=True) is None
    with scope.opened(scope.EVERYTHING):
        assert find_by_reference(second) == find_by_reference(key.pk) == key
        assert find_by_reference("mobile-app") is None
