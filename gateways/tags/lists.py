"""The list of segment tags: whose each is, which APIs carry it, and which groups of gateways load by it."""

from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict

from apis.models import SegmentTag
from gateways.models import GatewayGroup
from orgs import paging
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing
from orgs.models import Organisation
from orgs.paging import Sort

SORTS = {"name": Sort("name"), "-name": Sort("-name")}
COLUMNS = (
    Column("Tag", "name", "-name"),
    Column("Organisation"),
    Column("APIs", kind="number"),
    Column("Left out", kind="number"),
    Column("Gateway groups"),
    Column("Actions", kind="actions"),
)
WHOSE = Select(
    "whose",
    "Organisation",
    (("", "Any tag"), ("shared", "Shared"), ("own", "Of an organisation"), ("automatic", "Automatic")),
)
EMPTY = {
    "icon": "tag",
    "title": "No tags yet",
    "text": "Register a tag of an organisation, and no other organisation can put its APIs on gateways with that tag.",
    "action_url": "create/",
    "action_label": "Register a tag",
}
# Tags are compared as they are, for which there is an index of no kind: so once for the whole page.
CARRYING = """
SELECT tag, organisation_id, count(*) FROM apis_api, unnest(tags) AS tag
WHERE tags && %(names)s::varchar[] AND tag = ANY (%(names)s::text[]) GROUP BY 1, 2
"""
GONE = "an organisation that is gone"


class Row(NamedTuple):
    href: str
    name: str
    owner: str
    owner_href: str
    colour: str
    is_automatic: bool
    apis: int
    left_out: int
    groups: str


def page(request: OrgRequest) -> dict[str, Any]:
    sort_name, sort = paging.sort_of(request.GET, SORTS)
    fields = ("id", "name", "owner_id", "is_automatic")
    found = paging.page(_narrowed(request.GET), query=request.GET, sort=sort, fields=fields)
    context = listing(
        request,
        found,
        label="Tags",
        columns=COLUMNS,
        sort=sort_name,
        search="Tag begins with",
        selects=(WHOSE,),
        empty=EMPTY,
    )
    return context | {"rows": _rows(request.site.prefix, found.rows)}


def _narrowed(query: QueryDict) -> "QuerySet[SegmentTag]":
    tags = SegmentTag.objects.all()
    if begins := query.get("q", "").replace("\0", "").strip():
        tags = tags.filter(name__begins_with=begins)
    match query.get("whose"):
        case "shared":
            return tags.filter(owner_id="")
        case "own":
            return tags.exclude(owner_id="")
        case "automatic":
            return tags.filter(is_automatic=True)
    return tags


def _rows(prefix: str, tags: list[tuple[Any, ...]]) -> list[Row]:
    names = [name for _, name, _, _ in tags]
    owners = {owner.id: owner for owner in Organisation.objects.filter(pk__in={tag[2] for tag in tags})}
    carrying, groups = _carrying(names), _groups(names)
    return [
        _row(prefix, owners.get(owner_id), carrying.get(name, {}), groups.get(name, []), id, name, owner_id, automatic)
        for id, name, owner_id, automatic in tags
    ]


def _row(
    prefix: str, owner: Organisation | None, carrying: dict[str, int], groups: list[str],
    id: str, name: str, owner_id: str, is_automatic: bool,
) -> Row:  # fmt: skip
    total = sum(carrying.values())
    own = carrying.get(owner_id, 0) if owner_id else total
    return Row(
        href=f"{prefix}/tags/{id}/",
        name=name,
        owner=owner.name if owner else GONE if owner_id else "",
        owner_href=f"{prefix}/o/{owner.slug}/" if owner else "",
        colour=owner.colour if owner else "",
        is_automatic=is_automatic,
        apis=own,
        left_out=total - own,
        groups=", ".join(sorted(groups)),
    )


def _carrying(names: list[str]) -> dict[str, dict[str, int]]:
    """Return {tag: {organisation's id: how many of its APIs carry it}}."""
    found: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(CARRYING, {"names": names})
        for name, organisation_id, number in cursor.fetchall():
            found.setdefault(name, {})[organisation_id] = number
    return found


def _groups(names: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for group, tags in GatewayGroup.objects.filter(tags__overlap=names).values_list("name", "tags"):
        for tag in tags:
            found.setdefault(tag, []).append(group)
    return found
