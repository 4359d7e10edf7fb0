"""Secrets that are needed as they are, such as an HMAC secret or a link in a mail: encrypted where they are stored."""

import base64
import hashlib

from cryptography.fernet import Fernet
from django.conf import settings


def seal(text: str) -> str:
    return _cipher().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises cryptography.fernet.InvalidToken for what was not sealed with this installation's SEALING_KEY."""
    return _cipher().decrypt(sealed.encode()).decode()


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(settings.SEALING_KEY).digest()))
