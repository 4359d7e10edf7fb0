"""The pages of tags at `/all/tags/`: the registry, the standard, and what does not follow it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import SegmentTag, TaggingStandard
from apis.tagging import Standard
from gateways.services import create_group
from gateways.tags.services import TagRefused, create_tag, current_standard, set_standard
from orgs import scope
from orgs.models import AuditEntry, Organisation
from tests.conftest import World, organisation, signed_in
from tests.gateways.test_tags_registry import api

PAGES = ("/tags/", "/tags/create/", "/tags/standard/", "/tags/standard/change/", "/tags/standard.csv")


def rows(world: World, query: str = "") -> list[tuple[Any, ...]]:
    """Return (name, owner, automatic, APIs, left out, groups) of each row."""
    return [(row[1], row[2], *row[5:]) for row in signed_in(world.uma).get(f"/tags/{query}").context["rows"]]


def fill(world: World) -> None:
    api(world.acme, "eu", "us")
    api(world.globex, "eu")
    api(world.globex, "eu", "us", name="Pets")
    create_tag(name="eu", owner_id=world.acme.id, is_automatic=True)
    create_tag(name="us")
    create_group(name="Europe", serves_all=True, tags=["eu"])
    create_group(name="World", serves_all=True, tags=["eu", "us"])


def test_the_list_says_whose_a_tag_is_and_who_carries_it(world: World) -> None:
    fill(world)
    assert rows(world) == [
        ("eu", "Acme", True, 1, 2, "Europe, World"),
        ("us", "", False, 2, 0, "World"),
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?q=e", ["eu"]),
        ("?q=E", []),
        ("?q=%25", []),
        ("?whose=shared", ["us"]),
        ("?whose=own", ["eu"]),
        ("?whose=automatic", ["eu"]),
        ("?sort=-name", ["us", "eu"]),
        ("?sort=id&after=x", ["eu", "us"]),
    ],
)
def test_the_list_is_narrowed_and_sorted(world: World, query: str, names: list[str]) -> None:
    fill(world)
    assert [row[0] for row in rows(world, query)] == names


def test_an_empty_list_says_what_to_do(world: World) -> None:
    assert "Register a tag of an organisation" in signed_in(world.uma).get("/tags/").content.decode()


def registered() -> list[tuple[str, str, bool]]:
    with scope.opened(scope.INSTALLATION):
        return list(SegmentTag.objects.values_list("name", "owner_id", "is_automatic"))


def test_a_tag_is_registered_edited_and_deleted(world: World) -> None:
    client = signed_in(world.uma)
    answer = client.post("/tags/create/", {"name": "eu", "owner": "acme", "is_automatic": "on"}, follow=True)
    assert "The tag eu is registered." in answer.content.decode()
    assert registered() == [("eu", world.acme.id, True)]
    href = answer.context["rows"][0].href
    form = client.get(href).context["form"]
    assert form.initial == {"name": "eu", "owner": "acme", "is_automatic": True}
    stops = client.post(href, {"name": "eu", "owner": "globex"})
    assert stops.context["effects"].stops
    assert registered() == [("eu", world.acme.id, True)]
    client.post(href, {"name": "eu", "owner": "globex", "is_known": "on"})
    assert registered() == [("eu", world.globex.id, False)]
    page = client.get(f"{href}delete/").content.decode()
    assert "That the tag eu is of Globex alone: every API may have it." in page
    assert client.post(f"{href}delete/").headers["Location"] == "/all/tags/"
    assert registered() == []
    with scope.opened(scope.INSTALLATION):
        lines = list(AuditEntry.objects.filter(kind="segment_tag").values_list("actor", "action").order_by("at"))
    assert lines == [("uma@hosting.example", action) for action in ("created", "changed", "deleted")]


@pytest.mark.parametrize(
    ("typed", "field", "error"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"name": "a,b"}, "__all__", "Name: a tag has 1 to 60 printable characters, and no comma."),
        ({"name": "taken"}, "__all__", "Name: there is already a tag with this name."),
        ({"name": "a", "owner": "nobody"}, "owner", "There is no organisation with this slug."),
        ({"name": "a", "is_automatic": "on"}, "owner", "An automatic tag belongs to an organisation: say to which."),
    ],
)
def test_a_wrong_tag_is_refused_at_its_field(world: World, typed: dict[str, str], field: str, error: str) -> None:
    create_tag(name="taken")
    form = signed_in(world.uma).post("/tags/create/", typed).context["form"]
    assert form.errors == {field: [error]}


def standard() -> tuple[str, list[str], int, int | None, bool]:
    saved = current_standard()
    return saved.pattern, saved.allowed, saved.least, saved.most, saved.is_enforced


def breaking(context: Any) -> list[tuple[str, str, str, str]]:
    """Return (API, organisation, tags, what is wrong) of each row."""
    return [(row.name, row.organisation, *row[5:]) for row in context["report"].page.rows]


BROKEN = [
    ("Orders", "Acme", "eu, us", "Not like acme-* or eu: us."),
    ("Orders", "Globex", "", "There must be at least 1."),
    ("Pets", "Globex", "acme-eu", "Not like globex-* or eu: acme-eu."),
]


def fill_apis(world: World) -> None:
    api(world.acme, "eu", "us")
    api(world.acme, "acme-eu", name="Good")
    api(world.globex)
    api(world.globex, "acme-eu", name="Pets", active=False)
    api(world.globex, "globex-eu", "eu", name="Good")


def test_a_standard_is_previewed_as_often_as_one_likes_and_then_saved(world: World) -> None:
    fill_apis(world)
    client = signed_in(world.uma)
    typed = {"pattern": "{slug}-*", "allowed": "eu, ,eu", "least": "1", "most": "", "is_enforced": "on"}
    seen = client.get("/tags/standard/change/", typed | {"preview": "1"})
    assert breaking(seen.context) == BROKEN
    assert "3 APIs of 2 organisations would not follow it" in seen.content.decode()
    assert standard() == ("", [], 0, None, False)
    assert client.post("/tags/standard/change/", typed).headers["Location"] == "/all/tags/standard/"
    assert standard() == ("{slug}-*", ["eu"], 1, None, True)
    report = client.get("/tags/standard/")
    assert breaking(report.context) == BROKEN
    assert [(one.organisation.slug, one.number) for one in report.context["report"].most] == [
        ("globex", 2),
        ("acme", 1),
    ]
    lines = client.get("/tags/standard.csv").content.decode().splitlines()
    assert [line.split(",", 2)[1] for line in lines] == ["slug", "acme", "globex", "globex"]
    assert lines[3].split(",", 3)[3] == "Pets,no,acme-eu,Not like globex-* or eu: acme-eu."
    with scope.opened(scope.INSTALLATION):
        (line,) = AuditEntry.objects.filter(kind="tagging_standard")
        assert TaggingStandard.objects.count() == 1
    assert line.changes == {
        "is_enforced": [False, True],
        "pattern": ["", "{slug}-*"],
        "allowed": [[], ["eu"]],
        "at least": [0, 1],
    }


def test_a_standard_that_asks_for_nothing_is_broken_by_nothing(world: World) -> None:
    fill_apis(world)
    client = signed_in(world.uma)
    assert "It asks for nothing" in client.get("/tags/standard/").content.decode()
    seen = client.get("/tags/standard/change/?preview=1")
    assert "Every API would follow it" in seen.content.decode()
    assert len(client.get("/tags/standard.csv").content.decode().splitlines()) == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"pattern": "{name}-*"}, "__all__"),
        ({"pattern": "a,b"}, "__all__"),
        ({"allowed": "x" * 61}, "__all__"),
        ({"least": "51"}, "least"),
        ({"least": "-1"}, "least"),
        ({"least": "3", "most": "2"}, "most"),
    ],
)
def test_a_wrong_standard_is_refused(world: World, typed: dict[str, str], field: str) -> None:
    client = signed_in(world.uma)
    for answer in (
        client.post("/tags/standard/change/", typed),
        client.get("/tags/standard/change/", typed | {"preview": "1"}),
    ):
        assert list(answer.context["form"].errors) == [field]
    assert standard() == ("", [], 0, None, False)


def test_services_refuse_a_wrong_standard_too(world: World) -> None:
    for wrong in (Standard(least=-1), Standard(least=2, most=1), Standard(allowed=tuple(map(str, range(201))))):
        with pytest.raises(TagRefused):
            set_standard(standard=wrong, is_enforced=True)


def test_the_report_has_pages_that_join(world: World) -> None:
    fill_many(world)
    set_standard(standard=Standard("{slug}-*"), is_enforced=True)
    client = signed_in(world.uma)
    first = client.get("/tags/standard/").context
    second = client.get(f"/tags/standard/{first['pager']['next_url']}").context
    found = [(row.organisation, row.name) for context in (first, second) for row in context["report"].page.rows]
    names = [("Acme", f"A{number:02}") for number in range(30)]
    assert found == [*names, *(("Globex", f"A{number:02}") for number in range(30))]
    assert (first["pager"]["text"], second["pager"]["text"]) == ("50 of 60", "10 of 60")
    assert second["pager"]["next_url"] is None
    assert len(client.get("/tags/standard/?after=60").context["report"].page.rows) == 0
    assert len(client.get("/tags/standard.csv").content.decode().splitlines()) == 61


def fill_many(world: World) -> None:
    for of in (world.globex, world.acme):
        for number in range(30):
            api(of, "wrong", str(number), name=f"A{number:02}")


@pytest.mark.parametrize("path", [*PAGES, "/tags/standard/change/?preview=1&pattern={slug}-*"])
def test_more_rows_need_no_more_queries(world: World, path: str) -> None:
    set_standard(standard=Standard("{slug}-*"), is_enforced=True)
    client, counts = signed_in(world.uma), []
    for numbers in ((1,), (2, 3)):
        for number in numbers:
            own = organisation(f"a{number}")
            _wrong_api(own)
            create_tag(name=f"tag-{number}", owner_id=own.id)
            create_group(name=f"Group {number}", serves_all=True, tags=[f"tag-{number}"])
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def _wrong_api(of: Organisation) -> None:
    """As one that was saved before there was the standard."""
    with scope.opened(scope.of(of.id)):
        made = api(of, f"{of.slug}-x")
        type(made).objects.filter(pk=made.pk).update(tags=["wrong"])


@pytest.mark.parametrize("path", PAGES)
def test_administrators_of_an_organisation_are_sent_to_sign_in(world: World, path: str) -> None:
    assert signed_in(world.ann, prefix="/all").get(path).headers["Location"].startswith("/all/sign-in/")
    assert signed_in(world.ann).get(path).status_code == 404
    assert signed_in(world.uma, prefix="/all/o/acme").get(path).status_code == 404


def test_nothing_is_saved_for_who_is_of_an_organisation(world: World) -> None:
    tag = create_tag(name="eu", owner_id=world.globex.id)
    client = signed_in(world.ann, prefix="/all")
    client.post("/tags/create/", {"name": "us"})
    client.post(f"/tags/{tag.pk}/", {"name": "eu", "owner": "acme"})
    client.post(f"/tags/{tag.pk}/delete/")
    client.post("/tags/standard/change/", {"pattern": "x"})
    assert (registered(), standard()) == ([("eu", world.globex.id, False)], ("", [], 0, None, False))


def test_a_tag_that_never_was_is_not_found(world: World) -> None:
    client = signed_in(world.uma)
    assert [client.get(f"/tags/{'0' * 24}/{end}").status_code for end in ("", "delete/")] == [404, 404]
    assert [client.put(path).status_code for path in PAGES] == [405] * len(PAGES)
