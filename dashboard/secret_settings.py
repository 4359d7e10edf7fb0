"""The installation's secrets: from the environment where set, else generated once into `var/secrets.env`.

Imports no Django: it runs before the settings can be read.
"""

import os
import secrets
from pathlib import Path

NAMES = (
    "SECRET_KEY",
    "ADMIN_SECRET",
    "ACCESS_KEY_PEPPER",
    "KEY_DIGEST_PEPPER",
    "SEALING_KEY",
    "NODE_SECRET",
    "VALKEY_PASSWORD",
)
BASE_DIR = Path(__file__).resolve().parent.parent


def var_dir() -> Path:
    return Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()


def path() -> Path:
    return var_dir() / "secrets.env"


def generate_missing() -> list[str]:
    """Write each secret that is neither in the environment nor in the file; return the names written."""
    known = path().read_text() if path().exists() else ""
    present = {line.partition("=")[0] for line in known.splitlines()}
    missing = [name for name in NAMES if name not in os.environ and name not in present]
    if missing:
        path().parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write("" if known.endswith("\n") or not known else "\n")
            file.writelines(f"{name}={secrets.token_urlsafe(48)}\n" for name in missing)
        path().chmod(0o600)
    return missing
