"""The list of policies: what it can be narrowed to and sorted by, and its rows."""

from typing import Any

from django.db.models import F, Func, QuerySet, TextField
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404

from apis.models import Api
from keys.choosing import by_name
from keys.models import Policy, PolicyAccess
from keys.policies.settings import limit_texts, parts_text
from keys.session import Limit
from orgs import paging
from orgs.display import when_of
from orgs.http import OrgRequest
from orgs.ids import is_id
from orgs.listing import Column, Select, listing, table_rows
from orgs.paging import Sort

SORTS = {
    "newest": Sort("-created_at", is_moment=True),
    "oldest": Sort("created_at", is_moment=True),
    "name": Sort("sort_name"),
    "-name": Sort("-sort_name"),
}
COLUMNS = (
    Column("Name", "name", "-name"),
    Column("State"),
    Column("APIs", kind="number"),
    Column("Keys", kind="number"),
    Column("Gives"),
    Column("Rate"),
    Column("Quota"),
    Column("Created", "oldest", "newest"),
)
FIELDS = (
    "id", "name", "tags", "is_active", "apis_named", "keys_applying", "partitions",
    "rate", "per_s", "quota_max", "quota_window_s", "created",
)  # fmt: skip
STATES = (("", "Any state"), ("active", "Active"), ("inactive", "Inactive"))
ROW = """<tr><td><a href="{}">{}</a><span class="sub">{}</span></td>
<td data-label="State"><span class="state state-{}">{}</span></td><td data-label="APIs" class="number">{}</td>
<td data-label="Keys" class="number">{}</td><td data-label="Gives">{}</td><td data-label="Rate" class="when">{}</td>
<td data-label="Quota" class="when">{}</td><td data-label="Created" class="when">{}</td></tr>
"""


class Rows(Func):
    """How many rows of a table name a policy, in words: "1,000+" where counting stopped."""

    template = (
        "(SELECT CASE WHEN count(*) > 1000 THEN '1,000+' ELSE count(*)::text END FROM (SELECT 1 FROM %(table)s"
        " WHERE (organisation_id, policy_id) = (%(expressions)s) LIMIT 1001) AS counted)"
    )
    output_field = TextField()

    def __init__(self, table: str) -> None:
        super().__init__(F("organisation_id"), F("id"), table=table)


# It may stand here: whose these are is looked up when a page asks. But take `.all()` of it, which keeps no rows.
LISTED = Policy.objects.annotate(
    created=when_of("created_at"), apis_named=Rows("keys_policyaccess"), keys_applying=Rows("keys_keypolicy")
)


def narrowed(query: QueryDict) -> "QuerySet[Policy]":
    policies = by_name(LISTED.all(), query.get("q", ""))
    if query.get("state") in ("active", "inactive"):
        policies = policies.filter(is_active=query["state"] == "active")
    if api := query.get("api"):
        policies = policies.filter(pk__in=PolicyAccess.objects.filter(api_id=api).order_by().values("policy_id"))
    return policies


def policy_list(request: OrgRequest, *, may_write: bool) -> dict[str, Any]:
    """Return the context of the page."""
    name, sort = paging.sort_of(request.GET, SORTS)
    selects = _selects(request.GET)
    page = paging.page(narrowed(request.GET), query=request.GET, sort=sort, fields=FIELDS)
    context = listing(
        request,
        page,
        label="Policies",
        columns=COLUMNS,
        sort=name,
        search="Search by name",
        selects=selects,
        empty=_empty(request, may_write),
    )
    prefix = f"{request.site.prefix}/policies/"
    rows = table_rows(ROW, [_row(prefix, dict(zip(FIELDS, row, strict=True))) for row in page.rows])
    return context | {"rows": rows, "may_write": may_write}


def _selects(query: QueryDict) -> list[Select]:
    """An API is chosen by following a link: it is offered only to be cleared."""
    selects = [Select("state", "State", STATES)]
    if api := query.get("api"):
        if not is_id(api):
            raise Http404
        name = get_object_or_404(Api.objects.only("name"), pk=api).name
        selects.append(Select("api", "API", (("", "Any API"), (api, f"Names: {name}"))))
    return selects


def _row(prefix: str, policy: dict[str, Any]) -> tuple[str, ...]:
    state = "active" if policy["is_active"] else "inactive"
    rate, quota = limit_texts(
        Limit(policy["rate"], policy["per_s"], policy["quota_max"], policy["quota_window_s"]),
    )
    return (
        f"{prefix}{policy['id']}/",
        policy["name"],
        ", ".join(policy["tags"]),
        state,
        state,
        policy["apis_named"],
        policy["keys_applying"],
        parts_text(policy["partitions"]),
        rate,
        quota,
        policy["created"],
    )


def _empty(request: OrgRequest, may_write: bool) -> dict[str, str]:
    empty = {
        "icon": "list-check",
        "title": "No policies yet",
        "text": "A policy says once what many keys may do: change it, and all of them change.",
    }
    create = {"action_url": f"{request.site.prefix}/policies/create/", "action_label": "Create a policy"}
    return empty | (create if may_write else {})
