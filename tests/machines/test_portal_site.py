"""The portal's configuration, menus, style sheets and pages, as clients of the JSON API keep them."""

from typing import Any

import pytest

from orgs import scope
from orgs.models import AuditEntry
from portal.models import Entry, Page, Portal
from portal.services.pages import create_page
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read
from tests.portal.shared import open_shop

CONFIGURATION, MENUS, CSS, PAGES = (f"/api/portal/{name}" for name in ("configuration", "menus", "css", "pages"))
HOME = {
    "is_homepage": True, "template_name": "", "title": "Developer Portal Home", "slug": "/",
    "fields": {
        "JumboCTATitle": "Tyk Developer Portal", "SubHeading": "Sub Header", "JumboCTALink": "#cta",
        "JumboCTALinkTitle": "Your awesome APIs, hosted with Tyk!", "PanelOneContent": "Panel 1 content.",
        "PanelOneLink": "#panel1", "PanelOneLinkTitle": "Panel 1 Button", "PanelOneTitle": "Panel 1 Title",
        "PanelThereeContent": "",
    },
}  # fmt: skip


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


def message(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return read(answer)["Message"]


def portal(world: World) -> Portal:
    with scope.opened(scope.of(world.acme.id)):
        return Portal.objects.get()


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("sent", [None, {}])
def test_an_empty_configuration_begins_the_portal_and_leaves_it_off(
    world: World, ann: Machine, method: str, sent: Any
) -> None:
    before = read(ann.get(CONFIGURATION))
    assert (before["id"], before["org_id"], "require_key_approval" in before) == ("", world.acme.id, False)
    said = message(ann.call(method, CONFIGURATION, sent))
    made = portal(world)
    assert said == (made.pk if method == "POST" else "Data updated")
    assert (made.is_on, made.sign_up, made.extra) == (False, Portal.INVITATION, {})
    assert read(ann.get(CONFIGURATION)) == before | {"id": made.pk}


def test_what_was_read_can_be_sent_and_changes_nothing(world: World, ann: Machine) -> None:
    open_shop(world.acme, notified=["ops@acme.example"])
    message(ann.put(CONFIGURATION, {"signup_fields": ["Team"], "require_key_approval": False}))
    before = portal(world).revision
    found = read(ann.get(CONFIGURATION))
    assert (found["email"], found["disable_signup"], found["signup_fields"]) == ("ops@acme.example", False, ["Team"])
    assert message(ann.put(CONFIGURATION, found)) == "Data updated"
    assert read(ann.get(CONFIGURATION)) == found
    assert portal(world).revision == before


def test_nothing_is_switched_on_or_opened(world: World, ann: Machine) -> None:
    sent = {"disable_signup": False, "disable_login": False, "catalogue_login_only": False, "is_on": True}
    message(ann.put(CONFIGURATION, sent))
    assert (portal(world).is_on, portal(world).sign_up) == (False, Portal.INVITATION)
    assert read(ann.get(CONFIGURATION))["disable_signup"] is True


def test_sign_up_is_closed_but_for_invitations(world: World, ann: Machine) -> None:
    open_shop(world.acme)
    message(ann.put(CONFIGURATION, {"disable_signup": True}))
    assert (portal(world).sign_up, portal(world).is_on) == (Portal.INVITATION, True)


def test_the_address_that_is_told_of_requests_is_replaced(world: World, ann: Machine) -> None:
    open_shop(world.acme, notified=["one@acme.example", "two@acme.example"])
    message(ann.put(CONFIGURATION, {"email": "New@acme.example"}))
    assert portal(world).notified == ["new@acme.example", "two@acme.example"]
    message(ann.put(CONFIGURATION, {"email": ""}))
    assert portal(world).notified == ["new@acme.example", "two@acme.example"]
    assert message(ann.put(CONFIGURATION, {"email": "nobody"}), 400) == "email is not an e-mail address."


def test_a_catalogue_for_those_who_signed_in_is_hidden_from_visitors(world: World, ann: Machine) -> None:
    open_shop(world.acme)
    message(ann.put(CONFIGURATION, {"catalogue_login_only": True}))
    apis = read(ann.get("/api/portal/catalogue"))["apis"]
    message(ann.put("/api/portal/catalogue", {"apis": [*apis, {"name": "New", "show": True}]}))
    with scope.opened(scope.of(world.acme.id)):
        assert {*Entry.objects.values_list("audience", flat=True)} == {Entry.SIGNED_IN}
        assert Entry.objects.count() == 2


def test_a_portal_without_signing_in_is_refused(world: World, ann: Machine) -> None:
    assert message(ann.put(CONFIGURATION, {"disable_login": True}), 400).startswith("disable_login: a portal has")
    with scope.opened(scope.of(world.acme.id)):
        assert not Portal.objects.exists()


def test_another_organisations_portal_is_not_configured(world: World, ann: Machine) -> None:
    theirs = open_shop(world.globex)
    for path in (CONFIGURATION, MENUS, CSS):
        for sent in ({"org_id": world.globex.id}, {"id": theirs.portal.pk}):
            assert ann.put(path, sent).status_code == 400


@pytest.mark.parametrize(
    ("path", "unset", "sent"),
    [
        (MENUS, {"menus": {}, "is_active": False}, {"menus": {"main": [{"title": "Docs", "url": "/"}]}}),
        (CSS, {"page_css": "", "email_css": ""}, {"page_css": ".btn {color: red}"}),
    ],
)
def test_menus_and_style_sheets_are_kept_without_effect(
    world: World, ann: Machine, path: str, unset: dict[str, Any], sent: dict[str, Any]
) -> None:
    own = {"org_id": world.acme.id}
    assert read(ann.get(path)) == unset | own | {"id": ""}
    id = message(ann.post(path, sent | own))
    found = read(ann.get(path))
    assert found == unset | own | sent | {"id": id}
    assert message(ann.put(path, found | {"more": 1})) == "Data updated"
    assert read(ann.get(path)) == found | {"more": 1}
    assert portal(world).variables == ""
    assert read(machine_of(world.gus).get(path))["id"] == ""
    assert message(ann.put(path, {"more": "x" * 20_001}), 400).startswith("The fields that are only kept")


def test_a_page_is_made_of_its_fields(world: World, ann: Machine) -> None:
    id = message(ann.post(PAGES, HOME))
    found = read(ann.get(f"{PAGES}/{id}"))
    assert found == HOME | {"id": id, "org_id": world.acme.id, "page_settings": {}}
    assert read(ann.get(PAGES)) == {"Data": [found], "Pages": 1}
    with scope.opened(scope.of(world.acme.id)):
        page = Page.objects.get()
    assert (page.slug, page.is_published) == ("home", True)
    assert page.body == "## Tyk Developer Portal\n\nSub Header\n\n## Panel 1 Title\n\nPanel 1 content."


@pytest.mark.parametrize(
    ("slug", "address"),
    [("/", "home"), ("About_Us", "about-us"), ("a/b", "a-b"), ("", "about"), ("→", "about"), ("x" * 90, "x" * 80)],
)
def test_an_address_is_made_to_fit(world: World, ann: Machine, slug: str, address: str) -> None:
    id = message(ann.post(PAGES, {"title": "About", "slug": slug}))
    with scope.opened(scope.of(world.acme.id)):
        assert Page.objects.get().slug == address
    assert read(ann.get(f"{PAGES}/{id}"))["slug"] == slug or address


def test_a_page_that_was_read_can_be_sent_and_changes_nothing(world: World, ann: Machine) -> None:
    message(ann.post(PAGES, HOME))
    with scope.opened(scope.of(world.acme.id)):
        create_page(slug="about", title="About", body="We are\n\n* many\n", is_for_developers=True)
    for each in read(ann.get(f"{PAGES}?p=-1"))["Data"]:
        with scope.opened(scope.of(world.acme.id)):
            before = (list(Page.objects.values()), AuditEntry.objects.count())
        assert message(ann.put(f"{PAGES}/{each['id']}", each)) == "Data updated"
        with scope.opened(scope.of(world.acme.id)):
            assert (list(Page.objects.values()), AuditEntry.objects.count()) == before


def test_a_page_is_changed_and_deleted(world: World, ann: Machine) -> None:
    id = message(ann.post(PAGES, HOME))
    message(ann.put(f"{PAGES}/{id}", {"fields": {"Content": "# Hello\n"}, "slug": "hello"}))
    with scope.opened(scope.of(world.acme.id)):
        page = Page.objects.get()
        assert (page.body, page.slug, page.title) == ("# Hello\n", "hello", HOME["title"])
        page.body = "Written by a person"
        page.save()
    found = read(ann.get(f"{PAGES}/{id}"))
    assert (found["fields"], found["slug"]) == ({"Content": "Written by a person"}, "hello")
    assert message(ann.delete(f"{PAGES}/{id}")) == "Data deleted"
    assert ann.get(f"{PAGES}/{id}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": ""}, "Title: give it one."),
        ({"title": "x" * 121}, "title has more than 120 characters."),
        ({"slug": "taken"}, "Address: another page has it."),
        ({"fields": {"Content": "x" * 20_000}}, "The fields that are only kept here"),
        ({"org_id": "5f0c1c6a1d2e3f4a5b6c7d8e"}, "org_id is not this organisation's"),
        ({"id": "5f0c1c6a1d2e3f4a5b6c7d8e"}, "id is given here"),
    ],
)
def test_a_page_is_refused(ann: Machine, fields: dict[str, Any], said: str) -> None:
    message(ann.post(PAGES, {"title": "Taken"}))
    assert message(ann.post(PAGES, HOME | fields), 400).startswith(said)
    assert len(read(ann.get(PAGES))["Data"]) == 1
