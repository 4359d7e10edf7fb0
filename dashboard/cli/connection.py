"""Where the dashboard is, and the access key: from the environment, or from a file that nobody else may read."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dashboard.cli.failures import Exit, Failure

URL, KEY, CONFIG = "COMMONHOLD_URL", "COMMONHOLD_KEY", "COMMONHOLD_CONFIG"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
MOST_BYTES = 10_000


@dataclass(frozen=True)
class Connection:
    url: str
    key: str = field(repr=False)

    @property
    def is_overheard(self) -> bool:
        """Whether the key would cross a network unencrypted."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname not in OWN_MACHINE


def read(environment: Mapping[str, str]) -> Connection:
    """Return the connection. Address and key come from one place, so that no key goes to another's address."""
    url, key = environment.get(URL, ""), environment.get(KEY, "")
    if url and key:
        return checked(url, key, f"{URL} and {KEY}")
    if url or key:
        raise Failure(f"{URL} and {KEY} belong together: set both of them, or neither.", Exit.USAGE)
    file = config_file(environment)
    values = read_file(file)
    return checked(values["url"], values["key"], str(file))


def config_file(environment: Mapping[str, str]) -> Path:
    if given := environment.get(CONFIG):
        return Path(given)
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or Path.home(), ".config")
    return Path(home, "commonhold", "config")


def read_file(file: Path) -> dict[str, str]:
    """Read the lines `url = …` and `key = …`. What is looked at is the file that was opened, not its name."""
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Failure(f"Set {URL} and {KEY}, or write {file}: “commonhold --help” says how.", Exit.USAGE) from None
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.", Exit.USAGE) from None
    with os.fdopen(opened, encoding="utf-8", errors="replace") as lines:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise Failure(f"{file} is not a file.", Exit.USAGE)
        if status.st_mode & OTHERS or status.st_uid != os.geteuid():
            raise Failure(f"{file} holds a key that others may read: chmod 600 it, as its owner.", Exit.USAGE)
        return parse(lines.read(MOST_BYTES), file)


def parse(text: str, file: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if name not in ("url", "key") or not equals or name in values:
            raise Failure(f"{file}, line {number}: there are only the lines “url = …” and “key = …”.", Exit.USAGE)
        values[name] = value
    if missing := {"url", "key"} - values.keys():
        raise Failure(f"{file} lacks {' and '.join(sorted(missing))}.", Exit.USAGE)
    return values


def checked(url: str, key: str, source: str) -> Connection:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.username is not None or parts.query or parts.fragment:
        raise Failure(f"{source}: the address must be like https://gateways.example.com.", Exit.USAGE)
    if not key.isascii() or not key.isprintable() or not key.strip():
        raise Failure(f"{source}: the access key has characters that none has.", Exit.USAGE)
    return Connection(url.rstrip("/"), key.strip())
