"""A mail server that keeps what it is given, for tests to read."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

WITHIN_S = 20


class Mailbox:
    def __init__(self) -> None:
        self.url = ""
        self.received: list[EmailMessage] = []

    def link(self, to: str, subject: str) -> str:
        """Wait for the next mail to this address with these words in its subject, take it, and return its link."""
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            for mail in self.received:
                if to in str(mail["To"]) and subject in str(mail["Subject"]):
                    self.received.remove(mail)
                    return str(re.findall(r"https?://\S+", mail.get_content())[0])
            time.sleep(0.1)
        others = [f"{mail['To']}: {mail['Subject']}" for mail in self.received]
        raise AssertionError(f"{to} has got no mail about {subject}, but there is {others}")


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mailbox\r\n")
            while command := self.rfile.readline()[:4].upper():
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    box.received.append(message_from_bytes(b"".join(lines), policy=default))
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 fine\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        box.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        yield box
        server.shutdown()
