"""Search over all organisations: names only. Opening a hit is a visit, which leaves its line there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Model, OuterRef, Q

from apis.models import Api, ApiTerm
from keys.finding import find_by_token
from keys.models import Key, KeyTerm
from orgs.models import Organisation
from orgs.search import words
from users.models import User

MOST = 20
MOST_WORDS = 5


@dataclass(frozen=True)
class Hit:
    href: str
    name: str
    note: str
    organisation: str


@dataclass(frozen=True)
class Hits:
    """The hits of one kind; `more` says that there are others than these."""

    label: str
    hits: list[Hit]
    more: bool


def everywhere(text: str) -> list[Hits]:
    """Return the kinds that have hits."""
    kinds = (
        ("Organisations", _organisations(text)),
        ("Users", _users(text)),
        ("APIs", _apis(_ids(ApiTerm, "api_id", text))),
        ("Keys", _keys(_ids(KeyTerm, "key_id", text))),
    )
    return [Hits(label, hits[:MOST], len(hits) > MOST) for label, hits in kinds if hits]


def pasted_key(text: str) -> list[Hits]:
    found = find_by_token(text)
    if found is None:
        return []
    of = found.key.organisation
    hit = Hit(f"/all/o/{of.slug}/keys/{found.key.id}/", found.key.alias, f"{found.secret} was pasted", of.name)
    return [Hits("Keys", [hit], more=False)]


def _organisations(text: str) -> list[Hit]:
    found = Organisation.objects.filter(Q(name__icontains=text) | Q(slug__icontains=text))
    rows = found.values_list("slug", "name", "name", "slug", "is_suspended")
    return _hits(rows, "", lambda is_suspended: "suspended" if is_suspended else "")


def _users(text: str) -> list[Hit]:
    """E-mail addresses are stored in lower case. Users are few beside keys, so they are read through."""
    found = User.objects.filter(organisation__isnull=False, email__begins_with=text.lower()).order_by("email")
    rows = found.values_list("organisation__slug", "organisation__name", "email", "id", "is_active")
    return _hits(rows, "users/{}/", lambda is_active: "" if is_active else "disabled")


def _apis(ids: list[str]) -> list[Hit]:
    rows = Api.objects.filter(pk__in=ids).order_by("sort_name", "id")
    fields = ("organisation__slug", "organisation__name", "name", "id", "listen_path")
    return _hits(rows.values_list(*fields), "apis/{}/", str)


def _keys(ids: list[str]) -> list[Hit]:
    rows = Key.objects.filter(pk__in=ids).order_by("sort_alias", "id")
    fields = ("organisation__slug", "organisation__name", "alias", "id", "masked")
    return _hits(rows.values_list(*fields), "keys/{}/", str)


def _hits(rows: Any, path: str, note: Callable[[Any], str]) -> list[Hit]:
    """Read (organisation's slug, its name, name of the hit, its id, what the note is made of)."""
    found: Iterable[tuple[str, str, str, str, Any]] = rows[: MOST + 1]
    return [
        Hit(f"/all/o/{slug}/{path.format(id)}", name, note(value), organisation)
        for slug, organisation, name, id, value in found
    ]


def _ids(of: type[Model], reference: str, text: str) -> list[str]:
    """Return a few objects whose words begin with those of `text`: one look at the index for each owner.

    The index begins with the organisation: without one, PostgreSQL would read every word of all of them.
    """
    first, *others = sorted(words(text), key=len, reverse=True)[:MOST_WORDS] or [""]
    if not first:
        return []
    found = of._default_manager.filter(organisation_id=OuterRef("pk"), term__begins_with=first)
    for word in others:
        same = {"organisation_id": OuterRef("organisation_id"), reference: OuterRef(reference)}
        found = found.filter(Exists(of._default_manager.filter(term__begins_with=word, **same)))
    few = ArraySubquery(found.values(reference)[: MOST + 1])
    arrays = Organisation.objects.order_by().annotate(found=few).values_list("found", flat=True)
    return list(dict.fromkeys(id for array in arrays for id in array))[: MOST + 1]
