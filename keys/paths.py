"""The paths that a key may use within an API: a regular expression and methods each.

A gateway lets every path through when it cannot compile one of them, so what Go's expressions (RE2) may not
understand is refused, sometimes too eagerly.
"""

import math
import re
from dataclasses import dataclass

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
MAX_URL_LENGTH = 500
MAX_REPEAT = 1000  # Go's limit, for the product of nested repetitions too

_NOT_IN_GO = re.compile(
    r"\\(?![dDwWsS!-/:-@\[-`{-~])"  # back references, \b in a class, \Z, \u…
    r"|\(\?(?!:)"  # look-around, conditions, names, flags inside
    r"|[*+?}]\+"  # possessive repetition
    r"|\{,"  # {,3} is plain text in Go
    r"|\[:"  # POSIX classes
)
_REPEAT = re.compile(r"(\)?)\{(\d+)(?:,(\d*))?\}")


class BadAllowedUrl(ValueError):
    """A path or method that a gateway would not understand, as a sentence."""


@dataclass(frozen=True)
class AllowedUrl:
    """`url` is a regular expression, found anywhere in the path unless it starts with ^."""

    url: str
    methods: tuple[str, ...]


def check_allowed_url(allowed: AllowedUrl) -> None:
    """Raise BadAllowedUrl unless every gateway understands the path and knows the methods."""
    named = f"Path {allowed.url[:60]!r}"
    if not allowed.methods or not set(allowed.methods) <= set(METHODS):
        raise BadAllowedUrl(f"{named}: choose methods out of {', '.join(METHODS)}.")
    if not 1 <= len(allowed.url) <= MAX_URL_LENGTH or not allowed.url.isprintable():
        raise BadAllowedUrl(f"{named}: give 1 to {MAX_URL_LENGTH} printable characters.")
    if _NOT_IN_GO.search(allowed.url.removeprefix("(?i)")) or _most_repeats(allowed.url) > MAX_REPEAT:
        raise BadAllowedUrl(f"{named} uses what a gateway's regular expressions do not have.")
    try:
        re.compile(allowed.url)
    except (re.error, RecursionError) as error:
        raise BadAllowedUrl(f"{named} is no regular expression: {error}.") from None


def _most_repeats(pattern: str) -> int:
    """Return an upper bound of how often nested counted repetitions repeat one character."""
    groups, characters = [1], [1]
    for closing, low, high in _REPEAT.findall(pattern):
        (groups if closing else characters).append(max(int(low), int(high or 0)))
    return math.prod(groups) * max(characters)
