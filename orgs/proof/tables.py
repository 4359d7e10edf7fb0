"""Every table is an organisation's, behind exactly our policies, or on the short list of the shared."""

from collections.abc import Iterator

from django.db import models
from psycopg import sql

from orgs import definers, scope, walls
from orgs.proof.finding import Cursor, Finding, rows

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
OF_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
NOT_SYSTEM = "nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\\_t%%'"
NOT_OF_EXTENSION = "NOT EXISTS (SELECT FROM pg_depend WHERE deptype = 'e' AND objid = {}.oid)"
# What is read through its table is held to the policies there, and nobody may read it otherwise: see `open_partitions`.
OF_OURS = """EXISTS (SELECT FROM pg_inherits JOIN pg_class AS whole ON whole.oid = inhparent
    WHERE inhrelid = pg_class.oid AND whole.relname LIKE 'analytics\\_%%')"""
Policies = dict[str, tuple[object, ...]]


def by_table() -> dict[str, type[models.Model]]:
    return {model._meta.db_table: model for model in walls.owned_models()}


def findings(cursor: Cursor, web: str) -> Iterator[Finding]:
    yield from unknown(cursor)
    yield from missing(cursor)
    yield from open_tables(cursor)
    yield from wrong_rights(cursor, web)
    yield from open_partitions(cursor, web)
    yield from views(cursor)
    yield from definer_functions(cursor)
    yield from rules(cursor)


def existing(cursor: Cursor) -> dict[str, tuple[str, bool, bool]]:
    """Return {table: (kind, row-level security on, forced)}, foreign tables too, and partitions of what is not ours."""
    query = f"""
        SELECT CASE nspname WHEN 'public' THEN relname ELSE nspname || '.' || relname END,
               relkind, relrowsecurity, relforcerowsecurity
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'f') AND {NOT_SYSTEM} AND NOT (relispartition AND {OF_OURS}) ORDER BY 1
    """  # noqa: S608 constants
    return {name: (kind, on, forced) for name, kind, on, forced in rows(cursor, query)}


def unknown(cursor: Cursor) -> Iterator[Finding]:
    for table in existing(cursor):
        if table not in by_table() and table not in walls.SHARED_TABLES:
            yield Finding(
                f"table {table}",
                "It belongs to no model that is an organisation's, and is not in walls.SHARED_TABLES.",
                "Derive its model from OrgOwned, or drop the table.",
            )


def missing(cursor: Cursor) -> Iterator[Finding]:
    there = existing(cursor)
    for table in by_table():
        if table not in there:
            yield Finding(f"table {table}", "It does not exist.", "Run `manage.py migrate`.")


def open_tables(cursor: Cursor) -> Iterator[Finding]:
    for table, (_, is_on, is_forced) in existing(cursor).items():
        if table in by_table() and not is_on:
            yield Finding(f"table {table}", "Row-level security is off.")
        elif table in by_table() and not is_forced:
            yield Finding(f"table {table}", "Row-level security is not forced: its owner sees every row.")


def wrong_rights(cursor: Cursor, web: str) -> Iterator[Finding]:
    """More than the models say is a hole; less is a page that fails."""
    shared = walls.SHARED_TABLES
    kinds = (
        (web, _web_may, shared),
        (scope.OVERVIEW_ROLE, walls.overview_may, shared),
        (scope.INTAKE_ROLE, walls.intake_may, dict.fromkeys(shared, ()) | walls.INTAKE_TABLES),
    )
    for role, may, others in kinds:
        ours = {table: may(model) for table, model in by_table().items()}
        for table, expected in (others | ours).items():
            has = rights(cursor, role, table)
            for right in sorted(has - set(expected)):
                yield Finding(f"table {table}", f"{role} may {right} there.")
            for right in sorted(set(expected) - has):
                yield Finding(f"table {table}", f"{role} may not {right} there, which pages need.")


def open_partitions(cursor: Cursor, web: str) -> Iterator[Finding]:
    """What is in a partition is behind the policies of its table, unless somebody may go to the partition itself."""
    query = f"""
        SELECT relname, role FROM pg_class, unnest(%(roles)s::text[]) AS role
        WHERE relispartition AND relkind = 'r' AND {OF_OURS} AND relnamespace = 'public'::regnamespace
          AND has_table_privilege(role, pg_class.oid, %(rights)s) ORDER BY 1
    """  # noqa: S608 constants
    roles = [web, *scope.ROLES.values()]
    for partition, role in rows(cursor, query, roles=roles, rights=", ".join(RIGHTS)):
        yield Finding(f"table {partition}", f"{role} may go round the policies of its table.")


