"""Pages by key: each begins after the last row of the one before, so the deepest costs what the first does."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Cast
from django.http import QueryDict

from orgs.hot import ask

SIZE = 50
COUNT_AT_MOST = 1_000
Row = TypeVar("Row")
Cursor = tuple[Any, ...]
# Given a cursor, whether to go back from it, and at most how many: rows that begin with what is written into theirs,
# and how many rows there are in all, to the cap.
Fetch = Callable[[Cursor | None, bool, int], tuple[list[tuple[Any, ...]], int]]


@dataclass(frozen=True)
class Sort:
    """An order of rows by one indexed column, then by id; `is_moment` where the column holds moments, not text.

    Never by id alone: its index is every organisation's, and the planner takes it for the quickest way.
    """

    column: str
    is_moment: bool = False

    @property
    def columns(self) -> tuple[str, str]:
        return self.column.removeprefix("-"), "id"

    @property
    def as_text(self) -> models.Expression:
        """The column's value for a cursor. Moments become text in PostgreSQL, which is quicker and exact."""
        return Cast(self.columns[0], models.TextField())

    @property
    def is_descending(self) -> bool:
        return self.column.startswith("-")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page and the query strings that lead on; `total` says "1,000+" where counting stopped."""

    rows: list[Row]
    total: str
    first: str | None
    previous: str | None
    next: str | None


def page(
    queryset: "models.QuerySet[Any, Any]", *, query: QueryDict, sort: Sort, fields: tuple[str, ...], size: int = SIZE
) -> Page[tuple[Any, ...]]:
    """Read one page of `queryset.values_list(*fields)`.

    `query` is the request's: `after` or `before` says where the page begins, and the rest stays in the links.
    """

    def fetch(cursor: Cursor | None, is_backwards: bool, most: int) -> tuple[list[tuple[Any, ...]], int]:
        ordered = _from(queryset, sort, cursor, is_backwards)
        return _rows_and_count(ordered.values_list(sort.as_text, "id", *fields)[:most], queryset)

    return paged(fetch, query=query, sort=sort, size=size)


def paged(fetch: Fetch, *, query: QueryDict, sort: Sort, size: int = SIZE) -> Page[tuple[Any, ...]]:
    """Read one page of what `fetch` finds."""
    after, before = _read(query.get("after"), sort), _read(query.get("before"), sort)
    backwards = before is not None and after is None
    found, total = fetch(after or before, backwards, size + 1)
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_previous, has_next = (more, True) if backwards else (after is not None, more)
    return Page(
        rows=[row[2:] for row in found],
        total=_in_words(total),
        first=_link(query) if has_previous else None,
        previous=_link(query, before=_write(found[0][:2])) if has_previous and found else None,
        next=_link(query, after=_write(found[-1][:2])) if has_next and found else None,
    )


def count(queryset: "models.QuerySet[Any, Any]") -> str:
    """Count to the cap, in words."""
    [[(total,)]] = ask(_counting(queryset))
    return _in_words(total)


def _counting(queryset: "models.QuerySet[Any, Any]") -> tuple[str, Sequence[Any]]:
    counted, params = queryset.order_by().values("pk")[: COUNT_AT_MOST + 1].query.sql_with_params()
    return f"SELECT count(*) FROM ({counted}) AS counted", params  # noqa: S608 - Django's own SQL


def _in_words(total: int) -> str:
    return f"{COUNT_AT_MOST:,}+" if total > COUNT_AT_MOST else f"{total:,}"


def _rows_and_count(
    rows: "models.QuerySet[Any, Any]", all_rows: "models.QuerySet[Any, Any]"
) -> tuple[list[tuple[Any, ...]], int]:
    """Ask for a page and for how many rows there are, to the cap, in one round trip."""
    compiler = rows.query.get_compiler(connection=connection)
    try:
        found, [(total,)] = ask(compiler.as_sql(), _counting(all_rows))
    except EmptyResultSet:  # Django sees that nothing can match
        return [], 0
    return list(compiler.results_iter([found], tuple_expected=True)), total


def _from(
    queryset: "models.QuerySet[Any, Any]", sort: Sort, cursor: Cursor | None, backwards: bool
) -> "models.QuerySet[Any, Any]":
    descending = sort.is_descending != backwards
    if cursor is not None:
        compare = TupleLessThan if descending else TupleGreaterThan
        queryset = queryset.filter(compare(Tuple(*map(models.F, sort.columns)), cursor))
    return queryset.order_by(*(f"-{column}" if descending else column for column in sort.columns))


def _link(query: QueryDict, **cursor: str) -> str:
    """The query string of another page of the same list."""
    kept = {name: value for name, value in query.items() if name not in ("after", "before")}
    return f"?{urlencode(kept | cursor)}"


def _write(cursor: Cursor) -> str:
    return urlsafe_b64encode(json.dumps(cursor).encode()).decode()


def _read(text: str | None, sort: Sort) -> Cursor | None:
    """A cursor that we did not write is as none: the first page."""
    try:
        value, id = json.loads(urlsafe_b64decode(text or ""))
        f"{value}{id}".encode()  # half a surrogate pair is no text for PostgreSQL
        moment = datetime.fromisoformat(value).astimezone(UTC) if sort.is_moment else None
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    is_text = isinstance(value, str) and isinstance(id, str) and "\0" not in value + id
    return (moment or value, id) if is_text else None


def sort_of(query: Mapping[str, str], sorts: Mapping[str, Sort]) -> tuple[str, Sort]:
    """The sort that the query names, else the first."""
    name = query.get("sort", "")
    return (name, sorts[name]) if name in sorts else next(iter(sorts.items()))
