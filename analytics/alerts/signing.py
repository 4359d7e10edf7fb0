"""How a webhook is signed: as Standard Webhooks says, so that libraries for it in many languages verify it.

The signature is of the id, the moment and the body together; docs/alerts.md shows how to verify one. No Django here.
"""

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(*, secret: str, id: str, seconds: int, body: bytes) -> dict[str, str]:
    """Return the three headers; `seconds` are since 1970, when it is sent."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{id}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": id, "webhook-timestamp": str(seconds), "webhook-signature": f"v1,{signature}"}
