"""Which rows the running code may see and change.

One scope is open at a time, for one transaction. Models read it when their query is compiled (`InScope`), and
PostgreSQL enforces it by row-level security (`orgs.walls`), from two settings that are local to the transaction,
`commonhold.reads` and `commonhold.writes`, and from two roles: one reads every organisation and writes none, one takes
in what gateways tell of requests.
Without a scope there is no query: an error, loudly.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FullResultSet
from django.db import connection, models, transaction
from django.db.models.sql.compiler import SQLCompiler
from psycopg.pq import TransactionStatus

from orgs.hot import ask
from orgs.ids import is_id

READS, WRITES = "commonhold.reads", "commonhold.writes"
NO_ORGANISATION = "installation"
EVERY_ORGANISATION = "everything"
# The web's role becomes this one for the scope EVERYTHING. A role of its own, since a policy with "or everything" in
# it hides from the planner how few rows an organisation has: searches were up to twenty times slower.
OVERVIEW_ROLE = "commonhold_overview"
# And this one for INTAKE: it writes what gateways tell of every organisation's requests, and reads nothing else.
INTAKE_ROLE = "commonhold_intake"
TAKES_IN = "intake"


class NoScope(Exception):
    """A query on an organisation's rows ran while no scope was open."""


@dataclass(frozen=True)
class Scope:
    """What the policies compare: an organisation's id or one of the words above. Empty is nothing."""

    reads: str
    writes: str

    @property
    def organisation_id(self) -> str:
        """The one organisation of this scope; NoScope where there is none, since nobody may guess."""
        if self.reads in (NO_ORGANISATION, EVERY_ORGANISATION, TAKES_IN) or ":" in self.reads:
            raise NoScope(f"The scope {self.reads!r} is not of one organisation.")
        return self.reads


# Rows that belong to no organisation: unbounded users and their sessions.
INSTALLATION = Scope(reads=NO_ORGANISATION, writes=NO_ORGANISATION)
# What an unbounded user sees. It changes nothing but rows that belong to no organisation.
EVERYTHING = Scope(reads=EVERY_ORGANISATION, writes=NO_ORGANISATION)
# How requests that gateways served are taken in: for all organisations at once, into those tables alone.
INTAKE = Scope(reads=TAKES_IN, writes=TAKES_IN)
ROLES = {EVERYTHING: OVERVIEW_ROLE, INTAKE: INTAKE_ROLE}


def of(organisation_id: str) -> Scope:
    _refuse_words(organisation_id)
    return Scope(reads=organisation_id, writes=organisation_id)


def of_owner(organisation_id: str | None) -> Scope:
    """The scope of who owns a row: an organisation, or none."""
    return of(organisation_id) if organisation_id else INSTALLATION


def visit(organisation_id: str) -> Scope:
    """One organisation, read by an unbounded user."""
    _refuse_words(organisation_id)
    return Scope(reads=organisation_id, writes=NO_ORGANISATION)


def _refuse_words(organisation_id: str) -> None:
    """A scope's words stand where ids do; nothing but an id may get there."""
    if not is_id(organisation_id):
        raise NoScope(f"{organisation_id!r} is not an organisation's id.")


def by_slug(slug: str) -> Scope:
    """Only the row of the organisation with this slug: how a URL becomes an organisation."""
    return Scope(reads=f"slug:{slug}", writes="")


def by_domain(domain: str) -> Scope:
    """Only the domain that somebody has proven to have this host: how a host becomes an organisation."""
    return Scope(reads=f"domain:{domain}", writes="")


_open: ContextVar[Scope | None] = ContextVar("commonhold_scope", default=None)


def current() -> Scope:
    scope = _open.get()
    if scope is None:
        raise NoScope("A query on an organisation's rows ran outside every scope.")
    return scope


def current_organisation_id() -> str:
    """The default of every organisation-owned row's organisation."""
    return current().organisation_id


# What a page asks is small: to start processes beside takes longer than they would save.
TELL = (
    "SELECT set_config('role', %s, true), set_config(%s, %s, true), set_config(%s, %s, true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)


@contextmanager
def opened(
    scope: Scope, statement: str = "", params: Sequence[Any] = (), *, savepoint: bool = False
) -> Iterator[list[tuple[Any, ...]]]:
    """Run the block in `scope`, in a transaction: a new one, or the one that is already open.

    `statement` goes to PostgreSQL in the same round trip, and its rows are what the block is given.
    With `savepoint` an exception undoes the block alone, where it is within another one.
    """
    outer = _open.get()
    begins = not connection.in_atomic_block
    with transaction.atomic(savepoint=savepoint):
        rows = _tell_database(scope, *([statement, params] if statement else []))
        token = _open.set(scope)
        try:
            yield rows
        finally:
            _open.reset(token)
            if not begins and _can_be_told():
                _tell_database(outer or Scope(reads="", writes=""))


def narrow_to(organisation_id: str) -> None:
    """Go on in this organisation's scope until the open block ends; the caller's statement has told PostgreSQL."""
    current()
    _open.set(of(organisation_id))


def ask_in(*asked: tuple[Scope, str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    """Return the rows of statements that each have a scope of their own, in one round trip; the open one goes on."""
    told = [part for where, statement, params in asked for part in (_telling(where), (statement, params))]
    return ask(*told, _telling(current()))[1:-1:2]


def _tell_database(scope: Scope, *statement: Any) -> list[tuple[Any, ...]]:
    return ask(_telling(scope), statement)[1] if statement else ask(_telling(scope))[0]


def _telling(scope: Scope) -> tuple[str, list[str]]:
    return TELL, [ROLES.get(scope, "none"), READS, scope.reads, WRITES, scope.writes]


def _can_be_told() -> bool:
    """A transaction that has failed takes no more statements, and forgets its settings by itself."""
    status = connection.connection.info.transaction_status if connection.connection else None
    return status == TransactionStatus.INTRANS and not connection.needs_rollback


class InScope(models.Func):
    """The SQL condition that a row is of the open scope, looked up when the query is compiled, never earlier.

    So a queryset that was written at import time, in a form or in a class body, takes the scope of whoever runs it.
    """

    conditional = True
    output_field = models.BooleanField()

    def as_sql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        scope = current()
        if scope == EVERYTHING:
            raise FullResultSet
        column, params = compiler.compile(self.source_expressions[0])
        if scope == INSTALLATION:
            return f"{column} IS NULL", [*params]
        return f"{column} = %s", [*params, scope.organisation_id]
