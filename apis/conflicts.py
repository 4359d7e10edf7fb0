"""What somebody is told who edited an API while another one saved it."""

from typing import Any

from apis.jsontext import Path, dotted, dumps, shorten, walk
from apis.rules import RawDefinition
from apis.services import KIND, ChangedMeanwhile
from orgs.display import when
from orgs.models import AuditEntry

Difference = tuple[str, str, str]  # a label, what is saved, what was typed

MOST = 40
LONGEST = 200
NOTHING = "not there"


def conflict(error: ChangedMeanwhile, *, fields: list[Difference], reload_url: str) -> dict[str, Any]:
    """Return the context of `partials/conflict.html`."""
    last = AuditEntry.objects.filter(kind=KIND, object_id=error.saved.pk).order_by("-at", "-id").first()
    return {
        "who": last.actor if last else "somebody",
        "when": when(error.saved.updated_at),
        "fields": fields,
        "reload_url": reload_url,
    }


def differences(theirs: RawDefinition, mine: RawDefinition) -> list[Difference]:
    """Return the leaves that are not alike, at most MOST of them."""
    saved, typed = _leaves(theirs), _leaves(mine)
    places = [path for path in {**saved, **typed} if saved.get(path) != typed.get(path)]
    return [(dotted(path), _shown(saved, path), _shown(typed, path)) for path in places[:MOST]]


def _shown(leaves: dict[Path, str], path: Path) -> str:
    return shorten(leaves.get(path, NOTHING), LONGEST)


def _leaves(definition: RawDefinition) -> dict[Path, str]:
    """Everything that holds nothing further: texts, numbers, empty lists and objects."""
    return {path: dumps(item) for path, item in walk(definition) if not isinstance(item, dict | list) or not item}
