"""What `format_html`, which escapes every value, does not have."""

from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

NOTHING = SafeString("")


def joined(parts: Iterable[SafeString]) -> SafeString:
    return mark_safe("".join(parts))  # noqa: S308 - markup, each of them


def filled(markup: str, value: str) -> SafeString:
    """Return nothing where there is no value."""
    return format_html(markup, value) if value else NOTHING
