import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from orgs import scope
from orgs.models import AuditEntry
from orgs.permissions import Level, ObjectKind, parse
from tests.conftest import PASSWORD, SiteClient, World, signed_in
from tests.users.mailbox import delivered, mails
from users import services
from users.models import Group, Invitation, User

GONE = b"This invitation has been used or revoked, or is too old."
ACCEPT = {"name": "Eve", "password": PASSWORD, "again": PASSWORD}


def invite(client: SiteClient, email: str = "eve@acme.example", **more: Any) -> str:
    """Return the path of the link that the page shows."""
    response = client.post("/users/invite/", {"email": email, "name": "", **more})
    assert response.status_code == 200
    assert "secret" in response.context, response.context["form"].errors
    link: str = response.context["secret"]["value"]
    return link.removeprefix("http://testserver")


def none_granted() -> dict[str, Any]:
    return {f"may_{kind}": "none" for kind in parse({})}


def people(world: World) -> list[tuple[str, bool, dict[str, str]]]:
    with scope.opened(scope.of(world.acme.id)):
        users = User.objects.exclude(pk__in=[world.ann.pk, world.al.pk])
        return list(users.values_list("email", "is_administrator", "permissions"))


def test_an_invitation_makes_one_user_once(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        group = Group.objects.create(name="Devs", permissions={"keys": "write"})
    path = invite(signed_in(world.ann), **none_granted() | {"may_apis": "read", "groups": [group.pk]})
    assert Client().get(path).status_code == 200
    assert b"Sign in as eve@acme.example" in Client().post(path, ACCEPT).content
    assert people(world) == [("eve@acme.example", False, {"apis": "read"})]
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.get(email="eve@acme.example").level(ObjectKind.KEYS) == Level.WRITE
    assert GONE in Client().post(path, ACCEPT).content
    assert len(people(world)) == 1
    response = Client().post("/o/acme/sign-in/", {"email": "eve@acme.example", "password": PASSWORD})
    assert response["Location"] == "/o/acme/"


def test_an_invitation_ends_after_72_hours_and_when_it_is_revoked(world: World) -> None:
    path = invite(signed_in(world.ann), **none_granted())
    with scope.opened(scope.of(world.acme.id)):
        left = Invitation.objects.get().expires_at - timezone.now()
        assert timedelta(hours=71, minutes=59) < left <= timedelta(hours=72)
        Invitation.objects.update(expires_at=timezone.now())
    assert GONE in Client().post(path, ACCEPT).content
    path = invite(signed_in(world.ann), "new@acme.example", **none_granted())
    with scope.opened(scope.of(world.acme.id)):
        pk = Invitation.objects.get(email="new@acme.example").pk
    assert signed_in(world.al).post(f"/users/invitations/{pk}/revoke/").status_code == 403
    assert signed_in(world.gus).post(f"/users/invitations/{pk}/revoke/").status_code == 404
    assert signed_in(world.ann).post(f"/users/invitations/{pk}/revoke/").status_code == 302
    assert GONE in Client().post(path, ACCEPT).content
    assert people(world) == []


def test_an_invitation_of_one_site_is_none_of_another(world: World) -> None:
    path = invite(signed_in(world.ann), **none_granted())
    token = path.split("/")[-2]
    for site in ("/o/globex", "/all"):
        assert GONE in Client().post(f"{site}/invitation/{token}/", ACCEPT).content
    assert people(world) == []


def test_an_invitation_grants_nothing_that_the_inviter_has_lost(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        mo = services.create_user(
            email="mo@acme.example",
            name="Mo",
            password=PASSWORD,
            permissions=parse({"users": "write", "apis": "write"}),
        )
    path = invite(signed_in(mo), **none_granted() | {"may_apis": "write"})
    losses = [parse({"users": "write", "apis": "read"}), parse({"users": "read", "apis": "write"})]
    for loss in losses:
        with scope.opened(scope.of(world.acme.id)):
            services.update_user(user=mo, email=mo.email, name="Mo", permissions=loss, by=world.ann)
        assert b"Whoever invited you no longer" in Client().post(path, ACCEPT).content
    with scope.opened(scope.of(world.acme.id)):
        services.delete_user(user=mo, by=world.ann)
    assert b"Whoever invited you no longer" in Client().post(path, ACCEPT).content
    assert people(world) == []


def test_nobody_invites_beyond_what_they_hold(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        mo = services.create_user(email="mo@acme.example", name="Mo", permissions=parse({"users": "write"}))
    client = signed_in(mo)
    response = client.post(
        "/users/invite/",
        {"email": "e@acme.example", **none_granted(), "may_apis": "read", "is_administrator": "on"},
    )
    assert response.context["form"].non_field_errors() == ["You cannot grant more than you hold yourself: APIs."]
    # The field of administrators does not exist for who is none: what is posted there is dropped.
    path = invite(client, "e@acme.example", **none_granted(), is_administrator="on", is_unbounded="on", organisation="")
    Client().post(path, {**ACCEPT, "is_administrator": "on", "is_unbounded": "on", "email": "x@x.example"})
    assert [row for row in people(world) if row[0] != "mo@acme.example"] == [("e@acme.example", False, {})]


def test_only_a_digest_of_the_token_is_kept(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    path = invite(signed_in(world.ann), **none_granted())
    Client().post(path, ACCEPT)
    Client().post(path, ACCEPT)
    token = path.split("/")[-2]
    with scope.opened(scope.of(world.acme.id)):
        stored = str(list(AuditEntry.objects.values())) + str(list(Invitation.objects.values()))
    assert [token in text for text in (stored, caplog.text)] == [False, False]


def test_the_link_is_mailed_and_shown(world: World) -> None:
    path = invite(signed_in(world.ann), **none_granted())
    with scope.opened(scope.of(world.acme.id)):
        expires_at = Invitation.objects.get().expires_at
    assert [one.expires_at for one in mails(world.acme)] == [expires_at]
    assert [(one.to, path in one.body) for one in delivered()] == [(["eve@acme.example"], True)]


def test_an_unbounded_user_invites_an_unbounded_user(world: World) -> None:
    path = invite(signed_in(world.uma), "ulf@hosting.example")
    assert path.startswith("/all/invitation/")
    assert [(one.to, path in one.body) for one in delivered()] == [(["ulf@hosting.example"], True)]
    Client().post(path, {**ACCEPT, "name": "Ulf"})
    with scope.opened(scope.INSTALLATION):
        ulf = User.objects.get(email="ulf@hosting.example")
    assert (ulf.name, ulf.is_unbounded, ulf.organisation_id) == ("Ulf", True, None)
    assert people(world) == []
