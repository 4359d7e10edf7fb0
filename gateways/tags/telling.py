"""Whom a change of a segment tag concerns: organisations whose APIs carry it, and who had or gets it.

What one of them notices is written into its own audit trail, in its scope, without a word of whose the tag is else; and
what gateways fetch of it is built anew.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from apis.models import Api, SegmentTag
from gateways import outbox
from orgs import audit, scope
from orgs.ids import is_id
from orgs.models import Organisation

KIND = "segment_tag"


@dataclass(frozen=True)
class Entry:
    """What the registry says of a tag; an empty `owner_id` is every organisation."""

    name: str
    owner_id: str = ""
    is_automatic: bool = False

    @classmethod
    def of(cls, tag: SegmentTag) -> "Entry":
        return cls(tag.name, tag.owner_id, tag.is_automatic)


@dataclass(frozen=True)
class Sight:
    """What a tag is to one organisation; one that nobody registered is to it as one that is shared."""

    available: bool = True
    own: bool = False
    automatic: bool = False

    def facts(self) -> dict[str, bool]:
        return {"available": self.available, "the organisation's own": self.own, "automatic": self.automatic}


def seen_by(organisation_id: str, entry: Entry | None) -> Sight:
    if entry is None or not entry.owner_id:
        return Sight()
    if entry.owner_id == organisation_id:
        return Sight(own=True, automatic=entry.is_automatic)
    return Sight(available=False)


def by_name(before: Entry | None, after: Entry | None) -> Iterable[tuple[str, Entry | None, Entry | None]]:
    """Yield (name, before, after): a tag that is renamed is one that goes and one that comes."""
    for name in dict.fromkeys(entry.name for entry in (before, after) if entry):
        was, now = (entry if entry and entry.name == name else None for entry in (before, after))
        yield name, was, now


def concerned(name: str, *entries: Entry | None) -> list[str]:
    """Return the ids of organisations that the tag of this name is something to."""
    with scope.opened(scope.EVERYTHING):
        carrying = Api.objects.filter(tags__contains=[name]).order_by().values_list("organisation_id", flat=True)
        owners = organisations([entry.owner_id for entry in entries if entry])
        return sorted({*carrying.distinct(), *(organisation.id for organisation in owners)})


def organisations(ids: Collection[str]) -> list[Organisation]:
    """Return those of these that there are."""
    with scope.opened(scope.EVERYTHING):
        return list(Organisation.objects.filter(pk__in=[id for id in ids if is_id(id)]))


def tell(before: Entry | None, after: Entry | None) -> None:
    for name, was, now in by_name(before, after):
        for organisation_id in concerned(name, was, now):
            _tell(organisation_id, name, seen_by(organisation_id, was), seen_by(organisation_id, now))


def _tell(organisation_id: str, name: str, was: Sight, now: Sight) -> None:
    changes = audit.differences(was.facts(), now.facts())
    if not changes:
        return
    with scope.opened(scope.of(organisation_id)):
        audit.record("changed", kind=KIND, name=name, changes=changes)
        if (was.available, was.automatic) != (now.available, now.automatic):
            outbox.add_feed()
