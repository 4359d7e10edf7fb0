"""Finding a key by its secret, pasted alone or within a header or a whole curl line."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db.models import Exists, Q, QuerySet
from django.utils import timezone

from apis.models import Api
from keys import token
from keys.models import Key
from orgs import scope

LONGEST_REFERENCE = 1000


class Secret(StrEnum):
    """Which of a key's secrets was pasted."""

    CURRENT = "its secret"
    IN_GRACE = "its previous secret, which still works"
    RETIRED = "its previous secret, which works no more"


@dataclass(frozen=True)
class Found:
    key: Key
    secret: Secret


def is_token(text: str) -> bool:
    return token.parse_token(text) is not None


def find_by_token(text: str, *, now: datetime | None = None) -> Found | None:
    """Return the key of the open scope that has this secret, or had it before its last rotation."""
    pasted = token.parse_token(text)
    if pasted is None:
        return None
    digest = token.digest(pasted.text, settings.KEY_DIGEST_PEPPER)
    # Without an order: sorting by id would tempt PostgreSQL to walk the whole organisation.
    key = next(iter(Key.objects.filter(Q(digest=digest) | Q(previous_digest=digest)).order_by()[:1]), None)
    hash = token.hash_token(pasted.text, pasted.algorithm)
    key = key or _revoked(hash, pasted.organisation_id)
    return Found(key, _which(key, hash, now or timezone.now())) if key else None


def _revoked(hash: str, organisation_id: str) -> Key | None:
    """Return the key that went last of those with this hash. Revoked keys have no digest: what they had may be taken
    by another. The index by hash needs the organisation, which scopes of many do not say.
    """
    meant = Q(hash=hash) | Q(previous_hash=hash)
    keys = Key.objects.filter(meant, organisation=organisation_id, revoked_at__isnull=False)
    return max(keys.order_by(), key=lambda key: str(key.revoked_at), default=None)


def with_id(chosen_id: str) -> QuerySet[Key]:
    """The keys of the open scope whose token holds this id, whatever its hash, or did and is in grace."""
    return Key.objects.filter(_has_digest(_digests_of_id(chosen_id))).order_by()


def find_by_reference(
    text: str, *, by_hash: bool = False, username: bool = False, api_id: str | None = None
) -> Key | None:
    """Return the key that a client means: by its token, by the id that was chosen for it, or by that of its row.

    `by_hash` and `username` say that the text is one, and nothing else. With `api_id`, of either kind, there is no key
    unless the organisation has this API. Revoked keys are not found.
    """
    if not 0 < len(text) <= LONGEST_REFERENCE or "\0" in text + (api_id or ""):
        return None
    if by_hash:
        meant = Q(hash=text) | Q(previous_hash=text, previous_until__gt=timezone.now())
    elif username:
        meant = Q(username=text)
    else:
        pasted = token.parse_token(text)
        digests = [token.digest(pasted.text, settings.KEY_DIGEST_PEPPER)] if pasted else _digests_of_id(text)
        meant = _has_digest(digests) | Q(pk=text)
    if api_id is not None:
        meant &= Q(Exists(Api.objects.filter(Q(api_id=api_id) | Q(pk=api_id))))
    # An id that somebody chose may be that of another key's row.
    return min(Key.objects.filter(meant, revoked_at=None).order_by(), key=lambda key: key.pk != text, default=None)


def _has_digest(digests: list[str]) -> Q:
    return Q(digest__in=digests) | Q(previous_digest__in=digests, previous_until__gt=timezone.now())


def _digests_of_id(chosen_id: str) -> list[str]:
    """Return the digests of the tokens that hold the id: none in a scope of many organisations, or of no id."""
    try:
        organisation_id = scope.current_organisation_id()
        bare = chosen_id.removeprefix(organisation_id)
        texts = [token.token_for(organisation_id, bare, algorithm) for algorithm in token.HashAlgorithm]
    except (scope.NoScope, ValueError):
        return []
    return [token.digest(text, settings.KEY_DIGEST_PEPPER) for text in texts]


def _which(key: Key, hash: str, now: datetime) -> Secret:
    if key.hash == hash:
        return Secret.CURRENT
    is_over = key.previous_until is None or key.previous_until <= now
    return Secret.RETIRED if is_over or key.revoked_at else Secret.IN_GRACE
