"""Reading the parts of an extension whose types have been checked: any part may be missing or null."""

import re
from typing import Any

from apis.rules import get

Part = dict[str, Any]

UPPER = re.compile("([A-Z])")
STEP = re.compile(r"([\d.]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}


def part(parent: Part, *path: str) -> Part:
    """Return the object at the path, an empty one where there is none."""
    found: Part = get(parent, *path) or {}
    return found


def on(parent: Part, *path: str) -> Part:
    """Return the object at the path where it is switched on, else an empty one."""
    found = part(parent, *path)
    return found if found.get("enabled") else {}


def same(source: Part, *names: str) -> Part:
    """Return the fields that the classic definition calls the same in snake case, those that are there."""
    return {UPPER.sub(r"_\1", name).lower(): source[name] for name in names if source.get(name) is not None}


def named(source: Part, **names: str) -> Part:
    """Return the fields under their classic names, those that are there."""
    return {classic: source[name] for classic, name in names.items() if source.get(name) is not None}


def pairs(items: list[Part] | None, key: str, value: str) -> dict[str, str]:
    return {item.get(key) or "": item.get(value) or "" for item in items or []}


def nanoseconds(duration: str | None) -> int:
    total = sum(float(number) * NANOSECONDS[unit] for number, unit in STEP.findall(duration or ""))
    return round(-total if (duration or "").startswith("-") else total)


def seconds(duration: str | None) -> int:
    """Return whole seconds, rounded down as gateways do."""
    return nanoseconds(duration) // NANOSECONDS["s"]
