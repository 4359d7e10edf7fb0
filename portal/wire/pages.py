"""The portal's pages as clients of the JSON API know them.

Clients write a page as fields of a template. Here it is one text in Markdown, which is made of them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from orgs.machines import Refusal
from orgs.wire import refuse_to_keep_more, unknown_fields
from portal.models import Page
from portal.names import slug_of

LONGEST_TITLE, LONGEST_SLUG = 120, 80
HOME = "home"
BODY = "Content"  # the field of a page that no client has written
UNSET: dict[str, Any] = {"template_name": "", "is_homepage": False, "page_settings": {}}


class PageBody(msgspec.Struct):
    """What is left out of a change stays. The texts among `fields` become the page's, in Markdown."""

    title: str | None = None
    slug: str | None = None
    fields: dict[str, Any] | None = None
    template_name: str | None = None
    is_homepage: bool | None = None
    page_settings: dict[str, Any] | None = None
    id: str | None = None
    org_id: str | None = None


class PageDocument(msgspec.Struct):
    id: str
    org_id: str
    title: str
    slug: str
    fields: dict[str, Any]
    template_name: str
    is_homepage: bool
    page_settings: dict[str, Any]


def document(page: Page) -> dict[str, Any]:
    """Give back what a client wrote, unless somebody has changed it by the pages since."""
    known = {
        "id": page.pk,
        "org_id": page.organisation_id,
        "title": page.title,
        "slug": shown_slug(page),
        "fields": shown_fields(page),
    }
    return UNSET | {name: value for name, value in page.extra.items() if name not in known} | known


def shown_slug(page: Page) -> str:
    kept = page.extra.get("slug")
    return kept if isinstance(kept, str) and address_of(kept, page.title) == page.slug else page.slug


def shown_fields(page: Page) -> dict[str, Any]:
    kept = dict(page.extra.get("fields", []))
    return kept if kept and body_of(kept) == page.body else {BODY: page.body}


def read(sent: PageBody, document: Mapping[str, Any], page: Page | None = None) -> dict[str, Any]:
    """Return what the services take of a new page, or of this one."""
    kept = dict(page.extra) if page else {}
    kept |= unknown_fields(document, PageBody)
    said = {name: document[name] for name in UNSET if document.get(name) is not None}
    kept |= {name: value for name, value in said.items() if name in kept or value != UNSET[name]}
    title = (page.title if page and sent.title is None else sent.title or "").strip()
    if len(title) > LONGEST_TITLE:
        raise Refusal(400, f"title has more than {LONGEST_TITLE} characters.")
    settings: dict[str, Any] = {"title": title, "extra": kept}
    if page is None or (sent.slug is not None and sent.slug != shown_slug(page)):
        settings["slug"] = kept_slug = address_of(sent.slug or "", title)
        kept |= {"slug": sent.slug} if sent.slug and sent.slug != kept_slug else {}
    if sent.fields is not None and (page is None or sent.fields != shown_fields(page)):
        settings["body"] = body_of(sent.fields)
        kept["fields"] = [*sent.fields.items()]  # PostgreSQL does not keep the order of an object
    refuse_to_keep_more(kept)
    return settings


def address_of(slug: str, title: str) -> str:
    """Return the address that a page has here; that of the portal's root is a page beside it."""
    if slug.strip() == "/":
        return HOME
    return slug_of(slug.replace("/", "-"), LONGEST_SLUG) or slug_of(title, LONGEST_SLUG) or "page"


def body_of(fields: Mapping[str, Any]) -> str:
    """Put the texts together: of each panel its title first. Links are those of a template, which is not there."""
    texts = {name: value for name, value in fields.items() if isinstance(value, str) and value.strip()}
    texts = {name: value for name, value in texts.items() if not name.endswith(("Link", "LinkTitle"))}
    first: dict[str, int] = {}
    for name in texts:
        first.setdefault(_panel(name), len(first))
    ordered = sorted(texts, key=lambda name: (first[_panel(name)], not name.endswith("Title")))
    return "\n\n".join(f"## {texts[name].strip()}" if name.endswith("Title") else texts[name] for name in ordered)


def _panel(name: str) -> str:
    return name.removesuffix("Title").removesuffix("Content")
