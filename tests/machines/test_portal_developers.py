"""Developers of the portal and their keys, as clients of the JSON API keep them."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys.models import Key
from keys.policies.services import create_policy
from orgs import scope
from orgs.models import AuditEntry
from portal.models import Developer, DeveloperSession, KeyRequest
from portal.services import requests as asking
from portal.services.signing_in import DISABLED
from tests.conftest import PASSWORD, World
from tests.machines.client import Machine, machine_of, read
from tests.portal.shared import Shop, a_request, open_shop
from users.services import lockout

PATH = "/api/portal/developers"
NEW = {"email": "Ada@Parcels.example", "password": PASSWORD, "fields": {"Name": "Ada Archer", "Team": "blue"}}


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


@pytest.fixture
def shop(world: World) -> Shop:
    return open_shop(world.acme)


def take(shop: Shop) -> tuple[Key, str]:
    """Give the shop's developer a key."""
    with scope.opened(scope.of(shop.organisation.id)):
        return asking.take_key(asked=a_request(shop, state="approved"))


def message(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return read(answer)["Message"]


def test_a_developer_is_made_and_read(world: World, ann: Machine) -> None:
    id = message(ann.post(PATH, NEW | {"org_id": world.acme.id, "source": "crm"}))
    found = read(ann.get(f"{PATH}/{id}"))
    assert found == read(ann.get(f"{PATH}/email/ada%40parcels.example"))
    assert (found["id"], found["email"], found["org_id"]) == (id, "ada@parcels.example", world.acme.id)
    assert (found["fields"], found["inactive"], found["source"]) == (NEW["fields"], False, "crm")
    assert (found["keys"], found["subscriptions"], found["oauth_clients"]) == ({}, {}, {})
    assert (found["nonce"], found["sso_key"]) == ("", "")
    with scope.opened(scope.of(world.acme.id)):
        assert Developer.objects.get().name == "Ada Archer"


def test_the_list_is_found_by_a_part_of_the_address(ann: Machine) -> None:
    for name in ("one", "two", "three"):
        message(ann.post(PATH, {"email": f"{name}@parcels.example"}))
    listed = read(ann.get(f"{PATH}?q=T@PARCELS&sort=email"))
    assert (listed, read(ann.get(f"{PATH}?q=nobody"))) == ({"Data": [], "Pages": 1}, {"Data": [], "Pages": 1})
    listed = read(ann.get(f"{PATH}?p=-1&sort=email"))
    assert [each["email"] for each in listed["Data"]] == [f"{name}@parcels.example" for name in ("one", "three", "two")]
    assert read(ann.get(f"{PATH}?page_size=2"))["Pages"] == 2


def test_an_address_is_taken_once_in_an_organisation(world: World, ann: Machine) -> None:
    message(ann.post(PATH, NEW))
    assert message(ann.post(PATH, NEW), 403) == "Developer email already exists for this org."
    message(machine_of(world.gus).post(PATH, NEW))
    other = message(ann.post(PATH, {"email": "other@parcels.example"}))
    assert message(ann.put(f"{PATH}/{other}", {"email": NEW["email"]}), 403).startswith("Developer email")
    assert read(ann.get(f"{PATH}/{other}"))["email"] == "other@parcels.example"


def test_a_put_of_what_was_read_changes_nothing(world: World, ann: Machine, shop: Shop) -> None:
    take(shop)
    id = message(ann.post(PATH, NEW))
    for each in (id, shop.dev.pk):
        found = read(ann.get(f"{PATH}/{each}"))
        with scope.opened(scope.of(world.acme.id)):
            before = AuditEntry.objects.filter(kind="developers").count()
        assert message(ann.put(f"{PATH}/{each}", found)) == "Data updated"
        assert read(ann.get(f"{PATH}/{each}")) == found
        with scope.opened(scope.of(world.acme.id)):
            assert AuditEntry.objects.filter(kind="developers").count() == before


def test_fields_are_replaced_and_the_name_is_one_of_them(world: World, ann: Machine) -> None:
    id = message(ann.post(PATH, NEW))
    message(ann.put(f"{PATH}/{id}", {"fields": {"Name": "Ada Lovelace"}, "groups": ["beta"]}))
    with scope.opened(scope.of(world.acme.id)):
        developer = Developer.objects.get()
        assert (developer.name, developer.groups) == ("Ada Lovelace", ["beta"])
        developer.name = "Countess"
        developer.save()
    assert read(ann.get(f"{PATH}/{id}"))["fields"] == {"Name": "Countess"}


def test_inactive_signs_out_and_disables_the_keys(world: World, ann: Machine, shop: Shop) -> None:
    key, _ = take(shop)
    shop.client()
    message(ann.put(f"{PATH}/{shop.dev.pk}", {"inactive": True}))
    with scope.opened(scope.of(world.acme.id)):
        assert not DeveloperSession.objects.exists()
        assert Key.objects.get(pk=key.pk).is_disabled
    message(ann.put(f"{PATH}/{shop.dev.pk}", {"inactive": False}))
    with scope.opened(scope.of(world.acme.id)):
        assert not Key.objects.get(pk=key.pk).is_disabled
    assert read(ann.get(f"{PATH}/{message(ann.post(PATH, NEW | {'inactive': True}))}"))["inactive"] is True


def test_a_deleted_developer_leaves_no_key_that_works(world: World, ann: Machine, shop: Shop) -> None:
    key, _ = take(shop)
    assert message(ann.delete(f"{PATH}/{shop.dev.pk}")) == "Data deleted"
    assert ann.get(f"{PATH}/{shop.dev.pk}").status_code == 404
    with scope.opened(scope.of(world.acme.id)):
        assert Key.objects.get(pk=key.pk).revoked_at is not None


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"email": "nobody"}, 400, "email is not an e-mail address."),
        ({}, 400, "email is not an e-mail address."),
        ({"password": "short"}, 400, "This password is too short"),
        ({"password": "$2a$10$" + "x" * 53}, 400, "password: this is the digest of one"),
        ({"org_id": "5f0c1c6a1d2e3f4a5b6c7d8e"}, 400, "org_id is not this organisation's"),
        ({"id": "5f0c1c6a1d2e3f4a5b6c7d8e"}, 400, "id is given here"),
        ({"keys": {"abc": ["def"]}}, 400, "keys: they are given by"),
        ({"groups": ["x" * 61]}, 400, "groups: give at most 50"),
        ({"inactive": "no"}, 400, "Request body malformed"),
        ({"notes": "x" * 20_001}, 400, "The fields that are only kept"),
    ],
)
def test_a_new_developer_is_refused(world: World, ann: Machine, sent: Any, status: int, said: str) -> None:
    answer = ann.post(PATH, {"email": "ada@parcels.example"} | sent if sent else {})
    assert message(answer, status).startswith(said)
    with scope.opened(scope.of(world.acme.id)):
        assert not Developer.objects.exists()


