"""The Admin API: organisations, their keys and their users."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.services import import_text
from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry, Domain, Organisation
from tests.conftest import World, organisation
from tests.machines.client import Machine, admin, content, machine_of, read, stranger
from tests.walls.walk import DOCUMENT
from users.models import User

MISSING = b'{"Status":"Error","Message":"Could not retrieve org detail","Meta":null}'
NO_USER = b'{"Status":"Error","Message":"Could not retrieve user detail.","Meta":null}'


def made(**fields: Any) -> str:
    answer = admin().post("/admin/organisations/", {"owner_name": "Initech", "cname_enabled": True} | fields)
    assert answer.status_code == 200, answer.content
    document = read(answer)
    assert (document["Status"], document["Message"]) == ("OK", "Org created")
    return str(document["Meta"])


def test_an_organisation_is_one_object_in_a_fixed_order(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        api = import_text(DOCUMENT, listen_path="/orders/")
    document = read(admin().get(f"/admin/organisations/{world.acme.id}"))
    assert list(document.items()) == [
        ("id", world.acme.id),
        ("owner_name", "Acme"),
        ("owner_slug", "acme"),
        ("cname", ""),
        ("cname_enabled", False),
        ("apis", [{"api_human_name": "Orders", "api_id": api.api_id}]),
        ("developer_quota", 0),
        ("developer_count", 0),
        ("hybrid_enabled", False),
        ("event_options", {}),
        ("ui", {}),
        ("org_options_meta", {}),
        ("open_policy", {"enabled": False, "rules": ""}),
        ("additional_permissions", {}),
        ("sso_enabled", False),
    ]


def test_fields_without_a_meaning_are_kept(db: None) -> None:
    sent = {
        "owner_slug": "Initech Ltd.",
        "event_options": {"key_event": {"redis": True}},
        "developer_quota": 7,
        "ui": {"languages": {}},
        "apis": [{"api_human_name": "Not ours", "api_id": "1"}],
        "hybrid": {"of": ["anything", None]},
        "sso_enabled": None,
    }
    document = read(admin().get(f"/admin/organisations/{made(**sent)}"))
    assert (document["owner_slug"], document["developer_quota"], document["apis"]) == ("initech-ltd", 7, [])
    assert (document["event_options"], document["hybrid"]) == (sent["event_options"], sent["hybrid"])
    assert document["sso_enabled"] is False


def test_slugs_differ_and_come_from_the_name_where_none_is_given(db: None) -> None:
    names = ["Big Corp", "Big Corp", "big corp!", "日本", "x" * 70, "x" * 70]
    slugs = [read(admin().get(f"/admin/organisations/{made(owner_name=name)}"))["owner_slug"] for name in names]
    assert slugs == ["big-corp", "big-corp-2", "big-corp-3", "organisation", "x" * 40, f"{'x' * 38}-2"]


@pytest.mark.parametrize(
    "sent",
    [
        {"owner_name": ""},
        {"owner_name": "x" * 81},
        {"owner_name": 5},
        {"cname_enabled": "yes"},
        {"apis": {}},
        {"ui": {"junk": "x" * 100_001}},
        "nonsense",
        [],
    ],
)
def test_an_organisation_is_refused(db: None, sent: Any) -> None:
    body = {"owner_name": "Initech"} | sent if isinstance(sent, dict) else sent
    assert admin().post("/admin/organisations", body).status_code == 400
    with scope.opened(scope.EVERYTHING):
        assert not Organisation.objects.exists()


def test_cname_is_its_domain_where_that_can_be(world: World) -> None:
    def cname(id: str) -> tuple[str, bool]:
        document = read(admin().get(f"/admin/organisations/{id}"))
        return document["cname"], document["cname_enabled"]

    first = made(cname="Portal.Example", cname_enabled=True)
    second = made(cname="portal.example", cname_enabled=True)
    third = made(cname="other.example", cname_enabled=False)
    assert [cname(id) for id in (first, second, third)] == [
        ("portal.example", True),
        ("portal.example", False),
        ("other.example", False),
    ]
    path = f"/admin/organisations/{first}"
    assert admin().put(path, read(admin().get(path))).status_code == 200
    assert cname(first) == ("portal.example", True)
    admin().put(path, {"cname": "localhost", "cname_enabled": True})
    assert cname(first) == ("portal.example", True)
    admin().put(path, {"cname": "portal.example", "cname_enabled": False})
    assert cname(first) == ("portal.example", False)


def test_an_import_keeps_the_id(world: World) -> None:
    id = new_id()
    sent = {"id": id, "owner_name": "Test", "owner_slug": "test"}
    answer = admin().post("/admin/organisations/import", sent)
    assert read(answer) == {"Status": "OK", "Message": "Org imported", "Meta": id}
    assert read(admin().get(f"/admin/organisations/{id}"))["owner_slug"] == "test"
    assert admin().post("/admin/organisations/import", sent).status_code == 403
    assert admin().post("/admin/organisations/import", sent | {"id": world.acme.id}).status_code == 403
    for wrong in ("", None, "x", id.upper(), "0" * 25):
        if wrong != id:
            assert admin().post("/admin/organisations/import", sent | {"id": wrong}).status_code == 400
    assert read(admin().get(f"/admin/organisations/{world.acme.id}"))["owner_name"] == "Acme"


def test_an_organisation_is_changed_and_the_trail_tells_no_values(world: World) -> None:
    path = f"/admin/organisations/{world.acme.id}"
    document = read(admin().get(path)) | {"owner_name": "Acme 2", "org_options_meta": {"smtp": "hunter22"}}
    assert admin().put(path, document).content == b'{"Status":"OK","Message":"Org updated","Meta":null}'
    assert read(admin().get(path)) == document
    with scope.opened(scope.of(world.acme.id)):
        line = AuditEntry.objects.get(action="changed")
        assert (line.actor, line.changes["name"]) == ("admin secret", ["Acme", "Acme 2"])
        assert "hunter22" not in json.dumps(line.changes)
    admin().put(path, document)
    with scope.opened(scope.of(world.acme.id)):
        assert AuditEntry.objects.filter(action="changed").count() == 1
    assert admin().put(path, document | {"id": world.globex.id}).status_code == 400


@pytest.mark.parametrize("path", ["/admin/organisations", "/admin/organisations?p=1"])
def test_a_list_asks_as_often_for_three_as_for_one(db: None, path: str) -> None:
    counts = []
    for slugs in (["one"], ["two", "three"]):
        for slug in slugs:
            with scope.opened(scope.of(organisation(slug).id)):
                import_text(DOCUMENT, listen_path=f"/{slug}/")
        with CaptureQueriesContext(connection) as asked:
            found = json.loads(content(admin().get(path)))
        counts.append(([one["owner_slug"] for one in found["organisations"]], len(asked)))
        assert [len(one["apis"]) for one in found["organisations"]] == [1] * len(counts[-1][0])
    assert [slugs for slugs, _ in counts] == [["one"], ["one", "three", "two"]]
    assert counts[0][1] == counts[1][1]


def test_organisations_are_paged_found_and_sorted(world: World) -> None:
    def slugs(query: str) -> list[str]:
        return [one["owner_slug"] for one in read(admin().get(f"/admin/organisations?{query}"))["organisations"]]

    assert slugs("") == slugs("p=-1") == ["acme", "globex"]
    assert slugs("p=2&page_size=1") == slugs("q=GLO") == ["globex"]
    assert slugs("sort=-owner_name") == ["globex", "acme"]
    assert read(admin().get("/admin/organisations?p=1&page_size=1"))["pages"] == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/organisations/{id}"),
        ("PUT", "/admin/organisations/{id}"),
        ("DELETE", "/admin/organisations/{id}?cascade=true"),
        ("POST", "/admin/organisations/{id}/generate-portals"),
    ],
)
def test_what_never_was_is_404_and_a_users_key_is_401(world: World, method: str, path: str) -> None:
    for id in (new_id(), "nonsense"):
        assert admin().call(method, path.format(id=id), {}).content == MISSING
    for machine in (machine_of(world.ann), machine_of(world.uma), stranger()):
        assert machine.call(method, path.format(id=world.acme.id), {}).status_code == 401
    assert read(admin().get(f"/admin/organisations/{world.acme.id}"))["owner_name"] == "Acme"


def test_a_portals_domain_is_kept(world: World) -> None:
    path = f"/admin/organisations/{world.acme.id}/generate-portals"
    for sent, status in ({"domain": "Portal.Example"}, 200), ({}, 200), ({"domain": "not a host"}, 400):
        assert admin().post(path, urlencode(sent)).status_code == status
    with scope.opened(scope.of(world.acme.id)):
        assert Organisation.objects.get().extra == {"portal_domain": "portal.example"}
        domain = Domain.objects.get()
        assert (domain.host, domain.purpose, domain.proven_by) == ("portal.example", "portal", "operator")


def session(world: World, **fields: Any) -> dict[str, Any]:
    return {"org_id": world.acme.id, "rate": 1000, "per": 1, "quota_max": 2, "is_inactive": False} | fields


def test_an_organisations_key_is_set_read_replaced_and_taken_away(world: World) -> None:
    path = f"/admin/org/keys/{world.acme.id}"
    assert admin().get(path).content == b'{"Status":"Error","Message":"Could not get Org key details","Meta":null}'
    assert read(admin().put(path, session(world)))["Message"] == "Org key doesn't exist"
    answer = read(admin().post("/admin/org/keys", session(world, basic_auth_data={"password": ""}, own="field")))
    expected = session(world) | {"own": "field"}
    assert answer == {"api_model": {}, "key_id": world.acme.id, "data": expected}
    assert read(admin().get(path)) == answer
    assert read(admin().get("/admin/org/keys")) == {"data": {"keys": [world.acme.id]}, "pages": 1}
    answer = admin().put(path, {"quota_max": 5, "meta_data": {"note": "hunter22"}})
    assert answer.content == b'{"Status":"OK","Message":"Key updated","Meta":null}'
    assert read(admin().get(path))["data"]["quota_max"] == 5
    with scope.opened(scope.of(world.acme.id)):
        assert "hunter22" not in str(list(AuditEntry.objects.values()))
        assert AuditEntry.objects.filter(action="limited").count() == 2
    assert read(admin().delete(path))["Message"] == "Key deleted successfully"
    assert admin().delete(path).status_code == 404
    assert read(admin().get("/admin/org/keys?p=-1"))["data"]["keys"] == []
    with scope.opened(scope.of(world.acme.id)):
        assert Organisation.objects.get().gateway_session is None


@pytest.mark.parametrize(
    "fields",
    [
        {"rate": "10"},
        {"quota_max": 1.5},
        {"quota_max": True},
        {"is_inactive": "no"},
        {"tags": "edge"},
        {"org_id": "5f0c1c6a1d2e3f4a5b6c7d8e"},
        {"access_rights": {"1": {"api_id": "1"}}},
        {"apply_policies": ["5f0c1c6a1d2e3f4a5b6c7d8e"]},
        {"jwt_data": {"secret": "hunter22"}},
        {"meta_data": {"junk": "x" * 100_001}},
    ],
)
def test_an_organisations_key_is_refused(world: World, fields: dict[str, Any]) -> None:
    assert admin().post("/admin/org/keys", session(world, **fields)).status_code == 400
    assert admin().get(f"/admin/org/keys/{world.acme.id}").status_code == 404


def test_an_organisations_key_stays_with_it(world: World) -> None:
    admin().post("/admin/org/keys", session(world))
    answer = admin().put(f"/admin/org/keys/{world.acme.id}", session(world, org_id=world.globex.id))
    assert (answer.status_code, read(answer)["Message"]) == (400, "Updating orgID of org key is not allowed")


def new_user(org_id: str | None, **fields: Any) -> dict[str, Any]:
    sent = {"first_name": "Bo", "last_name": "Berg", "email_address": "Bo@Acme.example", "active": True} | fields
    return sent if org_id is None else sent | {"org_id": org_id}


def test_a_user_is_made_with_an_access_key(world: World) -> None:
    sent = new_user(world.acme.id, user_permissions={"IsAdmin": "admin", "ResetPassword": "admin"})
    document = read(admin().post("/admin/users", sent))
    meta = document["Meta"]
    assert (document["Status"], document["Message"]) == ("OK", meta["access_key"])
    assert (meta["org_id"], meta["email_address"]) == (world.acme.id, "bo@acme.example")
    assert meta["user_permissions"] == {"IsAdmin": "admin", "ResetPassword": "admin"}
    assert read(Machine(authorization=document["Message"]).get("/api/users/me")) == meta | {"access_key": ""}
    path = f"/admin/users/{meta['id']}"
    assert read(admin().get(path)) == meta | {"access_key": ""}
    answer = read(admin().put(path, meta | {"last_name": "Bo", "password": "a wholly new password"}))
    assert (answer["Message"], answer["Meta"]["last_name"]) == ("User updated", "Bo")
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.get(pk=meta["id"]).check_password("a wholly new password")
    again = admin().post("/admin/users", sent)
    assert (again.status_code, read(again)["Message"]) == (403, "User email already exists for this Org")


def test_the_first_user_of_an_organisation_is_its_administrator(db: None) -> None:
    id = made()
    for email, expected in (("first@initech.example", {"IsAdmin": "admin"}), ("second@initech.example", {})):
        answer = admin().post("/admin/users", new_user(id, email_address=email, user_permissions={}))
        assert read(answer)["Meta"]["user_permissions"] == expected


def test_a_user_of_no_organisation_has_to_be_asked_for(world: World) -> None:
    assert admin().post("/admin/users", new_user(None)).status_code == 400
    assert admin().post("/admin/users", new_user(new_id())).status_code == 400
    assert admin().post("/admin/users", new_user("", user_permissions={"IsAdmin": "admin"})).status_code == 403
    document = read(admin().post("/admin/users", new_user("")))
    me = read(Machine(authorization=document["Message"]).get("/api/users/me"))
    assert (me["org_id"], me["user_permissions"]["users"]) == ("", "read")


def test_resets_of_passwords_are_allowed_and_not(world: World) -> None:
    path = f"/admin/users/{world.al.pk}"
    for action, allowed in (("allow", True), ("disallow", False)):
        answer = read(admin().put(f"{path}/actions/{action}_reset_passwords"))
        assert (answer["Message"], answer["Meta"]["id"]) == ("User updated", world.al.pk)
        assert ("ResetPassword" in answer["Meta"]["user_permissions"]) == allowed
        with scope.opened(scope.of(world.acme.id)):
            assert User.objects.get(pk=world.al.pk).may_reset_passwords == allowed
    assert admin().put(f"/admin/users/{world.uma.pk}/actions/allow_reset_passwords").status_code == 400


def test_a_user_is_not_moved(world: World) -> None:
    path = f"/admin/users/{world.al.pk}"
    assert admin().put(path, {"org_id": world.globex.id}).status_code == 400
    assert admin().put(path, {"org_id": "", "first_name": "Alf"}).status_code == 200
    assert read(admin().get(path))["org_id"] == world.acme.id


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/users/{id}"),
        ("PUT", "/admin/users/{id}"),
        ("PUT", "/admin/users/{id}/actions/allow_reset_passwords"),
        ("PUT", "/admin/users/{id}/actions/disallow_reset_passwords"),
    ],
)
def test_users_that_never_were_are_404(world: World, method: str, path: str) -> None:
    for id in (new_id(), "nonsense"):
        assert admin().call(method, path.format(id=id), {}).content == NO_USER
    assert machine_of(world.ann).call(method, path.format(id=world.al.pk), {}).status_code == 401


def test_lapsed_tokens_and_reloads_answer_as_documented(db: None) -> None:
    assert admin().get("/admin/system/reload").content == b'{"status":"ok"}'
    assert read(admin().delete("/admin/oauth/tokens?scope=lapsed")) == {
        "Status": "OK",
        "Message": "success",
        "Meta": None,
    }
    assert admin().delete("/admin/oauth/tokens?scope=all").status_code == 400
    assert admin().delete("/admin/oauth/tokens").status_code == 422


def test_added_permissions_are_kept_and_permit_nothing(world: World) -> None:
    ann, al = machine_of(world.ann), machine_of(world.al)
    assert ann.get("/api/org/permissions").content == b'{"additional_permissions":{}}'
    sent = {"additional_permissions": {"api_developer": "API Developer"}}
    assert read(ann.put("/api/org/permissions", sent))["Message"] == "Additional Permissions updated in org level."
    assert read(al.get("/api/org/permissions")) == sent
    assert read(machine_of(world.gus).get("/api/org/permissions")) == {"additional_permissions": {}}
    assert al.put("/api/org/permissions", sent).status_code == 403
    assert machine_of(world.uma).put("/api/org/permissions", sent).status_code == 403
    assert ann.put("/api/org/permissions", {"additional_permissions": {"x": 1}}).status_code == 400


def test_the_audit_trail_is_listed_and_narrowed(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        AuditEntry.objects.create(organisation=world.globex, actor="gus", action="theirs", kind="keys")
    ann = machine_of(world.ann)
    ann.post("/api/usergroups", {"name": "Devops"})

    def lines(query: str) -> list[dict[str, Any]]:
        return list(read(ann.get(f"/api/audit-logs?{query}"))["audit_logs"])

    (line, *rest) = lines("")
    assert {one["org_id"] for one in [line, *rest]} == {world.acme.id}
    assert list(line) == [
        *("_id", "org_id", "date", "timestamp", "ip", "user", "action", "kind", "object_id", "object_name", "changes"),
    ]
    assert (line["user"], line["action"], line["kind"], line["object_name"], line["ip"]) == (
        *("ann@acme.example", "created", "user_groups", "Devops", "127.0.0.1"),
    )
    assert lines("user=ANN@acme.example&action=created&ip=127.0.0.1&q=dev&from_date=2020-01-01&p=0") == [line]
    for nothing in ("user=gus", "action=theirs", "ip=10.0.0.1", "q=x%25", "to_date=2020-01-01", "from_date=2100-01-01"):
        assert lines(nothing) == []
    for wrong in ("method=GET", "status=200", "url=/api", "ip=x", "from_date=yesterday", "p=x"):
        assert ann.get(f"/api/audit-logs?{wrong}").status_code == 400
    assert read(ann.get(f"/api/audit-logs/{line['_id']}")) == line
    gus = machine_of(world.gus)
    answers = [gus.get(f"/api/audit-logs/{id}") for id in (line["_id"], new_id())]
    assert answers[0].status_code == 404
    assert answers[0].content == answers[1].content


def test_the_audit_trail_asks_as_often_for_three_as_for_one(world: World) -> None:
    counts, gus = [], machine_of(world.gus)
    gus.get("/api/audit-logs?action=x")
    for more in (1, 2):
        with scope.opened(scope.of(world.globex.id)):
            for _ in range(more):
                AuditEntry.objects.create(organisation=world.globex, actor="gus", action="x", kind="keys")
        with CaptureQueriesContext(connection) as asked:
            found = read(gus.get("/api/audit-logs?action=x"))["audit_logs"]
        counts.append((len(found), len(asked)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]
