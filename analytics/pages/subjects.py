"""What pages are about, and what the numbers in roll-ups are called: APIs and keys that there are, or were."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q
from django.http import Http404

from analytics import queries, together
from analytics.models import Facet
from analytics.naming import number
from analytics.numbers import Value
from apis.models import Api
from keys.models import Key

SHORT_HASH = 12


@dataclass(frozen=True)
class SeenApi:
    """An API that has requests or exists. `id` is that of its own page, empty where it is gone."""

    number: int
    api_id: str
    name: str
    id: str


def find_api(api_id: str) -> SeenApi:
    """404 where the organisation neither has this API nor had requests to it."""
    if "\0" in api_id or len(api_id) > 100:
        raise Http404
    found = number(Facet.API.value, api_id)
    api = Api.objects.filter(api_id=api_id).order_by().values_list("id", "name").first()
    name = queries.named([found]).get(found)
    if api is None and name is None:
        raise Http404
    id, own_name = api or ("", "")
    return SeenApi(found, api_id, own_name or (name[1] if name else "") or api_id, id)


def hashes_of(key: Key) -> list[tuple[str, str]]:
    """Return (hash, which secret it is of), of both secrets of a key that was rotated."""
    return [(hash, label) for hash, label in ((key.hash, "Secret"), (key.previous_hash, "Previous secret")) if hash]


def number_of_key(hash: str) -> int:
    return number(Facet.KEY.value, hash)


def last_used(hashes: Sequence[str]) -> dict[str, datetime]:
    """Return when each of these secrets was used last, of those that were."""
    hash_of = {number_of_key(hash): hash for hash in hashes}
    return {hash_of[number]: at for number, at in together.last_used_each(Facet.KEY, list(hash_of)).items()}


@dataclass(frozen=True)
class SeenKey:
    id: str
    alias: str
    is_previous: bool


@dataclass(frozen=True)
class Names:
    """What numbers stand for: {number: (text, label)}, and the keys that there are, by hash."""

    texts: dict[int, tuple[str, str]]
    keys: dict[str, SeenKey] = field(default_factory=dict)

    def text(self, number: int) -> str:
        return self.texts.get(number, ("", ""))[0]

    def label(self, number: int) -> str:
        text, label = self.texts.get(number, ("", ""))
        return label or text


def names_of(lists: Iterable[tuple[Facet, Sequence[Value]]]) -> Names:
    """Look everything up that some lists name, in one statement, and one more where they name keys."""
    numbers: set[int] = set()
    of_keys: set[int] = set()
    for facet, values in lists:
        numbers |= {number for value in values for number in (value.value, value.parent) if number}
        if facet is Facet.KEY:
            of_keys |= {value.value for value in values}
    texts = queries.named(sorted(numbers))
    hashes = [texts[number][0] for number in of_keys if number in texts]
    return Names(texts, keys_by_hash(hashes))


def keys_by_hash(hashes: Sequence[str]) -> dict[str, SeenKey]:
    """Of a hash that a key has and another one had, the former is meant."""
    if not hashes:
        return {}
    keys = Key.objects.filter(Q(hash__in=hashes) | Q(previous_hash__in=hashes)).order_by()
    found: dict[str, SeenKey] = {}
    for id, alias, hash, previous in keys.values_list("id", "alias", "hash", "previous_hash"):
        found[hash] = SeenKey(id, alias, is_previous=False)
        if previous:
            found.setdefault(previous, SeenKey(id, alias, is_previous=True))
    return found
