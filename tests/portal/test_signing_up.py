"""Becoming a developer: who may, what is told to whom, and for how long a link is good."""

import logging
from datetime import timedelta
from email import message_from_string, policy

import pytest
from django.core.mail.message import sanitize_address
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from orgs.models import AuditEntry
from portal.addresses import Places
from portal.models import Attempt, Developer, Portal, SignUp
from portal.services import signing_up
from portal.services.attempts import MOST_OF_ADDRESS, MOST_OF_NETWORK, TOO_MANY, network_of
from tests.conftest import PASSWORD, SiteClient
from tests.portal.shared import Shop, counted, link_in, make_developer, newest_mail, text_of
from tests.users.mailbox import delivered, mails

ON_ITS_WAY = "a link is on its way"


def ask(shop: Shop, email: str, visitor: str = "203.0.113.7", name: str = "Nia") -> HttpResponse:
    client = SiteClient(shop.prefix)
    return client.post("/sign-up/", {"email": email, "name": name}, REMOTE_ADDR=visitor)  # type: ignore[return-value]


def forget(shop: Shop, email: str, visitor: str = "203.0.113.7") -> HttpResponse:
    client = SiteClient(shop.prefix)
    return client.post("/password-reset/", {"email": email}, REMOTE_ADDR=visitor)  # type: ignore[return-value]


def link_for(shop: Shop, email: str, name: str = "Nia") -> str:
    ask(shop, email, name=name)
    with shop.inside():
        Attempt.objects.all().delete()
    return link_in(newest_mail())


def join(link: str, client: Client | None = None, **fields: str) -> HttpResponse:
    sent = {"name": "Nia", "password": PASSWORD, "again": PASSWORD} | fields
    return (client or Client()).post(link, sent)  # type: ignore[return-value]


def kinds(shop: Shop) -> list[tuple[str, str]]:
    return [(mail.kind, mail.to) for mail in mails(shop.organisation)]


@pytest.mark.parametrize("asked", [ask, forget])
def test_nobody_learns_from_the_answer_whether_an_address_is_known(shop: Shop, asked: object) -> None:
    assert callable(asked)
    asked(shop, "warm@example.com", "192.0.2.1")  # what a process does once
    with counted() as of_stranger:
        to_stranger = asked(shop, "nobody@example.com", "198.51.100.1")
    with counted() as of_developer:
        to_developer = asked(shop, "dev@example.com", "192.0.2.9")
    assert (to_stranger.status_code, to_stranger.content) == (to_developer.status_code, to_developer.content)
    assert ON_ITS_WAY in text_of(to_developer)
    assert abs(len(of_stranger) - len(of_developer)) <= 2
    assert [any("users_mail" in one for one in each) for each in (of_stranger, of_developer)] == [True, True]


def test_what_is_known_is_told_by_mail_to_the_address_alone(shop: Shop) -> None:
    ask(shop, "nobody@example.com")
    ask(shop, "Dev@Example.com")
    assert kinds(shop) == [("sign_up", "nobody@example.com"), ("developer_known", "dev@example.com")]
    for mail in delivered():
        assert (len(mail.to), mail.cc, mail.bcc) == (1, [], [])
    forget(shop, "stranger@example.com", "192.0.2.9")
    forget(shop, "dev@example.com", "192.0.2.9")
    assert kinds(shop)[2:] == [("reset", "dev@example.com")]


def test_nothing_that_a_visitor_types_is_in_the_mail_that_a_stranger_gets(shop: Shop) -> None:
    ask(shop, "victim@example.net", name="Click https://evil.example now")
    ask(shop, "dev@example.com", name="Click https://evil.example now")
    for mail in delivered():
        assert "evil" not in f"{mail.message()}"


