"""Where an address leads that somebody typed. Reads addresses only: looks up no name and opens no connection.

A name can still resolve to an inner address: the network around the gateways has to stop that.
"""

import ipaddress
import re
import socket
from enum import Enum
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

HTTP = ("http", "https")
MAX_TARGET = 2000
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", re.ASCII)
ZONE = re.compile(r"%[^\]/]*\]")  # of an IPv6 address: [fe80::1%eth0]
METADATA_NAMES = {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
METADATA_IPS = {ipaddress.ip_address("100.100.100.200"), ipaddress.ip_address("fd00:ec2::254")}

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(Enum):
    OUTSIDE = "outside"
    LOOPBACK = "loopback"
    FORBIDDEN = "link-local or metadata"
    NOWHERE = "nowhere"  # the reserved name .invalid


def host_of(url: str) -> str | None:
    """Return the host of an absolute URL, or None where it has none that a gateway could call."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        _ = parts.port  # raises when it is none
    except ValueError:
        return None
    return host if HOST.fullmatch(host) else None


def target_fault(target: str, schemes: tuple[str, ...] = HTTP) -> str | None:
    """Say what is wrong with a target address, as the end of a sentence."""
    if len(target) > MAX_TARGET:
        return f"must have at most {MAX_TARGET} characters."
    if not target.isprintable() or " " in target:
        return "must not hold spaces or control characters."
    host = host_of(target)
    if not host or urlsplit(target).scheme not in schemes:
        listed = f"{', '.join(schemes[:-1])} or {schemes[-1]}"
        return f"must be an absolute address with a host, beginning with {listed}://."
    return None


def as_dialled(url: str) -> str:
    """Return the address about as gateways dial it: they read escapes, digits and dots of other scripts, and zones."""
    plain = normalize("NFKC", unquote(url)).replace("\u3002", ".").encode("ascii", "ignore").decode()
    return ZONE.sub("]", plain)


def reach_of(host: str) -> Reach:
    name = host.lower().rstrip(".")
    address = _ip(name)
    if address is not None:
        return _reach_of_ip(address)
    if name in METADATA_NAMES:
        return Reach.FORBIDDEN
    if name == "localhost" or name.endswith((".localhost", ".localdomain")):
        return Reach.LOOPBACK
    return Reach.NOWHERE if name == "invalid" or name.endswith(".invalid") else Reach.OUTSIDE


def _reach_of_ip(address: IP) -> Reach:
    if address.is_link_local or address.is_multicast or address in METADATA_IPS:
        return Reach.FORBIDDEN
    return Reach.LOOPBACK if address.is_loopback or address.is_unspecified else Reach.OUTSIDE


def _ip(name: str) -> IP | None:
    try:
        address: IP = ipaddress.ip_address(name)
    except ValueError:
        return _short_ip(name)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _short_ip(name: str) -> IP | None:
    """Read the forms that the C library still takes for an address: 127.1, 0x7f.1, 2130706433."""
    try:
        return ipaddress.ip_address(socket.inet_aton(name))
    except OSError:
        return None
