"""Users as clients of the Dashboard API know them, and what becomes of one user by another."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry
from tests.conftest import PASSWORD, READS_EVERYTHING, World, user
from tests.machines.client import Machine, content, machine_of, read
from users.models import AccessKey, Group, Membership, Session, SignInFailure, User
from users.services.errors import BeyondRights
from users.services.people import give_new_password

NEW = "a wholly new password"
FOREIGN = "org_id is not this organisation's: leave it out."
MISSING = b'{"Status":"Error","Message":"Could not retrieve user detail.","Meta":null}'


def body(**fields: Any) -> dict[str, Any]:
    """What a client sends for a new user."""
    return {"first_name": "Bo", "last_name": "Berg", "email_address": "Bo@Acme.example", "active": True} | fields


def stored(world: World, email: str) -> User:
    with scope.opened(scope.of(world.acme.id)):
        return User.objects.get(email=email)


def member(world: World, email: str = "bob@acme.example", **permissions: str) -> User:
    return user(email, world.acme, permissions=permissions)


def test_a_user_is_one_object_in_a_fixed_order(world: World) -> None:
    document = read(machine_of(world.ann).get(f"/api/users/{world.al.pk}"))
    created = document.pop("created_at")
    assert list(document.items()) == [
        ("id", world.al.pk),
        ("first_name", "Al"),
        ("last_name", ""),
        ("email_address", "al@acme.example"),
        ("org_id", world.acme.id),
        ("active", True),
        ("access_key", ""),
        ("group_id", ""),
        ("user_group_ids", []),
        (
            "user_permissions",
            {
                **{"analytics": "read", "apis": "read", "audit_logs": "read", "certs": "read", "hooks": "read"},
                **{"keys": "read", "oauth": "read", "policies": "read", "portal": "read", "system": "read"},
                **{"user_groups": "read", "users": "read"},
            },
        ),
        ("password_max_days", 0),
        ("password_updated", "0001-01-01T00:00:00Z"),
        ("last_login_date", "0001-01-01T00:00:00Z"),
        ("PWHistory", []),
        ("api_model", {}),
    ]
    assert created.endswith("Z")


def test_me_is_the_user_of_the_access_key_and_needs_no_permission(world: World) -> None:
    bob = member(world)
    document = read(machine_of(bob).get("/api/users/me/"))
    assert (document["id"], document["user_permissions"], document["org_id"]) == (bob.pk, {}, world.acme.id)
    assert machine_of(bob).get(f"/api/users/{bob.pk}").status_code == 403


def test_a_new_user_keeps_what_was_sent(world: World) -> None:
    ann = machine_of(world.ann)
    sent = body(
        user_permissions={"apis": "write", "log": "read", "api_assets": "write", "keys": "deny", "policy": "read"},
        password=NEW,
        password_max_days=30,
        favourite={"colour": "red"},
    )
    answer = read(ann.post("/api/users", sent))
    assert answer == {"Status": "OK", "Message": "User and session have been created", "Meta": answer["Meta"]}
    document = read(ann.get(f"/api/users/{answer['Meta']}"))
    assert (document["first_name"], document["last_name"]) == ("Bo", "Berg")
    assert (document["email_address"], document["org_id"]) == ("bo@acme.example", world.acme.id)
    assert (document["password_max_days"], document["favourite"]) == (30, {"colour": "red"})
    assert document["user_permissions"] == {
        **{"analytics": "read", "api_assets": "write", "apis": "write", "keys": "deny", "log": "read"},
        **{"policies": "read", "policy": "read"},
    }
    made = stored(world, "bo@acme.example")
    assert made.permissions == {"apis": "write", "analytics": "read", "policies": "read"}
    assert made.check_password(NEW)
    assert NEW not in json.dumps(document)
    with scope.opened(scope.of(world.acme.id)):
        assert not AccessKey.objects.filter(user=made).exists()
        assert NEW not in json.dumps(list(AuditEntry.objects.values_list("changes", flat=True)))


def test_a_user_without_permissions_has_none(world: World) -> None:
    machine_of(world.ann).post("/api/users", body(user_permissions={}))
    bo = stored(world, "bo@acme.example")
    assert (bo.is_administrator, bo.permissions, bo.has_usable_password()) == (False, {}, False)
    assert machine_of(bo).get("/api/users").status_code == 403


@pytest.mark.parametrize("value", ["admin", "true"])
def test_is_admin_makes_an_administrator(world: World, value: str) -> None:
    machine_of(world.ann).post("/api/users", body(user_permissions={"IsAdmin": value}))
    assert stored(world, "bo@acme.example").is_administrator


def test_analytics_of_ones_own_apis_are_not_all_analytics(world: World) -> None:
    ann = machine_of(world.ann)
    made = read(ann.post("/api/users", body(user_permissions={"owned_analytics": "read", "IsAdmin": "false"})))
    assert stored(world, "bo@acme.example").permissions == {}
    assert read(ann.get(f"/api/users/{made['Meta']}"))["user_permissions"] == {"owned_analytics": "read"}


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"email_address": "AL@acme.example"}, 403, "User email already exists for this org."),
        ({"email_address": "nobody"}, 400, "email_address is not an e-mail address."),
        ({"email_address": f"{'x' * 250}@acme.example"}, 400, "email_address is longer than 254 characters."),
        ({"first_name": "x" * 81}, 400, "A name has 1 to 80 characters."),
        ({"first_name": 7}, 400, "Request body malformed: Expected `str | null`, got `int` - at `$.first_name`"),
        ({"user_permissions": {"apis": "all"}}, 400, "user_permissions.apis is read, write or deny."),
        ({"user_permissions": {"IsAdmin": "maybe"}}, 400, "user_permissions.IsAdmin is admin, or left out."),
        ({"user_permissions": {"ResetPassword": "admin"}}, 403, None),
        ({"is_superuser": True}, 403, "is_superuser is not given here: leave it out."),
        ({"is_unbounded": True}, 403, "is_unbounded is not given here: leave it out."),
        ({"access_key": "0" * 32}, 400, "access_key is made here: leave it out."),
        ({"password": "short"}, 400, None),
        ({"junk": "x" * 30_000}, 400, None),
    ],
)
def test_a_new_user_is_refused(world: World, fields: dict[str, Any], status: int, message: str | None) -> None:
    answer = machine_of(world.ann).post("/api/users", body(**fields))
    assert answer.status_code == status
    assert message in (None, read(answer)["Message"])
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.count() == 2


def test_org_id_of_another_is_refused_whether_there_is_one_or_not(world: World) -> None:
    ann = machine_of(world.ann)
    for method, path in (("POST", "/api/users"), ("PUT", f"/api/users/{world.al.pk}"), ("POST", "/api/usergroups")):
        answers = [ann.call(method, path, body(name="G", org_id=id)) for id in (world.globex.id, new_id())]
        assert {(answer.status_code, read(answer)["Message"]) for answer in answers} == {(400, FOREIGN)}
    assert ann.post("/api/users", body(org_id=world.acme.id)).status_code == 200


def test_nobody_grants_what_they_do_not_hold(world: World) -> None:
    bob = machine_of(member(world, users="write", apis="read"))
    for permissions in ({"apis": "write"}, {"IsAdmin": "admin"}, {"keys": "read"}):
        answer = bob.post("/api/users", body(user_permissions=permissions))
        assert answer.status_code == 403
    assert bob.post("/api/users", body(user_permissions={"apis": "read"})).status_code == 200
    with scope.opened(scope.of(world.acme.id)):
        powers = Group.objects.create(name="Powers", permissions={"keys": "write"})
    more = body(email_address="more@acme.example", group_id=powers.pk)
    assert bob.post("/api/users", more).status_code == 403


def test_nobody_acts_on_who_holds_more(world: World) -> None:
    bob = machine_of(member(world, users="write"))
    ann = f"/api/users/{world.ann.pk}"
    refused = [
        bob.put(ann, {"first_name": "Mine"}),
        bob.delete(ann),
        bob.put(f"{ann}/actions/revoke"),
        bob.put(f"{ann}/actions/key/reset"),
        bob.post(f"{ann}/actions/reset", {"new_password": NEW}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5
    assert stored(world, "ann@acme.example").check_password(PASSWORD)


def test_groups_are_given_by_one_id_or_all(world: World) -> None:
    ann = machine_of(world.ann)
    with scope.opened(scope.of(world.acme.id)):
        first, second = (Group.objects.create(name=name).pk for name in ("One", "Two"))
    path = f"/api/users/{world.al.pk}"
    for sent, expected in (
        ({"group_id": first}, [first]),
        ({"user_group_ids": [first, second]}, [first, second]),
        ({"first_name": "Al"}, [first, second]),
        ({"group_id": second, "user_group_ids": [second]}, [second]),
        ({"group_id": ""}, []),
    ):
        assert ann.put(path, sent).status_code == 200
        document = read(ann.get(path))
        assert (document["user_group_ids"], document["group_id"]) == (expected, (expected or [""])[0])
    assert ann.put(path, {"group_id": first, "user_group_ids": [second]}).status_code == 400


def test_groups_of_others_are_as_groups_that_never_were(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        theirs = Group.objects.create(name="Theirs").pk
    ann = machine_of(world.ann)
    answers = {ann.post("/api/users", body(group_id=id)).content for id in (theirs, new_id(), "x", "é")}
    assert answers == {b'{"Status":"Error","Message":"group_id: there is no such group.","Meta":null}'}


def test_a_user_is_changed_where_the_body_says_so(world: World) -> None:
    ann, path = machine_of(world.ann), f"/api/users/{world.al.pk}"
    before = read(ann.get(path))
    answer = ann.put(path, {"last_name": "Ert", "email_address": "Albert@acme.example"})
    assert answer.content == b'{"Status":"OK","Message":"User updated","Meta":null}'
    after = read(ann.get(path))
    changed = {"last_name": "Ert", "email_address": "albert@acme.example"}
    assert after == before | changed
    assert ann.put(path, after).status_code == 200
    assert read(ann.get(path)) == after


def test_a_change_takes_permissions_away_and_shuts_out(world: World) -> None:
    ann, path, al = machine_of(world.ann), f"/api/users/{world.al.pk}", machine_of(world.al)
    ann.put(path, {"user_permissions": {"users": "read"}})
    assert (al.get("/api/users").status_code, al.get("/api/usergroups").status_code) == (200, 403)
    ann.put(path, {"active": False})
    assert (al.get("/api/users").status_code, read(ann.get(path))["active"]) == (401, False)
    ann.put(path, {"active": True})
    assert al.get("/api/users").status_code == 200
    assert read(ann.put(f"{path}/actions/revoke"))["Message"] == "User revoked"
    assert al.get("/api/users").status_code == 401


def test_what_a_change_cannot_do_is_refused_and_not_dropped(world: World) -> None:
    ann, path = machine_of(world.ann), f"/api/users/{world.al.pk}"
    for sent in (
        {"password": NEW},
        {"id": new_id()},
        {"access_key": "0" * 32},
        {"user_permissions": {"ResetPassword": "admin"}},
        {"is_administrator": True},
    ):
        assert ann.put(path, sent).status_code in (400, 403), sent
    assert stored(world, "al@acme.example").permissions == READS_EVERYTHING


def test_the_last_administrator_stays(world: World) -> None:
    ann, path = machine_of(world.ann), f"/api/users/{world.ann.pk}"
    refused = [
        ann.put(path, {"user_permissions": {}}),
        ann.put(path, {"active": False}),
        ann.put(f"{path}/actions/revoke"),
        ann.delete(path),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert stored(world, "ann@acme.example").is_administrator


def test_a_user_is_deleted_with_their_keys(world: World) -> None:
    al = machine_of(world.al)
    assert read(machine_of(world.ann).delete(f"/api/users/{world.al.pk}"))["Message"] == "User deleted"
    assert al.get("/api/users/me").status_code == 401


@pytest.mark.parametrize(
    ("method", "action", "sent"),
    [
        ("GET", "", None),
        ("PUT", "", {"first_name": "Mine"}),
        ("DELETE", "", None),
        ("PUT", "/actions/revoke", None),
        ("PUT", "/actions/key/reset", None),
        ("POST", "/actions/reset", {"new_password": NEW}),
    ],
)
def test_users_of_others_are_as_users_that_never_were(world: World, method: str, action: str, sent: Any) -> None:
    ann = machine_of(world.ann)
    for id in (world.gus.pk, world.uma.pk, new_id(), "nonsense"):
        answer = ann.call(method, f"/api/users/{id}{action}", sent)
        assert (answer.status_code, answer.content) == (404, MISSING)
    with scope.opened(scope.of(world.globex.id)):
        gus = User.objects.get()
        assert (gus.name, gus.is_active, gus.check_password(PASSWORD)) == ("Gus", True, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/users"),
        ("PUT", "/api/users/{id}"),
        ("DELETE", "/api/users/{id}"),
        ("PUT", "/api/users/{id}/actions/revoke"),
        ("PUT", "/api/users/{id}/actions/key/reset"),
        ("POST", "/api/users/{id}/actions/reset"),
    ],
)
def test_readers_change_nobody(world: World, method: str, path: str) -> None:
    al = machine_of(world.al)
    for id in (world.ann.pk, new_id()):
        answer = al.call(method, path.format(id=id), {"new_password": NEW, "email_address": "x@acme.example"})
        assert answer.status_code == 403
        assert read(answer)["Message"].startswith("access denied: You do not have permission to access  /api/users")


def test_users_are_listed_found_and_sorted(world: World) -> None:
    ann = machine_of(world.ann)
    bo = member(world, "bo@support.acme.example")

    def emails(path: str, sent: Any = None) -> list[str]:
        answer = read(ann.post(path, sent) if sent else ann.get(path))
        assert set(answer) == {"users", "pages"}
        return [one["email_address"] for one in answer["users"]]

    everybody = ["al@acme.example", "ann@acme.example", bo.email]
    assert emails("/api/users/") == emails("/api/users?p=-2") == everybody
    assert emails("/api/users?sort=-email_address") == everybody[::-1]
    assert emails("/api/users?p=2&page_size=2") == [bo.email]
    assert read(ann.get("/api/users?page_size=2"))["pages"] == 2
    assert emails("/api/users/search?q=SUPPORT.") == emails("/api/users?search=support") == [bo.email]
    assert emails("/api/users/search", {"filters": {"query": "bo@"}}) == [bo.email]
    assert emails("/api/users/search?p=-1", {"filters": None}) == everybody
    assert emails("/api/users/search?q=%25&p=0") == emails("/api/users?q=gus@") == []


@pytest.mark.parametrize("path", ["/api/users", "/api/users?p=0", "/api/users/search?q=a"])
def test_a_list_asks_as_often_for_three_as_for_one(world: World, path: str) -> None:
    counts = []
    gus = machine_of(world.gus)
    gus.get(path)
    for more in (0, 2):
        for number in range(more):
            one = user(f"a{number}@globex.example", world.globex)
            with scope.opened(scope.of(world.globex.id)):
                Membership.objects.create(user=one, group=Group.objects.create(name=f"G{number}"))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found = json.loads(content(gus.get(path)))["users"]
        assert len(found) == 1 + more
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_ones_own_key_is_replaced_and_shown_once(world: World) -> None:
    bob = member(world)
    old, other = machine_of(bob), machine_of(bob)
    answer = read(old.put(f"/api/users/{bob.pk}/actions/key/reset"))
    assert (answer["Message"], len(answer["Meta"])) == ("User session renewed", 32)
    assert [one.get("/api/users/me").status_code for one in (old, other)] == [401, 401]
    assert read(Machine(authorization=answer["Meta"]).get("/api/users/me"))["id"] == bob.pk


def test_keys_of_others_are_stopped_and_never_shown(world: World) -> None:
    al = machine_of(world.al)
    answer = machine_of(world.ann).put(f"/api/users/{world.al.pk}/actions/key/reset")
    assert read(answer) == {"Status": "OK", "Message": "User session renewed", "Meta": None}
    assert al.get("/api/users/me").status_code == 401


def test_ones_own_password_is_changed_with_the_present_one(world: World) -> None:
    bob = member(world)
    machine, path = machine_of(bob), f"/api/users/{bob.pk}/actions/reset"
    with scope.opened(scope.of(world.acme.id)):
        Session.objects.create(session_key="k", session_data="{}", expire_date="2100-01-01T00:00Z", user=bob,
                               organisation=world.acme)  # fmt: skip
    assert machine.post(path, {"new_password": NEW}).status_code == 403
    assert machine.post(path, {"new_password": NEW, "current_password": "wrong"}).status_code == 403
    assert machine.post(path, {"new_password": "short", "current_password": PASSWORD}).status_code == 400
    answer = machine.post(
        path, {"new_password": NEW, "current_password": PASSWORD, "user_permissions": {"IsAdmin": "admin"}}
    )
    assert read(answer) == {"Status": "OK", "Message": "User password updated", "Meta": None}
    bob = stored(world, bob.email)
    assert (bob.check_password(NEW), bob.is_administrator) == (True, False)
    with scope.opened(scope.of(world.acme.id)):
        assert not Session.objects.filter(user=bob).exists()
    assert machine.post(path, {"new_password": NEW}).status_code == 200


def test_who_has_no_password_yet_sets_the_first(world: World) -> None:
    machine_of(world.ann).post("/api/users", body())
    bo = stored(world, "bo@acme.example")
    answer = machine_of(bo).post(f"/api/users/{bo.pk}/actions/reset", {"new_password": NEW})
    assert answer.status_code == 200
    assert stored(world, bo.email).check_password(NEW)


def test_guesses_at_ones_own_password_are_counted(world: World) -> None:
    bob = member(world)
    machine, path = machine_of(bob), f"/api/users/{bob.pk}/actions/reset"
    for _ in range(5):
        machine.post(path, {"new_password": NEW, "current_password": "wrong"})
    answer = machine.post(path, {"new_password": NEW, "current_password": PASSWORD})
    assert (answer.status_code, "Wait 15 minutes" in read(answer)["Message"]) == (403, True)
    with scope.opened(scope.of(world.acme.id)):
        assert SignInFailure.objects.get().count == 5


def test_passwords_of_others_are_set_by_who_may(world: World) -> None:
    low, manager = member(world, "low@acme.example"), member(world, "boss@acme.example", users="write")
    boss, path = machine_of(manager), f"/api/users/{low.pk}/actions/reset"
    assert boss.post(path, {"new_password": NEW}).status_code == 403
    assert stored(world, low.email).check_password(PASSWORD)
    with scope.opened(scope.of(world.acme.id)):
        User.objects.filter(pk=manager.pk).update(may_reset_passwords=True)
    assert boss.post(path, {"new_password": NEW}).status_code == 200
    assert stored(world, low.email).check_password(NEW)
    assert machine_of(world.ann).post(path, {"new_password": f"{NEW}!"}).status_code == 200


def test_who_may_reset_passwords_ranks_above_who_may_not(world: World) -> None:
    """Their e-mail address or a new password of theirs would give away what is the Admin API's to give."""
    resetter, manager = (member(world, f"{name}@acme.example", users="write") for name in ("resetter", "boss"))
    with scope.opened(scope.of(world.acme.id)):
        User.objects.filter(pk=resetter.pk).update(may_reset_passwords=True)
    boss, path = machine_of(manager), f"/api/users/{resetter.pk}"
    assert boss.put(path, {"email_address": "mine@acme.example"}).status_code == 403
    assert boss.put(f"{path}/actions/key/reset").status_code == 403
    assert boss.delete(path).status_code == 403
    with scope.opened(scope.of(world.acme.id)), pytest.raises(BeyondRights):
        give_new_password(user=User.objects.get(pk=resetter.pk), by=User.objects.get(pk=manager.pk))
    assert machine_of(world.ann).put(path, {"first_name": "Re"}).status_code == 200
    assert machine_of(resetter).put(f"/api/users/{manager.pk}", {"first_name": "Bo"}).status_code == 200


