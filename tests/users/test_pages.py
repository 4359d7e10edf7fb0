"""The pages: who gets them, what they hide, what they ignore."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs import scope
from orgs.permissions import ObjectKind
from tests.conftest import PASSWORD, World, signed_in, user
from users import services
from users.models import Group, User
from users.services import access_keys

NOTHING = {f"may_{kind}": "none" for kind in ObjectKind}
READ_PAGES = ("/users/", "/users/{al}/", "/groups/", "/groups/{group}/")
WRITE_PAGES = (
    "/users/create/",
    "/users/invite/",
    "/users/{al}/edit/",
    "/users/{al}/disable/",
    "/users/{al}/enable/",
    "/users/{al}/delete/",
    "/users/{al}/new-password/",
    "/groups/create/",
    "/groups/{group}/edit/",
    "/groups/{group}/delete/",
)


@pytest.fixture
def group(world: World) -> Group:
    with scope.opened(scope.of(world.acme.id)):
        return Group.objects.create(name="Devs", permissions={"apis": "write"})


def placed(path: str, world: World, group: Group) -> str:
    return path.format(al=world.al.pk, group=group.pk)


@pytest.mark.parametrize("place", READ_PAGES + WRITE_PAGES)
def test_a_page_is_for_whom_it_is_for(world: World, group: Group, place: str) -> None:
    path = placed(place, world, group)
    statuses = {
        "administrator": signed_in(world.ann).get(path).status_code,
        "reader": signed_in(world.al).get(path).status_code,
        "visitor": signed_in(world.uma, prefix="/all/o/acme").get(path).status_code,
        "stranger": signed_in(world.gus).get(path).status_code,
        "wrong method": signed_in(world.ann).put(path).status_code,
    }
    only_reads = place in READ_PAGES
    assert statuses == {
        "administrator": 200,
        "reader": 200 if only_reads else 403,
        "visitor": 200 if only_reads else 403,
        "stranger": 404 if "{" in place else 200,
        "wrong method": 405,
    }


@pytest.mark.parametrize("place", ["/users/{al}/", "/users/{al}/edit/", "/users/{al}/delete/", "/groups/"])
def test_all_knows_neither_users_of_organisations_nor_groups(world: World, group: Group, place: str) -> None:
    assert signed_in(world.uma).get(placed(place, world, group)).status_code == 404


def test_a_reader_is_shown_no_buttons(world: World, group: Group) -> None:
    for place in READ_PAGES:
        content = signed_in(world.al).get(placed(place, world, group)).content.decode()
        assert [word in content for word in ("/invite/", "/create/", "edit/", "delete/")] == [False] * 4


def test_the_list_shows_the_users_of_this_site_alone(world: World) -> None:
    assert [row[1] for row in signed_in(world.ann).get("/users/").context["rows"]] == [
        "al@acme.example",
        "ann@acme.example",
    ]
    assert [row[1] for row in signed_in(world.gus).get("/users/").context["rows"]] == ["gus@globex.example"]
    assert [row[1] for row in signed_in(world.uma).get("/users/").context["rows"]] == ["uma@hosting.example"]


@pytest.mark.parametrize(
    ("query", "emails"),
    [
        ("q=AL", ["al@acme.example"]),
        ("role=administrator", ["ann@acme.example"]),
        ("state=disabled", []),
        ("sort=-email", ["ann@acme.example", "al@acme.example"]),
        ("q=%00&sort=nonsense&after=nonsense", ["al@acme.example", "ann@acme.example"]),
    ],
)
def test_the_list_is_narrowed(world: World, query: str, emails: list[str]) -> None:
    assert [row[1] for row in signed_in(world.ann).get(f"/users/?{query}").context["rows"]] == emails


@pytest.mark.parametrize("place", ["/users/", "/groups/", "/audit/"])
def test_a_list_takes_as_many_queries_for_three_rows_as_for_one(world: World, place: str) -> None:
    client = signed_in(world.gus)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(place).status_code == 200
        return len(captured)

    def add(name: str) -> None:
        with scope.opened(scope.of(world.globex.id)):
            Group.objects.create(name=name)
            services.create_user(email=f"{name}@globex.example", name=name)

    add("one")
    first = queries()
    add("two")
    add("three")
    assert queries() == first <= 8


def test_what_is_posted_beside_the_form_changes_nothing(world: World) -> None:
    extra = {
        "is_unbounded": "on",
        "organisation": world.globex.pk,
        "organisation_id": world.globex.pk,
        "is_active": "",
        "is_staff": "on",
        "is_superuser": "on",
        "password": "x" * 20,
        "permissions": '{"system": "write"}',
        "id": "0" * 24,
    }
    path = f"/users/{world.al.pk}/edit/"
    with scope.opened(scope.of(world.acme.id)):
        before = User.objects.filter(pk=world.al.pk).values().get()
    data = {"email": "al@acme.example", "name": "Albert", **NOTHING, "may_apis": "read", **extra}
    assert signed_in(world.ann).post(path, data).status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        after = User.objects.filter(pk=world.al.pk).values().get()
    assert after == before | {"name": "Albert", "permissions": {"apis": "read"}}


def test_a_manager_who_is_no_administrator_makes_none(world: World) -> None:
    mo = user("mo@acme.example", world.acme, permissions={"users": "write"})
    data = {"email": mo.email, "name": "Mo", **NOTHING, "may_users": "write", "is_administrator": "on"}
    client = signed_in(mo)
    client.post(f"/users/{mo.pk}/edit/", data)
    client.post("/users/create/", {**data, "email": "eve@acme.example"})
    refused = client.post(f"/users/{mo.pk}/edit/", {**data, "may_system": "write"})
    assert refused.context["form"].non_field_errors() == ["You cannot grant more than you hold yourself: System."]
    assert 'value="Mo"' in refused.content.decode()
    with scope.opened(scope.of(world.acme.id)):
        found = User.objects.filter(name="Mo").order_by("email")
        assert list(found.values_list("email", "is_administrator", "permissions")) == [
            ("eve@acme.example", False, {"users": "write"}),
            ("mo@acme.example", False, {"users": "write"}),
        ]


def test_a_group_of_another_organisation_cannot_be_given(world: World, group: Group) -> None:
    ida = user("ida@globex.example", world.globex)
    data = {"email": ida.email, "name": "Ida", **NOTHING, "groups": [group.pk]}
    response = signed_in(world.gus).post(f"/users/{ida.pk}/edit/", data)
    assert list(response.context["form"].errors) == ["groups"]


def test_a_robot_is_made_with_a_password_that_is_shown_once(world: World) -> None:
    client = signed_in(world.ann)
    data = {"email": "robot@acme.example", "name": "Robot", **NOTHING}
    password = client.post("/users/create/", data).context["secret"]["value"]
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.get(email="robot@acme.example").check_password(password)


def test_deleting_asks_for_the_name_and_keeps_the_last_administrator(world: World) -> None:
    client = signed_in(world.ann)
    assert client.post(f"/users/{world.al.pk}/delete/", {"confirm_name": "al"}).context["confirm"]["error"]
    assert client.post(f"/users/{world.al.pk}/delete/", {"confirm_name": world.al.email}).status_code == 302
    last = client.post(f"/users/{world.ann.pk}/delete/", {"confirm_name": world.ann.email})
    assert last.context["confirm"]["error"].startswith("ann@acme.example is the last active administrator")
    with scope.opened(scope.of(world.acme.id)):
        assert list(User.objects.values_list("email", flat=True)) == ["ann@acme.example"]


def test_a_group_is_made_changed_and_deleted(world: World) -> None:
    client = signed_in(world.ann)
    made = client.post("/groups/create/", {"name": "Devs", "description": "", **NOTHING, "may_apis": "write"})
    path = made["Location"]
    taken = client.post("/groups/create/", {"name": "DEVS", "description": "", **NOTHING})
    assert taken.context["form"].non_field_errors() == ["There is already a group named DEVS."]
    client.post(f"{path}edit/", {"name": "Developers", "description": "All", **NOTHING, "may_keys": "read"})
    with scope.opened(scope.of(world.acme.id)):
        stored = list(Group.objects.values_list("name", "description", "permissions"))
        assert stored == [("Developers", "All", {"keys": "read"})]
    assert client.post(f"{path}delete/").status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        assert Group.objects.count() == 0


def test_a_users_page_says_what_they_may_and_why(world: World, group: Group) -> None:
    with scope.opened(scope.of(world.acme.id)):
        access_keys.create_access_key(user=world.al, label="script")
    data = {"email": world.al.email, "name": "Al", **NOTHING, "may_keys": "read", "groups": [group.pk]}
    client = signed_in(world.ann)
    client.post(f"/users/{world.al.pk}/edit/", data)
    context = client.get(f"/users/{world.al.pk}/").context
    assert [row for row in context["permissions"] if row[1] != "None"] == [
        ("APIs", "Write", "group Devs"),
        ("Keys", "Read", "direct"),
    ]
    assert [key[0] for key in context["access_keys"]] == ["script"]
    assert signed_in(world.al).get("/account/").context["permissions"] == context["permissions"]


def test_an_unbounded_user_manages_unbounded_users(world: World) -> None:
    client = signed_in(world.uma)
    data = {"email": "ulf@hosting.example", "name": "Ulf", "is_administrator": "on"}
    assert client.post("/users/create/", data).context["secret"]["value"]
    with scope.opened(scope.INSTALLATION):
        ulf = User.objects.get(email="ulf@hosting.example")
    assert (ulf.is_unbounded, ulf.is_administrator, ulf.organisation_id) == (True, False, None)
    assert client.post(f"/users/{ulf.pk}/disable/").status_code == 302
    refused = client.post(f"/users/{world.uma.pk}/disable/").context["confirm"]["error"]
    assert refused.startswith("uma@hosting.example is the last active unbounded user")
    assert client.post(f"/users/{ulf.pk}/delete/", {"confirm_name": ulf.email}).status_code == 302
    assert PASSWORD not in client.get("/audit/").content.decode()
