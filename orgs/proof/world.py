"""Two organisations with a row in every table, that never come to be."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, models, transaction

from orgs import scope, walls
from orgs.ids import new_id
from orgs.models import OfInstallation, Organisation
from orgs.proof import filler
from orgs.proof.filler import Rows


@dataclass(frozen=True)
class World:
    """The rows of organisation `a`, of `b`, and of none, by the id of their organisation."""

    a: str
    b: str
    rows: dict[str | None, Rows]


class _Undone(Exception):
    pass


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what the block did."""
    try:
        with transaction.atomic():
            yield
            raise _Undone
    except _Undone:
        pass


def make_world() -> World:
    """Make them; from here on foreign keys are checked at each statement, not at the end that never comes."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    world = World(new_id(), new_id(), {})
    for organisation_id in (world.a, world.b, None):
        rows: Rows = {}
        with scope.opened(scope.of(organisation_id) if organisation_id else scope.INSTALLATION):
            for model in walls.models_in_order():
                if _may_be_of_one(model) if organisation_id else _may_be_of_none(model):
                    rows[model] = filler.make(model, organisation_id, rows)
                    if _is_taken_in(model):
                        with scope.opened(scope.INTAKE):
                            filler.insert(rows[model])
                    else:
                        filler.insert(rows[model])
        world.rows[organisation_id] = rows
    return world


def _is_taken_in(model: type[models.Model]) -> bool:
    """Whether the web adds rows only in the scope of the intake."""
    return "INSERT" in walls.intake_may(model) and "INSERT" not in model.web_may  # type: ignore[attr-defined]


def _may_be_of_one(model: type[models.Model]) -> bool:
    return not issubclass(model, OfInstallation)


def _may_be_of_none(model: type[models.Model]) -> bool:
    return model is not Organisation and bool(model._meta.get_field("organisation").null)
