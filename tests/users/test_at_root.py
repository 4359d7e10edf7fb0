"""Signing in at `/`: it tells what the password proved and nothing else."""

import re

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from orgs import scope
from tests.conftest import PASSWORD, World, user
from tests.users.test_sign_in import LOCKED, WRONG, post, told
from users.models import Session, SignInFailure, User

COOKIE = settings.SESSION_COOKIE_NAME


@pytest.fixture
def namesake(world: World) -> User:
    """Somebody of globex with ann's address."""
    return user("ann@acme.example", world.globex)


def offered(response: HttpResponse) -> list[tuple[str, str]]:
    assert response.status_code == 200
    return re.findall(r'name="user" value="(\w+)">([^<]+)<', response.content.decode())


def choices(response: HttpResponse) -> str:
    found = re.search(r'name="choices" value="([^"]+)"', response.content.decode())
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("email", "site", "suffix"),
    [("gus@globex.example", "/o/globex/", "o-globex"), ("Uma@hosting.example", "/all/", "all")],
)
def test_the_one_site_is_entered(world: World, email: str, site: str, suffix: str) -> None:
    client = Client()
    response = post("/", email, client=client)
    assert (response.status_code, response["Location"]) == (302, site)
    cookie = client.cookies[f"{COOKIE}_{suffix}"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (site, True, "Lax")
    assert client.get(f"{site}account/").status_code == 200


def test_the_chooser_lists_only_what_the_password_opens(world: World, namesake: User) -> None:
    response = post("/", "ann@acme.example")
    assert sorted(offered(response)) == sorted([(world.ann.pk, "Acme"), (namesake.pk, "Globex")])
    with scope.opened(scope.of(world.globex.id)):
        namesake.set_password("another long password")
        namesake.save(update_fields=["password"])
    assert post("/", "ann@acme.example")["Location"] == "/o/acme/"
    assert post("/", "ann@acme.example", "another long password")["Location"] == "/o/globex/"
    assert told(post("/", "ann@acme.example", "wrong")) == [WRONG]


def test_a_choice_signs_in_there(world: World, namesake: User) -> None:
    client = Client()
    chooser = post("/", "ann@acme.example", client=client)
    assert PASSWORD not in chooser.content.decode()
    response = client.post("/choose/", {"choices": choices(chooser), "user": namesake.pk})
    assert response["Location"] == "/o/globex/"
    with scope.opened(scope.EVERYTHING):
        assert list(Session.objects.values_list("user_id", "organisation_id")) == [(namesake.pk, world.globex.pk)]


def test_a_choice_is_worth_nothing_without_its_proof(
    world: World, namesake: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = choices(post("/", "ann@acme.example"))
    client = Client()
    wrong = [
        {},
        {"choices": proof, "user": world.gus.pk},
        {"choices": proof, "user": "nonsense"},
        {"choices": proof[:-1] + ("A" if proof[-1] != "A" else "B"), "user": world.ann.pk},
        {"user": world.ann.pk},
    ]
    for data in wrong:
        assert told(client.post("/choose/", data)) == ["That took too long. Sign in again."]  # type: ignore[arg-type]
    monkeypatch.setattr("users.services.at_root.CHOICE_VALID_S", -1)
    late = client.post("/choose/", {"choices": proof, "user": world.ann.pk})
    assert told(late) == ["That took too long. Sign in again."]  # type: ignore[arg-type]
    monkeypatch.undo()
    with scope.opened(scope.of(world.acme.id)):
        world.ann.set_password("another long password")
        world.ann.save(update_fields=["password"])
    changed = client.post("/choose/", {"choices": proof, "user": world.ann.pk})
    assert told(changed) == ["That took too long. Sign in again."]  # type: ignore[arg-type]
    with scope.opened(scope.EVERYTHING):
        assert Session.objects.count() == 0


@pytest.mark.parametrize("email", ["ann@acme.example", "uma@hosting.example", "nobody@acme.example"])
def test_five_failures_lock_whether_or_not_there_is_such_a_user(world: World, email: str) -> None:
    assert [told(post("/", email, "wrong")) for _ in range(6)] == [[WRONG]] * 4 + [[LOCKED]] * 2


def test_a_lock_of_one_site_is_not_told_at_root(world: World) -> None:
    """Else a visitor who locks an address at acme could read at `/` whether it is a user there."""
    for email in ("ann@acme.example", "nobody@acme.example"):
        for _ in range(5):
            post("/o/acme/sign-in/", email, "wrong")
        assert told(post("/", email, PASSWORD)) == [WRONG]


def test_a_namesake_of_ones_own_does_not_help_to_guess(world: World, namesake: User) -> None:
    """Each guess at `/` counts at ann's site, also when the password was right for somebody else."""
    for number in range(6):
        guess = f"guess number {number}, long"
        with scope.opened(scope.of(world.globex.id)):
            namesake.set_password(guess)
            namesake.save(update_fields=["password"])
        assert post("/", "ann@acme.example", guess)["Location"] == "/o/globex/"
    with scope.opened(scope.of(world.globex.id)):
        namesake.set_password(PASSWORD)
        namesake.save(update_fields=["password"])
    assert post("/", "ann@acme.example")["Location"] == "/o/globex/"
    with scope.opened(scope.of(world.acme.id)):
        assert list(SignInFailure.objects.values_list("email", "count")) == [("ann@acme.example", 5)]


def test_root_needs_no_session_and_stands_a_foreign_cookie(world: World) -> None:
    client = Client()
    client.cookies[f"{COOKIE}_root"] = "x" * 32
    assert client.get("/").status_code == 200
    assert client.get("/choose/").status_code == 405
