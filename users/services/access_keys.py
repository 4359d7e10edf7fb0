"""Users' credentials for the JSON API: 32 hexadecimal characters, shown once; the first 8 stay visible."""

import hmac
import re
from secrets import token_hex

from django.conf import settings
from django.db import transaction

from orgs import audit
from users.models import AccessKey, User, owner_id
from users.services import rank
from users.services.errors import BeyondRights

KIND = "access_keys"
TOKEN = re.compile(r"[0-9a-f]{32}")
VISIBLE = 8


def digest(token: str) -> str:
    return hmac.digest(settings.ACCESS_KEY_PEPPER, token.encode(), "sha256").hex()


@transaction.atomic
def create_access_key(*, user: User, label: str) -> tuple[AccessKey, str]:
    """Return the new key and its secret, which is kept nowhere."""
    token = token_hex(16)
    key = AccessKey.objects.create(
        organisation_id=owner_id(), user=user, label=label, visible=token[:VISIBLE], digest=digest(token)
    )
    audit.record("created", kind=KIND, obj=key)
    return key, token


@transaction.atomic
def reset_access_key(*, key: AccessKey, by: User) -> tuple[AccessKey, str]:
    """Give the key a new secret; the old one stops. For its owner alone: who sees the secret acts as them."""
    if key.user_id != by.pk:
        raise BeyondRights("Only its owner can reset an access key; it can be revoked.")
    token = token_hex(16)
    key.visible, key.digest, key.last_used_at = token[:VISIBLE], digest(token), None
    key.save(update_fields=["visible", "digest", "last_used_at"])
    audit.record("reset", kind=KIND, obj=key)
    return key, token


@transaction.atomic
def replace_access_keys(*, user: User, by: User | None) -> str | None:
    """Stop all of a user's access keys. One's own are replaced by a new one, whose secret is returned."""
    is_own = by is not None and by.pk == user.pk
    if not is_own:
        rank.require_rank(by, user)
    for key in user.access_keys.all():
        audit.record("revoked", kind=KIND, obj=key, changes={"user": [user.email, None]})
        key.delete()
    return create_access_key(user=user, label="JSON API")[1] if is_own else None


@transaction.atomic
def revoke_access_key(*, key: AccessKey, by: User | None) -> None:
    """Stop a key of one's own, or of a user whom one ranks above."""
    if by is None or key.user_id != by.pk:
        rank.require_rank(by, key.user)
    audit.record("revoked", kind=KIND, obj=key, changes={"user": [key.user.email, None]})
    key.delete()


def is_access_key_of(user: User, token: str) -> bool:
    return user.access_keys.filter(digest=digest(token)).exists()
