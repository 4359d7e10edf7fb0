"""Ports for servers of tests."""

import socket
from contextlib import closing


def free_port() -> int:
    """Return a port that is free, as is the one above it, which a dashboard's Valkey takes."""
    while True:
        with closing(socket.socket()) as one, closing(socket.socket()) as above:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                above.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
