import logging
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import PASSWORD, World, signed_in
from tests.users.mailbox import delivered, mails
from tests.users.test_sign_in import post
from users.models import User

NEW = "a wholly new passphrase"
BOTH = {"password": NEW, "again": NEW}


def ask(email: str, site: str = "/o/acme") -> str:
    return Client().post(f"{site}/password-reset/", {"email": email}).content.decode()


def mailed() -> list[str]:
    return [re.findall(r"http://testserver(\S+)", str(one.body))[0] for one in delivered()]


def test_changing_the_password_ends_the_sessions_elsewhere(world: World) -> None:
    here, there, other = signed_in(world.ann), signed_in(world.ann), signed_in(world.al)
    response = here.post("/account/password/", {"old": PASSWORD, **BOTH})
    assert response.status_code == 302
    assert [client.get("/account/").status_code for client in (here, there, other)] == [200, 302, 200]
    assert post("/o/acme/sign-in/", "ann@acme.example").status_code == 200
    assert post("/o/acme/sign-in/", "ann@acme.example", NEW).status_code == 302


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"old": "wrong", **BOTH}, "This is not your present password."),
        ({"old": PASSWORD, "password": NEW, "again": "another one"}, "The two passwords differ."),
        ({"old": PASSWORD, "password": "short", "again": "short"}, "This password is too short."),
    ],
)
def test_a_password_is_not_changed_by_halves(world: World, data: dict[str, str], sentence: str) -> None:
    assert sentence in signed_in(world.ann).post("/account/password/", data).content.decode()
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.get(pk=world.ann.pk).check_password(PASSWORD)


def test_the_present_password_is_not_guessed_for_long(world: World) -> None:
    client = signed_in(world.ann)
    for _ in range(5):
        assert "not your present password" in client.post("/account/password/", {"old": "a", **BOTH}).content.decode()
    locked = client.post("/account/password/", {"old": PASSWORD, **BOTH}).content.decode()
    assert "Too many failed sign-ins" in locked
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.get(pk=world.ann.pk).check_password(PASSWORD)


def test_signing_out_everywhere_ends_every_session_of_this_user(world: World) -> None:
    here, there, other = signed_in(world.ann), signed_in(world.ann), signed_in(world.al)
    here.post("/account/sign-out-everywhere/")
    assert [client.get("/account/").status_code for client in (here, there, other)] == [302, 302, 200]


def test_a_reset_link_works_once_and_ends_the_sessions(world: World) -> None:
    client = signed_in(world.ann)
    ask("Ann@acme.example")
    [path] = mailed()
    assert path.startswith(f"/o/acme/password-reset/{world.ann.pk}/")
    assert "Your password is set" in Client().post(path, BOTH).content.decode()
    assert client.get("/account/").status_code == 302
    assert "used or is too old" in Client().post(path, {"password": PASSWORD, "again": PASSWORD}).content.decode()
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.get(pk=world.ann.pk).check_password(NEW)


def test_a_reset_link_is_of_one_site_and_one_user(world: World) -> None:
    ask("ann@acme.example")
    [path] = mailed()
    foreign = [
        path.replace("/o/acme/", "/o/globex/"),
        path.replace("/o/acme/", "/all/"),
        path.replace(world.ann.pk, world.al.pk),
        path.replace(world.ann.pk, "0" * 24),
    ]
    for wrong in foreign:
        assert "used or is too old" in Client().post(wrong, BOTH).content.decode()


def test_the_answer_is_the_same_whether_or_not_there_is_such_a_user(world: World) -> None:
    def without_token(page: str) -> str:
        return re.sub(r'value="\w{64}"', "", page)

    pages = {without_token(ask(email)) for email in ("ann@acme.example", "gus@globex.example", "nobody@acme.example")}
    assert len(pages) == 1
    assert [one.to for one in delivered()] == [["ann@acme.example"]]


def test_asking_again_at_once_sends_no_second_mail(world: World) -> None:
    for _ in range(3):
        ask("ann@acme.example")
    assert len(mailed()) == 1


def test_a_broken_mail_server_breaks_no_page_and_logs_no_link(
    world: World, settings: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.EMAIL_BACKEND = "tests.users.broken_mail.Backend"  # type: ignore[attr-defined]
    assert "a link is on its way" in ask("ann@acme.example")
    assert mailed() == []
    assert "A mail could not be sent: ValueError" in caplog.text
    assert world.ann.pk not in caplog.text


def test_a_reset_is_mailed_for_as_long_as_its_link_works(world: World) -> None:
    ask("ann@acme.example")
    [waiting] = mails(world.acme)
    assert waiting.expires_at is not None
    assert timedelta(minutes=59) < waiting.expires_at - timezone.now() <= timedelta(hours=1)


def test_no_token_is_in_a_log_or_the_audit_trail(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask("ann@acme.example")
    [path] = mailed()
    for _ in range(2):
        Client().post(path, BOTH)
    with scope.opened(scope.of(world.acme.id)):
        stored = str(list(AuditEntry.objects.values()))
    assert [path.split("/")[-2] in text for text in (stored, caplog.text)] == [False, False]


def test_a_given_password_is_shown_once_and_signs_in(world: World) -> None:
    client = signed_in(world.al)
    password = signed_in(world.ann).post(f"/users/{world.al.pk}/new-password/").context["secret"]["value"]
    assert client.get("/account/").status_code == 302
    assert post("/o/acme/sign-in/", "al@acme.example", password).status_code == 302
