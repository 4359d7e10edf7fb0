"""What people and clients call things of a portal: ends of addresses, and lists of groups, categories and domains."""

import re
from collections.abc import Iterable

from django.utils.text import slugify

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def slug_of(text: str, longest: int) -> str:
    """Return the end of an address that is made of this text; nothing where it has neither letters nor digits."""
    return slugify(text.replace("_", "-"))[:longest].strip("-")


def slug_fault(slug: str) -> str:
    """Return why it cannot be the end of an address, as a sentence; nothing where it can."""
    if SLUG.fullmatch(slug):
        return ""
    return "Address: use lower-case letters and digits, with single hyphens between them."


def distinct(names: Iterable[str]) -> list[str]:
    """Return each once, in their order, without those that say nothing."""
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))
