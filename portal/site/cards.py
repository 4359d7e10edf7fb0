"""The cards of the catalogue. By hand, since the template engine took longer for a page of them than all else did."""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString, mark_safe

from apis.definition import Authentication
from portal.catalogue import Card
from portal.models import Entry

CARD = """<li><article class="card portal-card">
<h3><a href="{root}apis/{slug}/">{title}</a>{lock}</h3>
{summary}{categories}{foot}</article></li>
"""
LOCK = '<svg class="icon" role="img" aria-label="Not for everybody"><use href="/static/icons.svg#lock"/></svg>'
SUMMARY = "<p>{}</p>\n"
CATEGORIES = '<ul class="portal-tags" aria-label="Categories">{}</ul>\n'
CATEGORY = '<li class="tag">{}</li>'
KEY = '<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#key"/></svg>'
FOOT = f'<div class="portal-card-foot"><span>{KEY}{{}}</span></div>\n'


def markup(cards: Iterable[Card], *, root: str) -> SafeString:
    """`root` is the portal's address, with a slash at its end. Every text is escaped here, before it is put in."""
    return mark_safe("".join(_card(card, escape(root)) for card in cards))  # noqa: S308 - escaped


def _card(card: Card, root: str) -> str:
    categories = "".join(CATEGORY.format(escape(category)) for category in card.categories)
    label = Authentication(card.authentication).label if card.authentication else ""
    return CARD.format(
        root=root,
        slug=escape(card.slug),
        title=escape(card.title),
        lock="" if card.audience == Entry.EVERYONE else LOCK,
        summary=SUMMARY.format(escape(card.summary)) if card.summary else "",
        categories=CATEGORIES.format(categories) if categories else "",
        foot=FOOT.format(escape(label)) if label else "",
    )
