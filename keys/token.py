"""The text of a key: made, recognised when pasted, hashed for a gateway, shown without its secret."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

import mmh3

MASK_SHOWS = 4
MASKABLE_ID_LENGTH = 16
LEAST_CHOSEN, MOST_CHOSEN = 6, 100

# Every token is the base64 of a text that begins with {"org":" and so begins with these characters itself.
_PASTED = re.compile(r"(?<![A-Za-z0-9+/])eyJvcmciOi[A-Za-z0-9+/]{1,1000}(?![A-Za-z0-9+/])={0,2}")
_PART = r"[!#-\[\]-~]{1,200}"  # printable ASCII that needs no escaping in JSON
_CHOSEN = re.compile(r"[A-Za-z0-9._@+-]*", re.ASCII)
_PLAIN = re.compile(rf'\{{"org":"({_PART})","id":"({_PART})","h":"(sha256|murmur64|murmur128)"\}}')


class HashAlgorithm(StrEnum):
    """What a gateway hashes a key with; the token itself names it."""

    SHA256 = "sha256"
    MURMUR64 = "murmur64"
    MURMUR128 = "murmur128"


@dataclass(frozen=True)
class ParsedToken:
    """A token taken apart. `text` is the whole token as a client sends it."""

    organisation_id: str
    key_id: str = field(repr=False)
    algorithm: HashAlgorithm
    text: str = field(repr=False)


def new_token(*, organisation_id: str, algorithm: HashAlgorithm) -> str:
    return token_for(organisation_id, secrets.token_hex(16), algorithm)


def chosen_id(text: str, organisation_id: str, *, least: int = LEAST_CHOSEN) -> str:
    """Return an id that somebody chose for a key, as gateways look it up: without the organisation's id before it.

    Raises ValueError with a sentence.
    """
    chosen = text.removeprefix(organisation_id)
    if not _CHOSEN.fullmatch(chosen) or not least <= len(chosen) <= MOST_CHOSEN:
        raise ValueError(f"give {least} to {MOST_CHOSEN} letters, digits or characters out of . _ @ + -")
    return chosen


def token_for(organisation_id: str, key_id: str, algorithm: HashAlgorithm) -> str:
    """Return the token in the exact form of the gateway: its order of fields, no spaces, padded.

    Raises ValueError for a part that could break out of its place in the text.
    """
    plain = f'{{"org":"{organisation_id}","id":"{key_id}","h":"{algorithm}"}}'
    if not _PLAIN.fullmatch(plain):
        raise ValueError("A key's parts have 1 to 200 printable ASCII characters: no space, quote, \\.")
    return base64.b64encode(plain.encode()).decode()


def parse_token(text: str) -> ParsedToken | None:
    """Find a token in pasted text: alone, quoted, with its header, or within a whole curl line.

    Lost padding is restored. Other text gives None; nothing is raised.
    """
    found = _PASTED.search(text)
    if found is None:
        return None
    pasted = found[0].rstrip("=")
    parts = _PLAIN.fullmatch(_decoded(pasted))
    if parts is None:
        return None
    organisation_id, key_id, algorithm = parts[1], parts[2], HashAlgorithm(parts[3])
    token = token_for(organisation_id, key_id, algorithm)
    # Base64 has spare bits: only one spelling of them is the token that was hashed.
    return ParsedToken(organisation_id, key_id, algorithm, token) if token.rstrip("=") == pasted else None


def hash_token(token: str, algorithm: HashAlgorithm) -> str:
    """Return the hash under which a gateway stores the token: hex of 64, 16 or 32 characters."""
    data = token.encode()
    if algorithm is HashAlgorithm.SHA256:
        return hashlib.sha256(data).hexdigest()
    low, high = mmh3.hash64(data, seed=0, x64arch=True, signed=False)
    return f"{low:016x}" if algorithm is HashAlgorithm.MURMUR64 else f"{low:016x}{high:016x}"


def digest(token: str, pepper: bytes) -> str:
    """Return the keyed digest (64 hex) that finds a pasted key. Raises ValueError without a pepper."""
    if not pepper:
        raise ValueError("The pepper for keys is empty.")
    return hmac.digest(pepper, token.encode(), "sha256").hex()


def mask(token: str) -> str:
    """Return what may be shown for good: the last four characters of the random id.

    An id too short to spare four characters, or a text that is no token, shows nothing.
    """
    parsed = parse_token(token)
    if parsed is None or len(parsed.key_id) < MASKABLE_ID_LENGTH:
        return "…"
    return f"…{parsed.key_id[-MASK_SHOWS:]}"


def _decoded(pasted: str) -> str:
    """Return the text behind unpadded base64, empty when it is none."""
    try:
        return base64.b64decode(pasted + "=" * (-len(pasted) % 4), validate=True).decode()
    except ValueError:
        return ""
