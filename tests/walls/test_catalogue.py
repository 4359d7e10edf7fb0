"""Each way to break the walls, and what the proof then says."""

from datetime import UTC, datetime

import pytest

from tests.walls.conftest import Walls

UNKNOWN = "It belongs to no model that is an organisation's, and is not in walls.SHARED_TABLES."
ONE_ALIAS = "table keys_key: one_alias is unique across organisations: a refusal tells what another one has."
PARTITION = f"analytics_record_{datetime.now(UTC):%Y%m%d}"
SIMPLE = "table keys_keyaccess: The foreign key simple lets a row point to another organisation's row of apis_api."


def test_catalogue_of_a_migrated_database_has_no_fault(walls: Walls) -> None:
    assert walls.faults() == []


@pytest.mark.parametrize(
    ("statement", "faults"),
    [
        (
            "DROP POLICY commonhold_select ON keys_key",
            ["table keys_key: The policy commonhold_select is missing."],
        ),
        (
            "ALTER POLICY commonhold_select ON keys_key USING (true)",
            ["table keys_key: The policy commonhold_select is not as the code defines it."],
        ),
        (
            "ALTER POLICY commonhold_insert ON keys_key WITH CHECK (true)",
            ["table keys_key: The policy commonhold_insert is not as the code defines it."],
        ),
        (
            "CREATE POLICY helpful ON keys_key USING (true)",
            ["table keys_key: The policy helpful is not ours."],
        ),
        (
            "ALTER TABLE keys_key NO FORCE ROW LEVEL SECURITY",
            ["table keys_key: Row-level security is not forced: its owner sees every row."],
        ),
        (
            "ALTER TABLE keys_key DISABLE ROW LEVEL SECURITY",
            ["table keys_key: Row-level security is off."],
        ),
        (
            "ALTER TABLE keys_keyaccess DROP CONSTRAINT keys_keyaccess_api_id_organisation",
            ["table keys_keyaccess: Nothing keeps api_id within the organisation."],
        ),
        (
            "ALTER TABLE keys_keyaccess ADD CONSTRAINT simple FOREIGN KEY (api_id) REFERENCES apis_api",
            [SIMPLE],
        ),
        (
            "ALTER TABLE keys_key ADD CONSTRAINT one_alias UNIQUE (alias)",
            [ONE_ALIAS],
        ),
        (
            "CREATE UNIQUE INDEX one_alias ON keys_key (lower(alias)) INCLUDE (organisation_id)",
            [ONE_ALIAS],
        ),
        (
            "CREATE TABLE notes (organisation_id text, note text)",
            [
                f"table notes: {UNKNOWN}",
            ],
        ),
        (
            "CREATE SCHEMA more CREATE TABLE notes (note text)",
            [
                f"table more.notes: {UNKNOWN}",
            ],
        ),
        ("CREATE VIEW all_keys AS SELECT * FROM keys_key", ["view all_keys: It reads as its owner."]),
        ("CREATE VIEW own_keys WITH (security_invoker = true) AS SELECT * FROM keys_key", []),
        (
            "CREATE MATERIALIZED VIEW kept_keys AS SELECT * FROM keys_key",
            ["view kept_keys: It keeps rows of every organisation."],
        ),
        (
            "CREATE FUNCTION peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            ["function peek(): It is SECURITY DEFINER: it runs as its owner."],
        ),
        (
            "CREATE RULE quietly AS ON INSERT TO keys_key DO ALSO SELECT 1",
            ["table keys_key: The rule quietly runs as the table's owner."],
        ),
        (
            "GRANT TRUNCATE ON keys_key TO commonhold_web",
            ["table keys_key: commonhold_web may TRUNCATE there."],
        ),
        (
            "GRANT UPDATE (actor) ON orgs_auditentry TO PUBLIC",
            [
                "table orgs_auditentry: commonhold_web may UPDATE there.",
                "table orgs_auditentry: commonhold_overview may UPDATE there.",
                "table orgs_auditentry: commonhold_intake may UPDATE there.",
            ],
        ),
        (
            "REVOKE SELECT ON keys_key FROM commonhold_web",
            ["table keys_key: commonhold_web may not SELECT there, which pages need."],
        ),
        (
            "GRANT SELECT ON django_admin_log TO PUBLIC",
            [
                "table django_admin_log: commonhold_web may SELECT there.",
                "table django_admin_log: commonhold_overview may SELECT there.",
                "table django_admin_log: commonhold_intake may SELECT there.",
            ],
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            [
                "schema public: commonhold_web may CREATE in it.",
                "schema public: commonhold_overview may CREATE in it.",
                "schema public: commonhold_intake may CREATE in it.",
            ],
        ),
        ("ALTER ROLE commonhold_web BYPASSRLS", ["role commonhold_web: It has BYPASSRLS."]),
        ("ALTER ROLE commonhold_web CREATEROLE", ["role commonhold_web: It has CREATEROLE."]),
        ("ALTER ROLE commonhold_web CREATEDB", ["role commonhold_web: It has CREATEDB."]),
        ("ALTER ROLE commonhold_web REPLICATION", ["role commonhold_web: It has REPLICATION."]),
        ("ALTER ROLE commonhold_overview BYPASSRLS", ["role commonhold_overview: It has BYPASSRLS."]),
        (
            "REVOKE commonhold_overview FROM commonhold_web; ALTER ROLE commonhold_web INHERIT;"
            " GRANT commonhold_overview TO commonhold_web",
            ["role commonhold_web: It inherits the rights of commonhold_overview."],
        ),
        (
            "GRANT SELECT ON keys_key TO commonhold_intake",
            ["table keys_key: commonhold_intake may SELECT there."],
        ),
        (
            f"GRANT SELECT ON {PARTITION} TO commonhold_web",
            [f"table {PARTITION}: commonhold_web may go round the policies of its table."],
        ),
        (
            "GRANT UPDATE ON keys_key TO commonhold_overview",
            ["table keys_key: commonhold_overview may UPDATE there."],
        ),
        (
            "ALTER POLICY commonhold_overview ON keys_key TO PUBLIC",
            ["table keys_key: The policy commonhold_overview is not as the code defines it."],
        ),
        (
            "GRANT pg_read_server_files TO commonhold_web",
            ["role commonhold_web: It is a member of pg_read_server_files."],
        ),
        (
            "ALTER ROLE commonhold_web SET commonhold.reads = 'everything'",
            ["role commonhold_web: It begins with commonhold.reads=everything."],
        ),
        (
            "CREATE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'SELECT 1';"
            " ALTER FUNCTION harmless() OWNER TO commonhold_web",
            ["role commonhold_web: It owns function harmless()."],
        ),
    ],
)
def test_proof_names(walls: Walls, statement: str, faults: list[str]) -> None:
    walls.run(statement)
    assert walls.faults() == faults


def test_proof_names_a_superuser(walls: Walls) -> None:
    walls.run("ALTER ROLE commonhold_web SUPERUSER")
    assert walls.faults()[0] == "role commonhold_web: It has SUPERUSER."


def test_proof_names_the_tables_that_the_role_owns(walls: Walls) -> None:
    walls.run("ALTER TABLE keys_key OWNER TO commonhold_web")
    assert "role commonhold_web: It owns table keys_key." in walls.faults()


def test_proof_names_a_database_where_temporary_tables_may_hide_real_ones(walls: Walls) -> None:
    walls.run(f'GRANT TEMPORARY ON DATABASE "{walls.server.info.dbname}" TO PUBLIC')
    assert walls.faults() == [
        f"database {walls.server.info.dbname}: {role} may TEMPORARY in it."
        for role in ("commonhold_web", "commonhold_overview", "commonhold_intake")
    ]


def test_proof_names_a_table_that_is_missing(walls: Walls) -> None:
    walls.run("DROP TABLE keys_keyterm")
    assert "table keys_keyterm: It does not exist." in walls.faults()
