"""The log of requests as a file."""

from collections.abc import Iterator, Sequence
from typing import Any

from analytics.log import finding
from analytics.log.filters import Filters
from analytics.log.naming import key_name, names_of_rows
from analytics.pages.frame import Export
from analytics.pages.subjects import Names

MOST, LOOKS_AT = 5_000, 200_000
HEADER = (
    "at", "method", "host", "path", "status", "latency_ms", "upstream_ms", "bytes", "api_id", "api", "version",
    "key_hash", "key", "oauth_client", "address", "country", "user_agent", "tags",
)  # fmt: skip


def export(narrowed: Filters) -> Export:
    """Return the newest; filters that make no sense leave nothing but their sentences."""
    if narrowed.errors:
        return Export("requests-one-by-one", HEADER, tuple, lambda: " ".join(narrowed.errors))
    found = finding.look(narrowed, after=None, before=None, size=MOST, looks_at=LOOKS_AT)
    return Export("requests-one-by-one", HEADER, lambda: _rows(found.rows), lambda: _note(found))


def _note(found: finding.Found) -> str:
    if found.looked_to:
        return (
            f"Looked back to {found.looked_to.isoformat(timespec='seconds')}: choose a span before it for the others."
        )
    return f"Only the newest {MOST:,} are here: choose a shorter span to get the others." if found.older else ""


def _rows(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    names = names_of_rows(rows)
    return (_row(row, names) for row in rows)


def _row(row: dict[str, Any], names: Names) -> tuple[object, ...]:
    return (
        row["at"].isoformat(), row["method"], row["host"], row["path"], row["status"], row["latency"], row["upstream"],
        row["size"], names.text(row["api"]), names.label(row["api"]), names.text(row["version"]),
        names.text(row["key"]), key_name(names, row["key"]), names.text(row["client"]), row["address"],
        row["country"], row["agent"], ", ".join(row["tags"]),
    )  # fmt: skip
