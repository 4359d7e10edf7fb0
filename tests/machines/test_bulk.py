"""Many keys in one call."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys import bulk, services, sessions
from keys.finding import find_by_token
from keys.models import Key, KeyTerm
from keys.policies.services import create_policy
from keys.rights import ApiAccess
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read
from tests.machines.test_keys import NEVER, api_of, right, session


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


def varied(world: World) -> list[dict[str, Any]]:
    """Sessions that differ in everything that may."""
    orders, bills = api_of(world, versions=("v1", "v2")), api_of(world, name="Bills")
    with scope.opened(scope.of(world.acme.id)):
        create_policy(name="Gold", accesses=[ApiAccess(bills.pk)], explicit_id="gold", key_expires_in_s=3600)
        silver = create_policy(name="Silver", accesses=[ApiAccess(bills.pk)])
    limit = {"rate": 5, "per": 10, "quota_max": 50, "quota_renewal_rate": 60, "max_query_depth": 3}
    urls = [{"url": '^/or"ders\\d', "methods": ["GET", "POST"]}]
    narrow = {orders.api_id: right(orders, versions=["v2"], limit=limit, allowed_urls=urls, disable_introspection=True)}
    return [
        session(bills),
        session(bills, alias="Café “99”, the 'best' \\ {one}"),
        session(bills, alias=None, tags=None, meta_data=None),
        session(bills, tags=['a "quoted" \\ tag', "NULL", "{}", "ü"]),
        session(bills, meta_data={"deep": [{"text": 'it\'s "so" \\ null'}], "n": 1.5}),
        session(bills, expires=4_100_000_000, rate=2.5, per=1.5),
        session(bills, is_inactive=True, quota_max=-1, expires=0),
        session(orders, access_rights=narrow),
        session(bills, access_rights=narrow | {bills.api_id: right(bills)}),
        session(bills, access_rights={}, apply_policies=[silver.pk, "gold"], expires=0),
        session(bills, jwt_data={"secret": "a-jwt-secret"}, hmac_enabled=True, hmac_string="an-hmac-secret"),
    ]


def comparable(key: Key) -> dict[str, Any]:
    shown = sessions.session_of(key)
    times = ("date_created", "last_updated", "quota_renews", "expires")
    shown |= dict.fromkeys(times) | {"alias": shown["alias"].partition(" …")[0]}
    for right_ in shown["access_rights"].values():
        right_["limit"] = right_["limit"] and right_["limit"] | {"quota_renews": None}
    settings = services.settings_of(key)
    expires = settings["expires_at"] and round(settings["expires_at"].timestamp() / 60)
    words = sorted(KeyTerm.objects.filter(key=key).exclude(term=key.masked[1:]).values_list("term", flat=True))
    return shown | {"settings": {**settings, "alias": "", "expires_at": expires}, "words": words}


def test_keys_are_as_if_made_one_by_one(world: World, ann: Machine) -> None:
    sent = varied(world)
    answered = read(ann.post("/api/keys", sent))
    assert list(answered) == ["keys"]
    assert [list(made) for made in answered["keys"]] == [["key_id", "key_hash"]] * len(sent)
    singly = [read(ann.post("/api/keys", document)) for document in sent]
    with scope.opened(scope.of(world.acme.id)):
        for together, alone in zip(answered["keys"], singly, strict=True):
            found = find_by_token(together["key_id"])
            assert found is not None
            assert found.key.hash == together["key_hash"]
            assert found.key.masked[1:] == Key.objects.get(hash=together["key_hash"]).masked[1:]
            assert comparable(found.key) == comparable(Key.objects.get(hash=alone["key_hash"]))


def test_one_line_of_the_trail_tells_of_them_all(world: World, ann: Machine) -> None:
    made = read(ann.post("/api/keys", [session(api_of(world), alias=f"Key {n}") for n in range(1200)]))["keys"]
    with scope.opened(scope.of(world.acme.id)):
        first, last = (Key.objects.get(hash=made[at]["key_hash"]) for at in (0, -1))
        line = AuditEntry.objects.get(kind="keys")
        assert Key.objects.count() == 1200
    assert (line.action, line.actor) == ("created", world.ann.email)
    assert line.object_name == f"1,200 keys, {first.masked} to {last.masked}"
    assert (first.alias, last.alias) == ("Key 0", "Key 1199")


def faults(world: World) -> dict[str, tuple[Any, int, str]]:
    api, theirs = api_of(world), api_of(world, "globex")
    return {
        "type": (session(api, rate="many"), 400, "[17].rate must be"),
        "path": (session(api, access_rights={api.api_id: right(api, allowed_urls=[{"url": "("}])}), 400,
                 f"[17].access_rights.{api.api_id}.allowed_urls.0: "),
        "own part": (session(api, tags=[1]), 400, "[17].tags.0 must be"),
        "alias": (session(api, alias=1), 400, "[17].alias must be"),
        "long alias": (session(api, alias="x" * 121), 400, "[17]: Alias"),
        "reserved": (session(api, meta_data={"policies": []}), 400, "[17]: Metadata"),
        "past": (session(api, expires=5), 400, "[17]: Expires"),
        "nothing open": (session(), 400, "[17]: APIs"),
        "version": (session(api, access_rights={api.api_id: right(api, versions=["v9"])}), 404, "[17]: APIs"),
        "another's API": (session(theirs), 404, "[17]: APIs"),
        "API that never was": (session(api, access_rights={"never": {}}), 404, "[17]: APIs"),
        "policy that never was": (session(api, apply_policies=[NEVER]), 404, "[17]: Policies"),
        "organisation": (session(api, org_id=world.globex.id), 400, "[17]: org_id"),
        "password": (session(api, basic_auth_data={"password": "x"}), 400, "[17]: A key that goes by"),
        "certificate": (session(api, certificate="x"), 400, "[17]: A key that goes by"),
        "no HMAC secret": (session(api, hmac_enabled=True), 400, "[17]: hmac_string"),
        "no object": (7, 400, "[17].the document must be an object"),
        "case": (session(api, Rate=1), 400, "[17].Rate must be written"),
    }  # fmt: skip


def test_one_fault_and_nothing_is_made(world: World, ann: Machine) -> None:
    good = session(api_of(world))
    for name, (fault, status, place) in faults(world).items():
        refused = ann.post("/api/keys", [good] * 17 + [fault, good])
        assert (refused.status_code, read(refused)["Message"][: len(place)]) == (status, place), name
    with scope.opened(scope.of(world.acme.id)):
        assert not Key.objects.exists()
        assert not AuditEntry.objects.filter(kind="keys").exists()


def test_another_organisations_api_is_as_one_that_never_was(world: World, ann: Machine) -> None:
    theirs = api_of(world, "globex")
    refused = ann.post("/api/keys", [session(theirs)])
    assert refused.content == ann.post("/api/keys", [session(theirs, access_rights={"never": {}})]).content


def test_too_many_are_refused_and_none_is_none(world: World, ann: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)
    api = api_of(world)
    assert read(ann.post("/api/keys", [])) == {"keys": []}
    assert len(read(ann.post("/api/keys", [session(api)] * 2))["keys"]) == 2
    assert ann.post("/api/keys", [session(api)] * 3).status_code == 400


def test_many_cost_as_many_statements_as_one(world: World, ann: Machine) -> None:
    api, counts = api_of(world), []
    ann.get("/api/apis/keys")
    for many in (1, 30):
        with CaptureQueriesContext(connection) as queries:
            ann.post("/api/keys", [session(api, alias=f"Key {n}", rate=n + 1) for n in range(many)])
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_who_may_not_write_makes_none(world: World) -> None:
    for person in (world.al, world.uma):
        assert machine_of(person).post("/api/keys", [session(api_of(world, name="Bills"))]).status_code == 403