def test_unbounded_users_see_everybody_and_change_each_other_alone(world: World) -> None:
    uma = machine_of(world.uma)
    listed = {one["email_address"]: one["org_id"] for one in read(uma.get("/api/users?p=-1"))["users"]}
    assert listed == {
        **{"al@acme.example": world.acme.id, "ann@acme.example": world.acme.id},
        **{"gus@globex.example": world.globex.id, "uma@hosting.example": ""},
    }
    assert read(uma.post("/api/users/search", {"filters": {"query": "gus"}}))["users"][0]["id"] == world.gus.pk
    assert read(uma.get(f"/api/users/{world.gus.pk}"))["id"] == world.gus.pk
    with scope.opened(scope.of(world.globex.id)):
        assert AuditEntry.objects.filter(action="visited", actor=world.uma.email).exists()
    gus = f"/api/users/{world.gus.pk}"
    refused = [
        uma.put(gus, {"first_name": "Mine"}),
        uma.delete(gus),
        uma.put(f"{gus}/actions/revoke"),
        uma.put(f"{gus}/actions/key/reset"),
        uma.post(f"{gus}/actions/reset", {"new_password": NEW}),
        uma.post("/api/users", body(user_permissions={"apis": "write"})),
        uma.post("/api/users", body(user_permissions={"IsAdmin": "admin"})),
        uma.post("/api/usergroups", {"name": "G"}),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert uma.post("/api/users", body(org_id=world.acme.id)).status_code == 400


def test_an_unbounded_user_makes_changes_and_deletes_another(world: World) -> None:
    uma = machine_of(world.uma)
    path = f"/api/users/{read(uma.post('/api/users', body(email_address='una@hosting.example')))['Meta']}"
    document = read(uma.get(path))
    assert (document["org_id"], document["user_permissions"]["apis"]) == ("", "read")
    assert uma.put(path, document | {"first_name": "Una"}).status_code == 200
    assert read(uma.get(path))["first_name"] == "Una"
    assert uma.post(f"{path}/actions/reset", {"new_password": NEW}).status_code == 200
    assert uma.put(f"{path}/actions/revoke").status_code == 200
    assert uma.delete(path).status_code == 200
    assert uma.get(path).status_code == 404
