"""Attempts to cross the line, as the web's role, on rows of two organisations that never come to be."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import DatabaseError, connection, models, transaction
from psycopg import errors, sql

from orgs import definers, scope, walls
from orgs.models import READ_WRITE
from orgs.proof import filler, queries
from orgs.proof.filler import Row
from orgs.proof.finding import BROKEN, Finding, Report
from orgs.proof.world import World, make_world, undone

READ = "SELECT 1 FROM {table} WHERE {here}"
CHANGE = "UPDATE {table} SET {owner} = {owner} WHERE {here}"
DELETE = "DELETE FROM {table} WHERE {here}"
MOVE = "UPDATE {table} SET {owner} = %s WHERE {here}"
OF_THE_OWNER = (
    "TRUNCATE {} CASCADE",
    "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY commonhold_select ON {}",
)
DELETE_ALL = sql.SQL(
    "SELECT 1 FROM {}(%s) AS removed WHERE EXISTS (SELECT FROM jsonb_each_text(removed) WHERE value <> '0')"
).format(sql.Identifier("public", definers.DELETION))
DELETION_PLACE = f"function {definers.DELETION}(text)"
READING = ("SELECT",)
Attempt = Callable[[], int]


@dataclass(frozen=True)
class Case:
    """One scope, and whose rows it may read ("r") and write ("w")."""

    name: str
    scope: scope.Scope
    may: dict[str | None, str]

    def rights(self, owner: str | None, model: type[models.Model]) -> tuple[str, ...]:
        """What it may do to a row of this owner, or more than that: what no scope may is tried elsewhere."""
        if self.scope == scope.INTAKE:
            return walls.intake_may(model)
        return {"": (), "r": READING, "rw": READ_WRITE}[self.may[owner]]


def cases(world: World) -> list[Case]:
    a, b = world.a, world.b
    return [
        Case("the scope of one organisation", scope.of(a), {a: "rw", b: "", None: ""}),
        Case("no scope", scope.Scope(reads="", writes=""), {a: "", b: "", None: ""}),
        Case("the scope of no organisation", scope.INSTALLATION, {a: "", b: "", None: "rw"}),
        Case("the scope of every organisation", scope.EVERYTHING, {a: "r", b: "r", None: "rw"}),
        Case("a visit to one organisation", scope.visit(a), {a: "r", b: "", None: "rw"}),
        Case("the search for a slug", scope.by_slug("-"), {a: "", b: "", None: ""}),
        Case("the search for a domain", scope.by_domain("-"), {a: "", b: "", None: ""}),
        Case("the intake of records", scope.INTAKE, {a: "", b: "", None: ""}),
    ]


def run(report: Report, web: str) -> None:
    """Make two organisations with a row in every table, try everything, and leave nothing behind."""
    with undone():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
        try:
            world = make_world()
        except DatabaseError as error:
            fault = f"A row could not be made: {_line(error)}"
            report.count("rows", [Finding("probes", fault, "Mend orgs/proof/filler.py.")])
            return
        for case in cases(world):
            with undone(), scope.opened(case.scope):
                for model in walls.models_in_order():
                    try_rows(report, world, case, model)
        with undone(), scope.opened(scope.of(world.a)):
            for model in walls.models_in_order():
                try_own_row(report, world, model)
            try_powers(report, web)
        for case in cases(world):
            try_deletion(report, world, case)
        queries.run(report, world)


def try_rows(report: Report, world: World, case: Case, model: type[models.Model]) -> None:
    """Reach for the row of each organisation and of none, from this scope."""
    for owner in case.may:
        row = world.rows[owner].get(model)
        if row is None:
            continue
        may = case.rights(owner, model)
        whose = "one organisation's" if owner == world.a else "another's" if owner else "no organisation's"
        place, hint = f"table {model._meta.db_table}", f"{whose} row in {case.name}"
        seen = reaches(partial(touch, READ, row))
        report.count("read a row", judge(seen, "SELECT" in may, place, f"read {hint}"))
        attempts: dict[str, tuple[str, Attempt]] = {
            "UPDATE": ("change", partial(touch, CHANGE, row)),
            "DELETE": ("delete", partial(touch, DELETE, row)),
            "INSERT": ("add", partial(add, model, owner, world.rows[owner])),
        }
        for right, (verb, attempt) in attempts.items():
            if right not in may:
                report.count(f"{verb} a row", judge(reaches(attempt), False, place, f"{verb} {hint}"))


def try_own_row(report: Report, world: World, model: type[models.Model]) -> None:
    """Give one's own row away, point it at another organisation, and change what nobody may."""
    place = f"table {model._meta.db_table}"
    if model not in world.rows[world.a]:
        made = reaches(partial(add, model, world.a, world.rows[None]))
        report.count("add a row", judge(made, False, place, "make a row of the installation one's own"))
        return
    row = world.rows[world.a][model]
    moved = reaches(partial(touch, MOVE, row, world.b))
    report.count("move a row", judge(moved, False, place, "move a row into another organisation"))
    for field in walls.references(model):
        others = world.rows[world.a] | {field.related_model: world.rows[world.b][field.related_model]}
        named = reaches(partial(add, model, world.a, others), refusal=errors.ForeignKeyViolation)
        what = f"name another organisation's row in {field.column}"
        report.count("refer to a row", judge(named, False, place, what))
    for right, statement in {"UPDATE": CHANGE, "DELETE": DELETE}.items():
        if right not in model.web_may:  # type: ignore[attr-defined]
            done = reaches(partial(touch, statement, row))
            report.count("do what nobody may", judge(done, False, place, f"{right} one's own row"))


