"""What the client does when something between it and the dashboard, a proxy say, misbehaves."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from dashboard.cli.client import Client, Refused, Unanswered
from dashboard.cli.connection import Connection
from dashboard.cli.failures import Exit, Failure

KEY = "0123456789abcdef0123456789abcdef"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nETag: "3"\r\n\r\n{"done": 1}'
DROPPED = b""


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Proxy:
    """Gives its answers in turn, whatever it is asked."""

    answers: list[bytes]
    asked: list[bytes] = field(default_factory=list)
    url: str = ""


def read(conversation: socket.socket) -> bytes:
    """Read a request to the end of its body, if one comes."""
    asked = b""
    while more := conversation.recv(65_536):
        asked += more
        head, end, body = asked.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if end and len(body) >= int(length.group(1) if length else 0):
            break
    return asked


@contextmanager
def proxy(*answers: bytes) -> Iterator[Proxy]:
    found = Proxy(list(answers))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found.url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def serve() -> None:
            for given in found.answers:
                conversation, _ = listening.accept()
                with conversation:
                    found.asked.append(read(conversation))
                    conversation.sendall(given.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield found
        thread.join(timeout=10)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the waits instead of waiting."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def test_the_key_and_the_etag_go_along() -> None:
    with proxy(OK) as server, Client(Connection(server.url, KEY)) as client:
        assert client.put("/api/apis/x", {"a": 1}, etag='"2"').etag == '"3"'
    assert f"authorization: {KEY}".encode() in server.asked[0].lower()
    assert b'if-match: "2"' in server.asked[0].lower()
    assert server.asked[0].endswith(b'{"a":1}')


def test_who_is_too_quick_waits_as_long_as_told(waits: list[float]) -> None:
    busy = answer("429 Too Many Requests", b"{}", "Retry-After: 7")
    with proxy(busy, busy, OK) as server, Client(Connection(server.url, KEY)) as client:
        assert client.post("/api/keys", []).document == {"done": 1}
    assert waits == [7, 7]


def test_who_would_have_to_wait_for_long_is_told(waits: list[float]) -> None:
    busy = answer("429 Too Many Requests", b'{"Message": "Too many calls."}', "Retry-After: 3600")
    with proxy(busy) as server, Client(Connection(server.url, KEY)) as client, pytest.raises(Refused, match="Too many"):
        client.get("/api/apis")
    assert waits == []


@pytest.mark.parametrize("trouble", [answer("502 Bad Gateway"), answer("503 Busy"), DROPPED])
def test_reading_is_tried_again(waits: list[float], trouble: bytes) -> None:
    with proxy(trouble, OK) as server, Client(Connection(server.url, KEY)) as client:
        assert client.get("/api/apis").document == {"done": 1}
    assert waits == [0.5]


@pytest.mark.parametrize("trouble", [answer("502 Bad Gateway"), DROPPED])
def test_what_may_have_been_done_is_not_sent_again(waits: list[float], trouble: bytes) -> None:
    with proxy(trouble) as server, Client(Connection(server.url, KEY)) as client, pytest.raises(Unanswered) as failed:
        client.post("/api/keys", [])
    assert failed.value.code is Exit.UNREACHABLE
    assert (len(server.asked), waits) == (1, [])


def test_no_server_is_told_after_a_few_tries(waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with Client(Connection(url, KEY)) as client, pytest.raises(Failure, match="cannot be reached") as failed:
        client.post("/api/keys", [])
    assert failed.value.code is Exit.UNREACHABLE
    assert waits == [0.5, 1, 2, 4]


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        ("401 Unauthorized", Exit.NOT_ALLOWED, "The access key is not accepted: Why."),
        ("403 Forbidden", Exit.NOT_ALLOWED, "Why."),
        ("404 Not Found", Exit.REFUSED, "Why."),
        ("409 Conflict", Exit.REFUSED, "Why."),
        ("412 Precondition Failed", Exit.REFUSED, "It was changed meanwhile; look at it again."),
        ("413 Too Large", Exit.REFUSED, "Why."),
        ("500 Oh", Exit.REFUSED, "Why."),
    ],
)
def test_a_refusal_has_the_servers_sentence(status: str, code: Exit, sentence: str) -> None:
    refusal = answer(status, b'{"Status": "Error", "Message": "Why.", "Meta": null}')
    with proxy(refusal) as server, Client(Connection(server.url, KEY)) as client, pytest.raises(Failure) as failed:
        client.get("/api/apis")
    assert (failed.value.code, failed.value.message) == (code, sentence)


def test_a_refusal_without_a_sentence_gets_one() -> None:
    refusal = answer("400 Bad Request", b"<html>")
    with proxy(refusal) as server, Client(Connection(server.url, KEY)) as client, pytest.raises(Failure) as failed:
        client.get("/api/apis")
    assert failed.value.message == "The server answers 400 to GET /api/apis."


def test_the_key_is_not_sent_where_a_redirect_leads() -> None:
    with proxy(OK) as other:
        moved = answer("302 Found", b"", f"Location: {other.url}/api/apis")
        with proxy(moved) as server, Client(Connection(server.url, KEY)) as client, pytest.raises(Failure) as failed:
            client.get("/api/apis")
        assert "sends the call elsewhere" in failed.value.message
        assert other.asked == []
        socket.create_connection(("127.0.0.1", int(other.url.rpartition(":")[2]))).close()


def test_another_kind_of_server_is_told() -> None:
    page = answer("200 OK", b"<html>")
    with proxy(page) as server, Client(Connection(server.url, KEY)) as client, pytest.raises(Unanswered) as failed:
        client.get("/api/apis")
    assert "not as Commonhold does" in failed.value.message


def test_nothing_that_a_server_says_commands_the_terminal() -> None:
    refusal = answer("400 Bad Request", b'{"Message": "\\u001b[2Jgone\\u202e"}')
    with proxy(refusal) as server, Client(Connection(server.url, KEY)) as client, pytest.raises(Failure) as failed:
        client.get("/api/apis")
    assert failed.value.message == "�[2Jgone�"
