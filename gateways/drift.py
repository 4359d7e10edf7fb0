"""What nodes were last given of an organisation, against what is stored now.

A node's snapshots say which transactions its feeds have seen: so whether it has what a row of FeedItem says, or what
that said before. It is compared in one statement, whatever there is of nodes and of APIs; nodes that were given the
same are looked at once.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from gateways.feed.building import LONGEST_HISTORY
from gateways.models import FeedItem
from gateways.sight import SeenNode
from gateways.standing import OLDER, Compared
from orgs import scope

KINDS = (FeedItem.APIS, FeedItem.POLICIES)
COMPARED = """
WITH look AS MATERIALIZED (
    SELECT given.place, given.kind, given.tags, given.snapshot::pg_snapshot AS snapshot, serving.is_off,
        -- A serving that the snapshot has not seen was of the other kind then: none at all, or not off.
        given.snapshot IS NOT NULL AND serving.is_off <> pg_visible_in_snapshot(
            serving.since::text::xid8, given.snapshot::pg_snapshot) AS has_ours
    FROM jsonb_to_recordset(%(looks)s::jsonb) AS given (place int, kind text, tags text[], snapshot text, group_id text)
    JOIN gateways_serving AS serving ON serving.organisation_id = %(organisation)s AND serving.group_id = given.group_id
), object AS (
    SELECT 'apis' AS kind, id, name, revision, is_active, tags::text[] AS tags FROM apis_api
    WHERE organisation_id = %(organisation)s AND (%(id)s::text IS NULL OR id = %(id)s)
    UNION ALL
    SELECT 'policies', id, name, revision, true, '{}'::text[] FROM keys_policy
    WHERE organisation_id = %(organisation)s AND (%(id)s::text IS NULL OR id = %(id)s)
), item AS (
    SELECT kind, object_id AS id, name, revision, is_served, fault, tags, since, history FROM gateways_feeditem
    WHERE organisation_id = %(organisation)s AND (%(id)s::text IS NULL OR object_id = %(id)s)
), pair AS (
    SELECT kind, id, coalesce(object.name, item.name) AS name, coalesce(object.revision, 0) AS stored,
        coalesce(object.is_active, false) AS is_active, coalesce(item.revision, 0) AS built,
        CASE WHEN item.revision = object.revision OR object.id IS NULL THEN item.tags ELSE object.tags END AS tags,
        item.is_served, coalesce(item.fault, '') AS fault, item.since, item.history
    FROM object FULL JOIN item USING (kind, id)
), seen AS (
    SELECT look.place, look.tags AS group_tags, look.is_off, look.snapshot IS NOT NULL AS has_fetched, pair.*,
        look.kind = 'policies' OR look.tags = '{}' OR pair.tags && look.tags AS fits,
        has_ours AND pg_visible_in_snapshot(pair.since::text::xid8, look.snapshot) IS TRUE AS is_newest,
        CASE WHEN has_ours AND pair.since IS NOT NULL THEN coalesce((
            SELECT (entry ->> 0)::int FROM jsonb_array_elements(pair.history) WITH ORDINALITY AS entry (entry, place)
            WHERE pg_visible_in_snapshot((entry ->> 1)::xid8, look.snapshot) ORDER BY entry.place LIMIT 1),
            CASE WHEN jsonb_array_length(pair.history) >= %(longest)s THEN %(older)s ELSE 0 END) ELSE 0 END AS before
    FROM look JOIN pair USING (kind)
), compared AS (
    SELECT *,
        CASE WHEN NOT is_newest THEN before WHEN is_served AND fits THEN built ELSE 0 END AS held,
        CASE WHEN is_off OR NOT is_active OR NOT fits OR (fault <> '' AND built = stored) THEN 0
            ELSE stored END AS wanted
    FROM seen
), judged AS (
    SELECT *, held <> wanted OR (wanted > 0 AND NOT is_newest) AS is_behind FROM compared
)
"""
COUNT = f"""{COMPARED}
SELECT place, count(*) FILTER (WHERE held <> 0), count(*) FILTER (WHERE is_behind) FROM judged GROUP BY place
"""  # noqa: S608 - made of the text above
HAS_LOADED = """
SELECT EXISTS (
    SELECT FROM jsonb_to_recordset(%(looks)s::jsonb) AS given (tags text[], snapshot text, group_id text)
    JOIN gateways_serving AS serving ON serving.organisation_id = %(organisation)s AND serving.group_id = given.group_id
    JOIN gateways_feeditem AS item ON item.organisation_id = %(organisation)s AND item.kind = 'apis' AND item.is_served
    WHERE given.snapshot IS NOT NULL AND NOT serving.is_off
        AND pg_visible_in_snapshot(serving.since::text::xid8, given.snapshot::pg_snapshot)
        AND pg_visible_in_snapshot(item.since::text::xid8, given.snapshot::pg_snapshot)
        AND (given.tags = '{}' OR item.tags && given.tags))