def try_powers(report: Report, web: str) -> None:
    """What only the owner may do, and becoming somebody else."""
    with connection.cursor() as cursor:
        own = [web, *scope.ROLES.values()]
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname <> ALL (%s)", [own])
        become = [sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)) for (role,) in cursor.fetchall()]
    tables = [sql.Identifier(model._meta.db_table) for model in walls.models_in_order()]
    for statement in [*become, *(sql.SQL(text).format(table) for table in tables for text in OF_THE_OWNER)]:
        got = reaches(partial(_succeeds, statement))
        report.count("take the owner's powers", judge(got, False, f"role {web}", statement.as_string()))


def try_deletion(report: Report, world: World, case: Case) -> None:
    """Delete each organisation by the function that runs as the owner; one's own takes nothing of another along."""
    for wanted in (world.a, world.b):
        whose = "one organisation" if wanted == world.a else "another organisation"
        with undone(), scope.opened(case.scope):
            done = reaches(partial(execute, DELETE_ALL, wanted))
        findings = judge(done, case.may[wanted] == "rw", DELETION_PLACE, f"delete {whose} in {case.name}")
        report.count("delete an organisation", findings)
    if case.may[world.a] == "rw":
        lost = reaches(partial(_lost_beside, world, case))
        findings = judge(lost, False, DELETION_PLACE, "lose another's rows by deleting one organisation")
        report.count("delete an organisation", findings)


def _lost_beside(world: World, case: Case) -> int:
    """Delete organisation `a`; return how many rows of `b` are gone."""
    with scope.opened(case.scope):
        execute(DELETE_ALL, world.a)
    with scope.opened(scope.of(world.b)):
        return sum(1 - touch(READ, row) for row in world.rows[world.b].values())


def touch(statement: str, row: Row, *params: str) -> int:
    """Run the statement on this one row; return how many it reached."""
    key: Any = row._meta.pk
    fields: list[Any] = list(getattr(key, "fields", [key]))
    here: sql.Composable = sql.SQL(" AND ").join(
        [sql.SQL("{} = %s").format(sql.Identifier(field.column)) for field in fields]
    )
    query = sql.SQL(statement).format(
        table=sql.Identifier(row._meta.db_table),
        owner=sql.Identifier(filler.owner_column(type(row))),
        here=here,
    )
    return execute(query, *params, *(getattr(row, field.attname) for field in fields))


def add(model: type[models.Model], owner: str | None, others: filler.Rows) -> int:
    filler.insert(filler.make(model, owner, others))
    return 1


def execute(statement: sql.Composable, *params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def _succeeds(statement: sql.Composable) -> int:
    execute(statement)
    return 1


def reaches(attempt: Attempt, *, refusal: type[Exception] = errors.InsufficientPrivilege) -> bool | str:
    """Return whether the attempt reached a row, or what went wrong where that is not the refusal."""
    reached: bool | str = False
    with undone():
        try:
            with transaction.atomic():
                reached = attempt() > 0
        except DatabaseError as error:
            reached = False if isinstance(error.__cause__, refusal) else _line(error)
    return reached


def judge(got: bool | str, wanted: bool, place: str, what: str) -> list[Finding]:
    if got == wanted:
        return []
    if isinstance(got, str):
        return [Finding(place, f"PostgreSQL refuses to {what}, but for another reason: {got}.", BROKEN)]
    return [Finding(place, f"It is {'' if got else 'not '}possible to {what}.", BROKEN)]


def _line(error: DatabaseError) -> str:
    return str(error).partition("\n")[0]
