"""Finding a key by its secret, pasted alone or within a header or a whole curl line."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from keys import token
from keys.models import Key


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
    return Found(key, _which(key, digest, now or timezone.now())) if key else None


def _which(key: Key, digest: str, now: datetime) -> Secret:
    if key.digest == digest:
        return Secret.CURRENT
    is_over = key.previous_until is None or key.previous_until <= now
    return Secret.RETIRED if is_over or key.revoked_at else Secret.IN_GRACE
