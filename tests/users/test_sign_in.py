"""Signing in on one site: what is told, what is counted, what the session is worth."""

import logging
from datetime import timedelta

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from orgs import scope
from orgs import services as orgs_services
from orgs.models import AuditEntry, Organisation
from tests.conftest import PASSWORD, World, signed_in
from users import services
from users.models import Session, SignInFailure, User
from users.sessions import stored_key

COOKIE = settings.SESSION_COOKIE_NAME
WRONG = "The e-mail address or the password is wrong."
LOCKED = "Too many failed sign-ins for this e-mail address. Wait 15 minutes, then try again."


def post(path: str, email: str, password: str = PASSWORD, *, client: Client | None = None, **more: str) -> HttpResponse:
    data = {"email": email, "password": password, **more}
    return (client or Client()).post(path, data)  # type: ignore[return-value]


def told(response: HttpResponse) -> list[str]:
    assert response.status_code == 200
    return response.context["form"].non_field_errors()  # type: ignore[attr-defined, no-any-return]


def lines(organisation: Organisation | None) -> list[tuple[str, str, str]]:
    with scope.opened(scope.of(organisation.id) if organisation else scope.INSTALLATION):
        found = AuditEntry.objects.filter(organisation=organisation).order_by("at")
        return sorted(found.values_list("actor", "action", "object_name"))


def test_sign_in_opens_a_session_of_this_site_alone(world: World) -> None:
    client = Client()
    response = post("/o/acme/sign-in/", "Ann@Acme.example ", client=client)
    assert (response.status_code, response["Location"]) == (302, "/o/acme/")
    cookie = client.cookies[f"{COOKIE}_o-acme"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/o/acme/", True, "Lax")
    with scope.opened(scope.EVERYTHING):
        sessions = [(one.session_key, one.user_id, one.organisation_id) for one in Session.objects.all()]
    assert sessions == [(stored_key(cookie.value), world.ann.pk, world.acme.pk)]
    assert lines(world.acme) == [("ann@acme.example", "signed in", "ann@acme.example")]
    assert lines(world.globex) == []
    assert client.get("/o/acme/account/").status_code == 200
    client.cookies[f"{COOKIE}_o-globex"] = cookie.value
    assert client.get("/o/globex/account/").status_code == 302


def test_sign_in_gives_a_new_session_key_each_time(world: World) -> None:
    client = Client()
    post("/o/acme/sign-in/", "ann@acme.example", client=client)
    first = client.cookies[f"{COOKIE}_o-acme"].value
    client.post("/o/acme/sign-out/")
    client.cookies[f"{COOKIE}_o-acme"] = first
    assert client.get("/o/acme/account/").status_code == 302
    post("/o/acme/sign-in/", "ann@acme.example", client=client)
    assert client.cookies[f"{COOKIE}_o-acme"].value != first


@pytest.mark.parametrize(
    ("path", "email"),
    [
        ("/o/acme/sign-in/", "gus@globex.example"),
        ("/o/acme/sign-in/", "uma@hosting.example"),
        ("/o/acme/sign-in/", "nobody@acme.example"),
        ("/all/sign-in/", "ann@acme.example"),
    ],
)
def test_sign_in_refuses_users_of_other_sites_as_it_refuses_nobody(world: World, path: str, email: str) -> None:
    assert told(post(path, email)) == [WRONG]


def test_sign_in_keeps_what_was_typed_but_the_password(world: World) -> None:
    page = post("/o/acme/sign-in/", "ann@acme.example", "wrong but long enough").content.decode()
    assert "ann@acme.example" in page
    assert "wrong but long enough" not in page


@pytest.mark.parametrize("email", ["ann@acme.example", "nobody@acme.example"])
def test_five_failures_lock_whether_or_not_there_is_such_a_user(world: World, email: str) -> None:
    answers = [told(post("/o/acme/sign-in/", email, "wrong")) for _ in range(6)]
    assert answers == [[WRONG]] * 4 + [[LOCKED]] * 2
    assert told(post("/o/acme/sign-in/", email, PASSWORD)) == [LOCKED]
    with scope.opened(scope.of(world.acme.id)):
        SignInFailure.objects.update(last_at=timezone.now() - timedelta(minutes=16))
    known = email == world.ann.email
    assert post("/o/acme/sign-in/", email).status_code == (302 if known else 200)


def test_failures_lock_one_site_and_one_address_alone(world: World) -> None:
    for _ in range(5):
        post("/o/acme/sign-in/", "gus@globex.example", "wrong")
    assert post("/o/globex/sign-in/", "gus@globex.example").status_code == 302
    for _ in range(5):
        post("/o/acme/sign-in/", "ann@acme.example", "wrong")
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert post("/o/acme/sign-in/", "ann@acme.example", client=elsewhere).status_code == 302


def test_success_forgets_the_failures_before(world: World) -> None:
    for _ in range(4):
        post("/o/acme/sign-in/", "ann@acme.example", "wrong")
    assert post("/o/acme/sign-in/", "ann@acme.example").status_code == 302
    assert told(post("/o/acme/sign-in/", "ann@acme.example", "wrong")) == [WRONG]


def test_failures_of_a_user_are_in_the_audit_trail(world: World) -> None:
    for _ in range(5):
        post("/o/acme/sign-in/", "ann@acme.example", "wrong")
        post("/o/acme/sign-in/", "nobody@acme.example", "wrong")
    failed = [("visitor", "failed to sign in as", "ann@acme.example")] * 5
    assert lines(world.acme) == [*failed, ("visitor", "locked out", "ann@acme.example")]


def test_a_disabled_user_is_told_so_only_after_the_right_password(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        services.disable_user(user=world.al, by=world.ann)
    assert told(post("/o/acme/sign-in/", "al@acme.example", "wrong")) == [WRONG]
    disabled = "This user is disabled. Whoever manages the users can enable it again."
    assert told(post("/o/acme/sign-in/", "al@acme.example")) == [disabled]
    assert told(post("/", "al@acme.example")) == [disabled]


def test_a_suspended_organisation_tells_why_only_after_the_right_password(world: World) -> None:
    client = signed_in(world.ann)
    with scope.opened(scope.of(world.acme.id)):
        orgs_services.suspend(organisation=world.acme, reason="The bill is open.")
    assert told(post("/o/acme/sign-in/", "ann@acme.example", "wrong")) == [WRONG]
    assert told(post("/o/acme/sign-in/", "ann@acme.example")) == ["Acme is suspended: The bill is open."]
    assert client.get("/users/").status_code == 200
    assert client.get("/users/invite/").status_code == 403


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/o/acme/users/?state=active", "/o/acme/users/?state=active"),
        ("https://evil.example/o/acme/", "/o/acme/"),
        ("//evil.example/", "/o/acme/"),
        ("/o/acme/../globex/", "/o/acme/"),
        ("/o/acme/%2E%2e/globex/", "/o/acme/"),
        ("/o/acme/\\..\\globex/", "/o/acme/"),
        ("/o/globex/", "/o/acme/"),
        ("/o/acmeevil/", "/o/acme/"),
        ("javascript:alert(1)", "/o/acme/"),
    ],
)
def test_next_leads_only_to_this_site(world: World, wanted: str, reached: str) -> None:
    assert post("/o/acme/sign-in/", "ann@acme.example", next=wanted)["Location"] == reached


