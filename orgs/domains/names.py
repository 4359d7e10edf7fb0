"""The names of hosts, as they are typed, stored and shown. No Django here, and no name is looked up."""

import re
from collections.abc import Collection

import idna

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"({LABEL}\.)+(xn--[a-z0-9-]{{2,59}}|[a-z]{{2,63}})")
LONGEST = 253
RECORD = "_commonhold."
# Names at these ends are nobody's, or the machine's own.
NOBODYS = {"localhost", "invalid", "arpa", "onion"}
DOTS = str.maketrans("\u3002\uff0e\uff61", "...")  # those of other scripts, which browsers read as dots


class NotAHost(ValueError):
    """Why a name cannot be claimed, as a sentence."""


def is_host(text: str) -> bool:
    """Whether it can be the host of a domain, as it is stored: in lower case and A-labels."""
    return len(text) <= LONGEST - len(RECORD) and HOST.fullmatch(text) is not None


def host_of(typed: str, *, ours: Collection[str]) -> str:
    """Return a host as it is stored. `ours` are the installation's own. Raises NotAHost."""
    text = typed.strip().translate(DOTS).rstrip(".")
    if set(text) & set("/?#@:[]\\") or not text.isprintable() or " " in text:
        raise NotAHost("Write the host alone, such as api.example.com: without https://, port and path.")
    if "." not in text:
        raise NotAHost("The host must have at least two parts, such as api.example.com.")
    host = _in_a_labels(text)
    if host.rpartition(".")[2].isdigit():
        raise NotAHost("An address of numbers cannot be used: write a name, such as api.example.com.")
    if len(host) > LONGEST - len(RECORD):
        raise NotAHost(f"The host must have at most {LONGEST - len(RECORD)} characters.")
    if not is_host(host) or host.rpartition(".")[2] in NOBODYS:
        raise NotAHost("This is no name of a host that others can find.")
    if host in ours:
        raise NotAHost("This host is the installation's own.")
    return host


def _in_a_labels(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        raise NotAHost("These letters cannot stand in the name of a host.") from None


def is_below(host: str, ours: Collection[str]) -> bool:
    return any(host.endswith(f".{own}") for own in ours)


def shown(host: str) -> str:
    """Return the host as people read it, with what is stored where that differs: letters of two scripts look alike."""
    if "xn--" not in host:
        return host
    try:
        return f"{idna.decode(host)} ({host})"
    except idna.IDNAError:
        return host
