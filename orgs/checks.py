"""Refuses to start with a model that the walls do not cover, or a role that could go round them.

Quick, and a part of what `manage.py prove_isolation` looks at.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, models

from orgs import roles, walls
from orgs.models import OrganisationManager, OrgManager
from orgs.proof import role, tables
from orgs.proof.finding import Finding


def models_are_walled(**_: Any) -> list[CheckMessage]:
    faults: list[CheckMessage] = []
    owned = walls.owned_models()
    for model in apps.get_models(include_auto_created=True):
        if model in owned:
            faults += [Error(fault, obj=model, id=f"orgs.{code}") for code, fault in model_faults(model)]
        elif model._meta.managed and model._meta.db_table not in walls.SHARED_TABLES:
            faults.append(Error("It is no organisation's: derive it from OrgOwned.", obj=model, id="orgs.E001"))
    return faults


def model_faults(model: type[models.Model]) -> Iterator[tuple[str, str]]:
    if model._meta.base_manager_name != "objects":
        yield "E002", 'Its Meta needs base_manager_name = "objects", so that related objects are scoped too.'
    for manager in model._meta.managers:
        if not isinstance(manager, OrgManager | OrganisationManager):
            yield "E003", f"Its manager {manager.name} does not derive from OrgManager."
    for field in walls.references(model):
        if getattr(field, "db_constraint", True):
            yield (
                "E004",
                f"{field.name} needs db_constraint=False: orgs.walls makes the key with two columns.",
            )


def database_is_walled(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    return [Error(str(finding), id="orgs.E005") for finding in database_findings()] if databases else []


def database_findings() -> list[Finding]:
    web = roles.web_role()
    with connection.cursor() as cursor:
        parts = (role.powers, role.memberships, role.inheritance, role.property_of)
        found = [finding for part in parts for finding in part(cursor, web)]
        return [*found, *tables.open_tables(cursor)]


def refuse_to_start_without_walls() -> None:
    """For the web process, whose start runs no checks. Leaves no connection that a fork would share."""
    try:
        findings = database_findings()
    except DatabaseError as error:
        raise ImproperlyConfigured(f"The database cannot be reached: {error}") from error
    finally:
        connection.close()
    if findings:
        raise ImproperlyConfigured("The walls do not stand. " + " ".join(map(str, findings)))
