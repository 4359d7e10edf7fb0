"""Lists of keys, which go by their hashes here. Revoked ones are in none."""

from collections.abc import Iterable, Iterator

import msgspec
from django.db.models import QuerySet

from keys import finding
from keys.api.keys import KEY, READ, api_of, keys_opening, list_of, render
from keys.models import Key, KeyTerm
from orgs import search
from orgs.machines import Answer, Call, Paged, Streamed, not_found, operation, page_of
from orgs.machines.calls import record_visit
from orgs.machines.lists import sorted_by

NO_KEYS = "Could not retrieve keys."
SORTS = {"": "-created_at", "created_at": "created_at", "alias": "sort_alias"}


class KeyIds(msgspec.Struct):
    """Hashes: they do not open anything."""

    keys: list[str]


class KeyList(msgspec.Struct):
    data: KeyIds
    pages: int


def searched(keys: "QuerySet[Key]", text: str) -> "QuerySet[Key]":
    """Keep the one key that the text names, else those that have its words in alias and tags."""
    if not (text := text.strip()):
        return keys
    named = finding.find_by_reference(text) or finding.find_by_reference(text, by_hash=True)
    return keys.filter(pk=named.pk) if named else search.matching(keys, KeyTerm, "key_id", text)


def hashes(call: Call[Paged, None], keys: "QuerySet[Key]") -> Answer | Streamed:
    rows = sorted_by(searched(keys, call.query.q).filter(revoked_at=None), call.query.sort, SORTS)
    return page_of(call, rows.values_list("hash", flat=True), render_hashes, name="data", wrap=('{"keys":', "}"))


def render_hashes(rows: Iterable[str]) -> Iterator[bytes]:
    return map(msgspec.json.encode, rows)


@operation("GET", "/api/apis/keys", "The keys, by their hashes", access=READ, query=Paged, answers=KeyList)
def list_keys(call: Call[Paged, None]) -> Answer | Streamed:
    return hashes(call, Key.objects.all())


@operation(
    "GET", "/api/apis/{id}/keys", "The keys that open an API", access=READ, query=Paged, answers=KeyList,
    refusals=(404,),
)  # fmt: skip
def list_keys_of_api(call: Call[Paged, None], id: str) -> Answer | Streamed:
    return keys_of(call, id)


def keys_of(call: Call[Paged, None], id: str) -> Answer | Streamed:
    api = api_of(id)
    if api is None:
        raise not_found(NO_KEYS)
    record_visit(call, api.organisation_id)
    return hashes(call, keys_opening(api))


@operation(
    "GET", "/api/apis/{id}/keys/search", "The keys that open an API and match", access=READ, query=Paged,
    answers=KeyList, refusals=(404,),
)  # fmt: skip
def search_keys_of_api(call: Call[Paged, None], id: str) -> Answer | Streamed:
    return keys_of(call, id)


@operation(
    "GET", "/api/keys/detailed", "The keys with their sessions", access=READ, query=Paged,
    answers=list_of(KEY, pages={"type": "integer"}),
)  # fmt: skip
def list_detailed_keys(call: Call[Paged, None]) -> Answer | Streamed:
    rows = sorted_by(searched(Key.objects.filter(revoked_at=None), call.query.q), call.query.sort, SORTS)
    return page_of(call, rows, render, name="keys")
