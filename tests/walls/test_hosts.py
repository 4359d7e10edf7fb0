"""Which hosts are answered, and whose they are: through the whole application, by the Host header alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings as installation
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from orgs import hosts, scope
from orgs.domains.services import vouch, withdraw
from orgs.hosts import REMEMBERED, Remembered
from orgs.middleware import site_scope
from orgs.models import Domain, Organisation
from orgs.proof.world import undone
from tests.conftest import World, signed_in

DASHBOARD, PORTAL, APIS = Domain.Purpose.DASHBOARD, Domain.Purpose.PORTAL, Domain.Purpose.APIS


def give(organisation: Organisation, host: str, purpose: str = DASHBOARD) -> None:
    with scope.opened(scope.of(organisation.id)):
        vouch(host=host, purpose=purpose)


def ask(host: str, path: str = "/sign-in/", *, client: Client | None = None) -> HttpResponse:
    answer: HttpResponse = (client or Client()).get(path, headers={"Host": host})  # type: ignore[assignment]
    return answer


@contextmanager
def queries() -> Iterator[CaptureQueriesContext]:
    with CaptureQueriesContext(connection) as captured:
        yield captured


def test_a_host_is_the_site_of_who_has_proven_it(world: World) -> None:
    give(world.acme, "acme.example")
    give(world.globex, "globex.example")
    for host, name in (("acme.example", "Acme"), ("globex.example", "Globex")):
        page = ask(host).content.decode()
        assert [other in page for other in ("Acme", "Globex")] == [name == "Acme", name == "Globex"]


@pytest.mark.parametrize("host", ["ACME.example", "acme.example:8443", "acme.example.", "Acme.Example.:80"])
def test_a_host_is_the_same_in_every_form(world: World, host: str) -> None:
    give(world.acme, "acme.example")
    assert ask(host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["bücher.example", "acme.example/x", "acme example", "acme.example:x", "acme.example@x", "[::1", "a_b.example", "?",
     "acme.example,globex.example"],
)  # fmt: skip
def test_what_is_no_host_is_a_bad_request(world: World, host: str) -> None:
    answer = Client().get("/sign-in/", HTTP_HOST=host)
    assert (answer.status_code, answer.content) == (400, b"This is no name of a host.\n")


@pytest.mark.parametrize(
    "host",
    ["unknown.example", "localhost.example", "127.0.0.2", "[::2]", "acme", "sub.acme.example", "example",
     "x" * 5_000 + ".example", ".".join(["a"] * 3_000), "acme.example.evil.example", "..", "-"],
)  # fmt: skip
def test_at_any_other_host_there_is_nothing(world: World, host: str) -> None:
    give(world.acme, "acme.example")
    for path in (
        "/",
        "/sign-in/",
        "/o/acme/sign-in/",
        "/all/sign-in/",
        "/api/apis",
        "/hello",
        "/static/commonhold.css",
    ):
        answer = ask(host, path)
        assert (answer.status_code, answer.content) == (404, b"There is nothing here.\n")


def test_an_empty_host_is_a_bad_request(world: World) -> None:
    assert Client().get("/", HTTP_HOST="").status_code == 400


def test_an_unknown_host_asks_the_database_once(world: World) -> None:
    with queries() as first:
        ask("unknown.example")
    with queries() as then:
        for host in ("unknown.example", "UNKNOWN.example:80", "unknown.example."):
            ask(host, "/static/commonhold.css")
    assert (len(first) > 0, len(then)) == (True, 0)


def test_what_cannot_be_a_domain_asks_nothing(world: World) -> None:
    with queries() as asked:
        for host in ("127.0.0.2", "[::2]", "acme", "x" * 300 + ".example", ".".join(["a"] * 200)):
            ask(host)
    assert len(asked) == 0


def test_what_is_remembered_is_bounded_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MOST_KEPT", 3)
    remembered = Remembered()
    for host in ("a.example", "b.example", "c.example"):
        remembered.put(host, False)
    remembered.get("a.example")
    remembered.put("d.example", True)
    assert [remembered.get(f"{letter}.example") for letter in "abcd"] == [False, None, False, True]
    now = time.monotonic()
    for later, found in ((11, [False, None]), (31, [None, None])):
        monkeypatch.setattr(time, "monotonic", lambda later=later: now + later)
        assert [remembered.get(f"{letter}.example") for letter in "ad"] == found


def test_a_host_that_is_taken_away_serves_nothing_at_once(world: World) -> None:
    give(world.acme, "acme.example")
    assert ask("acme.example").status_code == 200
    with scope.opened(scope.of(world.acme.id)):
        withdraw(host="acme.example")
    with undone():
        assert ask("acme.example").status_code == 404
    REMEMBERED.forget()
    assert ask("acme.example", "/static/commonhold.css").content == b"There is nothing here.\n"


def test_a_claim_serves_nothing(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        Domain.objects.create(host="acme.example", purpose=DASHBOARD)
    assert ask("acme.example").status_code == 404


@pytest.mark.parametrize(
    "path", ["/o/globex/sign-in/", "/o/acme/sign-in/", "/all/sign-in/", "/api/apis", "/hello", "/register/node",
             "/metrics", "/domains/ask?domain=acme.example"],
)  # fmt: skip
def test_a_domain_has_its_own_site_alone(world: World, path: str) -> None:
    give(world.acme, "acme.example")
    assert ask("acme.example", path).status_code in (302, 404)
    signed = ask("acme.example", path, client=signed_in_at("acme.example", world))
    assert signed.status_code == 404


def signed_in_at(host: str, world: World) -> Client:
    """A browser with a session of ann's at acme's domain."""
    (session,) = (morsel.value for morsel in signed_in(world.ann).cookies.values())
    client = Client(HTTP_HOST=host)
    client.cookies[f"{installation.SESSION_COOKIE_NAME}_organisation"] = session
    return client


def test_a_session_of_one_host_is_none_at_anothers(world: World) -> None:
    give(world.acme, "acme.example")
    give(world.globex, "globex.example")
    browser = signed_in_at("acme.example", world)
    assert browser.get("/account/").status_code == 200
    assert browser.get("/account/", headers={"Host": "globex.example"})["Location"] == "/sign-in/?next=/account/"


def test_cookies_of_a_domain_are_its_own_and_the_sites(world: World) -> None:
    give(world.acme, "acme.example")
    cookies = Client().get("/sign-in/", headers={"Host": "acme.example"}).cookies
    assert {name: (morsel["path"], morsel["domain"]) for name, morsel in cookies.items()} == {
        f"{installation.CSRF_COOKIE_NAME}_organisation": ("/", "")
    }


@pytest.mark.parametrize(
    ("purpose", "path", "kind", "prefix", "cookies"),
    [
        (DASHBOARD, "/", "organisation", "", ("organisation", "/")),
        (DASHBOARD, "/portal/", "portal", "/portal", ("portal", "/portal/")),
        (DASHBOARD, "/portal/x/", "portal", "/portal", ("portal", "/portal/")),
        (DASHBOARD, "/portals/", "organisation", "", ("organisation", "/")),
        (PORTAL, "/", "portal", "", ("portal", "/")),
        (PORTAL, "/portal/", "portal", "", ("portal", "/")),
        (PORTAL, "/admin/", "portal", "", ("portal", "/")),
    ],
)
def test_the_purpose_says_which_site_stands_there(
    world: World, purpose: str, path: str, kind: str, prefix: str, cookies: tuple[str, str]
) -> None:
    give(world.acme, "acme.example", purpose)
    with site_scope("acme.example", path) as site:
        assert (site.kind, site.prefix, site.organisation) == (kind, prefix, world.acme)
        assert (site.cookie_suffix, site.cookie_path) == cookies
        assert scope.current() == scope.of(world.acme.id)


def test_a_domain_of_apis_is_nothing_here(world: World) -> None:
    give(world.acme, "acme.example", APIS)
    assert ask("acme.example").content == b"There is nothing here.\n"


def test_the_portal_begins_behind_its_slash(world: World) -> None:
    give(world.acme, "acme.example")
    assert ask("acme.example", "/portal")["Location"] == "/portal/"
    assert Client().get("/o/acme/portal")["Location"] == "/o/acme/portal/"
    assert signed_in(world.uma).get("/o/acme/portal").status_code == 404


def test_nobody_is_proven_by_a_file_of_our_own(world: World) -> None:
    give(world.acme, "acme.example")
    for host in ("localhost", "testserver", "acme.example", "unknown.example"):
        answer = ask(host, "/.well-known/commonhold-domain")
        assert (answer.status_code, answer.content) == (404, b"There is nothing here.\n")


def test_caddy_is_told_for_which_hosts_there_may_be_a_certificate(world: World) -> None:
    give(world.acme, "acme.example")
    give(world.acme, "portal.example", PORTAL)
    give(world.acme, "apis.example", APIS)
    wanted = {
        "acme.example": 200, "ACME.example.": 200, "portal.example": 200, "localhost": 200, "apis.example": 404,
        "unknown.example": 404, "": 404, "bücher.example": 404, "a/b": 404, "x" * 5_000: 404, "127.0.0.9": 404,
    }  # fmt: skip
    answers = {host: Client().get("/domains/ask", {"domain": host}) for host in wanted}
    assert {host: answer.status_code for host, answer in answers.items()} == wanted
    assert {answer.content for answer in answers.values()} == {b"Yes.\n", b"There is nothing here.\n"}
    assert not any(answer.cookies for answer in answers.values())
    with queries() as asked:
        Client().get("/domains/ask", {"domain": "acme.example"})
        Client().get("/domains/ask", {"domain": "unknown.example"})
    assert len(asked) == 0
    assert ask("127.0.0.1:8000", "/domains/ask?domain=acme.example").status_code == 200
    assert Client().get("/domains/ask").status_code == 404
    assert Client().post("/domains/ask").status_code == 405


def test_caddy_is_answered_where_everything_else_is_sent_to_https(world: World, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    give(world.acme, "acme.example")
    assert Client().get("/domains/ask", {"domain": "acme.example"}).status_code == 200
    assert ask("acme.example")["Location"] == "https://acme.example/sign-in/"


def test_looking_for_a_host_shows_one_proven_row_and_changes_nothing(world: World) -> None:
    give(world.acme, "acme.example")
    give(world.acme, "other.example")
    with scope.opened(scope.of(world.globex.id)):
        Domain.objects.create(host="acme.example", purpose=DASHBOARD)
    with scope.opened(scope.by_domain("acme.example")), connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id, host FROM orgs_domain")
        assert cursor.fetchall() == [(world.acme.id, "acme.example")]
        cursor.execute("SELECT count(*) FROM orgs_organisation")
        assert cursor.fetchone() == (0,)
        for statement in ("UPDATE orgs_domain SET purpose = 'apis'", "DELETE FROM orgs_domain"):
            cursor.execute(statement)
            assert cursor.rowcount == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            cursor.execute(
                "INSERT INTO orgs_domain (id, organisation_id, host, purpose, token, proven_by, fault)"
                " VALUES ('x', %s, 'x.example', 'apis', 't', '', '')",
                [world.acme.id],
            )


def test_one_organisation_at_a_time_has_a_host_proven(world: World) -> None:
    give(world.acme, "acme.example")
    with scope.opened(scope.of(world.globex.id)):
        Domain.objects.create(host="acme.example", purpose=DASHBOARD)
        with pytest.raises(DatabaseError, match="domains_proven_host"), transaction.atomic():
            Domain.objects.update(proven_at="2026-01-01T00:00Z")
