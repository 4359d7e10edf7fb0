"""The walls in PostgreSQL, made from the models after every `migrate`, so that no table can be forgotten.

Row-level security decides which rows the web's role reads and writes; composite foreign keys keep a row from
pointing into another organisation, since foreign-key checks do not ask row-level security.
"""

from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from orgs import scope
from orgs.models import AuditEntry, Domain, OfInstallation, Organisation, OrgOwned, OrgOwnedOrUnbounded

# Tables of the framework that hold nothing of an organisation, and what the web's role may do there.
SHARED_TABLES: dict[str, tuple[str, ...]] = {
    "django_migrations": ("SELECT",),
    "django_content_type": ("SELECT",),
    "django_admin_log": (),
    "auth_permission": (),
    "auth_group": (),
    "auth_group_permissions": (),
    "analytics_intake": (),
}

READS = sql.SQL("current_setting({}, true)").format(scope.READS)
WRITES = sql.SQL("current_setting({}, true)").format(scope.WRITES)
OVERVIEW = sql.Identifier(scope.OVERVIEW_ROLE)
INTAKE = sql.Identifier(scope.INTAKE_ROLE)
# Records on their way in, before it is known whose they are: a batch is put there and taken out in one transaction.
INTAKE_TABLES: dict[str, tuple[str, ...]] = {"analytics_intake": ("SELECT", "INSERT", "DELETE")}


def owned_models() -> list[type[models.Model]]:
    """Every model whose rows are an organisation's, the organisation itself last."""
    owned = [model for model in apps.get_models() if issubclass(model, OrgOwned | OrgOwnedOrUnbounded)]
    return [*owned, Organisation]


def models_of_organisations() -> list[type[models.Model]]:
    """Those that an organisation has rows of."""
    return [model for model in owned_models() if not issubclass(model, OfInstallation)]


def conditions(model: type[models.Model]) -> tuple[sql.Composable, sql.Composable]:
    """Return the conditions under which a row may be read and written. Unset or empty settings make both untrue."""
    values = {"reads": READS, "writes": WRITES, "none": scope.NO_ORGANISATION}
    if model is Organisation:
        reads = "id = {reads} OR {reads} = 'slug:' || slug"
        writes = "id = {writes}"
    elif model is Domain:
        reads = "organisation_id = {reads} OR ({reads} = 'domain:' || host AND proven_at IS NOT NULL)"
        writes = "organisation_id = {writes}"
    elif issubclass(model, OrgOwned):
        reads = "organisation_id = {reads}"
        writes = "organisation_id = {writes}"
    elif issubclass(model, OfInstallation):
        reads = writes = "organisation_id IS NULL AND {writes} = {none}"
    else:
        unbounded = "(organisation_id IS NULL AND {writes} = {none})"
        reads = f"organisation_id = {{reads}} OR {unbounded}"
        writes = f"organisation_id = {{writes}} OR {unbounded}"
    return sql.SQL(reads).format(**values), sql.SQL(writes).format(**values)


def policies(model: type[models.Model]) -> dict[str, sql.Composable]:
    """Return the definition of each policy by its name."""
    reads, writes = conditions(model)
    inserts = writes
    if model is AuditEntry:  # the line that an unbounded user's visit leaves
        inserts = sql.SQL("{} OR ({} = {} AND {} = organisation_id AND action = 'visited')").format(
            writes, WRITES, scope.NO_ORGANISATION, READS
        )
    return {
        "commonhold_select": sql.SQL("FOR SELECT USING ({})").format(reads),
        "commonhold_insert": sql.SQL("FOR INSERT WITH CHECK ({})").format(inserts),
        "commonhold_update": sql.SQL("FOR UPDATE USING ({0}) WITH CHECK ({0})").format(writes),
        "commonhold_delete": sql.SQL("FOR DELETE USING ({})").format(writes),
        "commonhold_overview": sql.SQL("FOR SELECT TO {} USING (true)").format(OVERVIEW),
        **({"commonhold_intake": sql.SQL("TO {} USING (true)").format(INTAKE)} if intake_may(model) else {}),
    }


