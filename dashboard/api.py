"""What belongs to no object: whether the installation answers."""

import msgspec

from orgs.machines import Access, Call, operation


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
