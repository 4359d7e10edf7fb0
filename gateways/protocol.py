"""The words between gateways and the dashboard, as Tyk Gateway 3.1 and 5 send and expect them. No Django here."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The texts by which newer gateways see that they have to register again; the first must not hold "nonce".
AUTHORISATION_FAILED = "Authorization failed"
UNKNOWN_NODE = "No node ID Found"
WRONG_NONCE = "Nonce failed"

CHANNEL = "tyk.cluster.notifications"
RELOAD = "ApiUpdated"
DROP_SESSIONS = "KeySpaceUpdateNotification"
SHA256 = 5  # Go's number of it

LONGEST_HOST_NAME, LONGEST_SESSION_ID = 255, 64

# Gateways keep their policies when they are told of none: the last one that was deleted would go on working.
TOMBSTONE = {
    "_id": "000000000000000000000000",
    "id": "",
    "name": "none",
    "org_id": "",
    "access_rights": {},
    "active": False,
    "is_inactive": True,
}


class Refused(Exception):
    """Answered with 403; the text is one of those above."""


@dataclass(frozen=True)
class Sent:
    """What a gateway says of itself in each call. The secret and the nonce are credentials."""

    secret: str = field(repr=False)
    node_id: str
    nonce: str = field(repr=False)
    host_name: str
    session_id: str


def sent(headers: Mapping[str, str]) -> Sent:
    """Read the headers of a call; names without regard to case, as Django's are."""
    return Sent(
        secret=headers.get("Authorization", ""),
        node_id=_printable(headers.get("X-Tyk-Nodeid", ""))[:36],
        nonce=headers.get("X-Tyk-Nonce", "")[:64],
        host_name=_printable(headers.get("X-Tyk-Hostname", ""))[:LONGEST_HOST_NAME],
        session_id=_printable(headers.get("X-Tyk-Session-Id", ""))[:LONGEST_SESSION_ID],
    )


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


def registered(node_id: str, nonce: str) -> dict[str, Any]:
    """What registering, a ping and leaving are answered with: `Message` must be an object of texts."""
    return {"Status": "OK", "Message": {"NodeID": node_id}, "Nonce": nonce}


def notification(command: str, payload: str, *, node_secret: str) -> str:
    """Return a message for CHANNEL, signed as gateways with this node secret check it."""
    signature = hashlib.sha256(f"{command}{payload}{node_secret}".encode()).hexdigest()
    return json.dumps({"command": command, "payload": payload, "signature": signature, "algorithm": SHA256})