@pytest.mark.parametrize(
    ("rule", "email", "reason"),
    [
        (Portal.CLOSED, "a@acme.example", "This portal takes no sign-ups."),
        (Portal.INVITATION, "a@acme.example", "This portal is for those who are invited."),
        (Portal.DOMAIN, "a@acme.example", ""),
        (Portal.DOMAIN, "A@ACME.Example", ""),
        (Portal.DOMAIN, "a@elsewhere.example", "Only addresses of acme.example can sign up here."),
        (Portal.DOMAIN, "a@sub.acme.example", "Only addresses of acme.example can sign up here."),
        (Portal.DOMAIN, "a@acme.example.evil.com", "Only addresses of acme.example can sign up here."),
        (Portal.DOMAIN, "a@notacme.example", "Only addresses of acme.example can sign up here."),
        (Portal.DOMAIN, "a@аcme.example", "Only addresses of acme.example can sign up here."),  # noqa: RUF001
        (Portal.DOMAIN, "x@evil.com@acme.example", "Enter a valid email address."),
        (Portal.DOMAIN, "x@acme.example@evil.com", "Enter a valid email address."),
        (Portal.DOMAIN, "x@acme.example\n@evil.com", "Enter a valid email address."),
        (Portal.DOMAIN, "x@evil.com, x@acme.example", "Enter a valid email address."),
        (Portal.OPEN, "a@elsewhere.example", ""),
    ],
)
def test_who_may_sign_up_is_the_portals_rule(shop: Shop, rule: str, email: str, reason: str) -> None:
    shop.change(sign_up=rule, email_domains=["acme.example"])
    answer = ask(shop, email)
    assert (reason or ON_ITS_WAY) in text_of(answer)
    assert len(mails(shop.organisation)) == (0 if reason else 1)


@pytest.mark.parametrize(
    "email", ['"x@evil.com"@acme.example', '"x@evil.com,"@acme.example', '"x>,<y@evil.com"@acme.example']
)
def test_mail_to_an_address_of_the_domain_goes_nowhere_else(shop: Shop, email: str) -> None:
    shop.change(sign_up=Portal.DOMAIN, email_domains=["acme.example"])
    ask(shop, email)
    for mail in delivered():
        [to] = mail.recipients()
        [read] = message_from_string(mail.message().as_string(), policy=policy.default)["To"].addresses
        assert {sanitize_address(to, "utf-8").rpartition("@")[2], read.domain} == {"acme.example"}


def test_link_works_once(shop: Shop) -> None:
    link = link_for(shop, "nia@example.com")
    assert join(link).status_code == 302
    assert "Too late" in text_of(join(link))
    assert "Too late" in text_of(Client().get(link))
    with shop.inside():
        assert Developer.objects.filter(email="nia@example.com").count() == 1


def test_link_dies_of_age(shop: Shop) -> None:
    link = link_for(shop, "nia@example.com")
    with shop.inside():
        SignUp.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Too late" in text_of(Client().get(link))
    assert "Too late" in text_of(join(link))


def test_link_dies_when_another_to_the_same_address_is_used(shop: Shop) -> None:
    first, second = link_for(shop, "nia@example.com"), link_for(shop, "nia@example.com")
    other = link_for(shop, "kim@example.com")
    assert join(second).status_code == 302
    assert "Too late" in text_of(join(first))
    assert join(other).status_code == 302


def test_link_is_of_its_portal_alone(shop: Shop, other_shop: Shop) -> None:
    link = link_for(shop, "nia@example.com").replace("/o/acme/", "/o/globex/")
    assert "Too late" in text_of(Client().get(link))
    assert "Too late" in text_of(join(link))


def test_link_that_was_asked_for_is_dead_once_the_portal_takes_nobody_any_more(shop: Shop, places: Places) -> None:
    asked = link_for(shop, "nia@example.com")
    with shop.inside():
        _, invited = signing_up.invite(places=places, email="kim@example.com", by="ann@acme.example")
    shop.change(sign_up=Portal.INVITATION)
    assert "This portal is for those who are invited." in text_of(join(asked))
    shop.change(sign_up=Portal.CLOSED)
    assert join(invited).status_code == 302
    with shop.inside():
        assert {one.email for one in Developer.objects.all()} == {"dev@example.com", "kim@example.com"}


