"""What one request leaves to the next: nothing. And whose session is whose."""

from collections.abc import Iterator

import pytest
from django.conf import settings as installation
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import Settings

from orgs import scope
from orgs.domains.services import vouch
from orgs.http import address
from orgs.models import Domain, Organisation
from tests.conftest import SiteClient, World, organisation, signed_in, user
from tests.walls.conftest import SUPERUSER, connect
from tests.walls.cutting import terminate
from users.models import Group


@pytest.fixture
def standing(installed: None, settings: Settings) -> Iterator[World]:
    """The world, committed, so that transactions show; with `cutting.trouble` as the last middleware."""
    settings.MIDDLEWARE = [*installation.MIDDLEWARE, "tests.walls.cutting.trouble"]
    acme, globex = organisation("acme"), organisation("globex")
    yield World(
        acme=acme,
        globex=globex,
        ann=user("ann@acme.example", acme, is_administrator=True),
        al=user("al@acme.example", acme),
        gus=user("gus@globex.example", globex, is_administrator=True),
        uma=user("uma@hosting.example", None),
    )
    with connect(SUPERUSER) as server:
        server.execute("TRUNCATE orgs_organisation, users_user, users_session CASCADE")


def groups(of: Organisation) -> list[str]:
    with scope.opened(scope.of(of.id)):
        return sorted(group.name for group in Group.objects.all())


def settings_of_the_connection() -> list[str]:
    with connection.cursor() as cursor:
        names = [scope.READS, scope.WRITES]
        cursor.execute("SELECT current_setting(%s, true), current_setting(%s, true), current_user", names)
        return [text or "" for text in cursor.fetchone()]


@pytest.mark.parametrize(("status", "kept"), [(200, True), (302, True), (404, True), (500, False), (503, False)])
def test_request_keeps_its_changes_unless_the_answer_is_an_error_of_ours(
    standing: World, status: int, kept: bool
) -> None:
    answer = signed_in(standing.ann).get("/account/", headers={"X-Status": str(status)})
    assert answer.status_code == status
    assert groups(standing.acme) == ([f"Made before {status}"] if kept else [])


def test_bug_takes_back_the_changes_and_leaves_no_scope(standing: World) -> None:
    client = signed_in(standing.ann)
    client.raise_request_exception = False
    assert client.get("/account/", headers={"X-Trouble": "bug"}).status_code == 500
    assert groups(standing.acme) == []
    with pytest.raises(scope.NoScope):
        scope.current()
    assert settings_of_the_connection() == ["", "", "commonhold_web"]


@pytest.mark.parametrize("path", ["/o/acme/account/", "/o/nowhere/", "/all/", "/all/o/acme/", "/all/o/nowhere/"])
def test_request_leaves_no_scope_to_the_next_one_on_its_connection(standing: World, path: str) -> None:
    client = signed_in(standing.uma)
    client.cookies.update(signed_in(standing.ann).cookies)
    client.prefix = ""
    client.get(path)
    with pytest.raises(scope.NoScope):
        scope.current()
    assert settings_of_the_connection() == ["", "", "commonhold_web"]


@pytest.mark.parametrize("person", ["ann", "gus"])
def test_lost_database_is_a_503_and_the_next_request_works(standing: World, person: str) -> None:
    client = signed_in(getattr(standing, person))
    client.raise_request_exception = False
    lost = client.get("/account/", headers={"X-Trouble": "lost database"})
    assert (lost.status_code, lost["Retry-After"]) == (503, "5")
    assert client.get("/account/").status_code == 200


def test_connections_that_ended_between_requests_are_no_error_for_long(standing: World) -> None:
    client = signed_in(standing.ann)
    client.raise_request_exception = False
    assert client.get("/account/").status_code == 200
    terminate("true")
    first, second = (client.get("/account/").status_code for _ in range(2))
    assert first in (200, 503)
    assert second == 200


def test_session_of_one_organisation_is_nobody_in_another(world: World) -> None:
    (session,) = signed_in(world.ann).cookies.values()
    client = SiteClient("/o/globex")
    client.cookies[f"{installation.SESSION_COOKIE_NAME}_o-globex"] = session.value
    answer = client.get("/account/")
    assert (answer.status_code, answer["Location"]) == (302, "/o/globex/sign-in/?next=/o/globex/account/")


def test_one_browser_is_signed_in_to_several_sites(world: World) -> None:
    browser = Client()
    for person in (world.ann, world.gus, world.uma):
        browser.cookies.update(signed_in(person).cookies)
    pages = {path: browser.get(path) for path in ("/o/acme/account/", "/o/globex/account/", "/all/account/")}
    assert {path: page.context["user"].email for path, page in pages.items()} == {
        "/o/acme/account/": "ann@acme.example",
        "/o/globex/account/": "gus@globex.example",
        "/all/account/": "uma@hosting.example",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/o/nowhere/",
        "/o/ACME/",
        "/o/acme%00/",
        "/o/%27/",
        "/o//",
        "/o/" + "a" * 5000 + "/",
        "/o/%F0%9F%98%80/",
        "/o/everything/",
    ],
)
def test_unknown_organisation_is_not_found(world: World, path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("host", ["unknown.example", "acme.example", "localhost.example", "127.0.0.2", "acme"])
def test_unknown_host_is_not_found(world: World, host: str) -> None:
    assert Client().get("/sign-in/", headers={"Host": host}).status_code == 404


def test_own_domain_is_the_organisations_site_at_the_root(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        vouch(host="gateway.acme.example", purpose=Domain.Purpose.DASHBOARD)
    for host in ("gateway.acme.example", "GATEWAY.acme.example:8000", "gateway.acme.example."):
        answer = Client().get("/account/", headers={"Host": host})
        assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/account/")
    assert Client().get("/o/globex/sign-in/", headers={"Host": "gateway.acme.example"}).status_code == 404


@pytest.mark.parametrize("site", ["root", "all", "o-acme"])
@pytest.mark.parametrize("value", ["x", "", "é", "a" * 5000])
def test_made_up_session_is_no_session(world: World, site: str, value: str) -> None:
    client = Client()
    client.cookies[f"{installation.SESSION_COOKIE_NAME}_{site}"] = value
    path = {"root": "/", "all": "/all/sign-in/", "o-acme": "/o/acme/sign-in/"}[site]
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "9.9.9.9", "127.0.0.1"),
        (1, "9.9.9.9", "9.9.9.9"),
        (1, "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        (2, "6.6.6.6, 9.9.9.9, 10.0.0.1", "9.9.9.9"),
        (2, "10.0.0.1", ""),
        (1, "", ""),
        (1, "<script>", ""),
        (1, "9.9.9.9, nonsense", ""),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_address_is_read_past_our_own_proxies(settings: Settings, proxies: int, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert address(request) == expected
