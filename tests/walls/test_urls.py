"""Every URL of every site, by whoever may ask, in every way: the view's mark says what is to be seen."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from orgs import scope
from orgs.models import AuditEntry
from orgs.permissions import Level, ObjectKind
from orgs.proof.world import undone
from orgs.walls import owned_models
from tests.conftest import SiteClient, World, signed_in
from tests.walls.walk import Objects, Url, fill_all, urls
from users.models import Session, User

Judge = Callable[[Url, str, HttpResponse], bool]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
URLCONFS = ("dashboard.urls.root", "dashboard.urls.organisation", "dashboard.urls.all")
SEEN = {200, 302, 303}
# A wrong or missing value, a wrong method, and what somebody else changed meanwhile.
REFUSED_KINDLY = {400, 405, 409, 422}
# A token that nobody gave out, and on a visit what one has at one's own site.
NOT_THERE = {404, 410}


OWN = [model for model in owned_models() if model not in (AuditEntry, Session)]


@pytest.fixture
def objects(world: World) -> dict[str, Objects]:
    return fill_all(world)


def access_of(url: Url) -> Any:
    """The view's mark; the admin's views ask each model's own permission."""
    return "admin" if url.name.startswith("admin:") else getattr(url.view, "access", None)


@pytest.mark.parametrize("urlconf", URLCONFS)
def test_every_view_says_who_may_use_it(urlconf: str) -> None:
    assert [url.name for url in urls(urlconf) if access_of(url) is None] == []


def test_only_known_pages_are_public() -> None:
    public = {url.name for urlconf in URLCONFS for url in urls(urlconf) if access_of(url) == "public"}
    assert public == {
        "users:sign_in",
        "users:choose",
        "users:organisation",
        "users:all",
        "users:sign_out",
        "users:forgot_password",
        "users:reset_password",
        "users:accept_invitation",
        "users:tap",
        "users:tap_with_slash",
        "orgs:portal",
    }


def walk(client: Client, urlconf: str, objects: Objects, judge: Judge) -> list[str]:
    """Ask for every URL in every way, undoing each; return the answers that should not be."""
    faults = []
    client.raise_request_exception = False
    for url in urls(urlconf):
        if url.takes_id and url.model not in objects:
            continue
        for method in METHODS:
            path = url.path(objects)
            cookies = dict(client.cookies)
            with undone():
                answer = client.generic(method, path)
            client.cookies.clear()
            client.cookies.update(cookies)
            if not judge(url, method, answer):  # type: ignore[arg-type]
                faults.append(f"{method} {path} ({url.name}): {answer.status_code}")
    return faults


def sends_to_sign_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and ("/sign-in/" in answer["Location"] or "/login/" in answer["Location"])


def judge_stranger(url: Url, method: str, answer: HttpResponse) -> bool:
    """Who is not signed in here reads public pages, and is sent to sign in from all others."""
    if access_of(url) == "public":
        return answer.status_code in SEEN | REFUSED_KINDLY | NOT_THERE
    return sends_to_sign_in(answer) or (method != "GET" and answer.status_code == 405)


def judge_of(person: User, *, read_only: bool, is_own: bool) -> Judge:
    """What this person may have, of objects that are their organisation's or not."""
    with scope.opened(scope.of(person.organisation_id) if person.organisation_id else scope.INSTALLATION):
        levels = person.effective_permissions

    def may(kind: ObjectKind, level: Level) -> bool:
        return levels[kind] >= level and not (read_only and level == Level.WRITE)

    def judge(url: Url, method: str, answer: HttpResponse) -> bool:
        status, access = answer.status_code, access_of(url)
        if isinstance(access, tuple) and not may(*access):
            return status == 403
        if isinstance(access, tuple) and status == 403:
            return method != "GET" and not may(access[0], Level.WRITE)
        if access != "public" and not is_own and url.takes_id:
            return status in NOT_THERE | {405} or (access == "admin" and status in {302, 403})
        if isinstance(access, tuple) and method == "GET":
            return status in SEEN | {405}
        # Each model of the admin asks its own permission, and a colleague's access key asks for rank.
        is_asked_inside = access == "admin" or (access == "signed in" and url.takes_id)
        return status in SEEN | REFUSED_KINDLY | NOT_THERE or (is_asked_inside and status == 403)

    return judge


