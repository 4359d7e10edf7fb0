import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apis.models import Api
from keys import rights, services
from keys.errors import AlreadyCreated, BadSetting, ChangedMeanwhile, NoSuchApi, Revoked
from keys.finding import Found, Secret, find_by_token
from keys.models import Key, KeyAccess, KeyTerm
from keys.paths import AllowedUrl, BadAllowedUrl
from keys.rights import ApiAccess
from keys.session import BadLimit, NoAccess
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


def make_key(*, alias: str = "Mobile app", **settings: Any) -> tuple[Key, str]:
    if not settings.get("has_all_apis") and "accesses" not in settings:
        settings["accesses"] = [ApiAccess(make_api().id)]
    return services.create_key(alias=alias, **settings)


def lines_of(key: Key) -> list[str]:
    """The actions on a key in alphabetical order: within a second, ids say nothing of time."""
    return sorted(entry.action for entry in AuditEntry.objects.filter(object_id=key.id))


def everything_stored() -> str:
    """Every column of every row of the tables that a key touches."""
    with connection.cursor() as cursor:
        texts = []
        for table in ("keys_key", "keys_keyaccess", "keys_keyterm", "orgs_auditentry", "users_session"):
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
        "rate": 100,
        "per_s": 60,
        "quota_max": 5000,
        "quota_window_s": 86_400,
        "expires_at": NOON,
        "tags": ["Gold"],
        "metadata": {"plan": "gold"},
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
        ({"metadata": {"a": "\0"}}, BadSetting, "Metadata: "),
        ({"metadata": {"a": "x" * 10_001}}, BadSetting, "Metadata: it is longer"),
    ],
)
def test_create_key_refuses_with_the_place(
    in_acme: World, settings: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=f"^{sentence}"):
        make_key(**settings)
    assert Key.objects.count() == 0


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
    assert rights.session_of(Key.objects.get(pk=key.pk))["is_inactive"] is True
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
    rights_of = rights.session_of(key)["access_rights"]
    assert {id: (right["versions"], right["allowed_urls"]) for id, right in rights_of.items()} == {
        orders.api_id: (["v1", "v2"], [{"url": "^/a", "methods": ["GET"]}])
    }


def test_session_of_writes_out_all_of_the_organisations_apis(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        make_api("Secret project")
    with scope.opened(scope.of(world.acme.id)):
        key, _ = make_key(has_all_apis=True)
        with pytest.raises(NoAccess):
            rights.session_of(key)
        own = [make_api("Orders"), make_api("Bills", is_active=False)]
        assert set(rights.session_of(key)["access_rights"]) == {api.api_id for api in own}


def test_session_of_a_key_whose_apis_are_gone_is_refused(in_acme: World) -> None:
    api = make_api()
    key, _ = make_key(accesses=[ApiAccess(api.id)])
    api.delete()
    with pytest.raises(NoAccess):
        rights.session_of(key)


def test_creating_a_key_takes_five_statements(in_acme: World, django_assert_num_queries: Any) -> None:
    apis = [make_api(name) for name in ("Orders", "Bills", "Stock")]
    for count in (1, 3):
        with django_assert_num_queries(5):  # the APIs' names, the key, its accesses, its terms, the audit line
            make_key(accesses=[ApiAccess(api.id) for api in apis[:count]], tags=["gold"])
