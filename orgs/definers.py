"""The functions that run as the tables' owner: what nobody else may do, each held to one purpose.

`manage.py migrate` makes them with the walls, and `prove_isolation` compares them with the code, word for word.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from orgs import scope, walls
from orgs.models import Organisation, OrgOwned

DELETION = "commonhold_delete_organisation"
KEEPING = "commonhold_keep_days"
# Deleting other rows adds to it.
FILLED_BY_TRIGGERS = ("gateways_outbox",)
# Whoever writes what gateways tell of requests shares it; a deletion has it alone, so that no row comes after it: those
# have no foreign key that would refuse them.
INTAKE_LOCK = 5_000
DAYS_AHEAD = 3
LEAST_DAYS = 2


@dataclass(frozen=True)
class Definer:
    """`caller` is the one role that may call it; empty is the web's."""

    name: str
    arguments: str
    returns: str
    settings: dict[str, str]
    body: str
    caller: str = ""

    @property
    def signature(self) -> str:
        return f"{self.name}({','.join(argument.split()[1] for argument in self.arguments.split(', '))})"


def definers() -> tuple[Definer, ...]:
    path = {"search_path": "pg_catalog, pg_temp"}
    return (
        Definer(DELETION, "wanted text", "jsonb", path, _deletion_body()),
        # It waits for whoever uses the table, and all others wait for it meanwhile: rather try again later.
        Definer(
            KEEPING, "kept text, days integer", "integer", path | {"lock_timeout": "2s"}, _keeping_body(),
            caller=scope.INTAKE_ROLE,
        ),
    )  # fmt: skip


def statements(web: str) -> Iterator[sql.Composable]:
    for definer in definers():
        settings = [sql.SQL("SET {} = {}").format(sql.SQL(k), sql.SQL(v)) for k, v in _written(definer)]
        yield sql.SQL(
            "CREATE OR REPLACE FUNCTION public.{}({}) RETURNS {} LANGUAGE plpgsql SECURITY DEFINER {} AS {}"
        ).format(
            sql.SQL(definer.name), sql.SQL(definer.arguments), sql.SQL(definer.returns),
            sql.SQL(" ").join(settings), definer.body,
        )  # fmt: skip
        function, roles = sql.SQL(definer.signature), map(sql.Identifier, (web, scope.OVERVIEW_ROLE, scope.INTAKE_ROLE))
        yield sql.SQL("REVOKE ALL ON FUNCTION public.{} FROM PUBLIC, {}").format(function, sql.SQL(", ").join(roles))
        yield sql.SQL("GRANT EXECUTE ON FUNCTION public.{} TO {}").format(
            function, sql.Identifier(definer.caller or web)
        )
    for model in partitioned_models():
        yield sql.SQL("SELECT public.{}({}, {})").format(
            sql.SQL(KEEPING), model._meta.db_table, sql.Literal(model.kept_days)
        )


def build(web: str) -> None:
    """Make the functions, and the partitions for today, as the role that owns the tables."""
    with connection.cursor() as cursor:
        for statement in statements(web):
            cursor.execute(statement)


def _written(definer: Definer) -> list[tuple[str, str]]:
    return [(name, f"'{value}'" if name == "lock_timeout" else value) for name, value in definer.settings.items()]


def partitioned_models() -> list[type[OrgOwned]]:
    return [model for model in walls.owned_models() if issubclass(model, OrgOwned) and model.kept_days]


def _deletion_body() -> str:
    """The guard does not lean on row-level security, nor that on the guard: either holds it to one organisation."""
    owned = [model for model in reversed(walls.models_in_order()) if model in walls.models_of_organisations()]
    tables = [model._meta.db_table for model in owned if model is not Organisation]
    tables.sort(key=FILLED_BY_TRIGGERS.__contains__)
    steps = [_deletion_from(table, "organisation_id") for table in tables]
    return f"""
DECLARE removed jsonb := '{{}}'; n bigint;
BEGIN
    IF wanted IS NULL OR wanted !~ '^[0-9a-f]{{24}}$' OR wanted IS DISTINCT FROM current_setting('{scope.WRITES}', true)
    THEN RAISE insufficient_privilege USING MESSAGE = 'This organisation''s scope is not open.';
    END IF;
    PERFORM pg_advisory_xact_lock({INTAKE_LOCK});
    {"".join(steps)}{_deletion_from(Organisation._meta.db_table, "id")}RETURN removed;
END """


def _deletion_from(table: str, column: str) -> str:
    return f"""DELETE FROM public.{table} WHERE {column} = wanted;
    GET DIAGNOSTICS n = ROW_COUNT;
    removed := removed || jsonb_build_object('{table}', n);
    """  # noqa: S608 - made of names in this code


def _keeping_body() -> str:
    """Return how many partitions it made and dropped. What is kept for fewer days than two nobody may ask for."""
    tables = ", ".join(f"'{model._meta.db_table}'" for model in partitioned_models())
    fills = " ".join(f"WHEN '{model._meta.db_table}' THEN {model.page_fill_percent}" for model in partitioned_models())
    return f"""
DECLARE today date := (now() AT TIME ZONE 'UTC')::date; day date; name text; changed integer := 0;
BEGIN
    IF kept IS NULL OR kept NOT IN ({tables}) OR days IS NULL OR days < {LEAST_DAYS}
    THEN RAISE insufficient_privilege USING MESSAGE = 'That is no table of days, or too few days.';
    END IF;
    FOR day IN SELECT generate_series(today - days, today + {DAYS_AHEAD}, interval '1 day')::date LOOP
        name := kept || to_char(day, '"_"YYYYMMDD');
        IF to_regclass('public.' || name) IS NULL THEN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)'
                ' WITH (fillfactor = %s)', name, kept, day::timestamp AT TIME ZONE 'UTC',
                (day + 1)::timestamp AT TIME ZONE 'UTC', CASE kept {fills} END);
            changed := changed + 1;
        END IF;
    END LOOP;
    FOR name IN SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = to_regclass('public.' || kept) AND relname < kept || to_char(today - days, '"_"YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE public.%I', name);
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END """  # noqa: S608 - made of names in this code
