"""Foreign keys and unique constraints: PostgreSQL checks them without asking row-level security."""

from collections.abc import Iterator

from orgs import walls
from orgs.ids import new_id
from orgs.models import OfInstallation, Organisation
from orgs.proof.finding import Cursor, Finding, rows
from orgs.proof.tables import by_table

# What must be unique across organisations, and why that tells a stranger nothing, or no more than it must.
UNIQUE_ACROSS = {
    "orgs_organisation_slug_key": "the slug is in the organisation's public address",
    "domains_proven_host": "that a host is served is public; refused with a text that names nobody",
    "apis_api_id": "a gateway knows an API by it; refused with a text that names nobody",
    "apis_listen_path": "without a domain a gateway has one API at a path; refused with a text that names nobody",
    "users_session_pkey": "a digest of a random secret",
    "portal_developersession_pkey": "a digest of a random secret",
    "gateways_outbox_pkey": "a counter",
}


def findings(cursor: Cursor) -> Iterator[Finding]:
    yield from simple_keys(cursor)
    yield from missing_keys(cursor)
    yield from unique_across(cursor)


def foreign_keys(cursor: Cursor) -> list[tuple[str, str, str, list[str], list[str], bool]]:
    """Return (name, table, target, columns, target's columns, whether every row has been checked)."""
    query = """
        SELECT conname, conrelid::regclass::text, confrelid::regclass::text,
            ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (number, place)
                  JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place),
            ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k (number, place)
                  JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place),
            convalidated
        FROM pg_constraint WHERE contype = 'f' ORDER BY 1
    """
    return rows(cursor, query)


def simple_keys(cursor: Cursor) -> Iterator[Finding]:
    for name, table, target, columns, target_columns, _ in foreign_keys(cursor):
        is_ours = target in by_table() and by_table()[target] is not Organisation
        is_unreachable = walls.SHARED_TABLES.get(table) == ()
        if (
            is_ours
            and not is_unreachable
            and ("organisation_id", "organisation_id") not in zip(columns, target_columns, strict=True)
        ):
            yield Finding(
                f"table {table}",
                f"The foreign key {name} lets a row point to another organisation's row of {target}.",
                f"ALTER TABLE {table} DROP CONSTRAINT {name}; give the field db_constraint=False.",
            )


def missing_keys(cursor: Cursor) -> Iterator[Finding]:
    there = {
        (table, target, tuple(columns))
        for _, table, target, columns, _, is_checked in foreign_keys(cursor)
        if is_checked
    }
    for table, model in by_table().items():
        needs_key = model is not Organisation and not getattr(model, "keyless", "")
        if needs_key and (table, "orgs_organisation", ("organisation_id",)) not in there:
            yield Finding(f"table {table}", "It has no foreign key to its organisation.", "Run `manage.py migrate`.")
        for field in walls.references(model):
            target = field.related_model._meta.db_table
            if (table, target, ("organisation_id", field.column)) not in there:
                yield Finding(f"table {table}", f"Nothing keeps {field.column} within the organisation.")


def unique_across(cursor: Cursor) -> Iterator[Finding]:
    # Of the installation's rows no organisation can add one, and so be refused.
    names = [table for table, model in by_table().items() if not issubclass(model, OfInstallation)]
    query = """
        SELECT indrelid::regclass::text, indexrelid::regclass::text, indisprimary,
            ARRAY(SELECT attname::text FROM unnest(indkey[0:indnkeyatts - 1]) AS number
                  JOIN pg_attribute ON attrelid = indrelid AND attnum = number)
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE (indisunique OR indisexclusion) AND relname = ANY (%(names)s::text[])
          AND relnamespace = 'public'::regnamespace
        ORDER BY 1, 2
    """
    for table, index, is_primary, columns in rows(cursor, query, names=names):
        is_random = is_primary and columns == ["id"] and by_table()[table]._meta.pk.default is new_id
        if not (is_random or "organisation_id" in columns or index in UNIQUE_ACROSS):
            yield Finding(
                f"table {table}",
                f"{index} is unique across organisations: a refusal tells what another one has.",
                "Begin it with organisation_id, or add it to UNIQUE_ACROSS with the reason.",
            )
