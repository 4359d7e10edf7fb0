"""What a Redis should hold under a name, as it is now: an organisation's own, in its open scope."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from django.utils import timezone

from apis.models import Certificate, OAuthClient
from apis.rules import RESERVED_METADATA
from gateways.outbox import CERTIFICATE, KEY, OAUTH, OAUTH_CLIENT, ORGANISATION_KEY
from keys.models import Key
from keys.session_fields import empty_session
from keys.sessions import Session, sessions_of
from orgs import scope
from orgs.models import Organisation
from orgs.sealing import unseal

# An expired key is refused by its session; without one gateways would say that there is no such key.
KEPT_AFTER_EXPIRY_S = 30 * 86_400
NEVER = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


@dataclass(frozen=True)
class Stored:
    """A session object or an OAuth client as JSON, or a PEM file.

    It vanishes at `until`, in seconds since 1970, where that is not 0.
    """

    value: bytes
    until: int = 0


def states_of(names: Iterable[str], *, api_secret: str = "") -> dict[str, Stored | None]:
    """Return what each name should hold; None is nothing. Names that are nothing's hold nothing.

    With the secret of the gateways' own API private keys are encrypted: they have no other to read them with.
    """
    wanted: dict[str, Stored | None] = dict.fromkeys(names)
    hashes = [name.removeprefix(KEY) for name in wanted if name.startswith(KEY)]
    wanted |= {f"{KEY}{hash}": stored for hash, stored in _of_keys(hashes, timezone.now()).items()}
    own = f"{ORGANISATION_KEY}{scope.current_organisation_id()}"
    if own in wanted:
        wanted[own] = _of_organisation()
    wanted |= _of_certificates([name for name in wanted if name.startswith(CERTIFICATE)], api_secret)
    return wanted | _of_oauth_clients([name for name in wanted if name.startswith(OAUTH)])


def _of_keys(hashes: Sequence[str], now: datetime) -> dict[str, Stored]:
    """Return the sessions by hash. A key that opens nothing has none, and so is refused."""
    if not hashes:
        return {}
    alive = Key.objects.filter(revoked_at=None).order_by()
    # Asked apart: of both together PostgreSQL would look at every key of the organisation.
    replaced = alive.exclude(previous_hash="").filter(previous_hash__in=hashes, previous_until__gt=now)
    keys = list({key.pk: key for rows in (alive.filter(hash__in=hashes), replaced) for key in rows}.values())
    asked, found = set(hashes), {}
    for key, made in zip(keys, sessions_of(keys), strict=True):
        if isinstance(made, ValueError):
            continue
        if key.hash in asked:
            found[key.hash] = _stored(made, key.expires_at)
        if key.previous_hash in asked and key.previous_until and key.previous_until > now:
            found[key.previous_hash] = _stored_until(made, key.expires_at, key.previous_until)
    return found


def _stored(made: Session, expires_at: datetime | None) -> Stored:
    """In whole seconds: a lifetime of clients, or a moment that means never, can lie beyond what a datetime holds."""
    lifetime = made.get("session_lifetime") or 0
    ends = [int(expires_at.timestamp()) + KEPT_AFTER_EXPIRY_S] if expires_at else []
    if lifetime > 0:
        ends.append(int(timezone.now().timestamp()) + lifetime)
    until = min(ends, default=0)
    return Stored(msgspec.json.encode(made), until if until < NEVER else 0)


def _stored_until(made: Session, expires_at: datetime | None, ends: datetime) -> Stored:
    """A secret that was replaced stops by itself, also in gateways that remember it."""
    ends = min(ends, expires_at) if expires_at else ends
    seconds = max(1, int(ends.timestamp()))
    return Stored(msgspec.json.encode(made | {"expires": seconds}), seconds + 60)


def _of_organisation() -> Stored | None:
    organisation = Organisation.objects.get(pk=scope.current_organisation_id())
    session: dict[str, Any] = organisation.gateway_session or {}
    if organisation.is_suspended:
        session = session | {"is_inactive": True}
    if not session:
        return None
    # A gateway that cannot read the moment takes the organisation for one without limits.
    own = {"org_id": organisation.id, "date_created": organisation.created_at.astimezone(UTC).isoformat()}
    return Stored(msgspec.json.encode(empty_session() | session | own))


def _of_certificates(names: Sequence[str], api_secret: str) -> dict[str, Stored]:
    own = f"{CERTIFICATE}{scope.current_organisation_id()}"
    asked = Certificate.objects.filter(fingerprint__in=[name.removeprefix(own) for name in names]) if names else ()
    return {
        f"{own}{certificate.fingerprint}": Stored(certificate.pem.encode() + _private_key(certificate, api_secret))
        for certificate in asked
    }


def _private_key(certificate: Certificate, api_secret: str) -> bytes:
    """Return it in the one encryption of PEM that gateways read, or nothing: it is never stored as it is."""
    if not certificate.sealed or not api_secret:
        return b""
    try:
        key = load_pem_private_key(unseal(certificate.sealed).encode(), password=None)
    except InvalidToken:
        return b""
    encryption = BestAvailableEncryption(api_secret.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption)


def _of_oauth_clients(names: Sequence[str]) -> dict[str, Stored]:
    """A client is of one API, under whose id gateways look for it."""
    ids = [name.partition(OAUTH_CLIENT)[2] for name in names]
    clients = OAuthClient.objects.filter(client_id__in=ids).select_related("api") if ids else ()
    found = {}
    for client in clients:
        if RESERVED_METADATA & client.metadata.keys():
            continue  # saved before it was refused
        with suppress(InvalidToken):
            found[f"{OAUTH}{client.api.api_id}{OAUTH_CLIENT}{client.client_id}"] = _of_oauth_client(client)
    return {name: stored for name, stored in found.items() if name in names}


def _of_oauth_client(client: OAuthClient) -> Stored:
    """Gateways do not look at `org_id`: by it we know whose the client is."""
    fields = {
        "id": client.client_id,
        "secret": unseal(client.sealed),
        "redirecturi": client.redirect_uri,
        "policyid": client.policy_id,
        "description": client.description,
        "meta_data": client.metadata,
        "org_id": client.organisation_id,
    }
    return Stored(msgspec.json.encode(fields))
