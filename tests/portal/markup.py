"""Reads markup as a browser does, to say what in it could do something."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

TAGS = {
    *("h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "code", "pre", "blockquote", "hr", "br"),
    *("table", "thead", "tbody", "tr", "th", "td", "a", "em", "strong", "s", "img", "div"),
}
ATTRIBUTES = {"href", "src", "alt", "title", "rel", "id", "class", "start", "align", "tabindex"}
HARMLESS_LINK = re.compile(r"https?://|mailto:|(?!//|/\\|\\)[^:]*(?:[/?#]|$)", re.IGNORECASE)
HARMLESS_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,")
IGNORED_IN_URLS = re.compile(r"[\x00-\x20\x7f]")  # browsers drop some of these; no address of ours has any


class Markup(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.others: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def faults(text: str) -> list[str]:
    """Return what must never be in the markup of a text, however it was written."""
    markup = Markup(text)
    return [*markup.others, *(fault for element in markup.elements for fault in _faults(*element))]


def _faults(tag: str, attributes: dict[str, str]) -> Iterator[str]:
    if tag not in TAGS:
        yield f"<{tag}>"
    yield from (f"{tag} {name}" for name in set(attributes) - ATTRIBUTES)
    href, src = attributes.get("href", ""), attributes.get("src", "data:image/png;base64,")
    if IGNORED_IN_URLS.search(href + src) or not HARMLESS_LINK.match(href) or not HARMLESS_PICTURE.match(src):
        yield f"{tag} {href} {src}"
    if "//" in href[:8] and "nofollow" not in attributes.get("rel", ""):
        yield f"{tag} without rel"
    if not attributes.get("id", "user-content-").startswith("user-content-"):
        yield f"{tag} #{attributes['id']}"
