"""Groups of permissions. The rule is that of users: nothing beyond what the actor holds."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from orgs import audit
from orgs.permissions import Permissions, parse, stored
from orgs.unique import unless_taken
from users.models import Group, User
from users.services import rank
from users.services.errors import BeyondRights, Gone, NameTaken

KIND = "user_groups"


@transaction.atomic
def create_group(
    *,
    name: str,
    description: str,
    permissions: Permissions,
    extra: Mapping[str, Any] | None = None,
    by: User | None,
) -> Group:
    """`extra` is what clients of the JSON API keep with a group."""
    rank.require_grant(by, permissions)
    group = Group(name=name, description=description, permissions=stored(permissions), extra=dict(extra or {}))
    _save(group, force_insert=True)
    audit.record("created", kind=KIND, obj=group, changes=audit.differences({}, _facts(group)))
    return group


@transaction.atomic
def update_group(
    *,
    group: Group,
    name: str,
    description: str,
    permissions: Permissions,
    extra: Mapping[str, Any] | None = None,
    by: User | None,
) -> Group:
    require_rank(by, group)
    rank.require_grant(by, permissions)
    before = _facts(group)
    group.name, group.description, group.permissions = name, description, stored(permissions)
    group.extra = group.extra if extra is None else dict(extra)
    _save(group, update_fields=["name", "description", "permissions", "extra"])
    audit.record("changed", kind=KIND, obj=group, changes=audit.differences(before, _facts(group)))
    return group


@transaction.atomic
def delete_group(*, group: Group, by: User | None) -> None:
    """Remove a group: its members lose what only it gave them."""
    require_rank(by, group)
    audit.record("deleted", kind=KIND, obj=group)
    group.delete()


def may_act_on(by: User | None, group: Group) -> bool:
    return by is None or rank.holds(by, parse(group.permissions))


def require_rank(by: User | None, group: Group) -> None:
    """Refuse unless `by` may act on the group as it is now, which this locks."""
    try:
        group.refresh_from_db(from_queryset=Group.objects.select_for_update())
    except Group.DoesNotExist:
        raise Gone("This group has been deleted meanwhile.") from None
    if not may_act_on(by, group):
        raise BeyondRights(f"The group {group.name} gives more permissions than you hold, so you cannot change it.")


def _save(group: Group, **how: Any) -> None:
    with unless_taken(NameTaken(f"There is already a group named {group.name}."), "groups_name"):
        group.save(**how)


def _facts(group: Group) -> dict[str, Any]:
    return {"name": group.name, "description": group.description, "permissions": dict(group.permissions)}
