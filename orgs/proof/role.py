"""The roles of the web: they can do nothing but use the tables, as row-level security lets them."""

from collections.abc import Iterator

from orgs import scope
from orgs.proof.finding import Cursor, Finding, rows

POWERS = {
    "rolsuper": "SUPERUSER",
    "rolbypassrls": "BYPASSRLS",
    "rolcreaterole": "CREATEROLE",
    "rolcreatedb": "CREATEDB",
    "rolreplication": "REPLICATION",
}


def findings(cursor: Cursor, web: str) -> Iterator[Finding]:
    for role in (web, *scope.ROLES.values()):
        yield from powers(cursor, role)
        yield from memberships(cursor, role)
        yield from property_of(cursor, role)
        yield from places(cursor, role)
    yield from inheritance(cursor, web)
    yield from preset_scopes(cursor)


def powers(cursor: Cursor, role: str) -> Iterator[Finding]:
    columns = ", ".join(POWERS)
    found = rows(cursor, f"SELECT {columns} FROM pg_roles WHERE rolname = %(role)s", role=role)  # noqa: S608 constants
    if not found:
        yield Finding(f"role {role}", "It does not exist.", "The README says how to make the roles.")
        return
    for power, has in zip(POWERS.values(), found[0], strict=True):
        if has:
            yield Finding(f"role {role}", f"It has {power}.", f"ALTER ROLE {role} NO{power}, as a superuser.")


def memberships(cursor: Cursor, role: str) -> Iterator[Finding]:
    """Any role that it could become, but for those that belong to scopes."""
    query = """
        SELECT above.rolname FROM pg_auth_members
        JOIN pg_roles AS above ON above.oid = roleid JOIN pg_roles AS own ON own.oid = member
        WHERE own.rolname = %(role)s AND above.rolname <> ALL (%(ours)s) ORDER BY 1
    """
    ours = [] if role in scope.ROLES.values() else list(scope.ROLES.values())
    for (above,) in rows(cursor, query, role=role, ours=ours):
        yield Finding(f"role {role}", f"It is a member of {above}.", f"REVOKE {above} FROM {role}.")


def inheritance(cursor: Cursor, web: str) -> Iterator[Finding]:
    """A role that inherits another one's rights has its policies in every scope."""
    query = """
        SELECT rolname FROM pg_roles
        WHERE rolname = ANY (%(ours)s) AND pg_has_role(%(web)s, oid, 'USAGE') ORDER BY 1
    """
    for (role,) in rows(cursor, query, web=web, ours=list(scope.ROLES.values())):
        remedy = f"ALTER ROLE {web} NOINHERIT; REVOKE {role} FROM {web}; GRANT it again."
        yield Finding(f"role {web}", f"It inherits the rights of {role}.", remedy)


def property_of(cursor: Cursor, role: str) -> Iterator[Finding]:
    query = """
        SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
          AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
          AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        ORDER BY 1
    """
    for (thing,) in rows(cursor, query, role=role):
        yield Finding(f"role {role}", f"It owns {thing}.", "Give it to the owner's role: ALTER … OWNER TO.")


def places(cursor: Cursor, role: str) -> Iterator[Finding]:
    """Where it could make tables and functions: a temporary table hides the real one of its name."""
    query = """
        SELECT 'database ' || current_database(), 'CREATE'
        WHERE has_database_privilege(%(role)s, current_database(), 'CREATE')
        UNION ALL
        SELECT 'database ' || current_database(), 'TEMPORARY'
        WHERE has_database_privilege(%(role)s, current_database(), 'TEMPORARY')
        UNION ALL
        SELECT 'schema ' || nspname, 'CREATE' FROM pg_namespace
        WHERE has_schema_privilege(%(role)s, oid, 'CREATE') AND nspname NOT LIKE 'pg\\_temp\\_%%'
    """
    for place, right in rows(cursor, query, role=role):
        kind, name = place.split(" ", 1)
        yield Finding(
            place,
            f"{role} may {right} in it.",
            f"REVOKE {right} ON {kind.upper()} {name} FROM PUBLIC, {role}.",
        )


def preset_scopes(cursor: Cursor) -> Iterator[Finding]:
    """A scope that is there before anyone opened one."""
    query = """
        SELECT coalesce(rolname, 'every role'), setting FROM pg_db_role_setting
        CROSS JOIN unnest(setconfig) AS setting LEFT JOIN pg_roles ON pg_roles.oid = setrole
        WHERE setting LIKE 'commonhold.%%'
    """
    for role, setting in rows(cursor, query):
        yield Finding(f"role {role}", f"It begins with {setting}.", f"ALTER ROLE … RESET {setting.partition('=')[0]}.")
