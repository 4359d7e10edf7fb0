"""Reading one row by a statement written by hand: for the three that every page begins with.

Composing them by the ORM took longer than their answers. Row-level security holds them as it holds any other.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def fetch(model: type[M], statement: str, params: list[Any], *extra: str) -> M | None:
    """Return the row that `statement` selects, or None. It begins with the model's columns, in their order.

    What it selects beyond them becomes attributes, named by `extra`.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        row = cursor.fetchone()
    if row is None:
        return None
    columns, converters = _columns(model)
    values = list(row[: len(columns)])
    for place, convert in converters:
        values[place] = convert(values[place], None, connection)
    found = model.from_db(connection.alias, columns, values)
    for name, value in zip(extra, row[len(columns) :], strict=True):
        setattr(found, name, value)
    return found


@cache
def _columns(model: type[models.Model]) -> tuple[list[str], list[tuple[int, Callable[..., Any]]]]:
    """The attributes of a row, and what makes the values of some: JSON arrives as text."""
    fields = model._meta.concrete_fields
    converters = [(n, field.from_db_value) for n, field in enumerate(fields) if hasattr(field, "from_db_value")]
    return [field.attname for field in fields], converters


def columns_of(model: type[models.Model]) -> str:
    """The model's columns, in the order in which `fetch` reads them."""
    table = model._meta.db_table
    return ", ".join(f"{table}.{field.column}" for field in model._meta.concrete_fields)
