"""The context of a list page (`templates/partials/list.html`): headers that sort, filters, and links to other pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict

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
    options: Sequence[tuple[str, str]]


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
        "columns": [_header(request.GET, column, sort) for column in columns],
        "filters": {
            "search": {"name": "q", "label": search, "value": request.GET.get("q", "")} if search else None,
            "selects": [_select(request.GET, select) for select in selects],
            "hidden": [("sort", request.GET["sort"])] if "sort" in request.GET else [],
            "clear_url": here if filtered else "",
            "export_url": f"{export}{_query(request.GET)}" if export else "",
        },
        "pager": {
            "text": f"{len(page.rows)} of {page.total}",
            "first_url": page.first,
            "previous_url": page.previous,
            "next_url": page.next,
        },
        "empty": {"icon": "search", "title": "Nothing matches", "action_url": here, "action_label": "Clear the filters"}
        if filtered
        else empty,
    }


def _header(query: QueryDict, column: Column, sort: str) -> dict[str, str]:
    direction = {column.sort: "ascending", column.reverse: "descending"}.get(sort, "") if column.sort else ""
    target = column.reverse if sort == column.sort and column.reverse else column.sort
    return {
        "label": column.label,
        "kind": column.kind,
        "direction": direction,
        "sort_url": _query(query, sort=target) if column.sort else "",
    }


def _select(query: QueryDict, select: Select) -> dict[str, Any]:
    chosen = query.get(select.name, "")
    return {
        "name": select.name,
        "label": select.label,
        "options": [(value, label, value == chosen) for value, label in select.options],
    }


def _query(query: QueryDict, **changes: str) -> str:
    """The query string from the first page on, with these changes."""
    link = query.copy()
    for name in MOVING:
        link.pop(name, None)
    for name, value in changes.items():
        link[name] = value
    return f"?{link.urlencode()}"
