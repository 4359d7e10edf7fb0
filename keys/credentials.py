"""The secrets of a key that gateways need as they are: kept sealed, as the fields of the session object."""

import json
import secrets
from typing import Any

import bcrypt

from apis import jsontext
from keys.errors import BadSetting
from orgs.sealing import seal, unseal

BCRYPT_ROUNDS = 10
LONGEST_PASSWORD = 72  # bytes; bcrypt looks at no more
LONGEST_SECRET = 1000


def unsealed(sealed: str) -> dict[str, Any]:
    """Return the fields of the session object that only gateways may see."""
    fields: dict[str, Any] = json.loads(unseal(sealed)) if sealed else {}
    return fields


def has_password(sealed: str) -> bool:
    return "basic_auth_data" in unsealed(sealed)


def resealed(
    sealed: str, *, password: str, hmac_string: str, jwt_secret: str, needs_hmac: bool
) -> tuple[str, list[str]]:
    """Put new secrets in; an empty one leaves what is there. Return it sealed, and the names of what is new.

    Where an HMAC secret is needed and there is none, one is generated.
    """
    fields = unsealed(sealed)
    new: dict[str, Any] = {}
    if password:
        # A gateway that does not know the kind of hash asks for no password at all.
        new["basic_auth_data"] = {"password": _hashed(password), "hash_type": "bcrypt"}
    if jwt_secret:
        new["jwt_data"] = {"secret": _text("JWT secret", jwt_secret)}
    if hmac_string:
        new["hmac_string"] = _text("HMAC secret", hmac_string)
    elif needs_hmac and "hmac_string" not in fields:
        new["hmac_string"] = secrets.token_urlsafe(32)
    return (seal(jsontext.dumps(fields | new)), [NAMES[name] for name in new]) if new else (sealed, [])


NAMES = {"basic_auth_data": "password", "jwt_data": "JWT secret", "hmac_string": "HMAC secret"}


def _hashed(password: str) -> str:
    data = _text("Password", password).encode()
    if len(data) > LONGEST_PASSWORD:
        raise BadSetting(f"Password: give at most {LONGEST_PASSWORD} bytes.")
    return bcrypt.hashpw(data, bcrypt.gensalt(BCRYPT_ROUNDS)).decode()


def _text(label: str, secret: str) -> str:
    if len(secret) > LONGEST_SECRET or not secret.isprintable():
        raise BadSetting(f"{label}: give at most {LONGEST_SECRET} printable characters.")
    return secret