def statements(web: str) -> Iterator[sql.Composable]:
    """Everything that builds the walls, for the web's role `web`; running it again changes nothing."""
    role = sql.Identifier(web)
    roles = sql.SQL(", ").join((role, OVERVIEW, INTAKE))
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {}").format(roles)
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(roles)
    # A temporary table would hide the real one of its name, walls and all, for as long as the connection lives.
    database = sql.Identifier(connection.settings_dict["NAME"])
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, {}").format(database, roles)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles)
    for table, rights in SHARED_TABLES.items():
        yield from grants(table, rights, role)
        yield from grants(table, rights, OVERVIEW)
    for table, rights in INTAKE_TABLES.items():
        yield from grants(table, rights, INTAKE)
    for model in owned_models():
        yield from grants(model._meta.db_table, model.web_may, role)  # type: ignore[attr-defined]
        yield from grants(model._meta.db_table, overview_may(model), OVERVIEW)
        yield from grants(model._meta.db_table, intake_may(model), INTAKE)
        yield from row_level_security(model)
    for model in owned_models():
        yield from composite_keys(model)


def overview_may(model: type[models.Model]) -> tuple[str, ...]:
    """The overview reads, and writes only where a row may belong to no organisation."""
    return model.web_may if issubclass(model, OrgOwnedOrUnbounded) else ("SELECT",)


def intake_may(model: type[models.Model]) -> tuple[str, ...]:
    return getattr(model, "intake_may", ())


def grants(table: str, rights: tuple[str, ...], role: sql.Identifier) -> Iterator[sql.Composable]:
    if rights:
        names = sql.SQL(", ").join(map(sql.SQL, rights))
        yield sql.SQL("GRANT {} ON {} TO {}").format(names, sql.Identifier(table), role)


def row_level_security(model: type[models.Model]) -> Iterator[sql.Composable]:
    table = sql.Identifier(model._meta.db_table)
    yield sql.SQL("ALTER TABLE {0} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY").format(table)
    for name, definition in policies(model).items():
        yield sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(name), table)
        yield sql.SQL("CREATE POLICY {} ON {} {}").format(sql.Identifier(name), table, definition)


def references(model: type[models.Model]) -> list["models.ForeignKey[models.Model, models.Model]"]:
    """The model's foreign keys to other owned models."""
    return [
        field
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey) and issubclass(field.related_model, OrgOwned | OrgOwnedOrUnbounded)
    ]


def composite_keys(model: type[models.Model]) -> Iterator[sql.Composable]:
    table = model._meta.db_table
    for field in references(model):
        target = field.related_model._meta.db_table
        yield constraint(target, f"{target}_organisation_id_id", sql.SQL("UNIQUE (organisation_id, id)"))
        key = sql.SQL("FOREIGN KEY (organisation_id, {}) REFERENCES {} (organisation_id, id) {}").format(
            sql.Identifier(field.column), sql.Identifier(target), sql.SQL("DEFERRABLE INITIALLY DEFERRED")
        )
        yield constraint(table, f"{table}_{field.column}_organisation", key)


def constraint(table: str, name: str, definition: sql.Composable) -> sql.Composable:
    """Add a constraint unless it is there."""
    add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(sql.Identifier(table), sql.Identifier(name), definition)
    return sql.SQL(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = {} AND conrelid = {}::regclass)"
        " THEN {}; END IF; END $$"
    ).format(name, f"public.{table}", add)


@cache
def models_in_order() -> tuple[type[models.Model], ...]:
    """Every owned model, after those that it refers to: the organisation is the first."""
    graph: dict[type[models.Model], set[type[models.Model]]] = {
        model: {Organisation} | {field.related_model for field in references(model)} - {model}
        for model in owned_models()
        if model is not Organisation
    }
    return tuple(TopologicalSorter(graph).static_order())


def build(web: str) -> None:
    """Build the walls, as the role that owns the tables."""
    with connection.cursor() as cursor:
        for statement in statements(web):
            cursor.execute(statement)
