"""What an OAuth client may be."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from apis import jsontext
from apis.rules import GATEWAY_SECRET, RESERVED_METADATA
from orgs.addresses import host_of

MAX_REDIRECT, MAX_DESCRIPTION = 2_000, 200
MIN_SECRET, MAX_SECRET = 16, 200
MAX_METADATA = 10_000
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
SECRET = re.compile(f"[!-~]{{{MIN_SECRET},{MAX_SECRET}}}")
PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+", re.ASCII)


class OAuthClientError(ValueError):
    """Why an OAuth client is not taken, as a sentence, and the field that it is about."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def check_client_id(client_id: str) -> None:
    if not CLIENT_ID.fullmatch(client_id):
        raise OAuthClientError("The client ID must be 1 to 64 letters, digits, “-” or “_”.", "client_id")


def check_secret(secret: str) -> None:
    if not SECRET.fullmatch(secret):
        message = f"The secret must have {MIN_SECRET} to {MAX_SECRET} printable ASCII characters without spaces."
        raise OAuthClientError(message, "secret")


def check_redirect_uri(text: str) -> None:
    """Several are separated by commas, for gateways that are set to read them so.

    A browser is sent there with a code: only to web addresses and to apps, by the name of a domain reversed.
    """
    if len(text) > MAX_REDIRECT:
        raise OAuthClientError(f"The redirect URI has more than {MAX_REDIRECT:,} characters.", "redirect_uri")
    for uri in text.split(",") if text else ():
        if fault := _redirect_fault(uri):
            raise OAuthClientError(f"The redirect URI {fault}", "redirect_uri")


def _redirect_fault(uri: str) -> str | None:
    if not uri.isprintable() or " " in uri or "#" in uri:
        return "must hold no spaces, control characters or “#”."
    if found := GATEWAY_SECRET.search(uri):
        return f"must not hold “{found[0]}”: gateways put a secret there."
    try:
        scheme = urlsplit(uri).scheme
    except ValueError:
        scheme = ""
    if (scheme in ("http", "https") and host_of(uri)) or PRIVATE_SCHEME.fullmatch(scheme):
        return None
    return "must begin with https://, http:// or the name of an app such as com.example.app:/."


def check_description(text: str) -> None:
    if len(text) > MAX_DESCRIPTION or not text.isprintable():
        message = f"The description must have at most {MAX_DESCRIPTION} printable characters."
        raise OAuthClientError(message, "description")


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Gateways put it into the session of each token, as that of a key."""
    if reserved := RESERVED_METADATA & metadata.keys():
        raise OAuthClientError(f"Metadata: the name {min(reserved)!r} is reserved.", "metadata")
    text = jsontext.dumps(dict(metadata))
    if len(text) > MAX_METADATA:
        raise OAuthClientError(f"The metadata is longer than {MAX_METADATA:,} characters.", "metadata")
    read_metadata(text)


def read_metadata(text: str) -> dict[str, Any]:
    """Read a JSON object; nothing is an empty one. Raises OAuthClientError."""
    try:
        metadata = jsontext.loads(text.strip() or "{}", max_depth=20, max_values=MAX_METADATA)
    except jsontext.TextError as error:
        raise OAuthClientError(str(error), "metadata") from None
    if not isinstance(metadata, dict):
        raise OAuthClientError("The metadata must be a JSON object, in braces.", "metadata")
    return metadata
