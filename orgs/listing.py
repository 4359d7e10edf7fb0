"""The context of a list page (`templates/partials/list.html`): headers that sort, filters, and links to other pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from orgs.paging import Page

MOVING = ("after", "before")


@dataclass(frozen=True)
class Column:
    """`sort` and `reverse` name the sorts of its header's link; without them it does not sort."""

    label: str
    sort: str = ""
    reverse: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Select:
    """A filter of few values. `options` are (value, label), the first of them "any"."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]


def listing(
    request: HttpRequest,
    page: Page[Any],
    *,
    label: str,
    columns: Sequence[Column],
    sort: str = "",
    search: str = "",
    selects: Sequence[Select] = (),
    export: str = "",
    empty: Mapping[str, str],
) -> dict[str, Any]:
    """Return the template's context but for `rows`. `empty` is what a list says that nothing was ever put in."""
    names = ["q", *(select.name for select in selects)]
    filtered = any(request.GET.get(name) for name in names)
    here = request.path
    return {
        "list_label": label,
        "page_title": label,
        "head": _head(tuple(columns), sort, _kept(request.GET)),
        "filters": {
            "search": {"name": "q", "label": search, "value": request.GET.get("q", "")} if search else None,
            "selects": _selects(tuple((select, request.GET.get(select.name, "")) for select in selects)),
            "hidden": [("sort", request.GET["sort"])] if "sort" in request.GET else [],
            "clear_url": here if filtered else "",
            "export_url": f"{export}?{urlencode(_kept(request.GET))}" if export else "",
        },
        "pager": {
            "text": f"{len(page.rows)} of {page.total}",
            "first_url": page.first,
            "previous_url": page.previous,
            "next_url": page.next,
        },
        "empty": {
            "icon": "search",
            "title": "Nothing matches",
            "action_url": here,
            "action_label": "Clear the filters",
        }
        if filtered
        else empty,
    }


def table_rows(row: str, values: Sequence[Sequence[str]]) -> SafeString:
    """Fill `row`, a table row's markup with `{}` for each value, and escape each value.

    For the lists that are looked at all day: the template engine takes twenty times as long for the same rows.
    No value may hold a NUL, which PostgreSQL does not store.
    """
    cells = [text for texts in values for text in texts]
    safe = iter(escape("\0".join(cells)).split("\0")) if cells else iter(())  # all at once is five times as fast
    return mark_safe("".join([row.format(*islice(safe, len(texts))) for texts in values]))  # noqa: S308 - escaped


def _kept(query: QueryDict) -> tuple[tuple[str, str], ...]:
    """What of the query string stays when a list begins again at its first page."""
    return tuple((name, str(value)) for name, value in query.items() if name not in MOVING)


# These two are the same on most pages of a list, so what was rendered is kept.
@lru_cache(maxsize=1024)
def _head(columns: tuple[Column, ...], sort: str, kept: tuple[tuple[str, str], ...]) -> SafeString:
    headers = [_header(column, sort, dict(kept)) for column in columns]
    return render_to_string("partials/table_head.html", {"columns": headers})


@lru_cache(maxsize=1024)
def _selects(chosen: tuple[tuple[Select, str], ...]) -> SafeString:
    selects = [
        {
            "name": select.name,
            "label": select.label,
            "options": [(value, label, value == wanted) for value, label in select.options],
        }
        for select, wanted in chosen
    ]
    return render_to_string("partials/selects.html", {"selects": selects})


def _header(column: Column, sort: str, kept: dict[str, str]) -> dict[str, str]:
    direction = {column.sort: "ascending", column.reverse: "descending"}.get(sort, "") if column.sort else ""
    target = column.reverse if sort == column.sort and column.reverse else column.sort
    return {
        "label": column.label,
        "kind": column.kind,
        "direction": direction,
        "sort_url": f"?{urlencode(kept | {'sort': target})}" if column.sort else "",
    }
