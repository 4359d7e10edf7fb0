"""Search by the beginnings of words, from an index that row-level security leaves usable.

Under row-level security PostgreSQL uses an index only for leakproof operators: `^@` is one, LIKE and full text are
not. So a searchable object has a row for each of its words; a tag is the word with `#` before it.
"""

import re
from collections.abc import Iterable
from typing import TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models

WORD = re.compile(r"[^\W_]+")
LONGEST, MOST = 40, 40
M = TypeVar("M", bound=models.Model)


class IsAny(models.Func):
    """`value = ANY(array)`."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def words(text: str) -> list[str]:
    return [word[:LONGEST] for word in WORD.findall(text.lower())]


def terms(texts: Iterable[str], *, tags: Iterable[str] = ()) -> set[str]:
    """Return what an object is found by; the most is a cap on hostile names, not a limit that people meet."""
    found = dict.fromkeys(word for text in texts for word in words(text))
    return {*list(found)[:MOST], *(f"#{tag.lower()[:LONGEST]}" for tag in tags)}


def matching(objects: "models.QuerySet[M]", of: type[models.Model], reference: str, text: str) -> "models.QuerySet[M]":
    """Keep the objects that have, for each word of `text`, a word that begins with it. `of` is the table of terms."""
    found = [of._default_manager.filter(term__begins_with=word).values(reference) for word in words(text)[:5]]
    if not found:
        return objects
    if not found[1:]:
        return objects.filter(pk__in=found[0])
    # What has all words is found first, as an array: PostgreSQL cannot guess how few these are, and would read every
    # object of the organisation to compare it.
    return objects.filter(IsAny(models.F("pk"), ArraySubquery(found[0].intersection(*found[1:]))))


def tagged(objects: "models.QuerySet[M]", of: type[models.Model], reference: str, tag: str) -> "models.QuerySet[M]":
    term = f"#{tag.replace(chr(0), '').lower()[:LONGEST]}"
    return objects.filter(pk__in=of._default_manager.filter(term=term).values(reference))