def test_a_page_asks_to_sign_in_and_leads_back(world: World) -> None:
    response = Client().get("/o/acme/users/")
    assert response["Location"] == "/o/acme/sign-in/?next=/o/acme/users/"
    assert b'value="/o/acme/users/"' in Client().get(response["Location"]).content


def test_sign_out_ends_the_session_and_only_by_post(world: World) -> None:
    client = signed_in(world.ann)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").status_code == 302
    with scope.opened(scope.EVERYTHING):
        assert Session.objects.count() == 0
    assert ("ann@acme.example", "signed out", "ann@acme.example") in lines(world.acme)


def test_a_disabled_user_is_out_at_once(world: World) -> None:
    client = signed_in(world.al)
    assert client.get("/account/").status_code == 200
    signed_in(world.ann).post(f"/users/{world.al.pk}/disable/")
    assert client.get("/account/").status_code == 302
    with scope.opened(scope.EVERYTHING):
        assert list(Session.objects.values_list("user_id", flat=True)) == [world.ann.pk]


def test_signing_in_removes_what_has_expired(world: World) -> None:
    signed_in(world.al)
    post("/o/acme/sign-in/", "nobody@acme.example")
    with scope.opened(scope.of(world.acme.id)):
        Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
        SignInFailure.objects.update(last_at=timezone.now() - timedelta(hours=1))
    post("/o/acme/sign-in/", "ann@acme.example")
    with scope.opened(scope.of(world.acme.id)):
        assert list(Session.objects.values_list("user_id", flat=True)) == [world.ann.pk]
        assert SignInFailure.objects.count() == 0


def test_no_password_is_in_a_log_or_the_audit_trail(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for path in ("/o/acme/sign-in/", "/"):
        post(path, "ann@acme.example", "hunter2-wrong-one")
        post(path, "ann@acme.example")
    with scope.opened(scope.EVERYTHING):
        stored = str(list(AuditEntry.objects.values())) + str(list(SignInFailure.objects.values()))
    assert [word in caplog.text + stored for word in (PASSWORD, "hunter2-wrong-one")] == [False, False]


def test_createsuperuser_makes_an_unbounded_user(world: World) -> None:
    User.objects.create_superuser(email="Ulf@hosting.example", password=PASSWORD, name="Ulf")
    with scope.opened(scope.INSTALLATION):
        ulf = User.objects.get(email="ulf@hosting.example")
    assert (ulf.is_unbounded, ulf.organisation_id, ulf.check_password(PASSWORD)) == (True, None, True)
