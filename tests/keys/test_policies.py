from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys import services as keys
from keys.errors import BadSetting, ChangedMeanwhile, NoSuchApi
from keys.models import Key, KeyPolicy, Policy, PolicyAccess
from keys.paths import AllowedUrl, BadAllowedUrl
from keys.policies import rights, services
from keys.policies.errors import IdTaken, NameTaken
from keys.policies.services import create_policy, delete_policy, set_active, settings_of, update_policy
from keys.rights import ApiAccess
from keys.session import BadLimit, Limit
from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry
from tests.conftest import World
from tests.keys.test_services import make_api, make_key


def make_policy(name: str = "Gold", **settings: Any) -> Policy:
    if "accesses" not in settings:
        settings["accesses"] = [ApiAccess(make_api().id)]
    return create_policy(name=name, **settings)


def line_of(policy: Policy, action: str) -> AuditEntry:
    return AuditEntry.objects.get(kind=services.KIND, object_id=policy.pk, action=action)


def test_create_policy_stores_what_was_chosen(in_acme: World) -> None:
    api = make_api("Orders", versions=("v1", "v2"))
    own = Limit(5, 1, 50, 60, {"throttle_interval": -1, "quota_renews": 0})
    access = ApiAccess(api.id, ("v2",), (AllowedUrl("^/orders", ("GET",)),), own, {"disable_introspection": True})
    policy = create_policy(
        name=" Gold ", explicit_id="gold-1", accesses=[access], is_active=False, rate=100, per_s=60, quota_max=5000,
        quota_window_s=86_400, key_expires_in_s=3600, partitions=["per_api"], tags=["a", "a"],
        metadata={"plan": "gold"}, extra={"throttle_interval": 2, "made_by": "us"},
    )  # fmt: skip
    saved = Policy.objects.get(pk=policy.pk)
    assert saved.organisation_id == in_acme.acme.id
    assert settings_of(saved) == {
        "name": "Gold", "explicit_id": "gold-1", "accesses": (access,), "is_active": False, "rate": 100, "per_s": 60,
        "quota_max": 5000, "quota_window_s": 86_400, "key_expires_in_s": 3600, "partitions": ["per_api"], "tags": ["a"],
        "metadata": {"plan": "gold"}, "extra": {"throttle_interval": 2, "made_by": "us"},
    }  # fmt: skip


def test_the_audit_trail_says_what_changed_without_values_of_metadata(in_acme: World) -> None:
    api = make_api("Orders")
    policy = make_policy(accesses=[ApiAccess(api.id)], rate=5, per_s=1, metadata={"password": "hunter2"})
    assert line_of(policy, "created").changes == {"APIs": [None, ["Orders"]], "rate": [None, "5 / s"]}
    update_policy(
        policy=policy, revision=1, name="Silver", partitions=["acl"], metadata={"password": "hunter3"}, extra={"x": 1}
    )
    assert line_of(policy, "changed").changes == {
        "name": ["Gold", "Silver"],
        "gives": ["everything", "what is open"],
        "metadata": [["password"], ["password"]],
        "further fields": [[], ["x"]],
    }
    assert "hunter" not in str(list(AuditEntry.objects.values_list("changes", flat=True)))


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        ({"name": " "}, BadSetting),
        ({"name": "x" * 121}, BadSetting),
        ({"explicit_id": "a b"}, BadSetting),
        ({"policy_id": "nonsense"}, BadSetting),
        ({"rate": 0.2, "per_s": 1}, BadLimit),
        ({"rate": 5, "per_s": -1}, BadLimit),
        ({"rate": -2, "per_s": 1}, BadLimit),
        ({"quota_max": -2}, BadLimit),
        ({"quota_window_s": -2}, BadLimit),
        ({"key_expires_in_s": -2}, BadSetting),
        ({"partitions": ["acl", "per_api"]}, BadSetting),
        ({"partitions": ["nonsense"]}, BadSetting),
        ({"tags": ["a,b"]}, BadSetting),
        ({"tags": [str(number) for number in range(21)]}, BadSetting),
        ({"metadata": {"tyk_developer_id": "x"}}, BadSetting),
        ({"metadata": {"x": "y" * 10_001}}, BadSetting),
        ({"extra": {"rate": 5}}, BadSetting),
        ({"extra": {"hmac_enabled": "yes"}}, BadSetting),
        ({"extra": {"x": "y" * 50_001}}, BadSetting),
        ({"extra": {"x": "\0"}}, BadSetting),
        ({"accesses": [ApiAccess("f" * 24)]}, NoSuchApi),
    ],
)
def test_what_cannot_be_kept_is_refused(in_acme: World, settings: dict[str, Any], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        make_policy(**{"name": "Gold", **settings})
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("access", "refusal"),
    [
        ({"versions": ("v9",)}, NoSuchApi),
        ({"allowed_urls": (AllowedUrl("(?=x)", ("GET",)),)}, BadAllowedUrl),
        ({"limit": Limit(5, 0)}, BadLimit),
        ({"extra": {"limit": None}}, BadSetting),
        ({"extra": {"restricted_types": "x"}}, BadSetting),
    ],
)
def test_a_bad_access_is_refused(in_acme: World, access: dict[str, Any], refusal: type[Exception]) -> None:
    api = make_api()
    with pytest.raises(refusal):
        make_policy(accesses=[ApiAccess(api.id, **access)])