"""
LIST = f"""{COMPARED}
SELECT place, kind, id, name, stored, built, held, wanted, fault, is_active, is_off, fits, has_fetched, is_newest,
    is_behind, count(*) OVER (PARTITION BY place) FROM judged
WHERE (stored > 0 OR held <> 0) AND kind = ANY (%(kinds)s)
ORDER BY is_behind DESC, fault = '', kind, lower(name), id LIMIT %(most)s
"""  # noqa: S608 - made of the text above


@dataclass(frozen=True)
class Faulty:
    """An API or policy that gateways are not given, and why."""

    kind: str
    id: str
    name: str
    reason: str


@dataclass(frozen=True)
class Counts:
    """Of an organisation on a node: the APIs that it has, and all of which it should have something else."""

    apis: int = 0
    behind: int = 0


def counts(nodes: Iterable[SeenNode]) -> dict[str, Counts]:
    """Return the counts by the nodes' ids."""
    looks = _Looks()
    places = {node.id: (looks.add(node, FeedItem.APIS), looks.add(node, FeedItem.POLICIES)) for node in nodes}
    found = {place: Counts(*numbers) for place, *numbers in _ask(COUNT, looks)}
    none = Counts()
    of = {id: (found.get(apis, none), found.get(policies, none)) for id, (apis, policies) in places.items()}
    return {id: Counts(apis.apis, apis.behind + policies.behind) for id, (apis, policies) in of.items()}


def on_node(node: SeenNode, *, kinds: Sequence[str] = KINDS, most: int) -> tuple[list[Compared], int]:
    """Return what there is to say of each API and policy, with what is behind before the rest, and of how many."""
    looks = _Looks()
    for kind in kinds:
        looks.add(node, kind)
    rows = _ask(LIST, looks, kinds=list(kinds), most=most)
    total = sum({row[0]: row[-1] for row in rows}.values())
    return [Compared(*row[1:-1]) for row in rows], total


def of_api(id: str, nodes: Iterable[SeenNode]) -> dict[str, Compared]:
    """Return how the API stands on each of the nodes, by their ids."""
    looks = _Looks()
    places = {node.id: looks.add(node, FeedItem.APIS) for node in nodes}
    rows = _ask(LIST, looks, id=id, kinds=[FeedItem.APIS], most=None)
    found = {row[0]: Compared(*row[1:-1]) for row in rows}
    return {node_id: found[place] for node_id, place in places.items() if place in found}


def fault_of(api_id: str) -> str:
    """Return why gateways do not get the API; nothing where they do."""
    items = FeedItem.objects.filter(kind=FeedItem.APIS, object_id=api_id, is_served=False, revision__gt=0)
    return items.values_list("fault", flat=True).first() or ""


def faulty(*, kinds: Sequence[str] = KINDS, most: int) -> list[Faulty]:
    """Return some of what gateways are not given; a revision of 0 is what has been deleted."""
    items = FeedItem.objects.filter(kind__in=kinds, is_served=False, revision__gt=0).exclude(fault="")
    rows = items.order_by("kind", "name", "object_id").values_list("kind", "object_id", "name", "fault")
    return [Faulty(*row) for row in rows[:most]]


def has_loaded(nodes: Iterable[SeenNode]) -> bool:
    """Return whether any of the nodes has an API of the organisation; looked for until there is one."""
    looks = _Looks()
    for node in nodes:
        looks.add(node, FeedItem.APIS)
    return bool(looks.rows) and bool(_ask(HAS_LOADED, looks)[0][0])


class _Looks:
    """Whatever several nodes were given alike has one place."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str, str], int] = {}
        self.rows: list[dict[str, Any]] = []

    def add(self, node: SeenNode, kind: str) -> int:
        snapshot = node.apis_snapshot if kind == FeedItem.APIS else node.policies_snapshot
        place = self.places.setdefault((node.group_id, kind, snapshot), len(self.rows))
        if place == len(self.rows):
            look = {"place": place, "kind": kind, "tags": list(node.tags), "group_id": node.group_id}
            self.rows.append(look | {"snapshot": snapshot or None})
        return place


def _ask(statement: str, looks: _Looks, *, id: str | None = None, **values: Any) -> list[tuple[Any, ...]]:
    if not looks.rows:
        return []
    values |= {"organisation": scope.current_organisation_id(), "looks": json.dumps(looks.rows), "id": id}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "longest": LONGEST_HISTORY, "older": OLDER})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
