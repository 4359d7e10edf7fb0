"""Reads a document of which nothing is certain: not the types, not where references lead, not how much there is."""

import re
from typing import Any
from urllib.parse import unquote

from apis.jsontext import shorten

MOST_HOPS = 8
MOST_STEPS = 60_000  # documents of 1 MB take up to 15,000
MOST_TEXT = 4_000_000
LONGEST_REFERENCE = 1000
LONGEST_LINE = 160
LONGEST_ANCHOR = 80


def table(item: object) -> dict[str, Any]:
    return item if isinstance(item, dict) else {}


def items(item: object) -> list[Any]:
    return item if isinstance(item, list) else []


def line(item: object, longest: int = LONGEST_LINE) -> str:
    """Return what is shown in a line; of a text with millions of letters only the first are looked at."""
    if isinstance(item, dict | list) or item is None:
        return ""
    text = item if isinstance(item, str) else str(item)
    return shorten(" ".join(text[: longest * 4].split()), longest)


class Allowance:
    """How much a reference may still take: references can make a small document endlessly long."""

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.text = MOST_TEXT

    @property
    def is_spent(self) -> bool:
        return self.steps <= 0 or self.text <= 0

    def step(self, steps: int = 1) -> bool:
        """Return whether there may be more."""
        self.steps -= steps
        return not self.is_spent

    def markdown(self, item: object) -> str:
        if not isinstance(item, str) or self.is_spent:
            return ""
        self.text -= len(item)
        return item.strip() if self.text >= 0 else ""


class Anchors:
    """Ids that stay the same from one revision to the next, each given once."""

    def __init__(self) -> None:
        self.given: dict[str, int] = {}

    def give(self, kind: str, name: str) -> str:
        slug = re.sub(r"[^A-Za-z0-9_]+", "-", name[: LONGEST_ANCHOR * 4]).strip("-")[:LONGEST_ANCHOR]
        anchor = f"{kind}-{slug or 'unnamed'}"
        while anchor in self.given:
            self.given[anchor] += 1
            anchor = f"{anchor}-{self.given[anchor]}"
        self.given[anchor] = 1
        return anchor


def resolved(document: dict[str, Any], item: object) -> dict[str, Any]:
    """Follow the references of an object; nothing where they go round in circles or nowhere."""
    for _ in range(MOST_HOPS):
        reference = table(item).get("$ref")
        if not isinstance(reference, str):
            return table(item)
        if len(reference) > LONGEST_REFERENCE:
            break
        item = at(document, reference)
    return {}


def at(document: dict[str, Any], reference: str) -> object:
    found: object = document
    for part in unquote(reference.removeprefix("#/")).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(key)] if re.fullmatch("[0-9]{1,6}", key, re.ASCII) and int(key) < len(found) else None
        else:
            found = table(found).get(key)
    return found
