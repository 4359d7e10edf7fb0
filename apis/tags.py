"""What the registry of segment tags and the tagging standard say to the open organisation.

They are the installation's, so they are read in its scope: here alone, by statements that ask for no more than
concerns this organisation, in one round trip. Which organisation has a tag is not even read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from apis import tagging
from apis.jsontext import Problem
from apis.tagging import Standard
from orgs import scope

LOCK = 0x74616773  # of PostgreSQL's advisory locks: any number that nothing else takes
# Who saves an API shares the lock that who changes the registry has alone: neither misses what the other does.
SHARE_LOCK = "SELECT pg_advisory_xact_lock_shared(%s)"
OWN_SLUG = "SELECT slug FROM orgs_organisation WHERE id = %s"
STANDARD = "SELECT pattern, allowed, least, most FROM apis_taggingstandard WHERE is_enforced"
FOREIGN = """
SELECT name FROM apis_segmenttag WHERE owner_id NOT IN ('', %s)
    AND (name = ANY (%s::text[]) OR name IN (SELECT unnest(allowed) FROM apis_taggingstandard WHERE is_enforced))
"""
FOR_FEED = """
SELECT name, owner_id = %s FROM apis_segmenttag
WHERE (owner_id = %s AND is_automatic) OR (owner_id NOT IN ('', %s) AND name = ANY (%s::text[])) ORDER BY name
"""


@dataclass(frozen=True)
class ForFeed:
    """Tags that none of the organisation's APIs may have, of those asked for, and those that all of them get."""

    foreign: frozenset[str]
    automatic: tuple[str, ...]


def problems_of(tags: Sequence[str]) -> list[Problem]:
    """Return what is wrong with the tags of an API that is being saved. Whose a foreign one is, nobody is told."""
    slug, standard, foreign = _read(tags, (scope.INSTALLATION, SHARE_LOCK, [LOCK]))
    unavailable = [
        Problem(f"tags.{at} is not available.", ("tags", at)) for at, tag in enumerate(tags) if tag in foreign
    ]
    return [*unavailable, *tagging.problems(tags, standard.of(slug), hidden=foreign)] if standard else unavailable


def standard_in_words() -> str:
    """Return the standard as a sentence for the organisation, empty where there is none."""
    slug, standard, foreign = _read(())
    return tagging.in_words(standard.of(slug), hidden=foreign) if standard else ""


def for_feed(names: Iterable[str]) -> ForFeed:
    own = scope.current_organisation_id()
    [rows] = scope.ask_in((scope.INSTALLATION, FOR_FEED, [own, own, own, _storable(names)]))
    return ForFeed(
        foreign=frozenset(name for name, is_own in rows if not is_own),
        automatic=tuple(name for name, is_own in rows if is_own),
    )


def _read(
    tags: Sequence[str], *before: tuple[scope.Scope, str, Sequence[Any]]
) -> tuple[str, Standard | None, set[str]]:
    """Return the organisation's slug, the standard, and which of these tags and of the allowed ones are foreign."""
    own = scope.current_organisation_id()
    *_, [(slug,)], standard, foreign = scope.ask_in(
        *before,
        (scope.current(), OWN_SLUG, [own]),
        (scope.INSTALLATION, STANDARD, []),
        (scope.INSTALLATION, FOREIGN, [own, _storable(tags)]),
    )
    rules = [Standard(pattern, tuple(allowed), least, most) for pattern, allowed, least, most in standard]
    return slug, rules[0] if rules else None, {name for (name,) in foreign}


def _storable(names: Iterable[str]) -> list[str]:
    """No other is registered, and PostgreSQL takes neither NUL nor half of a surrogate pair."""
    return [name for name in names if name.isprintable()]