def test_invitation_brings_its_groups(shop: Shop, places: Places) -> None:
    shop.change(sign_up=Portal.INVITATION)
    with shop.inside():
        _, link = signing_up.invite(places=places, email="kim@example.com", groups=["partners"], by="ann@acme.example")
    assert join(link, groups="admins").status_code == 302
    with shop.inside():
        assert Developer.objects.get(email="kim@example.com").groups == ["partners"]


def test_whoever_signs_somebody_else_up_beforehand_gains_nothing(shop: Shop) -> None:
    """No password is asked for before the mail has been read, and none that was typed counts."""
    client = SiteClient(shop.prefix)
    client.post("/sign-up/", {"email": "victim@example.com", "name": "Mallory", "password": PASSWORD})
    with shop.inside():
        assert not Developer.objects.filter(email="victim@example.com").exists()
    join(link_in(newest_mail()), name="Victim", password="a password of their own", again="a password of their own")
    with shop.inside():
        victim = Developer.objects.get(email="victim@example.com")
    assert (victim.name, victim.check_password(PASSWORD)) == ("Victim", False)
    signed_in = client.post("/sign-in/", {"email": "victim@example.com", "password": PASSWORD})
    assert "wrong" in text_of(signed_in)


def test_developer_of_another_portal_signs_up_as_somebody_else(shop: Shop, other_shop: Shop) -> None:
    with other_shop.inside():
        make_developer("nia@example.com")
    ask(shop, "nia@example.com")
    assert kinds(shop) == [("sign_up", "nia@example.com")]


def test_terms_are_accepted_by_joining(shop: Shop) -> None:
    shop.change(terms="# Be fair")
    link = link_for(shop, "nia@example.com")
    refused = join(link)
    assert "This field is required." in text_of(refused)
    assert 'value="Nia"' in refused.content.decode()
    assert join(link, terms="on").status_code == 302
    with shop.inside():
        assert Developer.objects.get(email="nia@example.com").terms_revision == 1


def test_new_terms_come_before_everything_else(shop: Shop) -> None:
    client = shop.client()
    assert client.get("/applications/").status_code == 200
    shop.change(terms="Be fair")
    for path in ("/applications/", "/account/", "/account/delete/"):
        assert client.get(path)["Location"] == f"{shop.prefix}/terms/accept/?next={shop.prefix.replace('/', '%2F')}" + (
            path.replace("/", "%2F")
        )
    sent = client.post("/applications/create/", {"name": "Tracker"})
    assert sent["Location"].startswith(f"{shop.prefix}/terms/accept/")
    answer = client.post("/terms/accept/", {"terms": "on", "next": f"{shop.prefix}/account/"})
    assert (answer.status_code, answer["Location"]) == (302, f"{shop.prefix}/account/")
    assert client.get("/applications/").status_code == 200


def test_terms_that_are_taken_away_and_written_anew_are_new_again(shop: Shop) -> None:
    client = shop.client()
    shop.change(terms="Be fair")
    client.post("/terms/accept/", {"terms": "on"})
    shop.change(terms="")
    assert client.get("/applications/").status_code == 200
    shop.change(terms="Pay")
    assert "/terms/accept/" in client.get("/applications/")["Location"]


def test_address_gets_a_mail_every_two_minutes_and_five_an_hour_whoever_asks(shop: Shop) -> None:
    """The answer stays what it was."""
    for visitor in ("198.51.100.1", "203.0.113.1"):
        assert ON_ITS_WAY in text_of(ask(shop, "nia@example.com", visitor))
    assert kinds(shop) == [("sign_up", "nia@example.com")]
    for number in range(MOST_OF_ADDRESS + 1):
        with shop.inside():
            Attempt.objects.update(at=timezone.now() - timedelta(minutes=3))
        assert ON_ITS_WAY in text_of(ask(shop, "nia@example.com", f"198.51.{number}.1"))
    assert kinds(shop) == [("sign_up", "nia@example.com")] * (MOST_OF_ADDRESS - 1)  # one was asked for too soon
    with shop.inside():
        Attempt.objects.update(at=timezone.now() - timedelta(minutes=61))
    ask(shop, "nia@example.com")
    assert len(kinds(shop)) == MOST_OF_ADDRESS


