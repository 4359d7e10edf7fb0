"""Whose requests a machine asks for: those of its own organisation, or of the one that an unbounded user names."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
from django.db.models import Q

from analytics.models import Facet
from analytics.naming import number
from apis.api.finding import require_own
from keys.api.keys import api_of
from keys.models import Key
from orgs import scope
from orgs.ids import is_id
from orgs.machines import Call, Refusal, not_found
from orgs.machines.calls import record_visit
from orgs.models import Organisation
from orgs.permissions import Level, ObjectKind

READ = (ObjectKind.ANALYTICS, Level.READ)
MOST_KEYS = 50


class Whose(msgspec.Struct, kw_only=True):
    """Unbounded users say in `org_id` of which organisation; for everybody else it is their own."""

    org_id: Annotated[str, msgspec.Meta(description="The organisation, for unbounded users.")] = ""


@contextmanager
def looked_at(call: Call[Any, None]) -> Iterator[None]:
    """Run the block in the scope of the organisation that is asked for.

    Numbers of all of them together are nobody's question: names and keys are an organisation's.
    """
    wanted = call.query.org_id
    if call.organisation_or_none is not None:
        require_own(call, wanted)
        yield
        return
    if not wanted:
        raise Refusal(400, "An unbounded user says of which organisation: org_id.")
    if not is_id(wanted) or not Organisation.objects.filter(pk=wanted).exists():
        raise not_found("org_id: there is no such organisation.")
    # What comes after may be a key itself, where somebody took it for its hash.
    record_visit(call, wanted, path="/".join(call.request.path.split("/")[:4]))
    call.scope = scope.visit(wanted)
    with scope.opened(call.scope):
        yield


def api_number(name: str) -> int:
    """Return the number of an API by its `api_id`, or by its id here; it may be gone, or have never been."""
    refuse_nul(name)
    api = api_of(name)
    return number(Facet.API.value, api.api_id if api else name)


def key_numbers(names: str) -> list[int]:
    """Return the numbers of keys by their hashes (or their ids here), also of the hashes before a rotation.

    The key may be gone, or have never been.
    """
    refuse_nul(names)
    wanted = list(dict.fromkeys(filter(None, names.split(","))))
    if not 1 <= len(wanted) <= MOST_KEYS:
        raise Refusal(400, f"Name between 1 and {MOST_KEYS} keys by their hashes, with commas between them.")
    named = Q(pk__in=wanted) | Q(hash__in=wanted) | Q(previous_hash__in=wanted)
    hashes = [hash for pair in Key.objects.filter(named).values_list("hash", "previous_hash") for hash in pair if hash]
    return [number(Facet.KEY.value, text) for text in dict.fromkeys([*wanted, *hashes])]


def refuse_nul(text: str) -> None:
    if "\0" in text:
        raise not_found("There is nothing of this name.")
