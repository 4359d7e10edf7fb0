"""The ways in which Django asks for rows: each takes a model and a row in hand, and says what it reached."""

from collections.abc import Callable
from copy import copy
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Count, Exists, F, Max, Q, Subquery
from psycopg import errors

from orgs import scope
from orgs.proof.filler import owner_column
from orgs.proof.finding import BROKEN, Finding, Report
from orgs.proof.world import World, undone

DERIVE = "Let the model's manager derive from OrgManager."
Query = Callable[[Any, Any], Any]


def _one(row: Any) -> Any:
    return type(row).objects.filter(pk=row.pk)


def _found(find: Callable[[], Any], model: Any) -> bool:
    try:
        return find() is not None
    except model.DoesNotExist:
        return False


READING: dict[str, Query] = {
    "exists": lambda m, row: _one(row).exists(),
    "count": lambda m, row: _one(row).count(),
    "len": lambda m, row: len(_one(row)),
    "bool": lambda m, row: bool(_one(row)),
    "list": lambda m, row: list(_one(row)),
    "first": lambda m, row: _one(row).first(),
    "last": lambda m, row: _one(row).last(),
    "index": lambda m, row: list(_one(row)[:1]),
    "get": lambda m, row: _found(lambda: m.objects.get(pk=row.pk), m),
    "earliest": lambda m, row: _found(lambda: _one(row).earliest(owner_column(m)), m),
    "latest": lambda m, row: _found(lambda: _one(row).latest(owner_column(m)), m),
    "in_bulk": lambda m, row: _one(row).in_bulk(),
    "iterator": lambda m, row: list(_one(row).iterator(chunk_size=10)),
    "values": lambda m, row: list(_one(row).values()),
    "values_list": lambda m, row: list(_one(row).values_list("pk")),
    "aggregate": lambda m, row: _one(row).aggregate(of=Max(owner_column(m)))["of"],
    "annotate": lambda m, row: list(_one(row).annotate(one=F(owner_column(m)))),
    "group by": lambda m, row: list(_one(row).values(owner_column(m)).annotate(n=Count("*"))),
    "distinct": lambda m, row: list(_one(row).distinct()),
    "exclude": lambda m, row: list(m.objects.exclude(~Q(pk=row.pk))),
    "order_by": lambda m, row: list(_one(row).order_by(owner_column(m))),
    "reverse": lambda m, row: list(_one(row).order_by(owner_column(m)).reverse()),
    "only": lambda m, row: list(_one(row).only("pk")),
    "defer": lambda m, row: list(_one(row).defer(owner_column(m))),
    "using": lambda m, row: list(_one(row).using("default")),
    "select_for_update": lambda m, row: list(_one(row).select_for_update()),
    "union": lambda m, row: list(_one(row).union(_one(row))),
    "intersection": lambda m, row: list(_one(row).intersection(_one(row))),
    "difference": lambda m, row: list(_one(row).difference(_one(row).exclude(pk=row.pk))),
    "or": lambda m, row: list(_one(row) | _one(row)),
    "and": lambda m, row: list(_one(row) & _one(row)),
    "subquery": lambda m, row: list(m.objects.filter(pk__in=_one(row).values("pk"))),
    "Subquery": lambda m, row: (
        m._base_manager.filter(pk=row.pk).values_list(Subquery(_one(row).values(owner_column(m)))).first()
    ),
    "Exists": lambda m, row: list(m.objects.filter(Exists(_one(row)), pk=row.pk)),
    "contains": lambda m, row: m.objects.contains(row),
    "base manager": lambda m, row: m._base_manager.filter(pk=row.pk).exists(),
    "default manager": lambda m, row: m._default_manager.filter(pk=row.pk).exists(),
    "all": lambda m, row: list(m.objects.all().filter(pk=row.pk)),
    "complex_filter": lambda m, row: list(m.objects.complex_filter({"pk": row.pk})),
    "alias": lambda m, row: list(_one(row).alias(one=F(owner_column(m))).filter(one__isnull=False)),
    "refresh_from_db": lambda m, row: _found(lambda: copy(row).refresh_from_db() or True, m),
}

WRITING: dict[str, Query] = {
    "update": lambda m, row: _one(row).update(**{owner_column(m): F(owner_column(m))}),
    "delete": lambda m, row: _one(row).delete()[0],
    "_raw_delete": lambda m, row: _one(row)._raw_delete("default"),
}


def run(report: Report, world: World) -> None:
    """Ask in every way: for a row without a scope, and for another organisation's from one's own."""
    for model, own in world.rows[world.a].items():
        for name, query in (READING | WRITING).items():
            place = f"model {model._meta.label}, {name}"
            report.count("query without a scope", _without_scope(query, own, place))
            report.count("query from another scope", _from(world.a, query, world.rows[world.b][model], place))


def _without_scope(query: Query, row: Any, place: str) -> list[Finding]:
    with undone():
        try:
            query(type(row), row)
        except scope.NoScope:
            return []
        except DatabaseError as error:
            return [Finding(place, f"It goes to the database without a scope: {error}", DERIVE)]
    return [Finding(place, "It runs without a scope.", DERIVE)]


def _from(organisation_id: str, query: Query, row: Any, place: str) -> list[Finding]:
    reached = False
    with undone():
        try:
            with transaction.atomic(), scope.opened(scope.of(organisation_id)):
                reached = bool(query(type(row), row))
        except DatabaseError as error:
            if not isinstance(error.__cause__, errors.InsufficientPrivilege):
                return [Finding(place, f"It could not be tried: {error}", "Mend orgs/proof/queries.py.")]
    return [Finding(place, "It reaches another organisation's row.", BROKEN)] if reached else []
