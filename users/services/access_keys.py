"""Users' credentials for the JSON API: 32 hexadecimal characters, shown once; the first 8 stay visible."""

import hmac
import re
from secrets import token_hex

from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare

from orgs import audit, scope
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
def revoke_access_key(*, key: AccessKey, by: User | None) -> None:
    """Stop a key of one's own, or of a user whom one ranks above."""
    if by is None or key.user_id != by.pk:
        rank.require_rank(by, key.user)
    audit.record("revoked", kind=KIND, obj=key, changes={"user": [key.user.email, None]})
    key.delete()


def find_access_key(token: str) -> AccessKey | None:
    """Return the key with its active user, or None. Every organisation is asked: the token says whose it is.

    The caller goes on in the scope of the key's organisation alone.
    """
    if not TOKEN.fullmatch(token):
        return None
    wanted = digest(token)
    with scope.opened(scope.EVERYTHING):
        key = AccessKey.objects.filter(digest=wanted, visible=token[:VISIBLE]).select_related("user").first()
    return key if key and constant_time_compare(key.digest, wanted) and key.user.is_active else None
