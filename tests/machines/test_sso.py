"""Nonces for single sign-on, and the form that begins an installation."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry, Organisation
from tests.conftest import World
from tests.machines.client import Machine, admin, machine_of, read
from users.models import Group, SignInNonce, User


def sign_on(world: World, **fields: Any) -> dict[str, Any]:
    return {"ForSection": "dashboard", "OrgID": world.acme.id, "EmailAddress": "Ann@Acme.example"} | fields


def test_a_nonce_is_long_short_lived_and_stored_as_a_digest(world: World) -> None:
    sent = sign_on(world, GroupID="", GroupsIDs=None, DisplayName="", SSOOnlyForRegisteredUsers=False)
    answer = read(admin().post("/admin/sso", sent))
    assert (answer["Status"], answer["Message"]) == ("OK", "SSO Nonce created")
    assert len(answer["Meta"]) >= 32
    with scope.opened(scope.of(world.acme.id)):
        stored = SignInNonce.objects.get()
        assert answer["Meta"] not in (stored.digest, stored.email)
        assert stored.email == "ann@acme.example"
        assert 55 < (stored.expires_at - timezone.now()).total_seconds() <= 60
        assert answer["Meta"] not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"ForSection": "portal"}, 400, "ForSection: the portal of this organisation is off."),
        ({"ForSection": "admin"}, 400, "ForSection: dashboard or portal."),
        ({"OrgID": "5f0c1c6a1d2e3f4a5b6c7d8e"}, 400, "org_id: there is no such organisation."),
        ({"OrgID": ""}, 400, "org_id: there is no such organisation."),
        ({"EmailAddress": "ann"}, 400, "EmailAddress is not an e-mail address."),
        ({"UserNotAllowed": True}, 403, "UserNotAllowed: who is not allowed gets no nonce."),
        ({"GroupID": "5f0c1c6a1d2e3f4a5b6c7d8e"}, 400, "GroupID: there is no such group."),
        ({"EmailAddress": 5}, 400, "Request body malformed: Expected `str`, got `int` - at `$.EmailAddress`"),
    ],
)
def test_a_nonce_is_refused(world: World, fields: dict[str, Any], status: int, message: str) -> None:
    answer = admin().post("/admin/sso", sign_on(world, **fields))
    assert (answer.status_code, read(answer)["Message"]) == (status, message)
    with scope.opened(scope.of(world.acme.id)):
        assert not SignInNonce.objects.exists()


def test_a_group_of_another_organisation_is_as_one_that_never_was(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        theirs = Group.objects.create(name="Theirs").pk
    answers = [admin().post("/admin/sso", sign_on(world, GroupsIDs=[id])) for id in (theirs, new_id())]
    assert answers[0].status_code == 400
    assert answers[0].content == answers[1].content


def test_only_the_admin_secret_vouches(world: World) -> None:
    assert machine_of(world.ann).post("/admin/sso", sign_on(world)).status_code == 401


FORM = {
    "owner_name": "Acme Ltd",
    "owner_slug": "",
    "email_address": "Ann@Acme.example",
    "first_name": "Ann",
    "last_name": "Archer",
    "password": "correct horse battery staple",
    "confirm_password": "correct horse battery staple",
    "terms": "on",
}


def test_the_first_organisation_begins_with_its_administrator(db: None) -> None:
    answer = Machine().post("/bootstrap", urlencode(FORM))
    assert answer.status_code == 200
    with scope.opened(scope.of(read(answer)["Meta"]["org_id"])):
        ann = User.objects.get()
        assert (ann.email, ann.name, ann.is_administrator) == ("ann@acme.example", "Ann Archer", True)
        assert ann.check_password(FORM["password"])
        assert Organisation.objects.values_list("slug", "name").get() == ("acme-ltd", "Acme Ltd")
    again = Machine().post("/bootstrap/", urlencode(FORM | {"owner_name": "Mine"}))
    assert again.status_code == 403


@pytest.mark.parametrize(
    "fields",
    [
        {"confirm_password": "something else, long"},
        {"password": "short", "confirm_password": "short"},
        {"email_address": "ann"},
        {"owner_name": ""},
        {"first_name": "x" * 100},
        {"owner_name": "nul\0"},
    ],
)
def test_a_beginning_is_refused_and_leaves_nothing(db: None, fields: dict[str, str]) -> None:
    assert Machine().post("/bootstrap", urlencode(FORM | fields)).status_code == 400
    with scope.opened(scope.EVERYTHING):
        assert not Organisation.objects.exists()
        assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("sent", [urlencode(FORM), "", "nonsense", "{}", urlencode({"password": "x"}), b"\xff\xfe"])
def test_an_installation_in_use_says_the_same_to_everything(world: World, sent: Any) -> None:
    answer = Machine().post("/bootstrap", sent)
    expected = b'{"Status":"Error","Message":"This installation is in use already.","Meta":null}'
    assert (answer.status_code, answer.content) == (403, expected)
