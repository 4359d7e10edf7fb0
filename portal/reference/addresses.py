"""Puts the gateway's address into texts, wherever they name a server behind it."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

MOST_PATTERNS = 50
MOST_REPLACED = 10_000
LONGEST_HOST, LONGEST_PATH = 253, 2_000  # of what can be a server: millions of letters make patterns of gigabytes
LABEL = r"[\w-]{1,63}"  # without an end, a long word would be looked at anew from each of its letters
ANY = rf"(?:{LABEL}(?:\.{LABEL})+|localhost)"
NO_MORE_BEFORE, NO_MORE_AFTER = r"(?<![\w.@-])", r"(?![\w-]|\.\w)"
PORT = r"(?::\d+)?"

Replace = Callable[[str], str]


def replacement(addresses: Iterable[str], server_url: str, text: str) -> Replace | None:
    """Return what puts `server_url` in the place of each address; None where `text`, in small letters, names none.

    With very many addresses every host that a text names is taken for one of them.
    """
    public, _ = host_and_path(server_url)
    found = sorted({host_and_path(address) for address in addresses}, reverse=True)  # the longer path first
    named = [(host, path) for host, path in found if host and host != public and host in text]
    if not named:
        return None
    few = named if len(named) <= MOST_PATTERNS else []
    written = "|".join(f"{re.escape(host)}{PORT}{_optional(path)}" for host, path in few) or ANY + PORT
    alone = "|".join(_alone(host, path) for host, path in few) or ANY + PORT
    in_address = rf"[a-z]{{2,8}}://(?:[^\s/@]{{1,80}}@)?(?:{written}){NO_MORE_AFTER}"
    pattern = f"{NO_MORE_BEFORE}(?:({in_address})|(?:{alone}){NO_MORE_AFTER})"
    hint = "|".join(re.escape(host) for host, _ in few) or rf"(?<![\w-]){ANY}"
    return _replacing(re.compile(pattern, re.IGNORECASE), re.compile(hint, re.IGNORECASE), server_url)


def host_and_path(address: str) -> tuple[str, str]:
    """Return the host without its port, in small letters, and the path."""
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that do not match
        return "", ""
    host, path = re.sub(r":\d*$", "", parts.netloc.rpartition("@")[2]).lower(), parts.path.rstrip("/")
    return (host, path if len(path) <= LONGEST_PATH else "") if len(host) <= LONGEST_HOST else ("", "")


def _optional(path: str) -> str:
    return f"(?:{re.escape(path)}{NO_MORE_AFTER})?" if path else ""


def _alone(host: str, path: str) -> str:
    """One word alone, like `orders`, is a host only with its port."""
    port = PORT if re.search("[.:]", host) else r":\d+"
    return f"{re.escape(host)}{port}{_optional(path)}"


def _replacing(pattern: re.Pattern[str], hint: re.Pattern[str], server_url: str) -> Replace:
    address, host = server_url.rstrip("/"), urlsplit(server_url).netloc
    count = 0

    def replace(text: str) -> str:
        nonlocal count
        if not hint.search(text):
            return text
        replaced, more = pattern.subn(lambda match: address if match[1] else host, text)
        count += more
        return replaced if count <= MOST_REPLACED else "…"  # one letter many times could grow without end

    return replace