ORGANISATION = "dashboard.urls.organisation"


def test_root_has_nothing_for_anyone_but_sign_in(world: World) -> None:
    assert walk(SiteClient(""), "dashboard.urls.root", {}, judge_stranger) == []


@pytest.mark.parametrize("prefix", ["/o/acme", "/all/o/acme"])
def test_nobody_reads_an_organisation_without_signing_in(objects: dict[str, Objects], prefix: str) -> None:
    assert walk(SiteClient(prefix), ORGANISATION, objects["acme"], judge_stranger) == []


def test_nobody_reads_the_unbounded_site_without_signing_in(objects: dict[str, Objects]) -> None:
    assert walk(SiteClient("/all"), "dashboard.urls.all", objects["acme"] | objects["none"], judge_stranger) == []


@pytest.mark.parametrize("whose", ["acme", "globex"])
@pytest.mark.parametrize("who", ["ann", "al"])
def test_member_has_what_their_permissions_say_of_their_own_organisation(
    world: World, objects: dict[str, Objects], who: str, whose: str
) -> None:
    person = getattr(world, who)
    judge = judge_of(person, read_only=False, is_own=whose == "acme")
    assert walk(signed_in(person), ORGANISATION, objects[whose], judge) == []


def impostor(person: User, cookie: str, prefix: str) -> SiteClient:
    """The person's own session, presented under another site's name."""
    (own,) = signed_in(person).cookies.values()
    client = SiteClient(prefix)
    client.cookies[f"{settings.SESSION_COOKIE_NAME}_{cookie}"] = own.value
    return client


@pytest.mark.parametrize("prefix", ["/o/acme", "/all/o/acme"])
def test_stranger_is_as_one_who_is_not_signed_in(world: World, objects: dict[str, Objects], prefix: str) -> None:
    cookie = "all" if prefix.startswith("/all") else "o-acme"
    client = impostor(world.gus, cookie, prefix)
    assert walk(client, ORGANISATION, objects["acme"], judge_stranger) == []


def test_administrator_does_not_get_into_the_unbounded_site(world: World, objects: dict[str, Objects]) -> None:
    client = impostor(world.ann, "all", "/all")
    assert walk(client, "dashboard.urls.all", objects["acme"] | objects["none"], judge_stranger) == []


def test_unbounded_user_is_a_stranger_on_an_organisations_own_site(world: World, objects: dict[str, Objects]) -> None:
    assert walk(impostor(world.uma, "o-acme", "/o/acme"), ORGANISATION, objects["acme"], judge_stranger) == []


@pytest.mark.parametrize("whose", ["acme", "globex", "none"])
def test_unbounded_user_reads_the_organisation_that_they_visit_and_changes_nothing(
    world: World, objects: dict[str, Objects], whose: str
) -> None:
    before = everything_but_the_trail(world)
    judge = judge_of(world.uma, read_only=True, is_own=whose == "acme")
    assert walk(signed_in(world.uma, prefix="/all/o/acme"), ORGANISATION, objects[whose], judge) == []
    assert everything_but_the_trail(world) == before


def everything_but_the_trail(world: World) -> list[object]:
    with scope.opened(scope.of(world.acme.id)):
        return [list(model._default_manager.order_by("pk").values()) for model in OWN]


def test_unbounded_user_manages_unbounded_users_and_sees_the_rest(world: World, objects: dict[str, Objects]) -> None:
    def judge(url: Url, method: str, answer: HttpResponse) -> bool:
        return answer.status_code in SEEN | REFUSED_KINDLY | NOT_THERE | {403}

    client = signed_in(world.uma)
    assert walk(client, "dashboard.urls.all", objects["acme"] | objects["none"], judge) == []


def test_unbounded_user_cannot_manage_the_users_of_an_organisation(world: World, objects: dict[str, Objects]) -> None:
    def judge(url: Url, method: str, answer: HttpResponse) -> bool:
        is_of_users = url.name.startswith("users:") and url.takes_id and access_of(url) != "public"
        return answer.status_code in ({404, 405} if is_of_users else SEEN | REFUSED_KINDLY | NOT_THERE | {403})

    assert walk(signed_in(world.uma), "dashboard.urls.all", objects["acme"], judge) == []
