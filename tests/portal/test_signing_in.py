"""Sessions of developers: on one portal, beside those of users, and how they end."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from orgs import scope
from orgs.domains.services import vouch
from orgs.models import AuditEntry, Domain
from orgs.services import suspend
from portal.models import Attempt, Developer, DeveloperSession
from portal.services import developers
from tests.conftest import PASSWORD, SiteClient, World, signed_in
from tests.portal.shared import Shop, link_in, newest_mail, text_of
from users.models import Session, SignInFailure
from users.services.lockout import MOST_FAILURES, SENTENCE

NEW = "another good password"


def sign_in(
    shop: Shop, email: str = "dev@example.com", password: str = PASSWORD, client: SiteClient | None = None, **more: str
) -> HttpResponse:
    client = client or SiteClient(shop.prefix)
    return client.post("/sign-in/", {"email": email, "password": password, **more})  # type: ignore[return-value]


def is_signed_in(client: Client, shop: Shop) -> bool:
    return client.get(f"{shop.prefix}/account/").status_code == 200


def reset_link(shop: Shop) -> str:
    SiteClient(shop.prefix).post("/password-reset/", {"email": "dev@example.com"})
    with shop.inside():
        Attempt.objects.all().delete()
    return link_in(newest_mail())


def test_developer_signs_in_and_out(shop: Shop) -> None:
    client = SiteClient(shop.prefix)
    assert sign_in(shop, "Dev@Example.com", client=client)["Location"] == f"{shop.prefix}/"
    assert is_signed_in(client, shop)
    assert client.get("/sign-in/").status_code == 302
    client.post("/sign-out/")
    assert not is_signed_in(client, shop)
    with shop.inside():
        lines = AuditEntry.objects.filter(kind="developers", actor="dev@example.com")
        assert [line.action for line in lines.order_by("at")] == ["signed in", "signed out"]
        assert not DeveloperSession.objects.exists()


def test_cookie_is_of_the_portal_alone_and_changes_at_the_sign_in(shop: Shop) -> None:
    client = SiteClient(shop.prefix)
    before = client.cookies.get(f"{settings.SESSION_COOKIE_NAME}_p-acme")
    sign_in(shop, client=client)
    cookie = client.cookies[f"{settings.SESSION_COOKIE_NAME}_p-acme"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (f"{shop.prefix}/", True, "Lax")
    assert before is None or before.value != cookie.value
    with shop.inside():
        assert cookie.value not in repr(list(DeveloperSession.objects.values_list()))


def test_password_is_asked_for_in_words_that_tell_nothing(shop: Shop) -> None:
    wrong, unknown = sign_in(shop, password="wrong"), sign_in(shop, "nobody@example.com", "wrong")
    for answer in (wrong, unknown):
        assert "The e-mail address or the password is wrong." in text_of(answer)
        assert "wrong" not in re.findall(r'name="password"[^>]*>', answer.content.decode())[0]
    assert text_of(wrong) == text_of(unknown)


def test_developer_of_one_organisation_is_a_stranger_on_anothers_portal(shop: Shop, other_shop: Shop) -> None:
    """With the same e-mail address and password: they are two, and each has an own password and state."""
    with other_shop.inside():
        theirs = Developer.objects.get()
        theirs.set_password(NEW)
        theirs.save()
    assert "wrong" in text_of(sign_in(other_shop))
    assert sign_in(other_shop, password=NEW).status_code == 302
    client = SiteClient(shop.prefix)
    sign_in(shop, client=client)
    assert not is_signed_in(client, other_shop)
    (cookie,) = (value for name, value in client.cookies.items() if name.startswith(settings.SESSION_COOKIE_NAME))
    for name in ("p-globex", "o-globex", "o-acme", "all", "root", "portal", "organisation"):
        forged = Client()
        forged.cookies[f"{settings.SESSION_COOKIE_NAME}_{name}"] = cookie.value
        forged.cookies[settings.SESSION_COOKIE_NAME] = cookie.value
        for path in (f"{other_shop.prefix}/account/", "/o/globex/users/", "/o/acme/users/", "/all/", "/o/acme/admin/"):
            assert forged.get(path).status_code == 302, (name, path)


def test_users_session_is_none_of_the_portal(world: World, shop: Shop) -> None:
    (cookie,) = signed_in(world.ann).cookies.values()
    client = Client()
    for name in ("_p-acme", "_portal", ""):
        client.cookies[f"{settings.SESSION_COOKIE_NAME}{name}"] = cookie.value
    assert not is_signed_in(client, shop)
    assert "wrong" in text_of(sign_in(shop, "ann@acme.example"))


def test_lock_on_the_portal_locks_no_user_of_the_same_address_and_the_reverse(world: World, shop: Shop) -> None:
    with shop.inside():
        developers.update_developer(developer=shop.dev, name="Ann", groups=[], email="ann@acme.example")
    for _ in range(MOST_FAILURES):
        sign_in(shop, "ann@acme.example", "wrong")
    assert SENTENCE in text_of(sign_in(shop, "ann@acme.example"))
    user = SiteClient("/o/acme")
    assert user.post("/sign-in/", {"email": "ann@acme.example", "password": PASSWORD}).status_code == 302
    with shop.inside():
        SignInFailure.objects.all().delete()
    for _ in range(MOST_FAILURES):
        SiteClient("/o/acme").post("/sign-in/", {"email": "ann@acme.example", "password": "wrong"})
    refused = SiteClient("/o/acme").post("/sign-in/", {"email": "ann@acme.example", "password": PASSWORD})
    assert SENTENCE in text_of(refused)
    assert sign_in(shop, "ann@acme.example").status_code == 302


def test_lock_is_of_one_portal_and_ends(shop: Shop, other_shop: Shop) -> None:
    for _ in range(MOST_FAILURES):
        sign_in(shop, password="wrong")
    assert SENTENCE in text_of(sign_in(shop))
    assert sign_in(other_shop).status_code == 302
    with shop.inside():
        SignInFailure.objects.update(last_at=timezone.now() - timedelta(minutes=16))
    assert sign_in(shop).status_code == 302


def test_wrong_present_password_counts_as_a_failed_sign_in(shop: Shop) -> None:
    client = shop.client()
    for _ in range(MOST_FAILURES):
        client.post("/account/password/", {"old": "wrong", "password": NEW, "again": NEW})
    answer = client.post("/account/password/", {"old": PASSWORD, "password": NEW, "again": NEW})
    assert SENTENCE in text_of(answer)
    with shop.inside():
        assert Developer.objects.get().check_password(PASSWORD)


def test_new_password_ends_all_other_sessions(shop: Shop) -> None:
    here, elsewhere = shop.client(), shop.client()
    answer = here.post("/account/password/", {"old": PASSWORD, "password": NEW, "again": NEW})
    assert answer.status_code == 302
    assert (is_signed_in(here, shop), is_signed_in(elsewhere, shop)) == (True, False)
    assert "wrong" in text_of(sign_in(shop))
    assert sign_in(shop, password=NEW).status_code == 302


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"old": "wrong"}, "This is not your present password."),
        ({"password": "short", "again": "short"}, "This password is too short."),
        ({"again": "something else"}, "The two passwords differ."),
    ],
)
def test_password_is_changed_or_a_sentence_says_why_not(shop: Shop, fields: dict[str, str], sentence: str) -> None:
    client = shop.client()
    sent = {"old": PASSWORD, "password": NEW, "again": NEW} | fields
    assert sentence in text_of(client.post("/account/password/", sent))
    assert is_signed_in(client, shop)


def test_link_for_a_new_password_works_once_and_ends_all_sessions(shop: Shop) -> None:
    client, link = shop.client(), reset_link(shop)
    other = reset_link(shop)
    assert "is set" in text_of(Client().post(link, {"password": NEW, "again": NEW}))
    assert not is_signed_in(client, shop)
    for dead in (link, other):
        assert "Too late" in text_of(Client().post(dead, {"password": PASSWORD, "again": PASSWORD}))
    assert sign_in(shop, password=NEW).status_code == 302
    with shop.inside():
        line = AuditEntry.objects.get(action="reset the password")
    assert (line.actor, line.object_name) == ("dev@example.com", "dev@example.com")


def test_link_for_a_new_password_dies_of_a_sign_in_and_of_age(shop: Shop, settings: object) -> None:
    link = reset_link(shop)
    sign_in(shop)
    assert "Too late" in text_of(Client().get(link))
    fresh = reset_link(shop)
    settings.PASSWORD_RESET_TIMEOUT = -1  # type: ignore[attr-defined]
    assert "Too late" in text_of(Client().get(fresh))


def test_link_for_a_new_password_is_of_its_portal_and_its_developer(shop: Shop, other_shop: Shop) -> None:
    link = reset_link(shop)
    assert "Too late" in text_of(Client().get(link.replace("/o/acme/", "/o/globex/")))
    assert "Too late" in text_of(Client().get(link.replace(shop.dev.pk, other_shop.dev.pk)))
    theirs = link.replace("/o/acme/", "/o/globex/").replace(shop.dev.pk, other_shop.dev.pk)
    assert "Too late" in text_of(Client().get(theirs))


def test_users_link_for_a_new_password_is_none_of_a_developer(world: World, shop: Shop) -> None:
    SiteClient("/o/acme").post("/password-reset/", {"email": "ann@acme.example"})
    link = link_in(newest_mail())
    assert "Too late" in text_of(Client().get(link.replace("/o/acme/", "/o/acme/portal/")))


@pytest.mark.parametrize("end", ["disable", "delete"])
def test_session_ends_with_the_account(shop: Shop, end: str) -> None:
    client, link = shop.client(), reset_link(shop)
    with shop.inside():
        (developers.disable_developer if end == "disable" else developers.delete_developer)(developer=shop.dev)
    assert not is_signed_in(client, shop)
    assert ("This account is disabled" if end == "disable" else "wrong") in text_of(sign_in(shop))
    assert "Too late" in text_of(Client().get(link))
    SiteClient(shop.prefix).post("/password-reset/", {"email": "dev@example.com"})
    assert newest_mail().body.count("/password-reset/") == 1  # the one from before
    with shop.inside():
        assert not DeveloperSession.objects.exists()


def test_that_an_account_is_disabled_is_told_to_whoever_knows_its_password(shop: Shop) -> None:
    with shop.inside():
        developers.disable_developer(developer=shop.dev)
    assert "disabled" not in text_of(sign_in(shop, password="wrong"))


def test_session_dies_of_age(shop: Shop) -> None:
    client = shop.client()
    with shop.inside():
        DeveloperSession.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_signed_in(client, shop)


def test_suspended_organisations_portal_is_closed(shop: Shop) -> None:
    client = shop.client()
    with shop.inside():
        suspend(organisation=shop.organisation, reason="Unpaid: 3,000 EUR")
    for path in ("/", "/apis/parcels/", "/account/", "/sign-in/", "/theme.css"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert "closed for now" in text_of(answer)
        assert "Unpaid" not in text_of(answer)
    assert sign_in(shop).status_code == 403


EVIL = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/o/acme/portal//../../../evil",
    "/o/acme/portal/..%2f..%2f/o/globex/",
    "/o/acme/portal/%2e%2e/users/",
    "/o/acme/portal/%252e%252e/users/\\..",
    "javascript:alert(1)",
    "/o/globex/portal/",
    "/o/acme/users/",
    "/o/acme/portalx/",
    "/o/acme/portal/\r\nSet-Cookie: a=b",
    "https:/o/acme/portal/",
    " //evil.example",
]


@pytest.mark.parametrize("wanted", EVIL)
def test_sign_in_leads_to_nowhere_but_this_portal(shop: Shop, wanted: str) -> None:
    """An address within it may be one that does not exist."""
    shop.change(terms="Be fair")
    client = SiteClient(shop.prefix)
    answers: list[Any] = [sign_in(shop, client=client, next=wanted)]
    answers.append(client.get("/sign-in/", {"next": wanted}))
    answers.append(client.post("/terms/accept/", {"terms": "on", "next": wanted}))
    for answer in answers:
        where = answer["Location"]
        assert (answer.status_code, where.startswith(f"{shop.prefix}/")) == (302, True), where
        assert not {"\r", "\n", "\\"} & {*where}
        assert ".." not in where
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("wanted", [each for each in EVIL if not each.startswith("/o/")])
def test_sign_in_at_a_domain_leads_to_nowhere_but_there(shop: Shop, wanted: str) -> None:
    with shop.inside():
        vouch(host="developers.acme.example", purpose=Domain.Purpose.PORTAL)
    client = Client(HTTP_HOST="developers.acme.example")
    answer = client.post("/sign-in/", {"email": "dev@example.com", "password": PASSWORD, "next": wanted})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_domain_of_one_organisation_shows_nothing_of_another(world: World, shop: Shop, other_shop: Shop) -> None:
    with scope.opened(scope.of(world.globex.id)):
        vouch(host="developers.globex.example", purpose=Domain.Purpose.PORTAL)
        vouch(host="globex.example", purpose=Domain.Purpose.DASHBOARD)
    for host in ("developers.globex.example", "globex.example"):
        there = Client(HTTP_HOST=host)
        for path in ("/o/acme/portal/", "/o/acme/portal/apis/parcels/", "/o/acme/users/", "/all/"):
            assert there.get(path).status_code == 404, (host, path)
        link = "/" if host.startswith("dev") else "/portal/"
        told = Client(HTTP_HOST=host, headers={"X-Forwarded-Host": "testserver"})
        assert "Globex" in told.get(link).content.decode()


def test_link_in_a_mail_leads_to_where_it_was_asked_for_and_nowhere_else(shop: Shop) -> None:
    with shop.inside():
        vouch(host="developers.acme.example", purpose=Domain.Purpose.PORTAL)
    evil = Client(HTTP_HOST="evil.example")
    assert evil.post("/o/acme/portal/password-reset/", {"email": "dev@example.com"}).status_code == 404
    forwarded = Client(headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    forwarded.post(f"{shop.prefix}/password-reset/", {"email": "dev@example.com"})
    assert link_in(newest_mail()).startswith("http://testserver/o/acme/portal/password-reset/")
    with shop.inside():
        Attempt.objects.all().delete()
    Client(HTTP_HOST="developers.acme.example").post("/password-reset/", {"email": "dev@example.com"})
    assert link_in(newest_mail()).startswith("http://developers.acme.example/password-reset/")


def test_users_sessions_stay_where_developers_end(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)
    with shop.inside():
        developers.delete_developer(developer=shop.dev)
        assert Session.objects.count() == 1
    assert ann.get("/users/").status_code == 200
