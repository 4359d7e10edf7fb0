"""Pages in Markdown: who reads them, what becomes of their text, and how they are saved."""

from typing import Any

import pytest

from orgs.models import AuditEntry
from portal.models import Page
from portal.services.pages import MOST
from tests.conftest import SiteClient, World, signed_in
from tests.portal.shared import Shop, counted, text_of

BODY = "# Begin\n\n<script>alert(1)</script> [a](javascript:alert(1)) ![b](https://evil.example/x.png)\n\n|a|\n|-|\n|b|"
FIELDS = {"title": "Begin", "slug": "begin", "body": BODY, "is_published": "on", "in_navigation": "on", "position": "0",
          "revision": "0"}  # fmt: skip


def make(shop: Shop, **fields: Any) -> Page:
    with shop.inside():
        return Page.objects.create(
            **{"title": "Begin", "slug": "begin", "body": "Hello", "is_published": True} | fields
        )


def test_text_is_laid_out_and_does_nothing(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)
    assert ann.post("/portal-pages/create/", FIELDS).status_code == 302
    with shop.inside():
        page = Page.objects.get()
    for html in (
        SiteClient(shop.prefix).get("/pages/begin/").content.decode(),
        ann.get(f"/portal-pages/{page.pk}/preview/").content.decode(),
    ):
        assert '<h2 id="user-content-begin">Begin</h2>' in html
        assert "<td>b</td>" in html
        assert "&lt;script&gt;alert(1)" in html
        assert "<script>alert" not in html
        assert 'href="javascript' not in html
        assert "<img" not in html.partition("portal-text")[2]


def test_page_is_read_by_whom_it_is_for(shop: Shop) -> None:
    make(shop)
    make(shop, slug="inner", title="For the signed-in", is_for_developers=True)
    make(shop, slug="draft", title="A draft", is_published=False)
    make(shop, slug="aside", title="Aside", in_navigation=False)
    visitor, client = SiteClient(shop.prefix), shop.client()
    for path, of_visitor, of_developer in (
        ("begin", 200, 200), ("inner", 404, 200), ("draft", 404, 404), ("aside", 200, 200), ("nothing", 404, 404),
    ):  # fmt: skip
        assert visitor.get(f"/pages/{path}/").status_code == of_visitor
        assert client.get(f"/pages/{path}/").status_code == of_developer
    for who, sees in ((visitor, False), (client, True)):
        html = who.get("/").content.decode()
        assert ("For the signed-in" in html, "A draft" in html, "Aside" in html) == (sees, False, False)
        assert ("For the signed-in" in who.get("/nothing/").content.decode()) == sees


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": ""}, "This field is required."),
        ({"title": " "}, "This field is required."),
        ({"slug": "Not this"}, "Address: use lower-case letters"),
        ({"slug": "../x"}, "Address: use lower-case letters"),
        ({"slug": "a--b"}, "Address: use lower-case letters"),
        ({"slug": "taken"}, "Address: another page has it."),
        ({"body": "x" * 100_001}, "at most 100000 characters"),
        ({"body": "[a]: b\n<\n> " * 9_000}, "Text: The text is nested"),
        ({"body": "a\0b"}, "Null characters are not allowed."),
        ({"position": "9999999999999"}, "less than or equal to 1000"),
        ({"position": "x"}, "Enter a whole number."),
        ({"revision": "7"}, "was changed meanwhile: nothing has been done."),
    ],
)
def test_bad_input_gets_a_sentence_and_what_was_typed_stays(
    world: World, shop: Shop, fields: dict[str, str], sentence: str
) -> None:
    make(shop, slug="taken", title="Taken")
    page = make(shop)
    sent = FIELDS | {"title": "Another title", "body": "A long text", "revision": "1"} | fields
    answer = signed_in(world.ann).post(f"/portal-pages/{page.pk}/edit/", sent)
    assert sentence in text_of(answer)
    kept = "A long text" if "body" not in fields else "Another title"
    assert kept in answer.content.decode()
    with shop.inside():
        saved = Page.objects.get(pk=page.pk)
    assert (saved.title, saved.slug, saved.body, saved.revision) == ("Begin", "begin", "Hello", 1)


def test_of_two_who_write_at_once_the_second_loses_nothing(world: World, shop: Shop) -> None:
    page = make(shop)
    ann, here = signed_in(world.ann), f"/portal-pages/{page.pk}/edit/"
    assert ann.post(here, FIELDS | {"body": "First", "revision": "1"}).status_code == 302
    answer = ann.post(here, FIELDS | {"body": "Second", "revision": "1"})
    assert "was changed meanwhile" in text_of(answer)
    assert "Second" in answer.content.decode()
    with shop.inside():
        assert Page.objects.get().body == "First"


def test_audit_trail_says_that_the_text_has_changed(world: World, shop: Shop) -> None:
    page, ann = make(shop), signed_in(world.ann)
    ann.post(f"/portal-pages/{page.pk}/edit/", FIELDS | {"body": "Anew", "revision": "1"})
    ann.post(f"/portal-pages/{page.pk}/delete/")
    with shop.inside():
        lines = AuditEntry.objects.filter(kind="portal_pages").order_by("at")
        assert [(line.action, line.actor) for line in lines] == [
            ("changed", "ann@acme.example"), ("deleted", "ann@acme.example"),
        ]  # fmt: skip
        assert lines[0].changes["body"] == [None, "changed"]


def test_portal_has_at_most_two_hundred(world: World, shop: Shop) -> None:
    with shop.inside():
        Page.objects.bulk_create(Page(title="A", slug=f"a{at}") for at in range(MOST))
    assert f"A portal has at most {MOST} pages." in text_of(signed_in(world.ann).post("/portal-pages/create/", FIELDS))


def test_address_is_anothers_organisations_own(shop: Shop, other_shop: Shop) -> None:
    make(shop, body="Acme's")
    make(other_shop, body="Globex's")
    assert "Acme" in text_of(SiteClient(shop.prefix).get("/pages/begin/"))
    assert "Acme" not in text_of(SiteClient(other_shop.prefix).get("/pages/begin/"))


def test_lists_take_as_many_queries_for_three_pages_as_for_one(world: World, shop: Shop) -> None:
    ann, visitor = signed_in(world.ann), SiteClient(shop.prefix)

    def queries() -> list[int]:
        found = []
        for client, path in ((ann, "/portal-pages/"), (visitor, "/"), (visitor, "/pages/begin/")):
            with counted() as asked:
                assert client.get(path).status_code == 200
            found.append(len(asked))
        return found

    make(shop)
    first = queries()
    make(shop, slug="two")
    make(shop, slug="three")
    assert queries() == first
