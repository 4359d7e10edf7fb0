"""What an organisation's own users see of it."""

from typing import Any

import msgspec

from orgs import services
from orgs.machines import Answer, Call, ok, operation
from orgs.machines.answers import Envelope
from orgs.models import Organisation
from orgs.permissions import Level, ObjectKind


class AdditionalPermissions(msgspec.Struct):
    """Names of permissions that only clients know, with their labels."""

    additional_permissions: dict[str, str] | None = None


@operation(
    "GET",
    "/api/org/permissions",
    "The permissions that clients have added",
    access=(ObjectKind.USERS, Level.READ),
    answers=AdditionalPermissions,
)
def get_permissions(call: Call[Any, None]) -> AdditionalPermissions:
    extra = call.organisation_or_none.extra if call.organisation_or_none else {}
    return AdditionalPermissions(extra.get("additional_permissions") or {})


@operation(
    "PUT",
    "/api/org/permissions",
    "Replace the permissions that clients have added",
    access=(ObjectKind.SYSTEM, Level.WRITE),
    body=AdditionalPermissions,
    answers=Envelope,
)
def put_permissions(call: Call[Any, AdditionalPermissions]) -> Answer:
    """They are kept, and permit nothing."""
    # Locked, so that what somebody else keeps there meanwhile is not lost.
    organisation = Organisation.objects.select_for_update().get(pk=call.organisation.pk)
    wanted = call.body.additional_permissions or {}
    extra = organisation.extra | {"additional_permissions": wanted}
    services.keep_fields(organisation=organisation, name=organisation.name, extra=extra)
    return ok("Additional Permissions updated in org level.")