def _web_may(model: type[models.Model]) -> tuple[str, ...]:
    return model.web_may  # type: ignore[attr-defined, no-any-return]


def rights(cursor: Cursor, role: str, table: str) -> set[str]:
    """Return what the role may do to the table, or to any column of it, by itself or as everyone may."""
    query = """
        SELECT r FROM pg_class, unnest(%(rights)s::text[]) AS r
        WHERE relname = %(table)s AND relnamespace = 'public'::regnamespace
          AND (has_table_privilege(%(role)s, pg_class.oid, r)
               OR r = ANY (%(of_columns)s) AND has_any_column_privilege(%(role)s, pg_class.oid, r))
    """
    return {
        right
        for (right,) in rows(cursor, query, role=role, table=table, rights=list(RIGHTS), of_columns=list(OF_COLUMNS))
    }


def views(cursor: Cursor) -> Iterator[Finding]:
    """A view reads as its owner unless it is told not to; a materialised one holds rows of everyone."""
    query = f"""
        SELECT relname, relkind = 'm' FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE {NOT_SYSTEM} AND {NOT_OF_EXTENSION.format("pg_class")}
          AND (relkind = 'm' OR relkind = 'v' AND NOT
          coalesce(reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)) ORDER BY 1
    """  # noqa: S608 constants
    for view, is_materialised in rows(cursor, query):
        fault = "It keeps rows of every organisation." if is_materialised else "It reads as its owner."
        yield Finding(f"view {view}", fault, "Drop it, or make a view WITH (security_invoker = true).")


def definer_functions(cursor: Cursor) -> Iterator[Finding]:
    query = f"""
        SELECT pg_proc.oid::regprocedure::text FROM pg_proc
        JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE prosecdef AND {NOT_SYSTEM} AND {NOT_OF_EXTENSION.format("pg_proc")} ORDER BY 1
    """  # noqa: S608 constants
    ours = {definer.signature for definer in definers.definers()}
    for (function,) in rows(cursor, query):
        if function not in ours:
            yield Finding(f"function {function}", "It is SECURITY DEFINER: it runs as its owner.", "Drop it.")


def rules(cursor: Cursor) -> Iterator[Finding]:
    query = f"""
        SELECT relname, rulename FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE {NOT_SYSTEM} AND relkind IN ('r', 'p') ORDER BY 1
    """  # noqa: S608 constants
    for table, rule in rows(cursor, query):
        yield Finding(f"table {table}", f"The rule {rule} runs as the table's owner.", "Drop the rule.")


def policies(cursor: Cursor, table: str) -> Policies:
    """Return {name: what defines it, as PostgreSQL writes it}."""
    query = """
        SELECT policyname, cmd, permissive, roles::text, qual, with_check FROM pg_policies
        WHERE schemaname = 'public' AND tablename = %(table)s
    """
    return {name: tuple(rest) for name, *rest in rows(cursor, query, table=table)}


def expected_policies(cursor: Cursor) -> dict[str, Policies]:
    """Let PostgreSQL write our definitions in its own words, on a table that lasts a moment: as the owner."""
    expected = {}
    copy = "commonhold_proof"
    for table, model in by_table().items():
        cursor.execute(sql.SQL("CREATE TABLE public.{} (LIKE {})").format(*map(sql.Identifier, (copy, table))))
        for name, definition in walls.policies(model).items():
            create = sql.SQL("CREATE POLICY {} ON {} {}")
            cursor.execute(create.format(sql.Identifier(name), sql.Identifier(copy), definition))
        expected[table] = policies(cursor, copy)
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(copy)))
    return expected


def wrong_policies(cursor: Cursor, expected: dict[str, Policies]) -> Iterator[Finding]:
    for table, ours in expected.items():
        there = policies(cursor, table)
        for name in sorted(ours.keys() | there.keys()):
            if name not in there:
                yield Finding(f"table {table}", f"The policy {name} is missing.")
            elif name not in ours:
                yield Finding(f"table {table}", f"The policy {name} is not ours.", f"DROP POLICY {name} ON {table}.")
            elif there[name] != ours[name]:
                yield Finding(f"table {table}", f"The policy {name} is not as the code defines it.")
