"""What belongs to no object: whether the installation answers, and what it answers to."""

from functools import cache
from hashlib import sha256
from typing import Any

import msgspec

from dashboard.document import document
from orgs.machines import Access, Answer, Call, operation
from orgs.machines.operations import ROUTES


class Hello(msgspec.Struct):
    status: str
    version: str
    description: str


VERSION = "0.1.0"


@operation("GET", "/hello", "Whether the dashboard answers", access=Access.PUBLIC, answers=Hello)
def hello(call: Call[None, None]) -> Hello:
    return Hello(status="ok", version=VERSION, description="Commonhold")


@operation("GET", "/admin/hello", "Whether the Admin API answers", access=Access.PUBLIC, answers=Hello)
def admin_hello(call: Call[None, None]) -> Hello:
    return Hello(status="ok", version=VERSION, description="Commonhold")


@operation("GET", "/api/openapi.json", "This document", access=Access.PUBLIC, answers={"type": "object"})
def openapi(call: Call[None, None]) -> Answer:
    text, etag = the_document()
    if call.request.headers.get("If-None-Match", "").removeprefix("W/") == etag:
        return Answer(b"", 304, {"ETag": etag, "Cache-Control": "no-cache"})
    return Answer(text, headers={"ETag": etag, "Cache-Control": "no-cache"})


@cache
def the_document() -> tuple[bytes, str]:
    """Return the document as JSON and its tag. Asked for only once every operation is declared."""
    text = msgspec.json.encode(described())
    return text, f'"{sha256(text).hexdigest()[:32]}"'


@cache
def described() -> dict[str, Any]:
    return document(ROUTES.operations, version=VERSION)
