"""The one way out: calls an address that an organisation chose, and never one within our own network.

The name is looked up once, each address that it has is judged, and the connection goes to one of these very
addresses: a name that leads elsewhere a moment later leads nowhere. Nothing is followed. What an answer holds leaves
here for those alone who compare it with something, so that nobody reads by it what is not theirs.
"""

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from typing import TypeVar
from urllib.parse import quote, urlsplit

from django.conf import settings

from orgs.addresses import IP, METADATA_IPS, host_of, target_fault

TIMEOUT_S = 5.0
LOOKUP_TIMEOUT_S = 2.0
MOST_READ = 64_000
PORTS = {"http": 80, "https": 443}
AS_TYPED = "/%:@!$&'()*+,;=~-._?"  # what stays as it is in a path and query
STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r?\n)")
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,9})(?:\r|$)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[^\r\n]*)?\r\n")
# What all IPv6 addresses of the outside lie in. Others hold addresses of IPv4, or are of one network.
IPV6_OUTSIDE = ipaddress.IPv6Network("2000::/3")
IPV6_TUNNELS = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))
IPV6_OF_IPV4 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
# Of Azure's machines; that of the others is link-local.
METADATA = {*METADATA_IPS, ipaddress.ip_address("168.63.129.16")}

Lookup = Callable[[str, int], Sequence[str]]
A = TypeVar("A", bound="_Status")
# Many, since a name server that never answers holds one for long, and others' names must be found meanwhile.
_lookups = ThreadPoolExecutor(max_workers=128, thread_name_prefix="lookup")


class Refused(Exception):
    """Why nothing is sent there, as a sentence. Trying again may help where the name leads elsewhere by then."""


class Failed(Exception):
    """What went wrong on the way, as a sentence."""


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def check(url: str, *, lookup: Lookup = look_up) -> None:
    """Judge an address that somebody types. Raises Refused; a name that is not found now may be later."""
    host, port, _, _ = _parts(url)
    try:
        addresses_of(host, port, lookup=lookup, within_s=LOOKUP_TIMEOUT_S)
    except Failed:
        return


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, lookup: Lookup = look_up, tls: ssl.SSLContext | None = None
) -> int:
    """Return the status of the answer. Raises Refused or Failed, after TIMEOUT_S at the latest."""
    own = {**headers, "Content-Length": str(len(body))}
    return _call("POST", url, body, own, _Status(), lookup=lookup, tls=tls).status


def get(
    url: str, headers: Mapping[str, str], *, lookup: Lookup = look_up, tls: ssl.SSLContext | None = None
) -> tuple[int, bytes]:
    """Return the status of the answer, and its body as far as MOST_READ bytes go. Raises as `post` does."""
    answer = _call("GET", url, b"", headers, _Whole(), lookup=lookup, tls=tls)
    return answer.status, answer.body


def _call(
    method: str, url: str, body: bytes, headers: Mapping[str, str], wanted: A, *, lookup: Lookup,
    tls: ssl.SSLContext | None,
) -> A:  # fmt: skip
    deadline = time.monotonic() + TIMEOUT_S
    host, port, path, is_tls = _parts(url)
    addresses = addresses_of(host, port, lookup=lookup, within_s=min(LOOKUP_TIMEOUT_S, _left(deadline)))
    name = f"[{host}]" if ":" in host else host
    lines = [f"{method} {path} HTTP/1.1", f"Host: {name}" if port in PORTS.values() else f"Host: {name}:{port}"]
    lines += [f"{header}: {value}" for header, value in headers.items()]
    lines += ["Connection: close", "", ""]
    request = "\r\n".join(lines).encode("latin-1") + body
    context = (tls or ssl.create_default_context()) if is_tls else None
    try:
        with _connected(addresses, port, deadline) as plain:
            if context is None:
                return _exchange(plain, request, deadline, wanted)
            with context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False) as secured:
                secured.settimeout(_left(deadline))
                secured.do_handshake()
                return _exchange(secured, request, deadline, wanted)
    except ssl.SSLCertVerificationError as error:
        raise Failed(f"Its certificate is not good: {error.verify_message}.") from None
    except TimeoutError:
        raise Failed(f"It did not answer within {TIMEOUT_S:.0f} s.") from None
    except OSError as error:
        raise Failed(f"It could not be reached: {error.strerror or type(error).__name__}.") from None


def addresses_of(host: str, port: int, *, lookup: Lookup, within_s: float) -> list[str]:
    """Return the addresses of a host, each of which may be called. Raises Refused or Failed."""
    try:
        found = _lookups.submit(lookup, host, port).result(within_s)
    except (OSError, UnicodeError, TookTooLong):
        raise Failed(f"The name {host} was not found.") from None
    addresses = list(dict.fromkeys(found))
    for address in addresses:
        if reason := refusal_of(address, may_be_private=settings.PRIVATE_TARGETS):
            raise Refused(f"{host} is {reason}: only public addresses are called.")
    if not addresses:
        raise Failed(f"The name {host} was not found.")
    return addresses


