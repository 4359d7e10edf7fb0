"""Groups of permissions."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from orgs.machines import Answer, Call, Paged, Refusal, Streamed, find, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.machines.lists import sorted_by
from orgs.permissions import Level, ObjectKind, Permissions, parse
from orgs.wire import refuse_to_keep_more, unknown_fields
from users import wire, wire_permissions
from users.api.users import require_own
from users.models import Group
from users.services import groups

READ, WRITE = (ObjectKind.USER_GROUPS, Level.READ), (ObjectKind.USER_GROUPS, Level.WRITE)
MISSING = "Could not retrieve user group detail."
LONGEST_DESCRIPTION = 200
SORTS = {"name": "name"}


class GroupList(msgspec.Struct):
    groups: list[wire.GroupDocument]
    pages: int


def render(rows: Iterable[Group]) -> Iterator[bytes]:
    return (msgspec.json.encode(wire.group_document(group)) for group in rows)


def found(call: Call[Any, Any], id: str) -> Group:
    return find(call, Group.objects.all(), MISSING, pk=id)


def values(call: Call[Any, wire.GroupBody], group: Group | None = None) -> dict[str, Any]:
    """Return what the services take of a new group, or of this one."""
    sent = call.body
    require_own(call)
    wire.refuse_powers(call.document)
    if sent.id not in (None, "", group.pk if group else ""):
        raise Refusal(400, "id is given here: leave it out.")
    if sent.active is False:
        raise Refusal(400, "active: a group is not switched off; take its permissions away.")
    extra = (dict(group.extra) if group else {}) | unknown_fields(call.document, wire.GroupBody)
    if sent.password_max_days is not None:
        extra["password_max_days"] = sent.password_max_days
    permissions: Permissions = parse(group.permissions if group else {})
    if sent.user_permissions is not None:
        said = wire_permissions.read(sent.user_permissions)
        if said.is_administrator or said.may_reset_passwords:
            raise Refusal(400, "user_permissions: a group makes nobody an administrator.")
        permissions, extra["user_permissions"] = said.permissions, said.kept
    refuse_to_keep_more(extra)
    name = wire.checked_name(group.name if group and sent.name is None else (sent.name or "").strip())
    description = group.description if group and sent.description is None else (sent.description or "").strip()
    if len(description) > LONGEST_DESCRIPTION:
        raise Refusal(400, f"description is longer than {LONGEST_DESCRIPTION} characters.")
    return {"name": name, "description": description, "permissions": permissions, "extra": extra}


@operation("GET", "/api/usergroups", "The user groups", access=READ, query=Paged, answers=GroupList)
def list_user_groups(call: Call[Paged, None]) -> Answer | Streamed:
    rows = Group.objects.all()
    if wanted := call.query.q:
        rows = rows.filter(name__icontains=wanted)
    return page_of(call, sorted_by(rows, call.query.sort, SORTS), render, name="groups")


@operation("GET", "/api/usergroups/{id}", "A user group", access=READ, answers=wire.GroupDocument, refusals=(404,))
def get_user_group(call: Call[Any, None], id: str) -> dict[str, Any]:
    return wire.group_document(found(call, id))


@operation("POST", "/api/usergroups", "Create a user group", access=WRITE, body=wire.GroupBody, answers=Envelope)
def create_user_group(call: Call[Any, wire.GroupBody]) -> Answer:
    return ok("User group created", groups.create_group(**values(call), by=call.user).pk)


@operation(
    "PUT",
    "/api/usergroups/{id}",
    "Change a user group",
    access=WRITE,
    body=wire.GroupBody,
    answers=Envelope,
    refusals=(404,),
)
def update_user_group(call: Call[Any, wire.GroupBody], id: str) -> Answer:
    group = found(call, id)
    groups.update_group(group=group, **values(call, group), by=call.user)
    return ok("User group updated")


@operation("DELETE", "/api/usergroups/{id}", "Delete a user group", access=WRITE, answers=Envelope, refusals=(404,))
def delete_user_group(call: Call[Any, None], id: str) -> Answer:
    groups.delete_group(group=found(call, id), by=call.user)
    return ok("User group deleted")
