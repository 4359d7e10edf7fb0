"""The version of a group's gateways, where its own API is known."""

from http.server import BaseHTTPRequestHandler

import pytest

from gateways import versions
from gateways.models import Lane
from gateways.services import update_group
from orgs import scope
from tests.conftest import World, signed_in
from tests.gateways.conftest import Groups
from tests.gateways.real import listening


def answering(body: bytes, status: int = 200) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/hello" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Answers


def version_of(groups: Groups) -> str:
    with scope.opened(scope.INSTALLATION):
        return Lane.objects.get(pk=groups.acme.pk).version


def test_version_is_asked_and_shown_to_whom_the_group_serves(world: World, groups: Groups) -> None:
    with listening(answering(b'{"status":"pass","version":"v5.14.0","details":{}}')) as address:
        update_group(group=groups.acme, api_url=f"{address}/")
        versions.ask_all()
    assert version_of(groups) == "v5.14.0"
    assert "v5.14.0" in signed_in(world.ann).get("/gateways/").content.decode()
    assert "v5.14.0" not in signed_in(world.gus).get("/gateways/").content.decode()
    assert "v5.14.0" in signed_in(world.uma).get(f"/gateways/{groups.acme.pk}/").content.decode()
    versions.ask_all()
    assert version_of(groups) == "v5.14.0"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"version": 5}', b'{"version": "\\u0000"}', b"<html>", b'{"version": "' + b"x" * 200_000]
)
def test_odd_answers_are_no_version(groups: Groups, body: bytes) -> None:
    with listening(answering(body)) as address:
        assert versions.ask(address) == ""


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://[::1", "http://x.invalid"])
def test_nobody_there_is_no_version(address: str) -> None:
    assert versions.ask(address) == ""
