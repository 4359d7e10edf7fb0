"""Keys over the wire."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import Api
from keys import services, sessions
from keys.models import Key
from keys.policies.services import create_policy
from keys.rights import ApiAccess
from orgs import scope
from orgs.models import AuditEntry
from orgs.permissions import ObjectKind
from tests.conftest import World, user
from tests.keys.test_services import make_api, make_basic_api
from tests.machines.client import Machine, content, machine_of, read

FOREIGN = "org_id is not this organisation's: leave it out."
MISSING = {"Status": "Error", "Message": "Could not retrieve key detail.", "Meta": None}
NEVER = "0" * 24


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


def api_of(world: World, slug: str = "acme", name: str = "Orders", **fields: Any) -> Api:
    with scope.opened(scope.of(getattr(world, slug).id)):
        return Api.objects.get(pk=make_api(name, **fields).pk)


def basic_api(world: World) -> Api:
    with scope.opened(scope.of(world.acme.id)):
        return Api.objects.get(pk=make_basic_api().pk)


def right(api: Api, **fields: Any) -> dict[str, Any]:
    return {"api_id": api.api_id, "api_name": api.name, "versions": ["Default"]} | fields


def session(*apis: Api, **fields: Any) -> dict[str, Any]:
    return {
        "alias": "Mobile app",
        "access_rights": {api.api_id: right(api) for api in apis},
        "rate": 100,
        "per": 60,
        "quota_max": 5000,
        "quota_renewal_rate": 3600,
        "expires": 4_000_000_000,
        "tags": ["gold"],
        "meta_data": {"plan": "gold"},
        "in_our_shop": {"colour": [1, 2, 3]},
    } | fields


def saved(world: World, hash: str, slug: str = "acme") -> Key:
    with scope.opened(scope.of(getattr(world, slug).id)):
        return Key.objects.get(hash=hash)


def stored(world: World, hash: str) -> dict[str, Any]:
    """Return what a gateway is given."""
    with scope.opened(scope.of(world.acme.id)):
        return sessions.session_of(Key.objects.get(hash=hash))


def lines(world: World, slug: str = "acme") -> list[str]:
    with scope.opened(scope.of(getattr(world, slug).id)):
        return list(AuditEntry.objects.filter(kind="keys").order_by("at", "id").values_list("action", flat=True))


def test_a_key_is_created_read_replaced_and_deleted(world: World, ann: Machine) -> None:
    api = api_of(world)
    answered = ann.post("/api/keys/", session(api))
    made = read(answered)
    assert list(made) == ["api_model", "key_id", "data", "key_hash"]
    assert (made["api_model"], answered.headers["ETag"]) == ({}, '"1"')
    got = read(ann.get(f"/api/keys/{made['key_id']}"))
    assert got == made | {"key_id": made["key_hash"]}
    assert got["data"]["access_rights"][api.api_id]["versions"] == ["Default"]
    assert got["data"] | {"rate": 100.0, "in_our_shop": {"colour": [1, 2, 3]}} == got["data"]
    put = read(ann.put(f"/api/keys/{made['key_id']}", got["data"] | {"rate": 7}))
    assert (put["key_id"], put["data"]["rate"]) == (made["key_hash"], 7)
    deleted = ann.delete(f"/api/keys/{made['key_id']}")
    assert deleted.content == b'{"Status":"OK","Message":"Key deleted successfully.","Meta":null}'
    assert lines(world) == ["created", "changed", "revoked"]


def test_a_key_opens_what_its_session_says(world: World, ann: Machine) -> None:
    api = api_of(world)
    limit = {"rate": 5, "per": 10, "quota_max": 50, "quota_renewal_rate": 60}
    urls = [{"url": "^/orders", "methods": ["GET"]}]
    sent = session(api, access_rights={api.api_id: right(api, limit=limit, allowed_urls=urls)})
    gateway = stored(world, read(ann.post("/api/keys", sent))["key_hash"])
    opened = gateway["access_rights"][api.api_id]
    assert (opened["allowed_urls"], opened["versions"]) == (urls, ["Default"])
    assert opened["limit"] | limit == opened["limit"]
    for name in ("alias", "rate", "per", "quota_max", "expires", "tags", "meta_data"):
        assert gateway[name] == sent[name]
    assert (gateway["org_id"], gateway["is_inactive"]) == (world.acme.id, False)


Path = Callable[[dict[str, Any], Key], str]
REFERENCES: dict[str, Path] = {
    "token": lambda made, key: f"/api/keys/{made['key_id']}",
    "hash": lambda made, key: f"/api/keys/{made['key_hash']}?hashed=true",
    "any of them": lambda made, key: f"/api/keys/{made['key_hash']}?auto_guess=1",
    "chosen id": lambda made, key: "/api/keys/mobile-app",
    "our id": lambda made, key: f"/api/keys/{key.pk}",
    "beside any API": lambda made, key: f"/api/apis/-/keys/{made['key_id']}/",
}


@pytest.mark.parametrize("way", REFERENCES)
def test_a_key_is_found_by_each_of_its_names(world: World, ann: Machine, way: str) -> None:
    made = read(ann.post("/api/keys/mobile-app", session(api_of(world))))
    path = REFERENCES[way](made, saved(world, made["key_hash"]))
    assert read(ann.get(path)) == made | {"key_id": made["key_hash"]}
    assert machine_of(world.gus).get(path).content == machine_of(world.gus).get(f"/api/keys/{NEVER}").content
    ann.delete(path)
    assert (ann.get(path).status_code, read(ann.get(path))) == (404, MISSING)


def test_a_hash_is_no_name_unless_it_is_said_to_be_one(world: World, ann: Machine) -> None:
    made = read(ann.post("/api/keys", session(api_of(world))))
    for query in ("", "?hashed=", "?hashed=false", "?auto_guess=0"):
        assert ann.get(f"/api/keys/{made['key_hash']}{query}").status_code == 404


def test_beside_an_api_only_the_keys_that_open_it_are_found(world: World, ann: Machine) -> None:
    orders, bills, theirs = api_of(world), api_of(world, name="Bills"), api_of(world, "globex")
    with scope.opened(scope.of(world.acme.id)):
        through = create_policy(name="Bills", accesses=[ApiAccess(bills.pk)])
    direct = read(ann.post("/api/keys", session(orders)))["key_id"]
    applied = read(ann.post("/api/keys", session(orders, apply_policies=[through.pk])))["key_id"]
    assert ann.get(f"/api/apis/{orders.pk}/keys/{direct}").status_code == 200
    assert ann.get(f"/api/apis/{orders.api_id}/keys/{direct}").status_code == 200
    assert ann.get(f"/api/apis/{bills.api_id}/keys/{applied}").status_code == 200
    for api in (bills.api_id, theirs.api_id, theirs.pk, NEVER):
        for method in ("GET", "PUT", "DELETE"):
            refused = ann.call(method, f"/api/apis/{api}/keys/{direct}", session(orders) if method == "PUT" else None)
            assert (refused.status_code, read(refused)) == (404, MISSING)
    assert lines(world).count("created") == 2
    assert "revoked" not in lines(world)


def test_a_secret_is_in_no_answer_but_that_which_made_it(
    world: World, ann: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api = basic_api(world)
    made = read(ann.post("/api/keys", session(api, hmac_enabled=True, jwt_data={"secret": "a-jwt-secret"})))
    hmac, token = made["data"]["hmac_string"], made["key_id"]
    assert len(hmac) > 30
    assert made["data"]["jwt_data"]["secret"] == "a-jwt-secret"
    person = read(ann.post("/api/apis/keys/basic/joe", session(api, basic_auth_data={"password": "a-pass-word"})))
    assert "a-pass-word" not in str(person)
    got = read(ann.get(f"/api/keys/{token}"))
    secrets = {token, hmac, "a-jwt-secret", "a-pass-word", "$2b$", person["key_id"]}
    with scope.opened(scope.of(world.acme.id)):
        trail = str(list(AuditEntry.objects.values()))
    answers = [
        got,
        read(ann.put(f"/api/keys/{token}", got["data"] | {"alias": "Renamed"})),
        read(ann.get("/api/keys/detailed")),
        read(ann.get("/api/apis/keys")),
        read(ann.get("/api/keys/joe?username=1")),
        read(ann.get("/api/audit-logs?p=-1")),
    ]
    assert stored(world, made["key_hash"])["hmac_string"] == hmac
    assert {secret for secret in secrets if secret in f"{answers} {trail} {caplog.text}"} == set()


def test_what_names_a_key_is_in_no_log(world: World, ann: Machine, caplog: pytest.LogCaptureFixture) -> None:
    made = read(ann.post("/api/keys/mobile-app", session(api_of(world))))
    ann.delete("/api/keys/mobile-app")
    for path in (f"/api/keys/{made['key_id']}", "/api/apis/-/keys/mobile-app"):
        assert ann.get(path).status_code == 404
    logged = caplog.text
    assert "Not Found: /api/keys/…" in logged
    assert {name for name in (made["key_id"], "mobile-app") if name in logged} == set()


def test_a_new_secret_is_shown_without_the_older_one(world: World, ann: Machine) -> None:
    made = read(ann.post("/api/keys", session(api_of(world), jwt_data={"secret": "older"})))
    path = f"/api/keys/{made['key_id']}"
    put = read(ann.put(path, read(ann.get(path))["data"] | {"hmac_enabled": True}))
    assert len(put["data"]["hmac_string"]) > 30
    assert put["data"]["jwt_data"] == {"secret": ""}
    assert stored(world, made["key_hash"])["jwt_data"] == {"secret": "older"}


def test_what_was_read_is_sent_back_without_changing_anything_but_the_time(world: World, ann: Machine) -> None:
    orders = api_of(world, versions=("v1", "v2"))
    with scope.opened(scope.of(world.acme.id)):
        gold = create_policy(name="Gold", accesses=[ApiAccess(orders.pk)], key_expires_in_s=3600)
        keys = [
            services.create_key(alias="All", has_all_apis=True)[0],
            services.create_key(alias="Versions", accesses=[ApiAccess(orders.pk)], quota_max=5)[0],
            services.create_key(alias="Policy", policies=[gold.pk])[0],
        ]
        before = [services.settings_of(Key.objects.get(pk=key.pk)) for key in keys]
    for key in keys:
        got = read(ann.get(f"/api/keys/{key.pk}"))["data"]
        assert ann.put(f"/api/keys/{key.pk}?suppress_reset=1", got).status_code == 200
        assert read(ann.get(f"/api/keys/{key.pk}"))["data"] == got
        assert saved(world, key.hash).updated_at == key.updated_at
        assert ann.put(f"/api/keys/{key.pk}", got).headers["ETag"] == '"1"'
        assert saved(world, key.hash).updated_at > key.updated_at
    with scope.opened(scope.of(world.acme.id)):
        assert [services.settings_of(Key.objects.get(pk=key.pk)) for key in keys] == before
    assert lines(world) == ["created"] * 3


def test_change_from_an_old_revision_is_refused(world: World, ann: Machine) -> None:
    api = api_of(world)
    made = ann.post("/api/keys", session(api))
    path, tag = f"/api/keys/{read(made)['key_id']}", made.headers["ETag"]
    assert ann.get(path, **{"If-None-Match": tag}).status_code == 304
    assert ann.put(path, session(api, rate=1), **{"If-Match": tag}).status_code == 200
    assert ann.put(path, session(api, rate=2), **{"If-Match": tag}).status_code == 412
    assert ann.delete(path, **{"If-Match": tag}).status_code == 412
    assert read(ann.get(path, **{"If-None-Match": tag}))["data"]["rate"] == 1


def test_a_chosen_id_is_one_keys_until_it_is_revoked(world: World, ann: Machine) -> None:
    api = api_of(world)
    first = read(ann.post("/api/keys/mobile-app", session(api)))
    assert ann.post("/api/keys/mobile-app", session(api)).status_code == 409
    theirs = machine_of(world.gus).post("/api/keys/mobile-app", session(api_of(world, "globex")))
    assert theirs.status_code == 200
    ann.delete("/api/keys/mobile-app")
    again = read(ann.post("/api/keys/mobile-app", session(api, alias="Again")))
    assert (again["key_id"], again["key_hash"]) == (first["key_id"], first["key_hash"])
    assert read(ann.get("/api/keys/mobile-app"))["data"]["alias"] == "Again"
    assert read(ann.get("/api/apis/keys"))["data"]["keys"] == [again["key_hash"]]


def test_a_basic_user_is_created_then_replaced(world: World, ann: Machine) -> None:
    api, path = basic_api(world), "/api/apis/keys/basic/joe"
    made = read(ann.post(path, session(api, basic_auth_data={"password": "first-word"})))
    before = stored(world, made["key_hash"])["basic_auth_data"]
    again = read(ann.post(path, session(api, rate=7, basic_auth_data={"password": "second-word"})))
    after = stored(world, made["key_hash"])
    assert (again["key_hash"], after["rate"]) == (made["key_hash"], 7)
    assert after["basic_auth_data"]["password"] != before["password"]
    assert read(ann.get("/api/keys/joe?username=true"))["key_hash"] == made["key_hash"]
    assert ann.get("/api/keys/ann?username=true").status_code == 404
    assert ann.post("/api/apis/keys/basic/jim", session(api)).status_code == 400


def test_a_username_may_come_with_its_password(world: World, ann: Machine) -> None:
    sent = session(basic_api(world), basic_auth_data={"user": "joe", "password": "a-pass-word"})
    made = read(ann.post("/api/keys?basic_auth=true", sent))
    assert saved(world, made["key_hash"]).username == "joe"
    wrong: list[Any] = [None, [], {}, {"user": 1}]
    for data in wrong:
        refused = ann.post("/api/keys?basic_auth=true", session(basic_api(world), basic_auth_data=data))
        assert (refused.status_code, "basic_auth_data.user" in read(refused)["Message"]) == (400, True)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "rate": ({"rate": "many"}, "rate"),
    "rights": ({"access_rights": []}, "access_rights"),
    "url": ({"access_rights": {"THE-API": {"allowed_urls": [{"url": 1}]}}}, "allowed_urls.0.url"),
    "tags": ({"tags": [1]}, "tags.0"),
    "reserved": ({"meta_data": {"tyk_developer_id": "x"}}, "tyk_developer_id"),
    "nothing open": ({"access_rights": {}}, "open nothing"),
    "past": ({"expires": 5}, "has passed"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_refused_with_its_place(world: World, ann: Machine, fault: str) -> None:
    api = api_of(world)
    change, place = WRONG[fault]
    sent = json.loads(json.dumps(session(api) | change).replace("THE-API", api.api_id))
    for path in ("/api/keys", "/api/keys/mobile-app", "/api/keys/preview"):
        refused = ann.post(path, sent)
        assert (refused.status_code, place in read(refused)["Message"]) == (400, True), read(refused)
    assert ann.post("/api/keys", session(api, basic_auth_data={"password": "x"})).status_code == 400
    assert ann.post("/api/keys", "no JSON").status_code == 400
    assert ann.post("/api/keys", "7").status_code == 400
    assert lines(world) == []


def test_what_another_organisation_has_is_as_what_never_was(world: World, ann: Machine) -> None:
    ours, theirs = api_of(world), api_of(world, "globex")
    with scope.opened(scope.of(world.globex.id)):
        policy = create_policy(name="Gold", accesses=[ApiAccess(theirs.pk)], explicit_id="gold")
    made = read(ann.post("/api/keys", session(ours)))
    before = stored(world, made["key_hash"])
    pairs = [
        (session(theirs), session(theirs, access_rights={"never": {}})),
        (session(ours, apply_policies=[policy.pk]), session(ours, apply_policies=[NEVER])),
        (session(ours, apply_policies=["gold"]), session(ours, apply_policies=["never"])),
        (session(ours, tags=[f"org-{world.globex.id}"]), session(ours, tags=[f"org-{NEVER}"])),
        (session(ours, certificate=world.globex.id + "a" * 64), session(ours, certificate=NEVER + "b" * 64)),
    ]
    for foreign, never in pairs:
        places = (("POST", "/api/keys"), ("POST", "/api/keys/preview"), ("PUT", f"/api/keys/{made['key_id']}"))
        for method, path in places:
            refused, missing = ann.call(method, path, foreign), ann.call(method, path, never)
            assert refused.status_code in (400, 404)
            assert (refused.status_code, refused.content) == (missing.status_code, missing.content)
    assert stored(world, made["key_hash"]) == before
    assert lines(world) == ["created"]
    assert ann.post("/api/keys", [session(ours, tags=[f"org-{world.globex.id}"])]).status_code == 404
    assert ann.post("/api/keys", session(ours, tags=[f"org-{world.acme.id}", "org-wide"])).status_code == 200


def test_an_organisation_that_is_not_ones_own_is_refused_as_everywhere(world: World, ann: Machine) -> None:
    api = api_of(world)
    for foreign in (world.globex.id, NEVER):
        for path, sent in (
            ("/api/keys", session(api, org_id=foreign)),
            ("/api/keys/preview", session(api, org_id=foreign)),
            ("/api/portal/policies", {"name": "Gold", "org_id": foreign}),
            ("/api/hooks", {"name": "H", "method": "POST", "target_path": "https://a.example/", "org_id": foreign}),
        ):
            refused = ann.post(path, sent)
            assert (refused.status_code, read(refused)["Message"]) == (400, FOREIGN)
        refused = ann.post("/api/keys", [session(api), session(api, org_id=foreign)])
        assert (refused.status_code, read(refused)["Message"]) == (400, f"[1]: {FOREIGN}")


def test_another_organisations_key_is_as_one_that_never_was(world: World, ann: Machine) -> None:
    made = read(ann.post("/api/keys/mobile-app", session(api_of(world))))
    key = saved(world, made["key_hash"])
    gus, own = machine_of(world.gus), api_of(world, "globex")
    for reference in (made["key_id"], key.pk, "mobile-app", f"{made['key_hash']}?hashed=1"):
        for method in ("GET", "PUT", "DELETE"):
            for start in ("/api/keys", "/api/apis/-/keys", f"/api/apis/{own.pk}/keys"):
                refused = gus.call(method, f"{start}/{reference}", session(own) if method == "PUT" else None)
                assert (refused.status_code, read(refused)) == (404, MISSING)
    assert saved(world, made["key_hash"]).revision == 1
    assert read(gus.get("/api/apis/keys?p=-1"))["data"]["keys"] == []
    assert read(gus.get("/api/keys/detailed?p=-1"))["keys"] == []


def test_without_permission_nothing_is_read_or_changed(world: World, ann: Machine) -> None:
    api = api_of(world)
    path = f"/api/keys/{read(ann.post('/api/keys', session(api)))['key_id']}"
    reader = machine_of(user("kim@acme.example", world.acme, permissions={ObjectKind.KEYS.value: "read"}))
    nobody = machine_of(user("nobody@acme.example", world.acme))
    for method, where in (("GET", path), ("GET", "/api/apis/keys"), ("GET", "/api/keys/detailed")):
        assert (reader.call(method, where).status_code, nobody.call(method, where).status_code) == (200, 403)
    for method, where in (("PUT", path), ("POST", "/api/keys"), ("POST", "/api/keys/preview"), ("DELETE", path)):
        for machine in (reader, nobody, machine_of(world.uma)):
            assert machine.call(method, where, session(api)).status_code == 403
    assert lines(world) == ["created"]


LISTS: dict[str, Callable[[Any], list[str]]] = {
    "/api/apis/keys": lambda answer: answer["data"]["keys"],
    "/api/apis/{api}/keys": lambda answer: answer["data"]["keys"],
    "/api/apis/{api}/keys/search?q=mobile": lambda answer: answer["data"]["keys"],
    "/api/keys/detailed": lambda answer: [key["key_hash"] for key in answer["keys"]],
}


@pytest.mark.parametrize("path", LISTS)
def test_lists_cost_the_same_for_one_key_and_three(world: World, ann: Machine, path: str) -> None:
    api, hashes, counts = api_of(world), list[str](), list[int]()
    path = path.format(api=api.api_id)
    of = next(of for start, of in LISTS.items() if start.format(api=api.api_id) == path)
    for wanted in (1, 3):
        while len(hashes) < wanted:
            hashes.insert(0, read(ann.post("/api/keys", session(api)))["key_hash"])
        with CaptureQueriesContext(connection) as queries:
            answer = read(ann.get(path))
        assert (of(answer), answer["pages"]) == (hashes, 1)
        counts.append(len(queries))
        assert of(read(ann.get(path.replace("?", "?p=-1&") if "?" in path else f"{path}?p=-1"))) == hashes
    assert counts[0] == counts[1]


def test_lists_have_pages_an_order_and_no_revoked_key(world: World, ann: Machine) -> None:
    api = api_of(world)
    made = [read(ann.post("/api/keys", session(api, alias=f"Key {n:02}")))["key_hash"] for n in range(12)]
    ann.delete(f"/api/keys/{made.pop()}?hashed=1")

    def hashes(query: str) -> list[str]:
        found: list[str] = read(ann.get(f"/api/apis/keys?{query}"))["data"]["keys"]
        return found

    assert content(ann.get("/api/apis/keys?p=2&page_size=10")) == (
        b'{"data":{"keys":["' + made[0].encode() + b'"]},"pages":2}'
    )
    assert hashes("p=-2&sort=alias") == made
    assert hashes("page_size=2&sort=-alias") == made[:-3:-1]
    assert hashes("p=3") == []


def test_search_takes_words_and_names_of_one_key(world: World, ann: Machine) -> None:
    api, bills = api_of(world), api_of(world, name="Bills")
    mobile = read(ann.post("/api/keys", session(api)))
    web = read(ann.post("/api/keys", session(api, bills, alias="Web shop", tags=[])))

    def found(api: Api, text: str) -> list[str]:
        keys: list[str] = read(ann.get(f"/api/apis/{api.pk}/keys/search?q={text}"))["data"]["keys"]
        return keys

    assert found(api, "mob") == found(api, "gold") == found(api, mobile["key_hash"]) == [mobile["key_hash"]]
    assert found(bills, "mob") == found(bills, mobile["key_id"]) == []
    assert found(bills, "") == found(bills, "web+shop") == found(api, web["key_id"]) == [web["key_hash"]]
    assert [key["key_hash"] for key in read(ann.get("/api/keys/detailed?q=web"))["keys"]] == [web["key_hash"]]
    never, theirs = api_of(world, "globex"), ann.get(f"/api/apis/{NEVER}/keys")
    assert theirs.content == ann.get(f"/api/apis/{never.pk}/keys").content
    assert theirs.status_code == 404


def test_who_sees_everything_reads_keys_and_leaves_a_line_without_their_secrets(world: World, ann: Machine) -> None:
    api = api_of(world)
    made = read(ann.post("/api/keys", session(api)))
    with scope.opened(scope.of(world.globex.id)):
        everything = services.create_key(alias="All of globex", has_all_apis=True)[0]
    uma = machine_of(world.uma)
    assert read(uma.get(f"/api/keys/{made['key_id']}"))["key_hash"] == made["key_hash"]
    assert {*read(uma.get("/api/apis/keys?p=-1"))["data"]["keys"]} == {made["key_hash"], everything.hash}
    assert read(uma.get(f"/api/apis/{api.pk}/keys"))["data"]["keys"] == [made["key_hash"]]
    assert uma.get(f"/api/apis/{api.pk}/keys/{everything.pk}").status_code == 404
    key = saved(world, made["key_hash"])
    with scope.opened(scope.of(world.acme.id)):
        visits = AuditEntry.objects.filter(action="visited").values_list("object_name", flat=True)
        assert f"/api/keys/{key.pk}" in visits
        assert not [visit for visit in visits if made["key_id"] in visit]


def test_a_preview_says_what_policies_make_of_a_key_and_keeps_nothing(world: World, ann: Machine) -> None:
    orders, bills = api_of(world), api_of(world, name="Bills")
    with scope.opened(scope.of(world.acme.id)):
        gold = create_policy(name="Gold", accesses=[ApiAccess(bills.pk)], rate=7, per_s=1, tags=["paid"])
    plain = read(ann.post("/api/keys/preview", session(orders)))
    assert (plain["key_id"], plain["key_hash"], [*plain["data"]["access_rights"]]) == ("", "", [orders.api_id])
    merged = read(ann.post("/api/keys/preview", session(orders, apply_policies=[gold.pk])))["data"]
    assert [*merged["access_rights"]] == [bills.api_id]
    assert merged["access_rights"][bills.api_id]["limit"]["rate"] == 7
    assert merged["tags"] == ["paid", "gold"]
    with scope.opened(scope.of(world.acme.id)):
        assert not Key.objects.exists()
    assert lines(world) == []


@pytest.mark.parametrize("path", ["/api/keys", "/api/keys/preview", "/api/apis/keys/basic/joseph"])
def test_null_among_versions_is_no_error_of_ours(world: World, path: str) -> None:
    with scope.opened(scope.of(world.acme.id)):
        api = make_api().api_id
    body = {"access_rights": {api: {"versions": [None, "no such version"]}}}
    ann = machine_of(world.ann)
    assert [ann.post(path, sent).status_code for sent in (body, [body])] == [404, 404 if path == "/api/keys" else 400]


@pytest.mark.parametrize("sent", [{"tags": [None]}, {"tags": None}, {"monitor": {"trigger_limits": [None]}}])
@pytest.mark.parametrize("path", ["/api/keys", "/api/keys/preview"])
def test_null_in_a_list_is_no_error_of_ours(world: World, path: str, sent: dict[str, Any]) -> None:
    ann = machine_of(world.ann)
    for body in ({"access_rights": {}} | sent, [{"access_rights": {}} | sent]):
        assert ann.post(path, body).status_code == 400
