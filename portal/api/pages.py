"""Pages of the portal."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from apis.api.finding import require_new, require_same
from orgs.machines import Answer, Call, Paged, Streamed, find, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.permissions import Level, ObjectKind
from portal.models import Page
from portal.services import pages as services
from portal.wire import pages as wire
from portal.wire.pages import PageBody, PageDocument

READ, WRITE = (ObjectKind.PORTAL, Level.READ), (ObjectKind.PORTAL, Level.WRITE)
MISSING = "Could not retrieve page detail."


class PageList(msgspec.Struct, rename="pascal"):
    data: list[PageDocument]
    pages: int


def render(rows: Iterable[Page]) -> Iterator[bytes]:
    return (msgspec.json.encode(wire.document(page)) for page in rows)


def found(call: Call[Any, Any], id: str) -> Page:
    return find(call, Page.objects.all(), MISSING, pk=id)


@operation("GET", "/api/portal/pages", "The portal's pages", access=READ, query=Paged, answers=PageList)
def list_pages(call: Call[Paged, None]) -> Answer | Streamed:
    """`q` is a part of the title."""
    rows = Page.objects.order_by("position", "title", "id")
    if wanted := call.query.q.strip():
        rows = rows.filter(title__icontains=wanted)
    return page_of(call, rows, render, name="Data", pages="Pages")


@operation("GET", "/api/portal/pages/{id}", "A page of the portal", access=READ, answers=PageDocument, refusals=(404,))
def get_page(call: Call[Any, None], id: str) -> dict[str, Any]:
    return wire.document(found(call, id))


@operation("POST", "/api/portal/pages", "Create a page of the portal", access=WRITE, body=PageBody, answers=Envelope)
def create_page(call: Call[Any, PageBody]) -> Answer:
    """`Message` is its id. It is published at once, on a portal that is on."""
    require_new(call)
    return ok(services.create_page(**wire.read(call.body, call.document), is_published=True).pk)


@operation(
    "PUT", "/api/portal/pages/{id}", "Change a page of the portal", access=WRITE, body=PageBody, answers=Envelope,
    refusals=(404,),
)  # fmt: skip
def update_page(call: Call[Any, PageBody], id: str) -> Answer:
    page = found(call, id)
    require_same(call, id, "a page")
    services.update_page(page=page, revision=page.revision, **wire.read(call.body, call.document, page))
    return ok("Data updated")


@operation(
    "DELETE", "/api/portal/pages/{id}", "Delete a page of the portal", access=WRITE, answers=Envelope, refusals=(404,)
)
def delete_page(call: Call[Any, None], id: str) -> Answer:
    services.delete_page(page=found(call, id))
    return ok("Data deleted")