def test_a_put_sets_no_password(ann: Machine, shop: Shop) -> None:
    answer = ann.put(f"{PATH}/{shop.dev.pk}", {"password": "another long password"})
    assert message(answer, 400) == "password: it is set by /api/portal/developers/password/{id}."


def test_credentials_are_verified(ann: Machine, shop: Shop) -> None:
    right = ann.post(f"{PATH}/verify_credentials", {"username": "DEV@example.com", "password": PASSWORD})
    assert (right.status_code, read(right)["id"]) == (200, shop.dev.pk)
    for username in ("dev@example.com", "nobody@example.com"):
        wrong = ann.post(f"{PATH}/verify_credentials", {"username": username, "password": "wrong"})
        assert wrong.status_code == 401
    message(ann.put(f"{PATH}/{shop.dev.pk}", {"inactive": True}))
    off = ann.post(f"{PATH}/verify_credentials", {"username": "dev@example.com", "password": PASSWORD})
    assert message(off, 401) == DISABLED


def test_what_is_too_long_for_an_address_is_nobodys(ann: Machine, shop: Shop) -> None:
    answer = ann.post(f"{PATH}/verify_credentials", {"username": f"{'x' * 300}@example.com", "password": PASSWORD})
    assert message(answer, 401) == "The e-mail address or the password is wrong."


@pytest.mark.parametrize("username", ["dev@example.com", "nobody@example.com"])
def test_guesses_lock_the_portals_sign_in(ann: Machine, shop: Shop, username: str) -> None:
    for _ in range(lockout.MOST_FAILURES):
        answer = ann.post(f"{PATH}/verify_credentials", {"username": username, "password": "wrong"})
    assert message(answer, 401) == lockout.SENTENCE
    right = ann.post(f"{PATH}/verify_credentials", {"username": username, "password": PASSWORD})
    assert message(right, 401) == lockout.SENTENCE


def test_a_password_is_in_no_answer_and_no_line(world: World, ann: Machine, caplog: pytest.LogCaptureFixture) -> None:
    secret = "a secret of twenty letters"
    id = message(ann.post(PATH, NEW))
    assert message(ann.post(f"{PATH}/password/{id}", {"password": secret})) == "Password changed"
    answer = ann.post(f"{PATH}/verify_credentials", {"username": NEW["email"], "password": secret})
    assert answer.status_code == 200
    with scope.opened(scope.of(world.acme.id)):
        digest = Developer.objects.get().password
        lines = str(list(AuditEntry.objects.values()))
    told = answer.content.decode() + ann.get(f"{PATH}/{id}").content.decode() + lines + caplog.text
    assert secret not in told
    assert digest not in told
    assert message(ann.post(f"{PATH}/password/{id}", {"password": "short"}), 400).startswith("This password")


