"""The list of keys: what it can be narrowed to and sorted by, and its rows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, Func, IntegerField, QuerySet
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone

from apis.models import Api
from keys.models import Key, KeyAccess, KeyPolicy, KeyTerm, Policy, PolicyAccess
from keys.settings import quota_text, rate_text
from keys.states import LABELS, in_state, shown_state
from orgs import paging, search
from orgs.display import ago, when_of
from orgs.http import OrgRequest
from orgs.ids import is_id
from orgs.listing import Column, Select, listing, table_rows
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may

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
    "rate", "per_s", "quota_max", "quota_window_s", "expires", "created", "named", "applied_policies", "hash",
    "previous_hash",
)  # fmt: skip
FILTERS = ("q", "state", "tag", "api", "policy", "sort")
ROW = """<tr><td><a href="{}">{}</a><span class="sub">{}</span></td><td data-label="Key"><code>{}</code></td>
<td data-label="State"><span class="state state-{}">{}</span></td><td data-label="APIs" class="number">{}</td>
<td data-label="Rate" class="when">{}</td><td data-label="Quota" class="when">{}</td>
<td data-label="Expires" class="when">{}</td><td data-label="Created" class="when">{}</td></tr>
"""
# With one more column there is room for days alone.
COLUMNS_WITH_USE = (*COLUMNS[:-2], Column("Last used"), *COLUMNS[-2:])
ROW_WITH_USE = ROW.replace(
    '<td data-label="Expires"', '<td data-label="Last used" class="when">{}</td><td data-label="Expires"'
)
DAY = len("2026-01-31")
# Of hashes of secrets, when each was used last. Who counts requests lies above keys, and hands this down
# (`dashboard.urls.organisation`).
LastUsed = Callable[[Sequence[str]], Mapping[str, datetime]]


class Rows(Func):
    """How many rows of a table are a key's, within the statement that lists the keys."""

    template = "(SELECT count(*) FROM %(table)s WHERE (organisation_id, key_id) = (%(expressions)s))"
    output_field = IntegerField()

    def __init__(self, table: str) -> None:
        super().__init__(F("organisation_id"), F("id"), table=table)


# It may stand here: whose keys these are is looked up when a page asks. But take `.all()` of it, which keeps no rows.
LISTED = Key.objects.annotate(
    expires=when_of("expires_at"),
    created=when_of("created_at"),
    named=Rows("keys_keyaccess"),
    applied_policies=Rows("keys_keypolicy"),
)


def narrowed(query: QueryDict, *, now: datetime) -> QuerySet[Key]:
    """Words of `q` are those of alias and tags; one that begins with # is a whole tag."""
    words = query.get("q", "").split()
    keys = search.matching(LISTED.all(), KeyTerm, "key_id", " ".join(word for word in words if word[:1] != "#"))
    for tag in (query.get("tag", ""), *(word[1:] for word in words[:5] if word[:1] == "#")):
        keys = search.tagged(keys, KeyTerm, "key_id", tag.replace("\0", "")) if tag else keys
    if (state := query.get("state")) in LABELS:
        keys = keys.filter(in_state(state, now=now))
    if policy := query.get("policy"):
        keys = keys.filter(pk__in=KeyPolicy.objects.filter(policy_id=policy).order_by().values("key_id"))
    return keys.filter(pk__in=opening(api)) if (api := query.get("api")) else keys


def opening(api_id: str) -> QuerySet[Any, Any]:
    """The ids of the keys that name an API, or a policy that does. A union of indexes, since an OR would use none."""
    named = KeyAccess.objects.filter(api_id=api_id).order_by().values("key_id")
    policies = PolicyAccess.objects.filter(api_id=api_id).order_by().values("policy_id")
    applied = KeyPolicy.objects.filter(policy__in=policies).order_by().values("key_id")
    return named.union(Key.objects.filter(has_all_apis=True).order_by().values("pk"), applied, all=True)


