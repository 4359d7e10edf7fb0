"""Pages by key: each begins after the last row of the one before, so the deepest costs what the first does."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.http import QueryDict

SIZE = 50
COUNT_AT_MOST = 10_000
Row = TypeVar("Row")
Cursor = tuple[Any, ...]


@dataclass(frozen=True)
class Sort:
    """An order of rows by one indexed column, then by id. `-id` is newest first."""

    label: str
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        name = self.column.removeprefix("-")
        return ("id",) if name == "id" else (name, "id")

    @property
    def is_descending(self) -> bool:
        return self.column.startswith("-")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page and the query strings that lead on; `total` says "10,000+" where counting stopped."""

    rows: list[Row]
    total: str
    first: str | None
    previous: str | None
    next: str | None


def page(
    queryset: "models.QuerySet[Any, Row]", *, query: QueryDict, sort: Sort, fields: tuple[str, ...], size: int = SIZE
) -> Page[Row]:
    """Read one page of `queryset.values_list(*fields)`, which must begin with the sort's columns.

    `query` is the request's: `after` or `before` says where the page begins, and the rest stays in the links.
    """
    after, before = _read(query.get("after"), sort), _read(query.get("before"), sort)
    backwards = before is not None and after is None
    rows = list(_from(queryset, sort, after or before, backwards).values_list(*fields)[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    is_whole = not more and not after and not before
    has_previous, has_next = (more, True) if backwards else (after is not None, more)
    return Page(
        rows=rows,
        total=str(len(rows)) if is_whole else count(queryset),
        first=_link(query) if has_previous else None,
        previous=_link(query, before=rows[0], sort=sort) if has_previous and rows else None,
        next=_link(query, after=rows[-1], sort=sort) if has_next and rows else None,
    )


def count(queryset: "models.QuerySet[Any, Any]") -> str:
    found = queryset.order_by()[: COUNT_AT_MOST + 1].count()
    return f"{COUNT_AT_MOST:,}+" if found > COUNT_AT_MOST else f"{found:,}"


def _from(
    queryset: "models.QuerySet[Any, Row]", sort: Sort, cursor: Cursor | None, backwards: bool
) -> "models.QuerySet[Any, Row]":
    descending = sort.is_descending != backwards
    if cursor is not None:
        compare = TupleLessThan if descending else TupleGreaterThan
        queryset = queryset.filter(compare(Tuple(*map(models.F, sort.columns)), cursor))
    return queryset.order_by(*(f"-{column}" if descending else column for column in sort.columns))


def _link(query: QueryDict, **cursor: Any) -> str:
    """The query string of another page of the same list."""
    link = query.copy()
    for name in ("after", "before"):
        link.pop(name, None)
    sort = cursor.pop("sort", None)
    for name, row in cursor.items():
        link[name] = _write(row[: len(sort.columns)])
    return f"?{link.urlencode()}"


def _write(cursor: Cursor) -> str:
    return urlsafe_b64encode(json.dumps(cursor).encode()).decode()


def _read(text: str | None, sort: Sort) -> Cursor | None:
    """A cursor that we did not write is as none: the first page."""
    try:
        cursor = json.loads(urlsafe_b64decode(text or ""))
    except (ValueError, binascii.Error):
        return None
    is_ours = isinstance(cursor, list) and len(cursor) == len(sort.columns)
    return tuple(cursor) if is_ours and all(isinstance(v, str) and "\0" not in v for v in cursor) else None


def sort_of(query: Mapping[str, str], sorts: Mapping[str, Sort]) -> tuple[str, Sort]:
    """The sort that the query names, else the first."""
    name = query.get("sort", "")
    return (name, sorts[name]) if name in sorts else next(iter(sorts.items()))
