"""Every page of every portal, by whoever may ask: developers of the organisation and of others, users, strangers."""

import pytest
from django.conf import settings
from django.http import HttpResponse

from orgs import scope
from orgs.domains.services import vouch
from orgs.models import Domain
from portal.models import Developer
from portal.services.settings import update_portal
from portal.services.signing_up import create
from tests.conftest import SiteClient, World, signed_in
from tests.portal.shared import developer_client
from tests.walls.test_urls import NOT_THERE, ORGANISATION, REFUSED_KINDLY, SEEN, access_of, judge_stranger, walk
from tests.walls.walk import Objects, Url, fill_all, urls

PORTAL = "dashboard.urls.portal"
PREFIX = "/o/acme/portal"


@pytest.fixture
def objects(world: World) -> dict[str, Objects]:
    return fill_all(world)


def developer_of(objects: Objects) -> Developer:
    developer = objects[Developer]
    assert isinstance(developer, Developer)
    return developer


def under(client: SiteClient, cookie: str, prefix: str) -> SiteClient:
    """Present the session of this browser under another site's name."""
    (own,) = client.cookies.values()
    impostor = SiteClient(prefix)
    impostor.cookies[f"{settings.SESSION_COOKIE_NAME}_{cookie}"] = own.value
    return impostor


def judge_visitor(url: Url, method: str, answer: HttpResponse) -> bool:
    """Who is no developer here reads what is for everybody, and is sent to sign in from all else."""
    if access_of(url) == "visitor of the portal":
        return answer.status_code in SEEN | REFUSED_KINDLY | NOT_THERE
    return answer.status_code == 302 and f"{PREFIX}/sign-in/" in answer["Location"]


def judge_owner(url: Url, method: str, answer: HttpResponse) -> bool:
    if method == "GET" and url.name not in ("portal:document", "portal:console", "portal:tap", "portal:tap_with_slash"):
        return answer.status_code in SEEN | {405}
    return answer.status_code in SEEN | REFUSED_KINDLY | NOT_THERE


def judge_other(url: Url, method: str, answer: HttpResponse) -> bool:
    """Objects that are not the developer's are not there."""
    if url.takes_id and access_of(url) != "visitor of the portal":
        return answer.status_code == 404 or (answer.status_code == 405 and method != "GET")
    return answer.status_code in SEEN | REFUSED_KINDLY | NOT_THERE


def test_every_view_of_a_portal_says_who_may_use_it() -> None:
    doors = {"visitor of the portal", "developer of the portal"}
    assert [url.name for url in urls(PORTAL) if access_of(url) not in doors] == []


def test_only_known_pages_of_a_portal_are_for_visitors() -> None:
    assert {url.name.removeprefix("portal:") for url in urls(PORTAL) if access_of(url) == "visitor of the portal"} == {
        "home", "entry", "console", "document", "page", "terms", "accept_terms", "sign_in", "sign_out", "sign_up",
        "join", "forgot_password", "reset_password", "theme", "logo",
        "tap", "tap_with_slash",
    }  # fmt: skip


def test_visitor_reads_what_is_for_everybody(objects: dict[str, Objects]) -> None:
    assert walk(SiteClient(PREFIX), PORTAL, objects["acme"], judge_visitor) == []


def test_developer_has_their_own_pages(objects: dict[str, Objects]) -> None:
    client = developer_client(developer_of(objects["acme"]), PREFIX)
    assert walk(client, PORTAL, objects["acme"], judge_owner) == []


def test_developer_of_another_organisation_is_a_visitor(objects: dict[str, Objects]) -> None:
    """Also with the same e-mail address."""
    theirs = developer_client(developer_of(objects["globex"]), "/o/globex/portal")
    assert walk(under(theirs, "p-acme", PREFIX), PORTAL, objects["acme"], judge_visitor) == []


def test_user_of_the_organisation_is_a_visitor_in_its_portal(world: World, objects: dict[str, Objects]) -> None:
    client = under(signed_in(world.ann), "p-acme", PREFIX)
    assert walk(client, PORTAL, objects["acme"], judge_visitor) == []


