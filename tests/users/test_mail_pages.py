"""Whoever manages an organisation sees its mail, and does something about what does not arrive."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orgs import paging, scope
from orgs.models import AuditEntry
from tests.conftest import SiteClient, World, signed_in, user
from tests.gateways.making import queries
from tests.users.mailbox import DOWN, delivered, given_up, mails, queue, states
from users.mailing import Sender, claim
from users.models import Mail

HOUR = timedelta(hours=1)


def rows(client: SiteClient, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/mail/{query}").context["rows"]
    return found


def told(client: SiteClient) -> list[str]:
    return [str(message) for message in client.get("/mail/").context["messages"]]


def test_the_list_says_what_was_sent_what_waits_and_why(world: World) -> None:
    now = timezone.now()
    queue(world.acme, "sent@acme.example")
    delivered()
    queue(world.acme, "waits@acme.example", fault=DOWN, attempts=2, due_at=now + HOUR)
    given_up(world.acme, "lost@acme.example", attempts=14)
    given_up(world.acme, "dead@acme.example", expires_at=now)
    queue(world.acme, "new@acme.example")
    shown = {row["to"].partition("@")[0]: row for row in rows(signed_in(world.ann))}
    assert list(shown) == ["new", "dead", "lost", "waits", "sent"]
    assert [(row["state"], row["fault"], row["tries"], row["action"]) for row in shown.values()] == [
        ("queued", "", "", ""),
        ("given up", DOWN, "14 tries", ""),
        ("given up", DOWN, "14 tries", "Send again"),
        ("queued", DOWN, "2 tries", "Send now"),
        ("sent", "", "", ""),
    ]
    assert (shown["sent"]["what"], shown["sent"]["subject"]) == ("New password", "Acme: A new password")
    assert shown["waits"]["next"] == f"{now + HOUR:%Y-%m-%d %H:%M}"


def test_the_list_is_narrowed_to_a_state(world: World) -> None:
    queue(world.acme, "waits@acme.example")
    given_up(world.acme, "lost@acme.example")
    client = signed_in(world.ann)
    found = {state: [row["to"] for row in rows(client, f"?state={state}")] for state in ("queued", "given up", "sent")}
    assert found == {"queued": ["waits@acme.example"], "given up": ["lost@acme.example"], "sent": []}
    assert len(rows(client, "?state=nonsense&after=nonsense")) == 2


def test_the_list_has_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [f"{number:02}@acme.example" for number in range(paging.SIZE + 1)]
    for number, address in enumerate(addresses):
        queue(world.acme, address, queued_at=timezone.now() + number * HOUR)
    client = signed_in(world.ann)
    page = client.get("/mail/").context
    following = rows(client, page["pager"]["next_url"])
    assert [row["to"] for row in [*page["rows"], *following]] == addresses[::-1]


def test_the_list_takes_as_many_queries_for_one_mail_as_for_three(world: World) -> None:
    client = signed_in(world.ann)
    queue(world.acme)
    before = queries(client, "/mail/")
    queue(world.acme)
    given_up(world.acme)
    assert queries(client, "/mail/") == before


def test_mail_that_was_given_up_is_sent_again_as_if_it_were_new(world: World) -> None:
    lost = given_up(world.acme, queued_at=timezone.now() - 48 * HOUR)
    client = signed_in(world.ann)
    assert client.post(f"/mail/{lost.pk}/send-again/").status_code == 302
    assert told(client) == ["The mail to ann@acme.example is queued again."]
    assert states(world.acme) == [(Mail.QUEUED, 0, "")]
    assert len(delivered()) == 1
    assert states(world.acme) == [(Mail.SENT, 1, "")]
    with scope.opened(scope.of(world.acme.id)):
        line = AuditEntry.objects.get(kind="mail")
        assert (line.actor, line.action, line.object_name) == ("ann@acme.example", "queued again", "ann@acme.example")


@pytest.mark.parametrize(
    "fields",
    [{"state": Mail.SENT, "sealed": ""}, {"state": Mail.QUEUED}, {"sealed": ""}, {"expires_at": timezone.now()}],
)
def test_nothing_else_is_sent_again(world: World, fields: dict[str, Any]) -> None:
    mail = given_up(world.acme, **fields)
    client = signed_in(world.ann)
    client.post(f"/mail/{mail.pk}/send-again/")
    assert told(client) == ["Only mail that was given up, and whose link is still valid, can be sent again."]
    assert mails(world.acme)[0].state == mail.state


def test_mail_that_waits_is_sent_now(world: World) -> None:
    waits = queue(world.acme, fault=DOWN, attempts=9, due_at=timezone.now() + HOUR)
    client = signed_in(world.ann)
    assert delivered() == []
    client.post(f"/mail/{waits.pk}/send-now/")
    assert told(client) == ["The mail to ann@acme.example is tried now."]
    assert (len(delivered()), states(world.acme)) == (1, [(Mail.SENT, 10, "")])
    client.post(f"/mail/{waits.pk}/send-now/")
    assert told(client) == ["This mail does not wait any more."]


def test_mail_that_is_being_sent_is_not_sent_twice_by_who_cannot_wait(world: World) -> None:
    mail = queue(world.acme)
    assert claim(world.acme.id, timezone.now())
    signed_in(world.ann).post(f"/mail/{mail.pk}/send-now/")
    assert Sender().send_next() == 0


@pytest.mark.parametrize("what", ["send-again", "send-now"])
def test_mail_of_another_organisation_is_neither_seen_nor_sent(world: World, what: str) -> None:
    make = given_up if what == "send-again" else queue
    theirs = make(world.acme, due_at=timezone.now() + HOUR)
    of_none = make(None, "uma@hosting.example", due_at=timezone.now() + HOUR)
    own = queue(world.globex, "gus@globex.example")
    gus = signed_in(world.gus)
    assert [row["to"] for row in rows(gus)] == [own.to]
    assert [gus.post(f"/mail/{mail.pk}/{what}/").status_code for mail in (theirs, of_none)] == [404, 404]
    assert [mails(owner)[0].due_at for owner in (world.acme, None)] == [theirs.due_at, of_none.due_at]
    assert [mails(owner)[0].state for owner in (world.acme, None)] == [theirs.state, of_none.state]


def test_who_reads_alone_is_offered_nothing_and_changes_nothing(world: World) -> None:
    lost = given_up(world.acme)
    for client in (signed_in(world.al), signed_in(world.uma, prefix="/all/o/acme")):
        page = client.get("/mail/")
        assert ("Send again" in page.content.decode(), len(page.context["rows"])) == (False, 1)
        assert client.post(f"/mail/{lost.pk}/send-again/").status_code == 403
    assert signed_in(user("no@acme.example", world.acme)).get("/mail/").status_code == 403
    assert states(world.acme) == [(Mail.GIVEN_UP, 14, DOWN)]


def test_buttons_post_to_the_mail_of_their_row(world: World) -> None:
    lost = given_up(world.acme)
    page = signed_in(world.ann).get("/mail/").content.decode()
    assert f'form="mail" formaction="/o/acme/mail/{lost.pk}/send-again/"' in page
    assert '<form method="post" id="mail">' in page


def test_the_overview_warns_of_mail_that_waits_for_long(world: World) -> None:
    ann, reader = signed_in(world.ann), signed_in(user("no@acme.example", world.acme))

    def warning(client: SiteClient) -> str:
        found: str = client.get("/").context["mail_waits"]
        return found

    early = timezone.now() - timedelta(minutes=11)
    queue(world.acme)
    queue(world.globex, queued_at=early)
    queue(None, queued_at=early)
    given_up(world.acme, queued_at=early)
    assert warning(ann) == ""
    queue(world.acme, queued_at=early)
    since = f"Mail has been waiting since {early:%Y-%m-%d %H:%M} UTC."
    assert warning(ann) == f"{since} No worker has sent it yet: whoever runs this installation has to start one."
    queue(world.acme, queued_at=early - HOUR, fault=DOWN)
    assert warning(ann) == f"Mail has been waiting since {early - HOUR:%Y-%m-%d %H:%M} UTC. {DOWN}"
    assert "/o/acme/mail/?state=queued" in ann.get("/").content.decode()
    assert warning(reader) == ""
    assert DOWN in signed_in(world.uma, prefix="/all/o/acme").get("/").content.decode()
