"""The audit trail: one line for each change, in the change's own transaction, never with a secret."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import models

from orgs import scope
from orgs.models import AuditEntry

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
    AuditEntry.objects.create(
        organisation_id=None if reads in (scope.NO_ORGANISATION, scope.EVERY_ORGANISATION) else reads,
        actor_id=by.id,
        actor=by.name,
        address=by.address,
        action=action,
        kind=kind,
        object_id=str(obj.pk) if obj else "",
        object_name=(name or str(obj or ""))[:200],
        changes=dict(changes or {}),
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return {field: [before, after]} of the fields that differ."""
    return {field: [before.get(field), value] for field, value in after.items() if before.get(field) != value}
