"""Lists: pages by number, or everything, streamed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, TypeVar

import msgspec
from django.db import models

from orgs import scope
from orgs.machines.answers import Answer, Streamed
from orgs.machines.calls import Call

Row = TypeVar("Row")
Render = Callable[[Iterable[Row]], Iterator[bytes]]

PAGE_SIZE, LARGEST_PAGE = 10, 1_000
COUNT_AHEAD = 10_000
CHUNK = 200


class Paged(msgspec.Struct):
    """`p` is the page, from 1; 0 or less is everything."""

    p: int = 1
    page_size: Annotated[int, msgspec.Meta(description=f"At most {LARGEST_PAGE:,}.")] = PAGE_SIZE
    sort: Annotated[str, msgspec.Meta(description="A field, such as name; -name is backwards.")] = ""
    q: Annotated[str, msgspec.Meta(description="Words to find.")] = ""


def page_of(
    call: Call[Any, Any],
    rows: "models.QuerySet[Any, Row]",
    render: Render[Row],
    *,
    name: str,
    pages: str = "pages",
    wrap: tuple[str, str] = ("", ""),
) -> Answer | Streamed:
    """Answer with a page of the rows: `{"<name>":[…],"<pages>":n}`, `wrap` around the array.

    `rows` are in their order. `render` yields the JSON of each; it is given the rows in chunks and may ask for more
    that belongs to a chunk, but not for each row.
    """
    head, tail = f'{{"{name}":{wrap[0]}['.encode(), f"]{wrap[1]}"
    if call.query.p <= 0:
        return Streamed(_stream(call.scope, rows, render, head, f'{tail},"{pages}":1}}'.encode()))
    size = min(max(call.query.page_size, 1), LARGEST_PAGE)
    first = (min(call.query.p, 10**9) - 1) * size
    count = pages_of(rows, size, first)
    body = b",".join(render(list(rows[first : first + size])))
    return Answer(head + body + f'{tail},"{pages}":{count}}}'.encode())


def pages_of(rows: "models.QuerySet[Any, Any]", size: int, first: int = 0) -> int:
    """Count the pages, at least one; exactly for the next 10,000 rows, and growing as one goes on.

    In their order: there is an index for it, and without one PostgreSQL would rather read the whole table.
    """
    counted = rows.values("pk")[: first + COUNT_AHEAD + 1].count()
    return max(1, -(-counted // size))


def _stream(
    reads: scope.Scope, rows: "models.QuerySet[Any, Row]", render: Render[Row], head: bytes, tail: bytes
) -> Iterator[bytes]:
    """Read with a cursor of PostgreSQL's, in a transaction of its own: the request's has ended by now."""
    with scope.opened(reads):
        yield head
        separator = b""
        for chunk in _chunks(rows.iterator(chunk_size=CHUNK)):
            if rendered := b",".join(render(chunk)):
                yield separator + rendered
                separator = b","
        yield tail


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def sorted_by(rows: "models.QuerySet[Any, Row]", wanted: str, known: dict[str, str]) -> "models.QuerySet[Any, Row]":
    """Order by what `sort` names (`name`, `-name`), else by the first of `known`; never by id alone."""
    name = wanted.removeprefix("-")
    column = known.get(name) or next(iter(known.values()))
    descending = column.startswith("-") != (wanted.startswith("-") and name in known)
    column = column.removeprefix("-")
    return rows.order_by(f"-{column}" if descending else column, "-id" if descending else "id")
