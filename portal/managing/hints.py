"""What the forms say below their fields."""

from collections.abc import Iterable

from django.db.models import CharField, F, Func
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.models import Developer, Entry

MARKDOWN = (
    "In Markdown: ## heading, **bold**, - list, 1. list, `code`, [link](https://…), > quote, a | table. "
    "HTML is shown as it is typed, and pictures are data: addresses."
)
MOST_NAMES = 20


def groups(text: str) -> SafeString:
    """Name the groups that developers are in, and those that entries are for."""
    return _with_names(text, {*_names(Developer, "groups"), *_names(Entry, "groups")})


def categories(text: str) -> SafeString:
    return _with_names(text, _names(Entry, "categories"))


def _names(model: type[Developer] | type[Entry], column: str) -> set[str]:
    each = Func(F(column), function="unnest", output_field=CharField())
    return {*model.objects.order_by().values_list(each, flat=True).distinct()[:MOST_NAMES]}


def _with_names(text: str, names: Iterable[str]) -> SafeString:
    known = sorted(names, key=str.lower)[:MOST_NAMES]
    return format_html("{} There are: {}.", text, ", ".join(known)) if known else format_html("{}", text)
