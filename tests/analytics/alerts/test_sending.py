"""What is queued is sent at least once, signed, and in turns."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from analytics.alerts import sending, services, signing
from analytics.alerts.models import AlertDelivery, AlertRule
from analytics.alerts.sending import Sender, claim
from orgs import scope
from orgs.models import Organisation
from tests.analytics.alerts.conftest import deliveries, rule
from tests.conftest import World
from tests.orgs.test_guard import Server, serve

__all__ = ["serve"]
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/alerts.md"


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    """What the documentation says to verify a webhook with."""
    [snippet] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(snippet, found)  # noqa: S102
    return found["is_genuine"]  # type: ignore[no-any-return]


@pytest.fixture
def hook(settings: Settings, serve: Callable[..., Server]) -> Server:
    settings.PRIVATE_TARGETS = True
    return serve()


def test(of: Organisation, **fields: Any) -> AlertRule:
    """Make a rule and queue a test of it."""
    made = rule(of, **fields)
    with scope.opened(scope.of(of.id)):
        services.send_test(rule=made)
    return made


test.__test__ = False  # type: ignore[attr-defined]


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/hook/T0K3N"


def state_of(of: Organisation) -> list[tuple[str, int, str]]:
    return [(delivery.state, delivery.attempts, delivery.fault) for delivery in deliveries(of)]


def headers_of(sent: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = sent.partition(b"\r\n\r\n")
    lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return {name.lower(): value for name, value in lines}, body


def test_a_mail_goes_to_each_address_apart(world: World) -> None:
    test(world.acme, name="Zu viele Fehler\u00fc", emails=["one@acme.example", "two@acme.example"])
    sender = Sender()
    assert [sender.send_next(), sender.send_next(), sender.send_next()] == [1, 1, 0]
    assert sorted(message.to for message in mail.outbox) == [["one@acme.example"], ["two@acme.example"]]
    assert {message.subject for message in mail.outbox} == {"Acme: Test: Zu viele Fehlerü"}
    ids = {str(message.extra_headers["Message-ID"]) for message in mail.outbox}
    assert ids == {f"<{delivery.pk}@commonhold>" for delivery in deliveries(world.acme)}
    assert [state for state, *_ in state_of(world.acme)] == ["sent", "sent"]


def test_a_webhook_is_signed_as_the_documentation_verifies_it(
    world: World, hook: Server, is_genuine: Callable[..., bool]
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        made, secret = services.create_rule(name="Errors", kind="errors", threshold=5, url=url_of(hook))
        services.send_test(rule=made)
    assert Sender().send_next() == 1
    headers, body = headers_of(hook.sent[0])
    assert is_genuine(secret, headers, body)
    assert not is_genuine(secret, headers, body + b" ")
    assert not is_genuine(secret, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body)
    assert not is_genuine(secret, headers | {"webhook-id": "other"}, body)
    assert not is_genuine(signing.new_secret(), headers, body)
    told = json.loads(body)
    [delivery] = deliveries(world.acme)
    assert (told["id"], told["type"], told["rule"]["name"], headers["webhook-id"]) == (
        delivery.pk, "alert.test", "Errors", delivery.pk,
    )  # fmt: skip


def test_an_old_signature_is_not_genuine(is_genuine: Callable[..., bool]) -> None:
    secret = signing.new_secret()
    assert not is_genuine(secret, signing.headers(secret=secret, id="1", seconds=1_700_000_000, body=b""), b"")


def test_a_secret_is_stored_sealed_alone_and_a_new_one_replaces_it(
    world: World, hook: Server, is_genuine: Callable[..., bool]
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        made, old = services.create_rule(name="Errors", kind="errors", threshold=5, url=url_of(hook))
        services.send_test(rule=made)
        _, new = services.new_secret(rule=made)
        rows = str([*AlertRule.objects.values(), *AlertDelivery.objects.values()])
    assert [secret in rows for secret in (old, new, old.removeprefix("whsec_"))] == [False] * 3
    Sender().send_next()
    headers, body = headers_of(hook.sent[0])
    assert (is_genuine(old, headers, body), is_genuine(new, headers, body)) == (False, True)


def test_a_mail_server_that_is_down_is_tried_again_and_seen(world: World, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    test(world.acme)
    now, sender = timezone.now(), Sender()
    assert sender.send_next(now=now) == 1
    assert state_of(world.acme) == [("queued", 1, "The mail server could not be reached.")]
    assert sender.send_next(now=now + timedelta(seconds=59)) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert sender.send_next(now=now + timedelta(seconds=61)) == 1
    assert (state_of(world.acme), len(mail.outbox)) == ([("sent", 2, "")], 1)


def test_an_installation_without_mail_says_so(world: World, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    test(world.acme)
    Sender().send_next()
    assert [fault for *_, fault in state_of(world.acme)] == [sending.NO_MAIL]


def test_waits_grow_for_a_day_and_then_it_is_given_up(world: World, settings: Settings) -> None:
    settings.PRIVATE_TARGETS = True
    test(world.acme, emails=[], url="http://127.0.0.1:1/")
    begun = now = timezone.now()
    sender, tries = Sender(), 0
    while state_of(world.acme)[0][0] == "queued" and tries < 50:
        tries += sender.send_next(now=now)
        now = deliveries(world.acme)[0].due_at
    assert state_of(world.acme) == [("given up", tries, "It could not be reached: Connection refused.")]
    assert 10 < tries < 20
    assert timedelta(days=1) <= now - begun < timedelta(days=2)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 500 Oops\r\n\r\nsecret of the inside", "It answered 500."),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n",
         "It answered 301. Alerts follow no redirect: write the address that it leads to."),
        (b"nonsense", "It answered something that is not HTTP."),
    ],
)  # fmt: skip
def test_a_fault_says_no_more_than_the_status(world: World, hook: Server, answer: bytes, fault: str) -> None:
    hook.answer = answer
    test(world.acme, emails=[], url=url_of(hook))
    Sender().send_next()
    assert [fault for *_, fault in state_of(world.acme)] == [fault]


def test_what_was_public_when_it_was_saved_is_judged_again_when_it_is_sent(
    world: World, hook: Server, settings: Settings
) -> None:
    test(world.acme, emails=[], url=url_of(hook))
    settings.PRIVATE_TARGETS = False
    Sender().send_next()
    [(_, _, fault)] = state_of(world.acme)
    assert fault == "127.0.0.1 is a private address: only public addresses are called."
    assert hook.sent == []


def test_a_pump_that_dies_before_it_notes_is_followed_by_one_that_sends_again_under_the_same_id(
    world: World, hook: Server
) -> None:
    test(world.acme, emails=[], url=url_of(hook))
    now = timezone.now()
    taken = claim(world.acme.id, now)
    assert taken is not None
    assert sending.fault_of(taken) == ""  # it was sent, and then the pump died
    assert Sender().send_next(now=now) == 0
    assert Sender().send_next(now=now + sending.LEASE) == 1
    bodies = [headers_of(sent) for sent in hook.sent]
    assert len({headers["webhook-id"] for headers, _ in bodies}) == 1
    assert len({body for _, body in bodies}) == 1
    sending.note(taken, "Too late.", now + sending.LEASE)  # the first one was slow, not dead
    assert state_of(world.acme) == [("sent", 2, "")]


def test_organisations_take_turns(world: World) -> None:
    for number in range(3):
        test(world.acme, name=f"A{number}", emails=[f"{number}@acme.example"])
    test(world.globex, emails=["gus@globex.example"])
    assert Sender().send_next() == 2
    assert sorted(message.to[0].partition("@")[2] for message in mail.outbox) == ["acme.example", "globex.example"]
    for message in mail.outbox:
        assert ("Acme" in message.body) == ("acme" in message.to[0])


def test_names_make_no_further_headers(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        Organisation.objects.update(name="Acme\r\nBcc: all@globex.example")
    test(world.acme)
    Sender().send_next()
    [message] = mail.outbox
    assert message.subject == "Acme  Bcc: all@globex.example: Test: Errors"
    assert message.message()["Bcc"] is None
