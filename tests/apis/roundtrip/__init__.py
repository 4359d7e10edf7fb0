"""45 classic definitions that go in and must come back; together they use every field that gateways know.

They are those of one organisation, whose id stands in them wherever an organisation's does.
"""

import json
from pathlib import Path
from typing import Any

from apis.models import Certificate

ORGANISATION = "5e9d9544a1dcd60001d0ed20"
FILES = sorted(Path(__file__).parent.glob("*.json"))
FINGERPRINTS = (
    "f4d0d9aef8ec9a269f0dc46c9eb199bc3c65f1fc0b55af9463b29d8745d08baa",
    "cba1c16035eca5706eb4e0af22c99b94c1f2b76278497aa8e93f2d0ba8a96223",
    "3e5ef2fb2a4ade8b62dd840bd52f29352a151d11f39dfb63c848189dba5ac2ff",
)


def read(file: Path, *, organisation: str = ORGANISATION) -> dict[str, Any]:
    """Return the definition as one of that organisation."""
    definition: dict[str, Any] = json.loads(file.read_text().replace(ORGANISATION, organisation))
    return definition


def make_certificates() -> None:
    """Make the certificates that they name, in the open scope."""
    for fingerprint in FINGERPRINTS:
        Certificate.objects.create(fingerprint=fingerprint, pem="")
