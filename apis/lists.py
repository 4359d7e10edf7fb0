"""The list of APIs: what it can be narrowed to and sorted by."""

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from apis.definition import Authentication
from apis.models import Api, ApiTerm
from apis.services import without_password
from orgs import paging, search
from orgs.display import when_of
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing, table_rows
from orgs.paging import Sort

SORTS = {
    "newest": Sort("-created_at", is_moment=True),
    "oldest": Sort("created_at", is_moment=True),
    "name": Sort("sort_name"),
    "-name": Sort("-sort_name"),
    "path": Sort("listen_path"),
    "-path": Sort("-listen_path"),
}
COLUMNS = (
    Column("Name", "name", "-name"),
    Column("Listen path and target", "path", "-path"),
    Column("Authentication"),
    Column("State"),
    Column("Created", "oldest", "newest"),
)
SELECTS = (
    Select("state", "State", (("", "Any state"), ("active", "Active"), ("inactive", "Inactive"))),
    Select(
        "authentication",
        "Authentication",
        (("", "Any authentication"), *((kind.value, kind.label) for kind in Authentication)),
    ),
)
LABELS = {kind.value: kind.label for kind in Authentication}
ROW = """<tr><td><a href="{}">{}</a></td><td data-label="Listen path and target" class="breaks"><code>{}</code>
<span class="sub">{}</span></td><td data-label="Authentication">{}</td>
<td data-label="State"><span class="state state-{}">{}</span></td><td data-label="Created" class="when">{}</td></tr>
"""


# It may stand here: whose APIs these are is looked up when a page asks. But take `.all()` of it, which keeps no rows.
LISTED = Api.objects.annotate(created=when_of("created_at"))


def narrowed(query: QueryDict) -> "QuerySet[Api]":
    apis = search.matching(LISTED.all(), ApiTerm, "api_id", query.get("q", ""))
    if tag := query.get("tag"):
        apis = search.tagged(apis, ApiTerm, "api_id", tag)
    if query.get("state") in ("active", "inactive"):
        apis = apis.filter(is_active=query["state"] == "active")
    if query.get("authentication") in list(Authentication):
        apis = apis.filter(authentication=query["authentication"])
    return apis


def api_list(request: OrgRequest, *, may_write: bool) -> dict[str, Any]:
    """Return the context of the page."""
    name, sort = paging.sort_of(request.GET, SORTS)
    fields = ("id", "name", "listen_path", "target_url", "authentication", "is_active", "created")
    page = paging.page(narrowed(request.GET), query=request.GET, sort=sort, fields=fields)
    prefix = f"{request.site.prefix}/apis/"
    empty = {
        "icon": "api",
        "title": "No APIs yet",
        "text": "Import an OpenAPI document, or say where an API listens and where it leads.",
    }
    if may_write:
        empty |= {"action_url": f"{prefix}import/", "action_label": "Import a document"}
        empty |= {"second_url": f"{prefix}create/", "second_label": "Create an API"}
    context = listing(
        request,
        page,
        label="APIs",
        columns=COLUMNS,
        sort=name,
        search="Search by word",
        selects=SELECTS,
        empty=empty,
    )
    rows = table_rows(ROW, [_row(prefix, *values) for values in page.rows])
    return context | {"rows": rows, "may_write": may_write}


def _row(
    prefix: str,
    id: str,
    name: str,
    listen_path: str,
    target: str,
    authentication: str,
    is_active: bool,
    created: str,
) -> tuple[str, ...]:
    state = "active" if is_active else "inactive"
    kind = LABELS[authentication]
    return f"{prefix}{id}/", name, listen_path, without_password(target), kind, state, state, created
