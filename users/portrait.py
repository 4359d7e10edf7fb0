"""The page of one user: what they may do and why, their access keys, what was done to them."""

from typing import Any

from orgs.display import when
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, parse
from orgs.trail import history_of
from users.models import AccessKey, User


def portrait(request: OrgRequest, user: User) -> dict[str, Any]:
    prefix = f"{request.site.prefix}/users/{user.pk}/"
    return {
        "page_title": user.email,
        "person": user,
        "prefix": prefix,
        "facts": _facts(user),
        "permissions": _reasons(user),
        "access_keys": [_key(request, key) for key in user.access_keys.order_by("-created_at", "-id")],
        "history": history_of("users", user.pk, organisation_id=user.organisation_id),
        "may_see_history": request.user.level(ObjectKind.AUDIT) >= Level.READ,
    }


def _facts(user: User) -> list[dict[str, str]]:
    role = "Administrator" if user.is_administrator else "Unbounded user" if user.is_unbounded else "User"
    state = "active" if user.is_active else "disabled"
    return [
        {"label": "Name", "value": user.name},
        {"label": "State", "value": state, "state": state},
        {"label": "Role", "value": role},
        {"label": "Created", "value": when(user.created_at)},
        {"label": "Last sign-in", "value": when(user.last_login)},
    ]


def _reasons(user: User) -> list[tuple[str, str, str]]:
    """Return (kind, level, why) for each kind of object."""
    if user.is_unbounded:
        return [("Every organisation", "Read", "unbounded user")]
    if user.is_administrator:
        return [("Everything", "Write", "administrator")]
    sources = [("direct", parse(user.permissions))]
    sources += [(f"group {group.name}", parse(group.permissions)) for group in user.groups.all()]
    rows = []
    for kind in ObjectKind:
        level = max(permissions[kind] for _, permissions in sources)
        why = ", ".join(name for name, permissions in sources if level and permissions[kind] == level)
        rows.append((kind.label, level.name.capitalize(), why))
    return rows


def _key(request: OrgRequest, key: AccessKey) -> tuple[str, ...]:
    """Label, visible part, created, last used, and where it is reset and revoked."""
    path = f"{request.site.prefix}/access-keys/{key.pk}/"
    return (
        key.label,
        f"{key.visible}…",
        when(key.created_at),
        when(key.last_used_at),
        f"{path}reset/",
        f"{path}revoke/",
    )
