"""The audit trail: one line for each change, in the change's own transaction, never with a secret."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from orgs import scope
from orgs.ids import new_id

VISITED = "visited"


@dataclass(frozen=True)
class Actor:
    """Who acts: a user by id and e-mail, or a command by its name (with an empty id)."""

    id: str
    name: str
    address: str | None = None


_acting: ContextVar[Actor | None] = ContextVar("commonhold_actor", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Write the block's lines in this actor's name."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def actor() -> Actor:
    return _acting.get() or Actor(id="", name="commonhold")


def record(
    action: str,
    *,
    kind: str,
    obj: models.Model | None = None,
    name: str = "",
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Write the line of a change. `changes` maps a field to [before, after]; the caller leaves secrets out."""
    by = actor()
    reads = scope.current().reads
    line = {
        "id": new_id(),
        "organisation": None if reads in (scope.NO_ORGANISATION, scope.EVERY_ORGANISATION) else reads,
        "actor_id": by.id,
        "actor": by.name,
        "address": by.address,
        "action": action,
        "kind": kind,
        "object_id": str(obj.pk) if obj else "",
        "object_name": (name or str(obj or ""))[:200],
        "changes": json.dumps(dict(changes or {})),
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, line)


# By hand, since there is one with every change: composing it took a sixth of the time in which a key is made.
INSERT = """
INSERT INTO orgs_auditentry
    (id, organisation_id, actor_id, actor, address, action, kind, object_id, object_name, changes)
VALUES (%(id)s, %(organisation)s, %(actor_id)s, %(actor)s, %(address)s, %(action)s, %(kind)s, %(object_id)s,
    %(object_name)s, %(changes)s)
"""


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, untold: Collection[str] = ()
) -> dict[str, list[Any]]:
    """Return {field: [before, after]} of the fields that differ; of those that are `untold` only that they do."""
    return {
        field: [None, "changed"] if field in untold else [before.get(field), value]
        for field, value in after.items()
        if before.get(field) != value
    }