def test_developer_is_a_stranger_on_the_organisations_own_site(objects: dict[str, Objects]) -> None:
    client = under(developer_client(developer_of(objects["acme"]), PREFIX), "o-acme", "/o/acme")
    assert walk(client, ORGANISATION, objects["acme"], judge_stranger) == []


def test_developer_is_a_stranger_to_the_unbounded_users(objects: dict[str, Objects]) -> None:
    client = under(developer_client(developer_of(objects["acme"]), PREFIX), "all", "/all")
    assert walk(client, "dashboard.urls.all", objects["acme"] | objects["none"], judge_stranger) == []


def test_what_another_organisations_developer_has_is_not_there(objects: dict[str, Objects]) -> None:
    client = developer_client(developer_of(objects["acme"]), PREFIX)
    assert walk(client, PORTAL, objects["globex"], judge_other) == []


def test_what_another_developer_has_is_not_there(world: World, objects: dict[str, Objects]) -> None:
    with scope.opened(scope.of(world.acme.id)):
        other = create(Developer(email="other@example.com", name="Other", terms_revision=1), password=None)

    def judge(url: Url, method: str, answer: HttpResponse) -> bool:
        return judge_owner(url, method, answer) if url.name == "portal:ask" else judge_other(url, method, answer)

    assert walk(developer_client(other, PREFIX), PORTAL, objects["acme"], judge) == []


@pytest.mark.parametrize("path", ["/", "/apis/parcels/", "/sign-in/", "/theme.css"])
def test_portal_that_is_off_is_not_there(world: World, path: str) -> None:
    fill_all(world)
    assert SiteClient(PREFIX).get(path).status_code == 200
    with scope.opened(scope.of(world.acme.id)):
        update_portal(is_on=False)
    assert SiteClient(PREFIX).get(path).status_code == 404


def test_portal_of_a_visited_organisation_is_not_there(world: World, objects: dict[str, Objects]) -> None:
    assert signed_in(world.uma, prefix="/all/o/acme").get("/portal/").status_code == 404


def at_host(client: SiteClient, host: str) -> SiteClient:
    """The same browser's session at a domain of the portal, where cookies have another name."""
    (own,) = client.cookies.values()
    moved = SiteClient("")
    moved.defaults["HTTP_HOST"] = host
    moved.cookies[f"{settings.SESSION_COOKIE_NAME}_portal"] = own.value
    return moved


@pytest.fixture
def hosts(world: World) -> dict[str, str]:
    found = {}
    for organisation in (world.acme, world.globex):
        found[organisation.slug] = f"developers.{organisation.slug}.example"
        with scope.opened(scope.of(organisation.id)):
            vouch(host=found[organisation.slug], purpose=Domain.Purpose.PORTAL)
    return found


def judge_visitor_at_host(url: Url, method: str, answer: HttpResponse) -> bool:
    if access_of(url) == "visitor of the portal":
        return answer.status_code in SEEN | REFUSED_KINDLY | NOT_THERE
    return answer.status_code == 302 and answer["Location"].startswith("/sign-in/")


def test_developer_is_a_visitor_at_another_organisations_host(
    objects: dict[str, Objects], hosts: dict[str, str]
) -> None:
    theirs = developer_client(developer_of(objects["globex"]), "/o/globex/portal")
    client = at_host(theirs, hosts["acme"])
    assert walk(client, PORTAL, objects["acme"], judge_visitor_at_host) == []


def test_developer_has_their_own_pages_at_the_organisations_host(
    objects: dict[str, Objects], hosts: dict[str, str]
) -> None:
    client = at_host(developer_client(developer_of(objects["acme"]), PREFIX), hosts["acme"])
    assert walk(client, PORTAL, objects["acme"], judge_owner) == []
    assert walk(client, PORTAL, objects["globex"], judge_other) == []


@pytest.mark.parametrize(
    "path", ["/o/acme/portal/", "/o/acme/", "/o/globex/portal/", "/all/", "/api/portal/developers"]
)
def test_host_of_a_portal_serves_that_portal_alone(
    objects: dict[str, Objects], hosts: dict[str, str], path: str
) -> None:
    client = at_host(developer_client(developer_of(objects["acme"]), PREFIX), hosts["acme"])
    assert client.get(path).status_code == 404
