"""The way out, with real servers on this machine and a resolver that says what a test wants."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from orgs import guard
from orgs.guard import Failed, Refused

OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class Server:
    """Answers each connection with the same bytes, and keeps what it was sent."""

    def __init__(self, host: str = "127.0.0.1", answer: bytes = OK, *, trickle_s: float = 0, port: int = 0) -> None:
        self.listener = socket.create_server((host, port))
        self.port: int = self.listener.getsockname()[1]
        self.answer, self.trickle_s = answer, trickle_s
        self.tls: ssl.SSLContext | None = None
        self.sent: list[bytes] = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.converse(connected)
            except OSError:
                continue

    def converse(self, connected: socket.socket) -> None:
        with self.tls.wrap_socket(connected, server_side=True) if self.tls else connected as peer:
            self.sent.append(peer.recv(65_536))
            if not self.trickle_s:
                peer.sendall(self.answer)
                return
            for byte in self.answer:
                peer.sendall(bytes([byte]))
                time.sleep(self.trickle_s)

    def close(self) -> None:
        self.listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def serve(*args: object, **kwargs: object) -> Server:
        made.append(Server(*args, **kwargs))  # type: ignore[arg-type]
        return made[-1]

    yield serve
    for server in made:
        server.close()


@pytest.fixture
def private(settings: Settings) -> None:
    """Servers of a test are on this machine."""
    settings.PRIVATE_TARGETS = True


def leads_to(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda host, port: list(addresses)


# Which addresses may be called

FORBIDDEN = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32", "::/8", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32",
        "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "4000::/2",
    )
]  # fmt: skip
OF_TEST = st.sampled_from(FORBIDDEN).flatmap(lambda network: st.ip_addresses(network=str(network)))


@given(OF_TEST)
def test_no_address_of_a_forbidden_network_may_be_called(address: object) -> None:
    assert guard.refusal_of(str(address), may_be_private=False)


@given(st.ip_addresses(v=4))
def test_an_address_within_ipv6_is_refused_in_every_form(inner: ipaddress.IPv4Address) -> None:
    of_6to4 = ipaddress.IPv6Address((0x2002 << 112) | int(inner) << 80)
    forms = (f"::ffff:{inner}", f"::{inner}", f"64:ff9b::{inner}", str(of_6to4))
    assert [form for form in forms if not guard.refusal_of(form, may_be_private=False)] == []


@given(st.ip_addresses())
def test_what_may_be_called_is_of_the_internet(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if not guard.refusal_of(str(address), may_be_private=False):
        assert address.is_global
        assert not address.is_multicast
        assert not any(address in network for network in FORBIDDEN if network.version == address.version)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:2800:220:1::1", "2a00:1450:4001::1"])
def test_addresses_of_the_internet_may_be_called(address: str) -> None:
    assert guard.refusal_of(address, may_be_private=False) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "fd12::1", "::ffff:10.0.0.1", "100.64.0.1"])
def test_private_addresses_are_for_installations_that_allow_them(address: str) -> None:
    assert guard.refusal_of(address, may_be_private=True) == ""


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200",
     "0.0.0.1", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "2002:7f00:1::"],
)  # fmt: skip
def test_metadata_and_addresses_of_nobody_are_refused_in_any_case(address: str) -> None:
    assert guard.refusal_of(address, may_be_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/",
        "http://0177.0.0.1/", "http://017700000001/", "http://0/", "http://localhost/", "http://localhost.:8080/",
        "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/",
        "http://10.0.0.1/", "http://100.64.0.1/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/",
        "http://ann:pw@example.com/", "http://example.com@127.0.0.1/", "http://example.com\\@127.0.0.1/",
        "http://127.0.0.1\\@example.com/", "http://example.com:0/", "http://example.com:99999/", "ftp://example.com/",
        "file:///etc/passwd", "//example.com/", "http:///x", "gopher://127.0.0.1/", "http://exa mple.com/",
        "http://example.com/\r\nX: y", "http://ⓛocalhost/", "http://①②⑦.0.0.1/", "http://127。0。0。1/", "",
    ],
)  # fmt: skip
def test_no_form_of_an_address_leads_inside(url: str, settings: Settings) -> None:
    settings.PRIVATE_TARGETS = False
    with pytest.raises(Refused):
        guard.check(url)
    with pytest.raises(Refused):
        guard.post(url, b"", {})


@given(st.text(max_size=60).map("http://".__add__) | st.text(max_size=60))
def test_whatever_is_typed_has_a_sentence_or_is_taken(url: str) -> None:
    try:
        guard.check(url, lookup=leads_to("1.1.1.1"))
    except Refused as refused:
        sentence = str(refused)
    else:
        sentence = "Taken."
    assert sentence.endswith(".")


def test_one_inner_address_among_outer_ones_is_enough_to_refuse() -> None:
    with pytest.raises(Refused, match=r"mixed\.example is a private address"):
        guard.post("http://mixed.example/", b"", {}, lookup=leads_to("1.1.1.1", "10.0.0.1"))


def test_a_name_that_is_not_found_is_taken_for_now_and_fails_when_something_is_sent() -> None:
    def lookup(host: str, port: int) -> list[str]:
        raise OSError

    guard.check("http://later.example/", lookup=lookup)
    with pytest.raises(Failed, match=r"The name later\.example was not found"):
        guard.post("http://later.example/", b"", {}, lookup=lookup)


# How it is called


@pytest.mark.usefixtures("private")
def test_a_request_arrives_whole(serve: Callable[..., Server]) -> None:
    server = serve()
    url = f"http://hooks.example:{server.port}/a b?x=1&y=ü#z".replace(" ", "%20")
    assert guard.post(url, b'{"a": 1}', {"X-Own": "1"}, lookup=leads_to("127.0.0.1")) == 204
    head, _, body = server.sent[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /a%20b?x=1&y=%C3%BC HTTP/1.1", f"Host: hooks.example:{server.port}".encode(), b"X-Own: 1",
        b"Content-Length: 8", b"Connection: close",
    ]  # fmt: skip
    assert body == b'{"a": 1}'


@pytest.mark.usefixtures("private")
def test_the_connection_goes_to_the_address_that_was_judged(serve: Callable[..., Server]) -> None:
    """A name that leads elsewhere when it is asked again is never asked again."""
    judged = serve("127.0.0.1")
    other = serve("127.0.0.2", port=judged.port)
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])
    asked: list[str] = []

    def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    assert guard.post(f"http://rebinding.example:{judged.port}/", b"", {}, lookup=lookup) == 204
    assert (asked, len(judged.sent), other.sent) == (["rebinding.example"], 1, [])


@pytest.mark.usefixtures("private")
def test_a_redirect_is_not_followed(serve: Callable[..., Server]) -> None:
    inner = serve()
    answer = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner.port}/\r\n\r\n".encode()
    outer = serve(answer=answer)
    assert guard.post(f"http://127.0.0.1:{outer.port}/", b"", {}) == 302
    assert inner.sent == []


@pytest.mark.usefixtures("private")
def test_no_proxy_of_the_environment_is_used(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    server, proxy = serve(), serve()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    guard.post(f"http://127.0.0.1:{server.port}/", b"", {})
    assert (len(server.sent), proxy.sent) == (1, [])


@pytest.mark.usefixtures("private")
def test_the_next_address_is_tried_where_the_first_does_not_answer(serve: Callable[..., Server]) -> None:
    server = serve("127.0.0.2")
    url = f"http://two.example:{server.port}/"
    assert guard.post(url, b"", {}, lookup=leads_to("127.0.0.1", "127.0.0.2")) == 204


@pytest.mark.usefixtures("private")
def test_a_server_that_trickles_is_left_in_time(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TIMEOUT_S", 1.0)
    server = serve(answer=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000, trickle_s=0.1)
    begun = time.monotonic()
    with pytest.raises(Failed, match="It did not answer within 1 s"):
        guard.post(f"http://127.0.0.1:{server.port}/", b"", {})
    assert time.monotonic() - begun < 3


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 2000 x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000]
)
def test_what_is_not_http_or_has_no_end_is_a_fault(serve: Callable[..., Server], answer: bytes) -> None:
    with pytest.raises(Failed):
        guard.post(f"http://127.0.0.1:{serve(answer=answer).port}/", b"", {})


@pytest.mark.usefixtures("private")
def test_an_answer_before_the_answer_is_passed_over(serve: Callable[..., Server]) -> None:
    server = serve(answer=b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK)
    assert guard.post(f"http://127.0.0.1:{server.port}/", b"", {}) == 204


@pytest.mark.usefixtures("private")
def test_nobody_listening_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Failed, match="It could not be reached: Connection refused"):
        guard.post(f"http://127.0.0.1:{port}/", b"", {})


def certificate(name: str, folder: Path) -> Path:
    """Write a certificate of this name, with its key, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(pem)
    return path