def refusal_of(address: str, *, may_be_private: bool) -> str:
    """Return what an address is that may not be called; nothing for one that may."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # such as one with a zone
        return "no address that can be judged"
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _ipv4_in(ip)
        if inner is not None:
            return refusal_of(str(inner), may_be_private=True) if may_be_private else "an IPv4 address within IPv6"
    if ip in METADATA or ip.is_link_local:
        return "a link-local or metadata address"
    if ip.is_multicast or ip.is_unspecified or _is_reserved(ip):
        return "a multicast or reserved address"
    return "" if may_be_private or _is_outside(ip) else "a private address"


def _ipv4_in(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    is_inside = any(ip in network for network in IPV6_OF_IPV4) and int(ip) > 1  # :: and ::1 are addresses of IPv6
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if is_inside else None


def _is_reserved(ip: IP) -> bool:
    """What nobody has, in whichever network; the loopback of IPv6 counts among it to Python."""
    if isinstance(ip, ipaddress.IPv6Address):
        return any(ip in network for network in IPV6_TUNNELS) or (ip.is_reserved and not ip.is_loopback)
    return ip.is_reserved or int(ip) >> 24 == 0


def _is_outside(ip: IP) -> bool:
    if isinstance(ip, ipaddress.IPv6Address) and ip not in IPV6_OUTSIDE:
        return False
    return ip.is_global


def _parts(url: str) -> tuple[str, int, str, bool]:
    """Return the host, the port, the path and whether it is TLS. Raises Refused."""
    if fault := target_fault(url):
        raise Refused(f"The address {fault}")
    parts = urlsplit(url)
    host, port = host_of(url), parts.port
    if "@" in parts.netloc or "\\" in url:
        raise Refused("The address must hold neither a user name nor a backslash.")
    if port == 0 or host is None:
        raise Refused("The address must have a host, and a port other than 0.")
    path = quote(parts.path or "/", safe=AS_TYPED) + (f"?{quote(parts.query, safe=AS_TYPED)}" if parts.query else "")
    return host, port or PORTS[parts.scheme], path, parts.scheme == "https"


def _connected(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    """Connect to the first that answers, of these addresses and no others. Raises OSError."""
    fault: OSError = TimeoutError()
    for tried, address in enumerate(addresses[:4]):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            plain.settimeout(_left(deadline) / (len(addresses[:4]) - tried))
            plain.connect((address, port))
        except OSError as error:
            plain.close()
            fault = error
        else:
            return plain
    raise fault


def _exchange(connected: socket.socket, request: bytes, deadline: float, wanted: A) -> A:
    connected.settimeout(_left(deadline))
    connected.sendall(request)
    answer = b""
    while len(answer) < MOST_READ:
        connected.settimeout(_left(deadline))
        piece = connected.recv(min(4_096, MOST_READ - len(answer)))
        answer += piece
        head, ends, rest = answer.partition(b"\r\n\r\n")
        status = STATUS.match(head + b"\r\n") if ends or not piece else None
        if status and ends and status[1].startswith(b"1"):  # the answer itself is still to come
            answer = rest
        elif status:
            is_all = not piece or len(answer) >= MOST_READ
            if wanted.takes(int(status[1]), head, rest) or is_all:
                return wanted
        elif ends or not piece:
            break
    raise Failed("It answered something that is not HTTP.")


class _Status:
    """Of the answer only its status."""

    status = 0

    def takes(self, status: int, head: bytes, rest: bytes) -> bool:
        """Take what there is of the answer; return whether that is all that is wanted."""
        self.status = status
        return True


class _Whole(_Status):
    """The status and the body, until it ends."""

    body = b""

    def takes(self, status: int, head: bytes, rest: bytes) -> bool:
        self.status, self.body = status, rest
        if CHUNKED.search(head):
            self.body, is_all = _of_chunks(rest)
            return is_all
        if length := LENGTH.search(head):
            self.body = rest[: int(length[1])]
            return len(rest) >= int(length[1])
        return False


def _of_chunks(rest: bytes) -> tuple[bytes, bool]:
    """Return what has come of a body in chunks, and whether it is all."""
    body = b""
    while found := CHUNK.match(rest):
        size = int(found[1], 16)
        if size == 0:
            return body, True
        piece = rest[found.end() : found.end() + size]
        body, rest = body + piece, rest[found.end() + size :].removeprefix(b"\r\n")
        if len(piece) < size:
            break
    return body, False


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