@pytest.mark.parametrize("limit", [(-1, -1, 0, -1), (0, 0, 0, 0), (-1, 1, -1, 60), (5, 1, 0, 60)])
def test_limits_that_say_nothing_are_kept_as_they_are(in_acme: World, limit: tuple[int, int, int, int]) -> None:
    rate, per_s, quota_max, quota_window_s = limit
    policy = make_policy(rate=rate, per_s=per_s, quota_max=quota_max, quota_window_s=quota_window_s)
    saved = Policy.objects.get(pk=policy.pk)
    assert (saved.rate, saved.per_s, saved.quota_max, saved.quota_window_s) == limit


def test_an_api_of_another_organisation_does_not_exist(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_api("Secret")
    with scope.opened(scope.of(world.acme.id)):
        with pytest.raises(NoSuchApi) as there:
            make_policy(accesses=[ApiAccess(foreign.id)])
        with pytest.raises(NoSuchApi) as nowhere:
            make_policy(accesses=[ApiAccess("f" * 24)])
    assert str(there.value) == str(nowhere.value)


def test_names_are_unique_in_the_organisation_whatever_their_case(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        make_policy("Gold", explicit_id="gold")
    with scope.opened(scope.of(world.acme.id)):
        first, second = make_policy("Gold", explicit_id="gold"), make_policy("Silver")
        with pytest.raises(NameTaken):
            make_policy("gOLD")
        with pytest.raises(NameTaken):
            update_policy(policy=second, revision=1, name="GOLD")
        with pytest.raises(IdTaken):
            update_policy(policy=second, revision=1, explicit_id="gold")
        assert update_policy(policy=first, revision=1, name="GOLD").name == "GOLD"


def test_an_id_is_kept_when_it_is_free(world: World) -> None:
    wanted = new_id()
    with scope.opened(scope.of(world.acme.id)):
        assert make_policy(policy_id=wanted).pk == wanted
        with pytest.raises(IdTaken):
            make_policy("Another", policy_id=wanted)
    with scope.opened(scope.of(world.globex.id)):
        assert make_policy(policy_id=wanted).pk != wanted
        assert Policy.objects.count() == 1


def test_a_change_from_an_old_revision_is_refused(in_acme: World) -> None:
    policy = make_policy()
    update_policy(policy=policy, revision=1, name="Silver")
    with pytest.raises(ChangedMeanwhile):
        update_policy(policy=policy, revision=1, name="Bronze")
    assert Policy.objects.get().name == "Silver"


def test_accesses_are_replaced(in_acme: World) -> None:
    policy, bills = make_policy(), make_api("Bills")
    update_policy(policy=policy, revision=1, accesses=[ApiAccess(bills.id)])
    assert list(PolicyAccess.objects.values_list("api_id", flat=True)) == [bills.id]


def test_set_active_writes_a_line_only_where_it_changes_something(in_acme: World) -> None:
    policy = make_policy()
    set_active(policy=policy, is_active=False)
    set_active(policy=policy, is_active=False)
    assert Policy.objects.get().is_active is False
    assert line_of(policy, "deactivated").actor == "commonhold"
    set_active(policy=policy, is_active=True)
    assert Policy.objects.get().is_active is True


def test_deleting_a_policy_disables_the_keys_that_applied_it(in_acme: World) -> None:
    policy, other = make_policy(), make_policy("Other")
    applying = [make_key(alias=f"Key {number}", policies=[policy.pk])[0] for number in range(3)]
    keys.disable_key(key=applying[1])
    keys.revoke_key(key=applying[2])
    untouched, _ = make_key(alias="Untouched", policies=[other.pk])
    revision = Key.objects.get(pk=applying[0].pk).revision
    assert delete_policy(policy=policy) == 1
    assert not Policy.objects.filter(pk=policy.pk).exists()
    assert list(KeyPolicy.objects.values_list("key_id", flat=True)) == [untouched.pk]
    disabled = Key.objects.get(pk=applying[0].pk)
    assert (disabled.is_disabled, disabled.revision) == (True, revision + 1)
    assert Key.objects.get(pk=untouched.pk).is_disabled is False
    lines = AuditEntry.objects.filter(kind="keys", action="disabled", changes__has_key="policy deleted")
    assert [(line.object_id, line.object_name, line.organisation_id) for line in lines] == [
        (applying[0].pk, "Key 0", in_acme.acme.id)
    ]
    assert line_of(policy, "deleted").changes == {"keys disabled": [None, 1]}


def test_deleting_takes_as_many_statements_for_one_key_as_for_many(in_acme: World) -> None:
    counts = []
    for number in (1, 3):
        policy = make_policy(f"Policy {number}")
        for _ in range(number):
            make_key(policies=[policy.pk])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            delete_policy(policy=policy)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_policy_of_another_organisation_is_out_of_reach(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_policy()
        make_key(policies=[foreign.pk])
    with scope.opened(scope.of(world.acme.id)):
        with pytest.raises(Policy.DoesNotExist):
            delete_policy(policy=foreign)
        with pytest.raises(Policy.DoesNotExist):
            update_policy(policy=foreign, revision=1, name="Mine")
        assert rights.in_order([foreign.pk]) == []
    with scope.opened(scope.of(world.globex.id)):
        assert Key.objects.get().is_disabled is False


def test_merging_a_keys_policies_reads_the_rows(in_acme: World) -> None:
    orders, bills = make_api("Orders", versions=("v1", "v2")), make_api("Bills")
    first = make_policy("First", accesses=[ApiAccess(orders.id, ("v1",))], rate=10, per_s=1, quota_max=100)
    second = make_policy("Second", accesses=[ApiAccess(bills.id)], rate=20, per_s=1, tags=["x"])
    key, _ = make_key(policies=[second.pk, first.pk], accesses=[ApiAccess(orders.id)], tags=["own"])
    merged = rights.merged(rights.policies_of(key), key)
    assert [(a.api_name, a.versions, a.limit.rate, a.opened_from) for a in merged.opened] == [
        ("Bills", ("Default",), 20, (second.pk,)),
        ("Orders", ("v1",), 10, (first.pk,)),
    ]
    assert merged.tags == ("x", "own")
    set_active(policy=first, is_active=False)
    assert rights.merged(rights.policies_of(key), key).opened == ()


def test_merging_asks_as_often_for_one_policy_as_for_three(in_acme: World) -> None:
    policies = [make_policy(f"Policy {number}") for number in range(3)]
    counts = []
    for chosen in (policies[:1], policies):
        with CaptureQueriesContext(connection) as queries:
            rights.merged(rights.in_order([policy.pk for policy in chosen]))
        counts.append(len(queries))
    assert counts[0] == counts[1] == 3


def test_a_policy_with_a_user_takes_no_api_that_asks_for_no_password(in_acme: World) -> None:
    """Its name alone would open that API."""
    basic = make_api("Basic")
    type(basic).objects.filter(pk=basic.pk).update(authentication="basic")
    policy = make_policy(accesses=[ApiAccess(basic.id)])
    keys.create_key(username="ann", password="hunter22", policies=[policy.pk])
    with pytest.raises(BadSetting):
        update_policy(policy=policy, revision=1, accesses=[ApiAccess(basic.id), ApiAccess(make_api("Token").id)])
    assert update_policy(policy=policy, revision=1, name="Still fine").updated_at > datetime(2020, 1, 1).astimezone()
