"""Mail is queued with the change that it tells of, sealed, and sent at least once, in turns."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings as installation
from django.core import mail as outbox
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from orgs import scope
from orgs.models import Organisation
from orgs.sealing import unseal
from tests.conftest import World, organisation, user
from tests.users.mailbox import DOWN, LINK, delivered, given_up, mails, queue, states
from tests.walls.conftest import SUPERUSER, connect, installed
from users import mailing
from users.mailing import EXPIRED, KEPT, LEASE, UNREADABLE, Sender, claim, fault_of, note, tidy
from users.models import Mail

__all__ = ["installed"]
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=seconds) for seconds in (1, 60, 3600, 86_400))
GetResponse = Callable[[HttpRequest], HttpResponse]


@pytest.fixture
def down(settings: Settings) -> Settings:
    """Nothing listens where the mail server should be."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    return settings


@pytest.fixture
def standing(installed: None) -> Iterator[list[Organisation]]:
    """Organisations that are committed, so that transactions show."""
    yield [organisation("acme"), organisation("globex")]
    with connect(SUPERUSER) as server:
        server.execute("TRUNCATE orgs_organisation CASCADE")


# Queueing


def answering(get_response: GetResponse) -> GetResponse:
    """A middleware: the view is called, and then the answer is the one that the request asks for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        get_response(request)
        return HttpResponse(status=int(request.headers["X-Status"]))

    return middleware


@pytest.mark.parametrize(("status", "queued"), [(200, 1), (500, 0)])
def test_mail_is_queued_with_the_change_that_it_tells_of_or_not_at_all(
    standing: list[Organisation], settings: Settings, status: int, queued: int
) -> None:
    user("ann@acme.example", standing[0])
    settings.MIDDLEWARE = [*installation.MIDDLEWARE, "tests.users.test_mail.answering"]
    asked = {"email": "ann@acme.example"}
    Client().post("/o/acme/password-reset/", asked, headers={"X-Status": str(status)})
    assert len(mails(standing[0])) == queued
    assert [message.to for message in delivered()] == [["ann@acme.example"]] * queued


def test_what_it_says_is_sealed_and_gone_once_it_is_sent(world: World) -> None:
    queue(world.acme)
    with scope.opened(scope.of(world.acme.id)), connection.cursor() as cursor:
        cursor.execute("SELECT users_mail::text FROM users_mail")
        [(stored,)] = cursor.fetchall()
    assert "S3CRET" not in stored
    assert LINK in unseal(mails(world.acme)[0].sealed)
    [message] = delivered()
    assert LINK in message.body
    [sent] = mails(world.acme)
    assert (sent.state, sent.attempts, sent.sealed, sent.taken_until) == (Mail.SENT, 1, "", None)
    assert sent.sent_at is not None


def test_mail_says_what_sent_it_and_that_no_person_did(world: World) -> None:
    queue(world.acme)
    queue(None, "uma@hosting.example")
    headers = {message.to[0]: message.message() for message in delivered()}
    ann, uma = headers["ann@acme.example"], headers["uma@hosting.example"]
    assert (ann["Subject"], uma["Subject"]) == ("Acme: A new password", "Commonhold: A new password")
    assert (ann["From"], ann["Auto-Submitted"]) == ("commonhold@localhost", "auto-generated")
    assert ann["Message-ID"] == f"<{mails(world.acme)[0].pk}@commonhold>"


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("Acme", "Acme <commonhold@mail.example>"),
        ('Ac"me, <bcc@evil.example>', '"Ac\\"me, <bcc@evil.example>" <commonhold@mail.example>'),
        ("Ácme", "=?utf-8?b?w4FjbWU=?= <commonhold@mail.example>"),
        ("Acme\r\nBcc: all@globex.example", '"Acme Bcc: all@globex.example" <commonhold@mail.example>'),
    ],
)
def test_mail_can_be_from_somebody_at_the_installations_address(
    world: World, settings: Settings, sender: str, expected: str
) -> None:
    settings.DEFAULT_FROM_EMAIL = "Hosting <commonhold@mail.example>"
    queue(world.acme, sender=sender, subject="Your key\r\nBcc: all@globex.example")
    [message] = delivered()
    sent = message.message()
    assert (sent["From"], sent["Bcc"]) == (expected, None)
    assert sent["Subject"] == "Your key Bcc: all@globex.example"


def test_who_exists_is_not_told_by_what_is_done(world: World) -> None:
    """The line in the trail of a user who exists is the one statement more, as it was before there was a queue."""

    def statements(email: str) -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            Client().post("/o/acme/password-reset/", {"email": email})
        return [query["sql"] for query in asked.captured_queries if "set_config" not in query["sql"]]

    statements("nobody@acme.example")  # what a process does once
    nobody, ann = statements("nobody@acme.example"), statements("ann@acme.example")
    has_just_asked = statements("ann@acme.example")
    assert len(nobody) == len(has_just_asked) == len(ann) - 1
    assert ["users_mail" in asked[-1] for asked in (nobody, ann, has_just_asked)] == [True] * 3
    assert [one.to for one in mails(world.acme)] == ["ann@acme.example"]


# Sending


def test_mail_waits_twice_as_long_each_time_while_the_server_is_down_and_is_given_up_after_a_day(
    world: World, down: Settings
) -> None:
    mail, sender, waits = queue(world.acme), Sender(), list[float]()
    while mail.state == Mail.QUEUED:
        now = mail.due_at
        assert [sender.send_next(now=now - SECOND), sender.send_next(now=now)] == [0, 1]
        [mail] = mails(world.acme)
        waits.append((mail.due_at - now) / MINUTE)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, *[240] * 6]
    assert (mail.state, mail.attempts, mail.fault) == (Mail.GIVEN_UP, 14, DOWN)
    assert DAY <= now - mail.queued_at < DAY + 4 * HOUR
    assert LINK in unseal(mail.sealed)


def test_mail_arrives_when_the_server_is_back(world: World, down: Settings) -> None:
    queue(world.acme)
    now, sender = timezone.now(), Sender()
    sender.send_next(now=now)
    down.EMAIL_BACKEND = LOCMEM
    assert [sender.send_next(now=now + wait * MINUTE) for wait in (0.9, 1.1, 2)] == [0, 1, 0]
    assert (states(world.acme), len(outbox.outbox)) == ([(Mail.SENT, 2, "")], 1)


def test_what_the_server_says_is_in_no_log_and_no_fault(
    world: World, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.EMAIL_BACKEND = "tests.users.broken_mail.Backend"
    queue(world.acme)
    assert Sender().send_next() == 1
    assert states(world.acme) == [(Mail.QUEUED, 1, "It could not be sent: ValueError.")]
    assert "A mail could not be sent: ValueError" in caplog.text
    assert "secret-link" not in caplog.text


def test_installation_without_mail_prints_it(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    queue(world.acme)
    Sender().send_next()
    assert LINK in capsys.readouterr().out
    assert states(world.acme) == [(Mail.SENT, 1, "")]


def test_two_senders_at_a_time_send_each_mail_once(standing: list[Organisation]) -> None:
    owners = [*standing, None]
    addresses = [queue(owner, f"{number}@acme.example").to for number in range(10) for owner in owners]
    together = threading.Barrier(2)

    def send() -> None:
        together.wait(10)
        delivered()
        connection.close()

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(message.to[0] for message in outbox.outbox) == sorted(addresses)
    assert [state for owner in owners for state in states(owner)] == [(Mail.SENT, 1, "")] * 30


def test_worker_that_dies_before_it_notes_is_followed_by_one_that_sends_again_under_the_same_id(world: World) -> None:
    queue(world.acme)
    now = timezone.now()
    taken = claim(world.acme.id, now)
    assert taken is not None
    assert fault_of(taken) == ""  # it was sent, and then the worker died
    assert [Sender().send_next(now=now + wait) for wait in (timedelta(), LEASE - MINUTE, LEASE)] == [0, 0, 1]
    assert len({str(message.extra_headers["Message-ID"]) for message in outbox.outbox}) == 1
    note(taken, "Too late.", now + LEASE)  # the first one was slow, not dead
    assert states(world.acme) == [(Mail.SENT, 2, "")]


def test_organisations_take_turns_and_so_does_the_installation(world: World) -> None:
    for number in range(3):
        queue(world.acme, f"{number}@acme.example")
    queue(world.globex, "gus@globex.example")
    queue(None, "uma@hosting.example")
    sender = Sender()
    assert sender.send_next() == 3
    assert {message.to[0] for message in outbox.outbox} == {
        "0@acme.example",
        "gus@globex.example",
        "uma@hosting.example",
    }
    assert [sender.send_next() for _ in range(3)] == [1, 1, 0]


def test_mail_whose_link_is_dead_is_given_up_and_the_next_one_sent(world: World) -> None:
    expires_at = timezone.now() + MINUTE
    queue(world.acme, expires_at=expires_at)
    queue(world.acme, "al@acme.example", expires_at=expires_at + MINUTE)
    now = expires_at
    assert Sender().send_next(now=now) == 1
    assert states(world.acme) == [(Mail.GIVEN_UP, 0, EXPIRED), (Mail.SENT, 1, "")]
    assert [one.sealed for one in mails(world.acme)] == ["", ""]


def test_mail_is_given_up_as_soon_as_its_link_is_dead(world: World, down: Settings) -> None:
    now, sender = queue(world.acme, expires_at=timezone.now() + MINUTE / 2).due_at, Sender()
    assert [sender.send_next(now=now + wait * MINUTE) for wait in (0, 0.4, 0.5)] == [1, 0, 0]
    assert states(world.acme) == [(Mail.GIVEN_UP, 1, EXPIRED)]


def test_mail_that_another_key_has_sealed_waits_for_that_key(world: World, settings: Settings) -> None:
    own, now = settings.SEALING_KEY, queue(world.acme).due_at
    settings.SEALING_KEY = b"another one of as many characters"
    Sender().send_next(now=now)
    assert states(world.acme) == [(Mail.QUEUED, 1, UNREADABLE)]
    settings.SEALING_KEY = own
    assert Sender().send_next(now=now + MINUTE) == 1
    assert LINK in outbox.outbox[0].body


def test_what_is_over_is_forgotten_after_30_days_whoever_owns_it(world: World) -> None:
    now = timezone.now()
    for owner in (world.acme, None):
        for state in (Mail.SENT, Mail.GIVEN_UP, Mail.QUEUED):
            queue(owner, state=state, queued_at=now - KEPT - MINUTE, due_at=now + DAY)
            queue(owner, state=state, queued_at=now - KEPT + MINUTE, due_at=now + DAY)
    Sender().send_next(now=now)
    for owner in (world.acme, None):
        assert [one.state for one in mails(owner)] == [Mail.QUEUED, Mail.SENT, Mail.GIVEN_UP, Mail.QUEUED]


def test_what_was_given_up_says_nothing_any_more_once_its_link_is_dead(world: World) -> None:
    now = timezone.now()
    given_up(world.acme, expires_at=now + MINUTE)
    given_up(world.acme, expires_at=now)
    given_up(world.acme)
    tidy(now)
    assert sorted(bool(one.sealed) for one in mails(world.acme)) == [False, True, True]


def test_sender_tidies_now_and_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sender, seconds = Sender(), [100.0]
    monkeypatch.setattr("users.mailing.time", SimpleNamespace(monotonic=lambda: seconds[0]))
    sender.send_next()
    old = given_up(world.acme, queued_at=timezone.now() - 2 * KEPT)
    sender.send_next()
    assert mails(world.acme) == [old]
    seconds[0] += mailing.TIDIES_EVERY_S
    sender.send_next()
    assert mails(world.acme) == []
