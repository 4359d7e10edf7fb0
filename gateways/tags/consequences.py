"""What a change of a segment tag would do to what gateways serve, in sentences, before it is made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypedDict

from django.db.models import Count, Min

from apis.models import Api
from gateways.models import GatewayGroup
from gateways.tags import telling
from gateways.tags.telling import Entry, Sight
from orgs import scope

MOST_LINES = 10


@dataclass
class Effects:
    """`stops` is what gateways get no more, `begins` what they get beside."""

    stops: list[str] = field(default_factory=list)
    begins: list[str] = field(default_factory=list)


class _Carrying(TypedDict):
    number: int
    first: str


def effects(before: Entry | None, after: Entry | None) -> Effects:
    found = Effects()
    for name, was, now in telling.by_name(before, after):
        carrying = _carrying(name)
        owners = [entry.owner_id for entry in (was, now) if entry]
        for organisation in sorted(telling.organisations([*carrying, *owners]), key=str):
            seen = (telling.seen_by(organisation.id, was), telling.seen_by(organisation.id, now))
            own = carrying.get(organisation.id, _Carrying(number=0, first=""))
            found.stops += _stops(organisation.name, *seen, own, name)
            found.begins += _begins(organisation.name, *seen, own, name)
    return Effects(_few(found.stops), _few(found.begins))


def groups_with(name: str) -> list[str]:
    """Return the names of the groups whose gateways load the APIs with this tag."""
    with scope.opened(scope.EVERYTHING):
        return list(GatewayGroup.objects.filter(tags__contains=[name]).values_list("name", flat=True))


def _carrying(name: str) -> dict[str, _Carrying]:
    """Return how many active APIs of each organisation carry the tag, and the first of them."""
    with scope.opened(scope.EVERYTHING):
        rows = Api.objects.filter(is_active=True, tags__contains=[name]).order_by().values("organisation_id")
        found: Any = rows.annotate(number=Count("id"), first=Min("name"))
        return {row["organisation_id"]: _Carrying(number=row["number"], first=row["first"]) for row in found}


def _stops(organisation: str, was: Sight, now: Sight, carrying: _Carrying, name: str) -> Iterator[str]:
    if was.available and not now.available and carrying["number"]:
        yield _moving(organisation, carrying, name, one="leaves every gateway", several="leave every gateway")
    if was.automatic and not now.automatic:
        yield f"Gateways that load by the tag {name} drop the APIs of {organisation} that do not carry it themselves."


def _begins(organisation: str, was: Sight, now: Sight, carrying: _Carrying, name: str) -> Iterator[str]:
    if now.available and not was.available and carrying["number"]:
        yield _moving(organisation, carrying, name, one="goes back to gateways", several="go back to gateways")
    if now.automatic and not was.automatic:
        yield f"Gateways that load by the tag {name} get every active API of {organisation}."


def _moving(organisation: str, carrying: _Carrying, name: str, *, one: str, several: str) -> str:
    number, first = carrying["number"], carrying["first"]
    if number == 1:
        return f"An API of {organisation} that carries {name} {one}: {first}."
    others = "another one" if number == 2 else f"{number - 1} others"
    return f"{number} APIs of {organisation} that carry {name} {several}: {first} and {others}."


def _few(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"And as much of {more} more organisations."]