def test_keys_are_shown_by_hash_with_their_policies(ann: Machine, shop: Shop) -> None:
    key, token = take(shop)
    found = read(ann.get(f"{PATH}/{shop.dev.pk}"))
    assert (found["keys"], found["subscriptions"]) == ({key.hash: [shop.policy.pk]}, {shop.policy.pk: key.hash})
    assert read(ann.get(f"{PATH}/{shop.dev.pk}/subscriptions")) == found["subscriptions"]
    assert token not in str(found)


def test_a_keys_policies_are_changed(world: World, ann: Machine, shop: Shop) -> None:
    key, token = take(shop)
    with scope.opened(scope.of(world.acme.id)):
        silver = create_policy(name="Silver", rate=1, per_s=1)
    path = f"{PATH}/{shop.dev.pk}/keys/{token}"
    assert message(ann.put(path, {"apply_policies": [silver.pk]})) == "Data updated"
    assert read(ann.get(f"{PATH}/{shop.dev.pk}"))["keys"] == {key.hash: [silver.pk]}
    assert message(ann.put(path, {"apply_policies": []}), 400).startswith("apply_policies: name at least one")


def test_another_organisations_policy_is_none(world: World, ann: Machine, shop: Shop) -> None:
    key, _ = take(shop)
    theirs = open_shop(world.globex).policy.pk
    answers = [
        ann.put(f"{PATH}/{shop.dev.pk}/keys/{key.hash}", {"apply_policies": [id]}) for id in (theirs, theirs[::-1])
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert read(ann.get(f"{PATH}/{shop.dev.pk}"))["keys"] == {key.hash: [shop.policy.pk]}


def test_a_key_is_revoked_and_its_plan_can_be_asked_for_anew(world: World, ann: Machine, shop: Shop) -> None:
    key, _ = take(shop)
    assert message(ann.delete(f"{PATH}/{shop.dev.pk}/keys/{key.hash}")) == "Key deleted successfully."
    assert read(ann.get(f"{PATH}/{shop.dev.pk}"))["keys"] == {}
    assert ann.delete(f"{PATH}/{shop.dev.pk}/keys/{key.hash}").status_code == 404
    with scope.opened(scope.of(world.acme.id)):
        assert Key.objects.get(pk=key.pk).revoked_at is not None
        assert KeyRequest.objects.get().state == KeyRequest.ENDED


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_quota_begins_anew(world: World, ann: Machine, shop: Shop, method: str) -> None:
    key, _ = take(shop)
    with scope.opened(scope.of(world.acme.id)):
        before = Key.objects.get(pk=key.pk).updated_at
    assert message(ann.call(method, f"{PATH}/{shop.dev.pk}/keys/{key.hash}/reset_quota")) == "Quota reset"
    with scope.opened(scope.of(world.acme.id)):
        assert Key.objects.get(pk=key.pk).updated_at > before


def test_only_the_developers_own_keys_are_found(ann: Machine, shop: Shop, world: World) -> None:
    key, token = take(shop)
    with scope.opened(scope.of(world.acme.id)):
        other = Key.objects.exclude(pk=key.pk).first()
    somebody = message(ann.post(PATH, NEW))
    for owner, name in ((somebody, key.hash), (somebody, token), (shop.dev.pk, other.hash if other else "none")):
        assert message(ann.delete(f"{PATH}/{owner}/keys/{name}"), 404) == "Could not retrieve key detail."


def test_what_names_a_key_is_in_no_log(ann: Machine, shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    _, token = take(shop)
    ann.delete(f"{PATH}/{shop.dev.pk}/keys/{token}")
    ann.delete(f"{PATH}/{shop.dev.pk}/keys/{token}")
    assert token not in caplog.text
    assert f"Not Found: {PATH}/{shop.dev.pk}/keys/…" in caplog.text


def test_a_list_takes_as_many_statements_for_three_as_for_one(ann: Machine, shop: Shop) -> None:
    take(shop)
    read(ann.get(PATH))  # the first use of an access key is noted
    counts = []
    for more in (0, 2):
        for number in range(more):
            message(ann.post(PATH, {"email": f"{number}@parcels.example"}))
        with CaptureQueriesContext(connection) as counted:
            assert len(read(ann.get(PATH))["Data"]) == 1 + more
        counts.append(len(counted.captured_queries))
    assert counts[0] == counts[1]


def test_a_developer_is_found_by_the_key_of_single_sign_on(world: World, ann: Machine) -> None:
    id = message(ann.post(PATH, NEW | {"sso_key": "abc/def", "nonce": "secret"}))
    message(ann.put(f"{PATH}/{id}", {"sso_key": "abcdef", "nonce": "another"}))
    found = read(ann.get(f"{PATH}/ssokey/abcdef"))
    assert (found["id"], found["sso_key"], found["nonce"]) == (id, "abcdef", "")
    assert machine_of(world.gus).get(f"{PATH}/ssokey/abcdef").status_code == 404
