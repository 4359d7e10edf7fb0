"""Whatever changes a row that gateways have something of leaves its name in the outbox, in the same transaction."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from apis.models import Api
from apis.services import delete_api, set_active, update_api
from gateways.models import Outbox
from keys import bulk
from keys.models import Key, Policy
from keys.policies.services import create_policy, delete_policy
from keys.policies.services import set_active as set_policy_active
from keys.rights import ApiAccess
from keys.services import create_key, disable_key, retire_previous, revoke_key, rotate_key, update_key
from orgs import scope
from orgs.models import Organisation
from orgs.services import delete_organisation, resume, set_gateway_session, suspend
from tests.conftest import World
from tests.gateways.conftest import Groups, add_api, build

Names = set[tuple[str, str]]


def waiting(organisation_id: str) -> Names:
    """Return the names for each group, an empty one being the feeds."""
    with scope.opened(scope.of(organisation_id)):
        return set(Outbox.objects.values_list("group_id", "name"))


def clear(organisation_id: str) -> None:
    build()
    with scope.opened(scope.of(organisation_id)):
        Outbox.objects.all().delete()


def in_both(groups: Groups, *names: str) -> Names:
    """Acme is served by two groups."""
    return {(group.pk, name) for group in (groups.shared, groups.acme) for name in names}


@pytest.fixture
def acme(world: World, groups: Groups) -> str:
    clear(world.acme.id)
    return str(world.acme.id)


@pytest.fixture
def api(acme: str) -> Api:
    made = add_api(acme, "/orders/")
    clear(acme)
    return made


@pytest.fixture
def key(acme: str, api: Api) -> Key:
    with scope.opened(scope.of(acme)):
        made, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    clear(acme)
    return made


def test_new_key_is_told_to_each_group_that_serves_its_organisation(groups: Groups, acme: str, api: Api) -> None:
    with scope.opened(scope.of(acme)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    assert waiting(acme) == in_both(groups, f"apikey-{key.hash}")


def test_what_is_undone_leaves_nothing(acme: str, api: Api) -> None:
    with scope.opened(scope.of(acme)):
        try:
            with transaction.atomic():
                create_key(alias="shop", accesses=[ApiAccess(api.pk)])
                raise RuntimeError
        except RuntimeError:
            pass
    assert waiting(acme) == set()


def test_keys_that_are_imported_wait_behind_one_that_must_stop(groups: Groups, acme: str, api: Api, key: Key) -> None:
    with scope.opened(scope.of(acme)):
        bulk.create_keys([{"access_rights": {api.api_id: {"api_id": api.api_id, "versions": ["Default"]}}}] * 20)
        disable_key(key=key)
        first = Outbox.objects.filter(group_id=groups.acme.pk).order_by("is_new", "id").first()
        assert first is not None
        assert (first.name, first.is_new) == (f"apikey-{key.hash}", False)
        assert Outbox.objects.filter(group_id=groups.acme.pk, is_new=True).count() == 20


CHANGES: dict[str, Callable[[Key], Any]] = {
    "disable": lambda key: disable_key(key=key),
    "revoke": lambda key: revoke_key(key=key),
    "rename": lambda key: update_key(key=key, revision=1, alias="till"),
    "limit": lambda key: update_key(key=key, revision=1, rate=5, per_s=1),
    "by hand": lambda key: Key.objects.filter(pk=key.pk).update(is_disabled=True),
    "delete the row": lambda key: Key.objects.filter(pk=key.pk).delete(),
    "plain SQL": lambda key: connection.cursor().execute("UPDATE keys_key SET is_disabled = true"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_key_is_told(groups: Groups, acme: str, key: Key, change: Callable[[Key], Any]) -> None:
    with scope.opened(scope.of(acme)):
        change(key)
    assert waiting(acme) == in_both(groups, f"apikey-{key.hash}")


def test_every_secret_of_a_rotated_key_is_told(groups: Groups, acme: str, key: Key) -> None:
    with scope.opened(scope.of(acme)):
        second, _ = rotate_key(key=key, revision=1, grace=timedelta(hours=1))
        Outbox.objects.all().delete()
        third, _ = rotate_key(key=second, revision=2, grace=timedelta(hours=1))
    hashes = [key.hash, second.hash, third.hash]
    assert len(set(hashes)) == 3
    assert waiting(acme) == in_both(groups, *(f"apikey-{hash}" for hash in hashes))
    with scope.opened(scope.of(acme)):
        Outbox.objects.all().delete()
        retire_previous(key=third)
    assert (groups.acme.pk, f"apikey-{second.hash}") in waiting(acme)


def test_quota_that_begins_anew_is_told(groups: Groups, acme: str, key: Key) -> None:
    with scope.opened(scope.of(acme)):
        update_key(key=key, revision=1, renews_quota=True)
    assert waiting(acme) == in_both(groups, f"apikey-{key.hash}", f"quota-{key.hash}")


def test_new_and_changed_apis_are_built(acme: str, api: Api) -> None:
    assert ("", f"apis:{add_api(acme, '/sales/').pk}") in waiting(acme)
    clear(acme)
    with scope.opened(scope.of(acme)):
        set_active(api=api, is_active=False)
    assert waiting(acme) == {("", f"apis:{api.pk}")}


def test_deleted_api_is_told_with_the_keys_that_named_it(groups: Groups, acme: str, api: Api, key: Key) -> None:
    id = api.pk
    with scope.opened(scope.of(acme)):
        delete_api(api=api)
    assert waiting(acme) == in_both(groups, f"apikey-{key.hash}") | {("", f"apis:{id}")}


def test_full_access_keys_follow_the_apis_of_their_organisation(groups: Groups, acme: str, api: Api) -> None:
    with scope.opened(scope.of(acme)):
        full, _ = create_key(alias="all", has_all_apis=True)
    clear(acme)
    add_api(acme, "/sales/")
    build()
    assert waiting(acme) == in_both(groups, f"apikey-{full.hash}", "reload")
    clear(acme)
    with scope.opened(scope.of(acme)):
        delete_api(api=api)
    build()
    assert waiting(acme) >= in_both(groups, f"apikey-{full.hash}", "reload")


def test_api_that_changes_what_sessions_tell_of_it_has_its_keys_told(
    groups: Groups, acme: str, api: Api, key: Key
) -> None:
    with scope.opened(scope.of(acme)):
        update_api(api=api, definition=json.loads(api.definition) | {"name": "Sales"}, revision=1)
    build()
    assert waiting(acme) == in_both(groups, f"apikey-{key.hash}", "reload")
    clear(acme)
    with scope.opened(scope.of(acme)):
        changed = Api.objects.get(pk=api.pk)
        update_api(api=changed, definition=json.loads(changed.definition) | {"tags": ["x"]}, revision=2)
    build()
    assert waiting(acme) == in_both(groups, "reload")


@pytest.fixture
def gold(acme: str, api: Api) -> tuple[Policy, Key]:
    with scope.opened(scope.of(acme)):
        policy = create_policy(name="Gold", accesses=[ApiAccess(api.pk)])
        key, _ = create_key(alias="golden", policies=[policy.pk])
    clear(acme)
    return policy, key


def test_policy_that_stops_has_its_keys_told(groups: Groups, acme: str, gold: tuple[Policy, Key]) -> None:
    policy, key = gold
    with scope.opened(scope.of(acme)):
        set_policy_active(policy=policy, is_active=False)
    assert waiting(acme) == {("", f"policies:{policy.pk}")}
    build()
    assert waiting(acme) == in_both(groups, f"apikey-{key.hash}", "reload")


def test_deleted_policy_has_its_keys_told(groups: Groups, acme: str, gold: tuple[Policy, Key]) -> None:
    policy, key = gold
    with scope.opened(scope.of(acme)):
        delete_policy(policy=policy)
    assert waiting(acme) == in_both(groups, f"apikey-{key.hash}") | {("", f"policies:{policy.pk}")}


def test_policy_that_loses_an_api_is_built_again(acme: str, api: Api, gold: tuple[Policy, Key]) -> None:
    with scope.opened(scope.of(acme)):
        delete_api(api=api)
    assert ("", f"policies:{gold[0].pk}") in waiting(acme)


def test_organisation_that_is_suspended_or_limited_is_told(world: World, groups: Groups, acme: str) -> None:
    orgkey = f"orgkey.{acme}"
    with scope.opened(scope.of(acme)):
        suspend(organisation=world.acme, reason="Invoice 17")
        assert waiting(acme) == in_both(groups, orgkey, "reload")
        Outbox.objects.all().delete()
        resume(organisation=world.acme)
        assert waiting(acme) == in_both(groups, orgkey, "reload")
        Outbox.objects.all().delete()
        set_gateway_session(organisation=world.acme, session={"rate": 5, "per": 1})
        assert waiting(acme) == in_both(groups, orgkey, "reload")
        Outbox.objects.all().delete()
        Organisation.objects.update(name="Acme Ltd")
    assert waiting(acme) == set()


def test_nothing_of_one_organisation_waits_for_another_ones_gateways(
    world: World, groups: Groups, acme: str, api: Api, key: Key
) -> None:
    with scope.opened(scope.of(acme)):
        disable_key(key=key)
        set_active(api=api, is_active=False)
    with scope.opened(scope.EVERYTHING):
        everywhere = set(Outbox.objects.values_list("organisation_id", "group_id"))
    assert {group for owner, group in everywhere if owner == acme} == {"", groups.shared.pk, groups.acme.pk}
    assert acme not in {owner for owner, group in everywhere if group == groups.globex.pk}


def test_organisation_that_is_deleted_leaves_nothing_waiting(world: World, acme: str, key: Key) -> None:
    delete_organisation(organisation=world.acme, cascade=True)
    with scope.opened(scope.EVERYTHING):
        assert not Outbox.objects.filter(organisation_id=acme).exists()
