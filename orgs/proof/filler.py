"""A row of every model, from what its fields say, so that a new model needs nobody to remember it."""

from datetime import UTC, datetime
from secrets import randbits
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from psycopg import sql

from orgs.ids import new_id
from orgs.models import Organisation

Row = models.Model
Model = type[models.Model]
Rows = dict[Model, Row]

# Texts that must have a form which the field does not tell; `{token}` is different in each row.
FORMS = {
    "portal.KeyRequest.state": "ended",  # of those that wait there is one for each application and plan
    "apis.Api.definition": '{{"api_id": "{token}", "proxy": {{"listen_path": "/{token}/"}}}}',
}


def owner_column(model: Model) -> str:
    return "id" if model is Organisation else "organisation_id"


def make(model: Model, organisation_id: str | None, others: Rows) -> Row:
    """Return an unsaved row of this organisation (or of none), which refers to those in `others`."""
    row = model(**{owner_column(model): organisation_id})
    for field in model._meta.local_concrete_fields:
        if (
            field.column != owner_column(model)
            and not field.generated
            and not isinstance(field, models.CompositePrimaryKey)
        ):
            value = _value(field, others)
            if value is not None:
                setattr(row, field.attname, value)
    if hasattr(row, "is_unbounded"):
        row.is_unbounded = organisation_id is None
    return row


def insert(row: Row) -> None:
    """Insert as plain SQL: Django's RETURNING can be refused for another reason than the policy."""
    fields = [
        field
        for field in row._meta.local_concrete_fields
        if not field.generated and not field.has_db_default() and not isinstance(field, models.CompositePrimaryKey)
    ]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(row._meta.db_table),
        sql.SQL(", ").join([sql.Identifier(str(field.column)) for field in fields]),
        sql.SQL(", ").join([sql.Placeholder()] * len(fields)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _value(field: "models.Field[Any, Any]", others: Rows) -> Any:
    """Return something to store, or None where the field's own default does."""
    if isinstance(field, models.ForeignKey):
        return others[field.related_model].pk if field.related_model in others else None
    form, token = FORMS.get(str(field)), new_id()
    if isinstance(field, models.BigAutoField):
        return randbits(62)
    if form:
        return form.format(token=token)
    if field.has_default() or field.has_db_default() or field.null:
        return None
    if field.choices:
        return field.flatchoices[0][0]
    if isinstance(field, models.CharField | models.TextField):
        return token[-(field.max_length or len(token)) :]
    return _of_type(field)


def _of_type(field: "models.Field[Any, Any]") -> Any:
    if isinstance(field, models.DateTimeField):
        # A table of days has partitions for days around this one alone.
        return datetime.now(UTC) if getattr(field.model, "kept_days", 0) else datetime(2100, 1, 1, tzinfo=UTC)
    if isinstance(field, ArrayField):
        return []
    if isinstance(field, models.JSONField):
        return {}
    return 1 if isinstance(field, models.IntegerField | models.FloatField) else None
