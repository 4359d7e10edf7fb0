"""The tagging standard: what the segment tags of an API must be. No Django here.

Its pattern is no regular expression, which somebody could write so that it takes hours: `*` is any text, also none, and
`{slug}` the organisation's slug. Whatever was typed, a tag is looked through once for each part between the stars.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from apis.jsontext import Problem

SLUG, ANY_TEXT = "{slug}", "*"
MOST_SHOWN = 10


@dataclass(frozen=True)
class Standard:
    """A tag fits that is like `pattern` or one of `allowed`; where there are neither, every tag does.

    An API has at least `least` tags, and at most `most` where that is given.
    """

    pattern: str = ""
    allowed: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None

    def of(self, slug: str) -> "Standard":
        """The standard as it is for one organisation."""
        return replace(self, pattern=self.pattern.replace(SLUG, slug))


def fits(tag: str, standard: Standard) -> bool:
    if not standard.pattern and not standard.allowed:
        return True
    return tag in standard.allowed or (standard.pattern != "" and is_like(tag, standard.pattern))


def is_like(tag: str, pattern: str) -> bool:
    """Whether the whole tag is like the pattern. Upper and lower case differ, as they do for gateways."""
    first, *others = pattern.split(ANY_TEXT)
    if not others:
        return tag == first
    *middle, last = others
    if len(tag) < len(first) + len(last) or not tag.startswith(first) or not tag.endswith(last):
        return False
    at, end = len(first), len(tag) - len(last)
    for part in middle:
        found = tag.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def problems(tags: Sequence[str], standard: Standard, *, hidden: Collection[str] = ()) -> Iterator[Problem]:
    """Say what does not follow the standard of one organisation, to whom the tags in `hidden` are not told."""
    if wrong := wrong_number(tags, standard):
        yield Problem(f"tags must be {wrong}, by the tagging standard.", ("tags",))
    for at, tag in enumerate(tags):
        if not fits(tag, standard):
            yield Problem(f"tags.{at} must be {like_what(standard, hidden)}, by the tagging standard.", ("tags", at))


def wrong_number(tags: Sequence[str], standard: Standard) -> str:
    """Say how many there must be, where there are fewer or more."""
    count = len(set(tags))
    if count < standard.least:
        return f"at least {standard.least}"
    return f"at most {standard.most}" if standard.most is not None and count > standard.most else ""


def in_words(standard: Standard, *, hidden: Collection[str] = ()) -> str:
    """Return the standard as a sentence, empty where it asks for nothing."""
    parts = [how_many(standard)]
    if standard.pattern or standard.allowed:
        parts.append(f"each {like_what(standard, hidden)}")
    asked = ", ".join(part for part in parts if part)
    return f"The tagging standard: {asked}." if asked else ""


def how_many(standard: Standard) -> str:
    least, most = standard.least, standard.most
    if most is None:
        return f"at least {_tags(least)}" if least else ""
    if not least:
        return f"at most {_tags(most)}" if most else "no tags"
    return _tags(least) if least == most else f"{least} to {_tags(most)}"


def _tags(count: int) -> str:
    return f"{count} tag" if count == 1 else f"{count} tags"


def like_what(standard: Standard, hidden: Collection[str] = ()) -> str:
    shown = [tag for tag in standard.allowed if tag not in hidden]
    kinds = [f"like {standard.pattern}"] if standard.pattern else []
    if shown:
        more = f" and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
        kinds.append(f"{'one of ' if len(shown) > 1 else ''}{', '.join(shown[:MOST_SHOWN])}{more}")
    return " or ".join(kinds) or "one that is available"