def key_list(request: OrgRequest, *, may_write: bool, last_used: LastUsed | None = None) -> dict[str, Any]:
    """Return the context of the page."""
    now = timezone.now()
    if not may(request, ObjectKind.ANALYTICS, Level.READ):
        last_used = None
    name, sort = paging.sort_of(request.GET, SORTS)
    selects = _selects(request.GET)
    page = paging.page(narrowed(request.GET, now=now), query=request.GET, sort=sort, fields=FIELDS)
    values = [dict(zip(FIELDS, row, strict=True)) for row in page.rows]
    context = listing(
        request,
        page,
        label="Keys",
        columns=COLUMNS_WITH_USE if last_used else COLUMNS,
        sort=name,
        search="Alias, tag, or a whole key",
        selects=selects,
        empty=_empty(request, may_write),
    )
    prefix = f"{request.site.prefix}/keys/"
    cells = [_row(prefix, value, now) for value in values]
    if last_used:
        uses = _uses(values, last_used, now)
        cells = [(*row[:-2], use, *(text[:DAY] for text in row[-2:])) for row, use in zip(cells, uses, strict=True)]
    return context | {
        "rows": table_rows(ROW_WITH_USE if last_used else ROW, cells),
        "search_url": f"{prefix}search/",
        "board_url": f"{request.site.prefix}/analytics/keys/board/" if last_used else "",
    }


def _uses(keys: Sequence[dict[str, Any]], last_used: LastUsed, now: datetime) -> list[str]:
    """Both secrets of a key that was rotated count."""
    found = last_used([hash for key in keys for hash in (key["hash"], key["previous_hash"]) if hash])
    secrets = [(key["hash"], key["previous_hash"]) for key in keys]
    return [ago(max((found[hash] for hash in pair if hash in found), default=None), now=now) for pair in secrets]


def _selects(query: QueryDict) -> list[Select]:
    """A tag, an API and a policy are chosen by following a link: they are offered only to be cleared."""
    selects = [Select("state", "State", (("", "Any state"), *LABELS.items()))]
    if tag := query.get("tag"):
        selects.append(Select("tag", "Tag", (("", "Any tag"), (tag, f"Tag: {tag}"))))
    if api := query.get("api"):
        name = get_object_or_404(Api.objects.only("name"), pk=_checked(api)).name
        selects.append(Select("api", "API", (("", "Any API"), (api, f"Opens: {name}"))))
    if policy := query.get("policy"):
        name = get_object_or_404(Policy.objects.only("name"), pk=_checked(policy)).name
        selects.append(Select("policy", "Policy", (("", "Any policy"), (policy, f"Applies: {name}"))))
    return selects


def _checked(id: str) -> str:
    if not is_id(id):
        raise Http404
    return id


def _row(prefix: str, key: dict[str, Any], now: datetime) -> tuple[str, ...]:
    state = shown_state(now, is_disabled=key["is_disabled"], expires_at=key["expires_at"], revoked_at=key["revoked_at"])
    return (
        f"{prefix}{key['id']}/",
        key["alias"],
        ", ".join(key["tags"]),
        key["masked"],
        state,
        state,
        _opens(key),
        "by policy" if key["applied_policies"] else rate_text(key["rate"], key["per_s"]),
        "by policy" if key["applied_policies"] else quota_text(key["quota_max"], key["quota_window_s"]),
        key["expires"] or "never",
        key["created"],
    )


def _opens(key: dict[str, Any]) -> str:
    if number := key["applied_policies"]:
        return "1 policy" if number == 1 else f"{number} policies"
    return "all" if key["has_all_apis"] else str(key["named"])


def _empty(request: OrgRequest, may_write: bool) -> dict[str, str]:
    empty = {
        "icon": "key",
        "title": "No keys yet",
        "text": "A key opens APIs to one caller, within its limits.",
    }
    create = {"action_url": f"{request.site.prefix}/keys/create/", "action_label": "Create a key"}
    return empty | (create if may_write else {})
