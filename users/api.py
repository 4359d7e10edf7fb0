"""Users and groups, for machines."""

from typing import Any

from orgs.machines import Access, Call, operation


@operation("GET", "/api/users/me", "The user of the access key", access=Access.SIGNED_IN)
def me(call: Call[Any, Any]) -> dict[str, Any]:
    return {"id": call.user.pk, "email_address": call.user.email}
