"""What an operation is, and where all of them are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from orgs.permissions import Level, ObjectKind

Handler = Callable[..., Any]
Schema = type[msgspec.Struct] | Mapping[str, Any]
EXAMPLE_ID = "5f0c1c6a1d2e3f4a5b6c7d8e"


class Access(Enum):
    """Who may call: a user with a level, any user of an access key, who holds the admin secret, or everybody."""

    PERMITTED = "permitted"
    SIGNED_IN = "signed in"
    ADMIN_SECRET = "admin secret"  # noqa: S105 - a kind, not a secret
    PUBLIC = "public"


@dataclass(frozen=True)
class Operation:
    """One method of one path. `{name}` in the path is a parameter of the handler.

    `body` is the type of the request's JSON, or a JSON schema where the handler checks the document itself.
    `answers` is the same for what comes back. `by_unbounded` lets unbounded users change something here, which
    are only rows of no organisation.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    access: Access
    kind: ObjectKind | None = None
    level: Level = Level.NONE
    query: type[msgspec.Struct] | None = None
    body: Schema | None = None
    body_is_optional: bool = False
    body_types: tuple[str, ...] = ("application/json",)
    answers: Schema = field(default_factory=dict)
    status: int = 200
    refusals: tuple[int, ...] = ()
    by_unbounded: bool = False

    @property
    def changes(self) -> bool:
        return self.method not in ("GET", "HEAD")

    @property
    def name(self) -> str:
        return self.handler.__name__


class Routes:
    """The operations by path. A literal part is preferred to a parameter; a slash at the end means nothing."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._tree: dict[str, Any] = {}

    def add(self, operation: Operation) -> None:
        node = self._tree
        for part in parts_of(operation.path):
            node = node.setdefault("{}" if part.startswith("{") else part, {})
        methods = node.setdefault("", {})
        if operation.method in methods:
            raise ValueError(f"{operation.method} {operation.path} is declared twice.")
        methods[operation.method] = operation
        self.operations.append(operation)

    def find(self, path: str) -> tuple[dict[str, Operation], list[str]] | None:
        """Return the operations of a path by method, and the values of its parameters in their order."""
        return _walk(self._tree, parts_of(path), [])


def parts_of(path: str) -> list[str]:
    return path.strip("/").split("/")


def _walk(node: dict[str, Any], parts: list[str], values: list[str]) -> tuple[dict[str, Operation], list[str]] | None:
    if not parts:
        return (node[""], values) if "" in node else None
    part, rest = parts[0], parts[1:]
    if part and part != "{}" and part in node and (found := _walk(node[part], rest, values)):
        return found
    return _walk(node["{}"], rest, [*values, part]) if part and "{}" in node else None


ROUTES = Routes()


def operation(
    method: str,
    path: str,
    summary: str,
    *,
    access: Access | tuple[ObjectKind, Level],
    **declared: Any,
) -> Callable[[Handler], Handler]:
    """Declare the function as this operation: `(call, **parameters of the path) -> Answer | Streamed | Any`."""
    permitted = isinstance(access, tuple)
    kind, level = access if isinstance(access, tuple) else (None, Level.NONE)
    how = Access.PERMITTED if permitted else access

    def declare(handler: Handler) -> Handler:
        ROUTES.add(Operation(method, path, summary, handler, how, kind, level, **declared))  # type: ignore[arg-type]
        return handler

    return declare