@pytest.mark.usefixtures("private")
def test_over_tls_the_certificate_must_be_of_the_name(serve: Callable[..., Server], tmp_path: Path) -> None:
    path = certificate("hooks.example", tmp_path)
    server = serve()
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(path)
    named: list[str | None] = []
    server.tls.sni_callback = lambda _, name, __: named.append(name)
    trusting = ssl.create_default_context(cafile=str(path))
    lookup = leads_to("127.0.0.1")
    assert guard.post(f"https://hooks.example:{server.port}/", b"x", {}, lookup=lookup, tls=trusting) == 204
    with pytest.raises(Failed, match="Its certificate is not good"):
        guard.post(f"https://other.example:{server.port}/", b"x", {}, lookup=lookup, tls=trusting)
    with pytest.raises(Failed, match="Its certificate is not good"):
        guard.post(f"https://hooks.example:{server.port}/", b"x", {}, lookup=lookup)
    assert named[0] == "hooks.example"
    assert len(server.sent) == 1


# What is read of an answer


def answer_of(*pieces: str) -> bytes:
    return "\r\n".join(pieces).encode()


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (answer_of("HTTP/1.1 200 OK", "Content-Length: 5", "", "token, and more"), b"token"),
        (answer_of("HTTP/1.1 200 OK", "", "until it ends"), b"until it ends"),
        (answer_of("HTTP/1.0 404 Not Found", "", ""), b""),
        (
            answer_of("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "3", "tok", "2;x=y", "en", "0", "", ""),
            b"token",
        ),
        (answer_of("HTTP/1.1 200 OK", "transfer-encoding: Chunked", "", "3", "tok", "zz"), b"tok"),
        (answer_of("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "ffffffff", "tok"), b"tok"),
        (answer_of("HTTP/1.1 103 Early Hints", "Link: x", "", "HTTP/1.1 200 OK", "", "late"), b"late"),
    ],
)
def test_a_body_is_read_however_it_is_sent(serve: Callable[..., Server], answer: bytes, found: bytes) -> None:
    server = serve(answer=answer)
    status, body = guard.get(f"http://127.0.0.1:{server.port}/file", {"Accept": "text/plain"})
    assert (status, body) == (404 if b"404" in answer else 200, found)
    assert server.sent[0].startswith(b"GET /file HTTP/1.1\r\n")
    assert b"Content-Length" not in server.sent[0]


@pytest.mark.usefixtures("private")
def test_of_a_long_body_only_the_beginning_is_read(serve: Callable[..., Server]) -> None:
    server = serve(answer=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000)
    status, body = guard.get(f"http://127.0.0.1:{server.port}/", {})
    assert (status, len(body)) == (200, guard.MOST_READ - len(b"HTTP/1.1 200 OK\r\n\r\n"))


@pytest.mark.usefixtures("private")
def test_a_body_that_never_ends_is_left_in_time(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TIMEOUT_S", 1.0)
    server = serve(answer=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000, trickle_s=0.1)
    with pytest.raises(Failed, match="It did not answer within 1 s"):
        guard.get(f"http://127.0.0.1:{server.port}/", {})


def test_a_private_address_is_not_read_either(settings: Settings) -> None:
    settings.PRIVATE_TARGETS = False
    with pytest.raises(Refused, match="is a private address"):
        guard.get("http://127.0.0.1/", {})
