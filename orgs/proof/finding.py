"""What the proof says."""

from dataclasses import dataclass, field
from typing import Any, Protocol

REBUILD = "Run `manage.py migrate`: it builds the walls again."
BROKEN = "Run `manage.py migrate`; if this stays, report it as SECURITY.md says."


class Cursor(Protocol):
    """Django's cursor or psycopg's."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True)
class Finding:
    """A way round the walls: where it is, what is wrong, and what to do."""

    place: str
    fault: str
    remedy: str = REBUILD

    def __str__(self) -> str:
        return f"{self.place}: {self.fault} {self.remedy}"


@dataclass
class Report:
    """`tried` counts the attempts of each kind; `unchecked` says what could not be looked at, and why."""

    tried: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def count(self, kind: str, findings: list[Finding], attempts: int = 1) -> None:
        self.tried[kind] = self.tried.get(kind, 0) + attempts
        self.findings += findings


def rows(cursor: Cursor, query: str, **params: object) -> list[tuple[Any, ...]]:
    cursor.execute(query, params)
    return cursor.fetchall()
