"""What the log of requests is narrowed to by its query string. A value that makes no sense is told in a sentence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from analytics import queries
from analytics.asking import Asked
from analytics.models import Facet
from analytics.naming import number
from analytics.pages.subjects import hashes_of, number_of_key
from apis.models import Api
from keys.models import Key
from orgs.ids import is_id

NAMES = ("api", "key", "status", "method", "path", "address", "latency")
STATUS = re.compile(r"[1-5]\d\d")
CLASS = re.compile(r"([1-5])xx")
LATENCY = re.compile(r"\d{1,9}")
MOST_KEYS = 20
# PostgreSQL cuts an index's row at about this; aliases and names are far shorter.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Filters:
    """`indexed` is what an index answers; `others` is compared row by row, so that a look needs an end.

    `api_id` is of the API that was named, by its id or by its name.
    """

    indexed: Q
    others: Q
    typed: Mapping[str, str]
    errors: tuple[str, ...]
    api_id: str = ""


def read(asked: Asked) -> Filters:
    typed = {name: asked.typed.get(name, "") for name in NAMES}
    indexed, others, errors, api_id = Q(), Q(), [], ""
    if asked.has_times:
        indexed &= Q(at__gte=asked.span.start, at__lt=asked.span.end)
    for name, text in typed.items():
        if not text:
            continue
        try:
            if name == "api":
                text = api_id = _api_id(text)
            by_index, by_row = READERS[name](text)
        except ValueError as error:
            errors.append(str(error))
        else:
            indexed, others = indexed & by_index, others & by_row
    return Filters(indexed, others, typed, tuple(errors), api_id)


def _api_id(text: str) -> str:
    """Take the API's id, or its whole name."""
    if queries.named([number(Facet.API.value, text)]):
        return text
    name = text[:LONGEST_NAME].lower()
    api_id = Api.objects.filter(sort_name=name).order_by().values_list("api_id", flat=True).first()
    if api_id is None and not Api.objects.filter(api_id=text).exists():
        raise ValueError(f"There is no API “{text}”: give its whole name, or its API ID.")
    return api_id or text


def _key(text: str) -> tuple[Q, Q]:
    """Take the hash of a secret, the key's id, or how its alias begins. Both secrets of a rotated key count."""
    if queries.named([number_of_key(text)]):
        return Q(key=number_of_key(text)), Q()
    meant = Q(hash=text) | Q(previous_hash=text) | (Q(pk=text) if is_id(text) else Q())
    keys = list(Key.objects.filter(meant).order_by()[:1])
    if not keys:
        begins = text[:LONGEST_NAME].lower()
        keys = list(Key.objects.filter(sort_alias__begins_with=begins).order_by("sort_alias", "id")[: MOST_KEYS + 1])
    if not keys:
        raise ValueError(f"There is no key whose alias begins with “{text}”, and none with this hash.")
    if len(keys) > MOST_KEYS:
        raise ValueError(f"More than {MOST_KEYS} keys begin with “{text}”: write more of the alias.")
    return Q(key__in=[number_of_key(hash) for key in keys for hash, _ in hashes_of(key)]), Q()


def _status(text: str) -> tuple[Q, Q]:
    errors = Q(status__gte=400)
    if text == "errors":
        return errors, Q()
    if found := CLASS.fullmatch(text.lower()):
        first = int(found[1]) * 100
        return errors if first >= 400 else Q(), Q(status__gte=first, status__lt=first + 100)
    if STATUS.fullmatch(text):
        return errors if int(text) >= 400 else Q(), Q(status=int(text))
    raise ValueError(f"“{text}” is no status: write one as 404, a class as 5xx, or errors.")


def _latency(text: str) -> tuple[Q, Q]:
    if not LATENCY.fullmatch(text) or not text.isascii():
        raise ValueError(f"“{text}” is no latency: write whole milliseconds, as 250.")
    return Q(), Q(latency__gte=int(text))


READERS: dict[str, Any] = {
    "api": lambda api_id: (Q(), Q(api=number(Facet.API.value, api_id))),
    "key": _key,
    "status": _status,
    "method": lambda text: (Q(), Q(method=text.upper())),
    "path": lambda text: (Q(), Q(path__begins_with=text)),
    "address": lambda text: (Q(), Q(address=text)),
    "latency": _latency,
}
