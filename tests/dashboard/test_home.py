import re

from gateways.models import Node
from orgs import scope
from orgs.models import Organisation
from tests.conftest import World, signed_in, user
from tests.gateways import making
from tests.portal.shared import a_request, open_shop
from users.models import User


def steps(person: User) -> list[tuple[str, bool]] | None:
    checklist = signed_in(person).get("/").context["checklist"]
    return checklist and [(step["title"], step["is_done"]) for step in checklist["steps"]]


def test_the_first_steps_tick_themselves(world: World) -> None:
    assert steps(world.gus) == [
        ("Name the organisation", True),
        ("Import or create the first API", False),
        ("Issue the first key", False),
        ("See a gateway register", False),
        ("See it load the first API", False),
        ("Invite a second user", False),
    ]
    user("ida@globex.example", world.globex)
    with scope.opened(scope.of(world.globex.id)):
        Organisation.objects.update(name="Default")
    assert [is_done for _, is_done in steps(world.gus) or []] == [False, False, False, False, False, True]


def test_gateways_tick_the_steps_that_are_theirs(world: World) -> None:
    making.api(world.globex, "Orders")
    making.build(world.globex, since=10)
    node = making.node(making.group("Shared"), "shared-1")
    titles = ("See a gateway register", "See it load the first API")

    def ticked(person: User) -> list[bool]:
        return [is_done for title, is_done in steps(person) or [] if title in titles]

    assert ticked(world.gus) == [True, False]
    with scope.opened(scope.INSTALLATION):
        Node.objects.filter(pk=node.pk).update(apis_snapshot=making.at(20))
    assert (ticked(world.gus), ticked(world.ann)) == ([True, True], [True, False])


def test_the_overview_counts_what_the_user_may_see(world: World) -> None:
    def numbers(person: User) -> dict[str, str]:
        return {one["label"]: one["value"] for one in signed_in(person).get("/").context["stats"]}

    assert numbers(world.al) == {
        "Active APIs": "0",
        "Active keys": "0",
        "Keys that expire soon": "0",
        "Users": "2",
        "Developers": "0",
        "Requests for keys": "0",
    }
    assert numbers(user("no@acme.example", world.acme)) == {}
    assert numbers(user("ru@acme.example", world.acme, permissions={"users": "read"})) == {"Users": "4"}


def test_the_overview_counts_the_portals_developers_and_what_they_wait_for(world: World) -> None:
    shop = open_shop(world.acme)
    with scope.opened(scope.of(world.acme.id)):
        a_request(shop)
        a_request(shop, application="Old", state="refused")
    reader = user("rp@acme.example", world.acme, permissions={"portal": "read"})
    shown = {one["label"]: (one["value"], one["url"]) for one in signed_in(reader).get("/").context["stats"]}
    assert shown == {
        "Developers": ("1", "/o/acme/developers/"),
        "Requests for keys": ("1", "/o/acme/key-requests/?state=pending"),
    }


def test_the_overview_shows_the_trail_only_to_whom_may_read_it(world: World) -> None:
    response = signed_in(user("no@acme.example", world.acme)).get("/")
    assert (response.status_code, response.context["history"]) == (200, None)
    assert signed_in(world.al).get("/").context["history"] == []
    assert signed_in(world.ann).post("/").status_code == 405


def test_the_navigation_has_no_heading_without_links(world: World) -> None:
    def headings(person: User) -> list[str]:
        return re.findall(r'class="app-nav-group"[^>]*>([^<]*)<', signed_in(person).get("/").content.decode())

    assert headings(world.ann) == ["Gateway", "Developer portal", "People", "Organisation"]
    assert headings(user("no@acme.example", world.acme)) == ["Organisation"]
