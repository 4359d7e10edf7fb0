"""What every page begins with, by statements written by hand and in few round trips.

Composing these by the ORM took longer than their answers. Row-level security holds them as it holds any other.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from select import POLLIN, poll
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def columns_of(model: type[models.Model], *, without: tuple[str, ...] = ()) -> str:
    """The model's columns, in the order in which `take` reads them."""
    table = model._meta.db_table
    return ", ".join(f"{table}.{field.column}" for field in _fields(model, without))


def take(model: type[M], values: Iterator[Any], *, without: tuple[str, ...] = ()) -> M | None:
    """Make a row from the next values, which are those of `columns_of`; None where they are all null.

    What it is `without` is asked for when somebody wants it.
    """
    names, converters = _columns(model, without)
    row = [next(values) for _ in names]
    if all(value is None for value in row):
        return None
    for place, convert in converters:
        row[place] = convert(row[place], None, connection)
    return model.from_db(connection.alias, names, row)


def _fields(model: type[models.Model], without: tuple[str, ...]) -> "list[models.Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if field.name not in without]


@cache
def _columns(
    model: type[models.Model], without: tuple[str, ...]
) -> tuple[list[str], list[tuple[int, Callable[..., Any]]]]:
    """The attributes of a row, and what makes the values of some: JSON arrives as text."""
    fields = _fields(model, without)
    converters = [(n, field.from_db_value) for n, field in enumerate(fields) if hasattr(field, "from_db_value")]
    return [field.attname for field in fields], converters


def ask(*statements: tuple[str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    """Return the rows of each statement, all sent in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(
            "; ".join(statement for statement, _ in statements), [value for _, values in statements for value in values]
        )
        answers = [cursor.fetchall()]
        while cursor.nextset():
            answers.append(cursor.fetchall())
    return answers


def drop_dead_connection() -> None:
    """Close a connection that the server has left, so that the next statement opens another.

    An idle connection has nothing to say: if there is something to read, it is the server hanging up. Asking it by a
    statement, as CONN_HEALTH_CHECKS does, costs each page a round trip.
    """
    raw = connection.connection
    if raw is None or connection.in_atomic_block:
        return
    if raw.closed or _has_something_to_read(raw.fileno()):
        connection.close()


def _has_something_to_read(descriptor: int) -> bool:
    poller = poll()
    poller.register(descriptor, POLLIN)
    return bool(poller.poll(0))
