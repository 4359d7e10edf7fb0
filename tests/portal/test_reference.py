"""The reference as HTML: that it says everything, runs nothing, and names nothing behind the gateway."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from django.utils.safestring import SafeString

from portal.reference import render
from portal.reference.outline import outline
from portal.reference.rendering import rendered as write
from tests.portal.documents import GATEWAY, PETS, UPSTREAM, in_paragraph, real, real_names, text_of, with_paths

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
VOID = {"img", "br", "hr", "input", "link", "meta"}


def rendered(document: dict[str, Any], **more: Any) -> SafeString:
    return render(text_of(document), server_url=GATEWAY, markdown=in_paragraph, **more)


class Reader(HTMLParser):
    """Collects tags, attributes and texts, and refuses tags that are not closed in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value for attribute, value in self.attributes if attribute == name]


TAGS = {
    *("div", "section", "nav", "ul", "li", "details", "summary", "table", "thead", "tbody", "tr", "th", "td"),
    *("h2", "h3", "h4", "p", "span", "code", "a"),
}
ATTRIBUTES = {"class", "id", "href", "scope", "tabindex", "aria-label"}


def test_reference_says_what_the_document_says() -> None:
    text = " ".join(" ".join(Reader(rendered(PETS)).texts).split())
    for said in ("All **pets**.", "The shop.", "GET /pets/{id} One pet", "PUT", "deprecated", "No such pet", "uuid"):
        assert said in text
    assert "In the path Parameter Type Description id required string" in text
    assert "Request body required application/json object {name}" in text


def test_schemas_are_linked_to_their_sections() -> None:
    reader = Reader(rendered(PETS))
    ids = reader.values("id")
    assert len(ids) == len(set(ids))
    assert "schema-Pet" in ids
    assert {target.removeprefix("#") for target in reader.values("href")} <= set(ids)
    assert "#schema-Pet" in reader.values("href")


def evil(item: Any) -> Any:
    """Put markup into each text and each name that is the author's to choose."""
    if isinstance(item, dict):
        return {key: evil(inner) if key != "$ref" else inner for key, inner in item.items()}
    if isinstance(item, list):
        return [evil(inner) for inner in item]
    return item + EVIL if isinstance(item, str) else item


def test_markup_in_any_text_is_text() -> None:
    document = evil(PETS)
    document["paths"]["/x" + EVIL] = document["paths"]["/health"] | {"parameters": [{"name": EVIL, "in": EVIL}]}
    document["components"]["schemas"][EVIL] = {"properties": {EVIL: {"enum": [EVIL], "default": EVIL}}}
    document["paths"]["/health"]["get"]["responses"][EVIL] = {"description": EVIL, "content": {EVIL: {}}}
    reader = Reader(rendered(document))
    assert reader.tags <= TAGS
    assert {name for name, _ in reader.attributes} <= ATTRIBUTES
    assert "".join(reader.texts).count("<script>alert(1)</script>") > 40


def test_links_lead_nowhere_but_into_the_page() -> None:
    document = evil(PETS) | {"externalDocs": {"url": "javascript:alert(1)"}}
    document["info"] |= {"termsOfService": "javascript:alert(1)", "contact": {"url": "javascript:alert(1)"}}
    reader = Reader(rendered(document))
    assert [target for target in reader.values("href") if not re.fullmatch(r"#[\w-]+", target)] == []


def test_markdown_is_asked_once_for_each_text() -> None:
    asked: list[str] = []

    def markdown(text: str) -> SafeString:
        asked.append(text)
        return in_paragraph(text)

    operation = {"description": "The same", "responses": {"200": {"description": "The same"}}}
    render(text_of(with_paths({"/a": {"get": operation, "put": operation}})), server_url=GATEWAY, markdown=markdown)
    assert asked == ["The same"]


def test_markup_that_markdown_forgot_to_mark_is_escaped() -> None:
    assert "<b>" not in render(text_of(PETS), server_url=GATEWAY, markdown=lambda text: "<b>")  # type: ignore[arg-type, return-value]


def test_servers_behind_the_gateway_are_not_named() -> None:
    document = with_paths(
        {"/a": {"get": {"description": f"Call {UPSTREAM}/a or pets.inner.example.", "responses": {}}}},
        servers=[{"url": UPSTREAM}],
    )
    html = rendered(document)
    assert "inner" not in html
    assert f"<p>Call {GATEWAY}/a or gateway.example.</p>" in html


def test_document_that_is_cut_says_so() -> None:
    made = outline(PETS)
    assert "too large" not in write(made, markdown=in_paragraph)
    assert "too large" in write(replace(made, is_cut=True), markdown=in_paragraph)


@pytest.mark.parametrize("name", real_names() or ["any document"])
def test_real_document_is_shown_whole(name: str) -> None:
    html = render(real(name), server_url=GATEWAY, markdown=in_paragraph)
    reader = Reader(html)
    ids = reader.values("id")
    assert len(ids) == len(set(ids))
    assert {target.removeprefix("#") for target in reader.values("href")} <= set(ids)
    assert reader.tags <= TAGS
    assert "notice-warning" not in html
