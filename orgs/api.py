"""Organisations, for who holds the admin secret."""

from typing import Any

from orgs.machines import Access, Call, Paged, operation


@operation("GET", "/admin/system/reload", "Ask all gateways to reload", access=Access.ADMIN_SECRET)
def reload(call: Call[Any, Any]) -> dict[str, str]:
    return {"status": "ok"}