def test_nobody_keeps_a_new_password_from_somebody_by_signing_them_up(shop: Shop) -> None:
    for number in range(MOST_OF_ADDRESS):
        ask(shop, "dev@example.com", f"198.51.{number}.1")
        with shop.inside():
            Attempt.objects.update(at=timezone.now() - timedelta(minutes=3))
    forget(shop, "dev@example.com")
    assert kinds(shop)[-1] == ("reset", "dev@example.com")


@pytest.mark.parametrize(
    ("here", "same", "other"),
    [
        ("203.0.113.7", "203.0.113.250", "203.0.114.7"),
        ("2001:db8:0:1::1", "2001:db8:0:ff:ffff::2", "2001:db8:0:100::1"),
        ("::ffff:203.0.113.7", "203.0.113.8", "::ffff:203.0.114.7"),
        ("fe80::1%eth0", "fe80::2%eth1", "2001:db8::1"),
    ],
)
def test_flood_from_a_network_is_refused_and_other_networks_are_not(
    shop: Shop, other_shop: Shop, here: str, same: str, other: str
) -> None:
    for number in range(MOST_OF_NETWORK):
        asked = (ask, forget)[number % 2]
        assert ON_ITS_WAY in text_of(asked(shop, f"{number}@example.com", here))
    for asked in (ask, forget):
        refused = asked(shop, "fresh@example.com", same)
        assert TOO_MANY in text_of(refused)
        assert 'value="fresh@example.com"' in refused.content.decode()
        assert TOO_MANY in text_of(asked(shop, "dev@example.com", same))
    assert ON_ITS_WAY in text_of(ask(shop, "fresh@example.com", other))
    assert ON_ITS_WAY in text_of(ask(other_shop, "fresh@example.com", same))


def test_visitor_without_an_address_is_counted_too() -> None:
    assert network_of("") == "network of "
    assert len(network_of("x" * 500)) <= 254


def test_name_is_one_line(shop: Shop) -> None:
    link = link_for(shop, "nia@example.com", name="Nia\r\nBcc: all@example.com")
    assert 'value="Nia Bcc: all@example.com"' in Client().get(link).content.decode()
    join(link, name="Nia\nApprove it here: https://evil.example")
    with shop.inside():
        assert Developer.objects.get(email="nia@example.com").name == "Nia Approve it here: https://evil.example"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"password": "short", "again": "short"}, "This password is too short."),
        ({"again": "another password altogether"}, "The two passwords differ."),
        ({"password": "nia@example.com", "again": "nia@example.com"}, "too similar to the e"),
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"name": "N\0ia"}, "Null characters are not allowed."),
    ],
)
def test_bad_input_gets_a_sentence_and_the_link_stays_good(shop: Shop, fields: dict[str, str], sentence: str) -> None:
    link = link_for(shop, "nia@example.com")
    assert sentence in text_of(join(link, Client(), **fields))
    assert join(link).status_code == 302


def test_audit_trail_names_the_address_and_holds_no_secret(shop: Shop) -> None:
    link = link_for(shop, "nia@example.com")
    join(link)
    with shop.inside():
        line = AuditEntry.objects.get(action="signed up")
        trail = repr(list(AuditEntry.objects.values_list()))
    assert (line.actor, line.object_name, line.kind) == ("nia@example.com", "nia@example.com", "developers")
    assert PASSWORD not in trail
    assert link.rstrip("/").rpartition("/")[2] not in trail


@pytest.mark.parametrize("trouble", ["no token", "off"])
def test_log_gets_no_link(shop: Shop, caplog: pytest.LogCaptureFixture, trouble: str) -> None:
    link = link_for(shop, "nia@example.com")
    secret = link.rstrip("/").rpartition("/")[2]
    if trouble == "off":
        shop.change(is_on=False)
    with caplog.at_level(logging.DEBUG):
        answer = join(link, Client(enforce_csrf_checks=True))
    assert answer.status_code in (403, 404)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("django")]
    assert any("/join/…" in text for text in told)
    assert secret not in repr(told)
