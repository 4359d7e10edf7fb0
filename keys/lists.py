"""The list of keys: what it can be narrowed to and sorted by, and its rows."""

from datetime import datetime
from typing import Any

from django.db.models import F, Func, IntegerField, QuerySet
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone

from apis.models import Api
from keys.models import Key, KeyAccess, KeyTerm
from keys.settings import quota_text, rate_text
from keys.states import LABELS, in_state, shown_state
from orgs import paging, search
from orgs.display import when_of
from orgs.http import OrgRequest
from orgs.ids import is_id
from orgs.listing import Column, Select, listing, table_rows
from orgs.paging import Sort

SORTS = {
    "newest": Sort("-created_at", is_moment=True),
    "oldest": Sort("created_at", is_moment=True),
    "alias": Sort("sort_alias"),
    "-alias": Sort("-sort_alias"),
}
COLUMNS = (
    Column("Alias", "alias", "-alias"),
    Column("Key"),
    Column("State"),
    Column("APIs", kind="number"),
    Column("Rate"),
    Column("Quota"),
    Column("Expires"),
    Column("Created", "oldest", "newest"),
)
FIELDS = (
    "id", "alias", "tags", "masked", "is_disabled", "expires_at", "revoked_at", "has_all_apis",
    "rate", "per_s", "quota_max", "quota_window_s", "expires", "created", "named",
)  # fmt: skip
FILTERS = ("q", "state", "tag", "api", "sort")
ROW = """<tr><td><a href="{}">{}</a><span class="sub">{}</span></td><td data-label="Key"><code>{}</code></td>
<td data-label="State"><span class="state state-{}">{}</span></td><td data-label="APIs" class="number">{}</td>
<td data-label="Rate" class="when">{}</td><td data-label="Quota" class="when">{}</td>
<td data-label="Expires" class="when">{}</td><td data-label="Created" class="when">{}</td></tr>
"""


class NamedApis(Func):
    """How many APIs a key names, within the statement that lists the keys."""

    template = "(SELECT count(*) FROM keys_keyaccess WHERE (organisation_id, key_id) = (%(expressions)s))"
    output_field = IntegerField()

    def __init__(self) -> None:
        super().__init__(F("organisation_id"), F("id"))


# It may stand here: whose keys these are is looked up when a page asks. But take `.all()` of it, which keeps no rows.
LISTED = Key.objects.annotate(expires=when_of("expires_at"), created=when_of("created_at"), named=NamedApis())


def narrowed(query: QueryDict, *, now: datetime) -> QuerySet[Key]:
    """Words of `q` are those of alias and tags; one that begins with # is a whole tag."""
    words = query.get("q", "").split()
    keys = search.matching(LISTED.all(), KeyTerm, "key_id", " ".join(word for word in words if word[:1] != "#"))
    for tag in (query.get("tag", ""), *(word[1:] for word in words[:5] if word[:1] == "#")):
        keys = search.tagged(keys, KeyTerm, "key_id", tag.replace("\0", "")) if tag else keys
    if (state := query.get("state")) in LABELS:
        keys = keys.filter(in_state(state, now=now))
    return keys.filter(pk__in=opening(api)) if (api := query.get("api")) else keys


def opening(api_id: str) -> QuerySet[Any, Any]:
    """The ids of the keys that open an API. A union of two indexes, since an OR would use neither."""
    named = KeyAccess.objects.filter(api_id=api_id).order_by().values("key_id")
    return named.union(Key.objects.filter(has_all_apis=True).order_by().values("pk"), all=True)


def key_list(request: OrgRequest, *, may_write: bool) -> dict[str, Any]:
    """Return the context of the page."""
    now = timezone.now()
    name, sort = paging.sort_of(request.GET, SORTS)
    selects = _selects(request.GET)
    page = paging.page(narrowed(request.GET, now=now), query=request.GET, sort=sort, fields=FIELDS)
    values = [dict(zip(FIELDS, row, strict=True)) for row in page.rows]
    context = listing(
        request,
        page,
        label="Keys",
        columns=COLUMNS,
        sort=name,
        search="Alias, tag, or a whole key",
        selects=selects,
        empty=_empty(request, may_write),
    )
    prefix = f"{request.site.prefix}/keys/"
    rows = table_rows(ROW, [_row(prefix, value, now) for value in values])
    return context | {"rows": rows, "search_url": f"{prefix}search/"}


def _selects(query: QueryDict) -> list[Select]:
    """A tag and an API are chosen by following a link: they are offered only to be cleared."""
    selects = [Select("state", "State", (("", "Any state"), *LABELS.items()))]
    if tag := query.get("tag"):
        selects.append(Select("tag", "Tag", (("", "Any tag"), (tag, f"Tag: {tag}"))))
    if api := query.get("api"):
        if not is_id(api):
            raise Http404
        name = get_object_or_404(Api.objects.only("name"), pk=api).name
        selects.append(Select("api", "API", (("", "Any API"), (api, f"Opens: {name}"))))
    return selects


def _row(prefix: str, key: dict[str, Any], now: datetime) -> tuple[str, ...]:
    state = shown_state(now, is_disabled=key["is_disabled"], expires_at=key["expires_at"], revoked_at=key["revoked_at"])
    return (
        f"{prefix}{key['id']}/",
        key["alias"],
        ", ".join(key["tags"]),
        key["masked"],
        state,
        state,
        "all" if key["has_all_apis"] else str(key["named"]),
        rate_text(key["rate"], key["per_s"]),
        quota_text(key["quota_max"], key["quota_window_s"]),
        key["expires"] or "never",
        key["created"],
    )


def _empty(request: OrgRequest, may_write: bool) -> dict[str, str]:
    empty = {
        "icon": "key",
        "title": "No keys yet",
        "text": "A key opens APIs to one caller, within its limits.",
    }
    create = {"action_url": f"{request.site.prefix}/keys/create/", "action_label": "Create a key"}
    return empty | (create if may_write else {})
