"""A page with the viewer as a portal has it, and a gateway that keeps what it was asked; each on a port of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from orgs.http import CONTENT_POLICY
from tests.browser.server import ROOT

TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
STYLES = ("vendor/tabler.css", "organisations.css", "commonhold.css", "reference.css", "viewer.css")
SCRIPTS = ("vendor/swagger-ui.js", "viewer.js")
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*, Authorization",
    "Access-Control-Allow-Methods": "*",
}


def page(content: str) -> str:
    styles = "".join(f'<link rel="stylesheet" href="/static/{style}">' for style in STYLES)
    scripts = "".join(f'<script src="/static/{script}" defer></script>' for script in SCRIPTS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Console</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="/static/favicon.svg">'
        f'{styles}{scripts}</head><body><main class="app-main"><h1>Pets</h1>{content}</main></body></html>'
    )


CONSOLE = page('<h2>Console</h2><div class="viewer" data-document="/document.json">Loading</div>')


@dataclass
class Portal:
    """`pages` are texts by their path, which the static files stand beside."""

    address: str = ""
    policy: str = CONTENT_POLICY
    pages: dict[str, str] = field(default_factory=dict)

    def allow(self, gateway: str) -> None:
        self.policy = CONTENT_POLICY.replace("connect-src 'self'", f"connect-src 'self' {gateway}")


@dataclass
class Gateway:
    address: str = ""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def portal() -> Iterator[Portal]:
    shown = Portal()

    class Handler(Quiet):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            file = ROOT / path[1:]
            if path in shown.pages:
                body, kind = shown.pages[path].encode(), "application/json" if path.endswith(".json") else "text/html"
            elif path.startswith("/static/") and file.suffix in TYPES and ".." not in path:
                body, kind = file.read_bytes(), TYPES[file.suffix]
            else:
                self.answer(404, b"")
                return
            self.answer(200, body, {"Content-Type": kind, "Content-Security-Policy": shown.policy})

    with served(Handler) as shown.address:
        yield shown


@contextmanager
def gateway() -> Iterator[Gateway]:
    kept = Gateway()

    class Handler(Quiet):
        def do_OPTIONS(self) -> None:
            self.answer(204, b"", CORS)

        def do_GET(self) -> None:
            kept.asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.answer(200, b'{"name": "Rex"}', {"Content-Type": "application/json", **CORS})

    with served(Handler) as kept.address:
        yield kept


class Quiet(BaseHTTPRequestHandler):
    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
