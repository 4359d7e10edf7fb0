"""How gunicorn serves; a flag on its command line wins."""

import os
import signal
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from gunicorn.http import Request, RequestParser


def number(name: str, default: int, *, most: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise SystemExit(f"{name} must be a whole number from 1 to {most}, not {text!r}.")
    return int(text)


def without_repeats(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out a content type that was said before in the same words; gunicorn refuses any second one."""
    said = set()
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-type":
            if (words := value.strip(b" \t")) in said:
                continue
            said.add(words)
        yield line


class PatientRequest(Request):  # type: ignore[misc]
    """Takes what the operator for Kubernetes sends: it says its content type twice."""

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[tuple[str, str]]:
        lines = b"\r\n".join(without_repeats(data.split(b"\r\n")))
        headers: list[tuple[str, str]] = super().parse_headers(lines, from_trailer)
        return headers


RequestParser.mesg_class = PatientRequest
http_parser = "python"  # the fast one would read headers without the class above

port = number("PORT", 8000, most=65_534)  # the embedded Valkey takes the one above
bind = f"127.0.0.1:{port}"
worker_class = "gthread"
workers = number("WEB_WORKERS", 2, most=256)
threads = number("WEB_THREADS", 4, most=256)
# A worker that is begun anew while the database is away must not ask it whether the walls stand: this process has.
preload_app = True
keepalive = 5
graceful_timeout = 5
PATIENCE_S = 10  # without a byte: who sends half a request, or does not read the answer, would keep a thread for ever

# The settings (HTTPS, TRUSTED_PROXIES) say what a proxy's headers count for: gunicorn shall believe none.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Wait for no visitor for ever; and end when the terminal closes, instead of reading this file again."""
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # what it accepts inherits them
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", PATIENCE_S, 0))
    if os.isatty(0):
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
