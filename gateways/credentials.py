"""Node secrets: shown once, found by a digest, kept encrypted because messages to gateways are signed with them."""

import hashlib
import hmac
import secrets

from django.conf import settings
from django.utils import timezone

from gateways.models import GatewayGroup
from orgs.sealing import seal, unseal

LEAST = 24
MOST = 200


class BadSecret(ValueError):
    """The text is a sentence for whoever gave it."""


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def checked(secret: str) -> str:
    """Raises BadSecret for what is too short, or could not stand in a header."""
    if not LEAST <= len(secret) <= MOST or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise BadSecret(f"Node secret: give {LEAST} to {MOST} letters, digits or signs, without spaces.")
    return secret


def digest(secret: str) -> str:
    """Return the keyed digest (64 hex) that finds the group of a node secret."""
    return hmac.digest(settings.ACCESS_KEY_PEPPER, b"node " + secret.encode(), "sha256").hex()


def nonce_digest(nonce: str) -> str:
    """A nonce is long and random, so nobody could guess it from this."""
    return hashlib.sha256(nonce.encode()).hexdigest()


def give(group: GatewayGroup, secret: str) -> None:
    group.digest, group.sealed = digest(secret), seal(secret)


def has_previous(group: GatewayGroup) -> bool:
    """Whether the secret before a rotation is still good."""
    return group.previous_until is not None and group.previous_until > timezone.now()


def valid_secrets(group: GatewayGroup) -> list[str]:
    """Return the secrets that the group's nodes may have: during a rotation these are two."""
    return [unseal(group.sealed), *([unseal(group.previous_sealed)] if has_previous(group) else [])]
