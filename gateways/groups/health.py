"""How each group does: its nodes, its Redis, and what still waits. Read in the scope of everything."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone

from gateways.models import FeedItem, GatewayGroup, Lane, Node
from gateways.nodes import SILENT_AFTER
from gateways.outbox import FEEDS

MOST_COUNTED = 10_000
# Counting stops: after an import there may be millions.
WAITING = """
SELECT wanted.id, (SELECT count(*) FROM (
    SELECT FROM gateways_outbox WHERE group_id = wanted.id LIMIT %(most)s) AS counted)
FROM unnest(%(ids)s::text[]) AS wanted (id)
"""
# What has been written since a node fetched, of all that its group serves; nodes that were given the same together.
# Of an organisation that is served anew, or no longer, that is everything.
CHANGED = """
WITH given AS (
    SELECT place, kind, snapshot::pg_snapshot, serving.organisation_id, serving.since
    FROM jsonb_to_recordset(%(looks)s::jsonb) AS look (place int, kind text, snapshot text)
    JOIN gateways_serving AS serving ON serving.group_id = %(group)s
), changed AS (
    SELECT place, organisation_id, item.object_id
    FROM given JOIN gateways_feeditem AS item USING (organisation_id, kind)
    WHERE item.since >= pg_snapshot_xmin(snapshot)::text::bigint
        AND NOT pg_visible_in_snapshot(item.since::text::xid8, snapshot)
    UNION
    SELECT place, organisation_id, item.object_id
    FROM given JOIN gateways_feeditem AS item USING (organisation_id, kind)
    WHERE item.is_served AND NOT pg_visible_in_snapshot(given.since::text::xid8, snapshot)
)
SELECT place, count(*) FROM changed GROUP BY place
"""


@dataclass(frozen=True)
class Health:
    """Of a group. `waiting` stops at MOST_COUNTED + 1."""

    live: int = 0
    nodes: int = 0
    waiting: int = 0
    delivered_at: datetime | None = None
    failing_since: datetime | None = None
    fault: str = ""


def of_groups(ids: Iterable[str]) -> dict[str, Health]:
    """Return the health of each; that of no group ("") is what waits to be built for all of them."""
    ids = [*ids]
    nodes, lanes, waits = _nodes(ids), Lane.objects.in_bulk(ids), waiting([*ids, FEEDS])
    return {id: Health(waiting=waits[id], **nodes.get(id, {}), **_of_lane(lanes.get(id))) for id in [*ids, FEEDS]}


def _of_lane(lane: Lane | None) -> dict[str, Any]:
    names = ("delivered_at", "failing_since", "fault")
    return {name: getattr(lane, name) for name in names} if lane else {}


def waiting(ids: Iterable[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"ids": [*ids], "most": MOST_COUNTED + 1})
        return dict(cursor.fetchall())


def _nodes(ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    lives = Q(seen_at__gt=timezone.now() - SILENT_AFTER)
    rows = Node.objects.filter(group_id__in=ids).order_by().values_list("group_id")
    counted = rows.annotate(nodes=Count("id"), live=Count("id", filter=lives))
    return {id: {"nodes": nodes, "live": live} for id, nodes, live in counted}


def changed_since(group: GatewayGroup, nodes: Iterable[Node]) -> dict[str, int | None]:
    """Return of each node how many APIs and policies have changed since it fetched; None where it never did."""
    looks: dict[tuple[str, str], int] = {}
    places: dict[str, list[int] | None] = {}
    for node in nodes:
        kinds = ((FeedItem.APIS, node.apis_snapshot), (FeedItem.POLICIES, node.policies_snapshot))
        has_fetched = all(snapshot for _, snapshot in kinds)
        places[node.pk] = [looks.setdefault(look, len(looks)) for look in kinds] if has_fetched else None
    found = _changed(group, looks)
    return {id: None if of is None else sum(found.get(place, 0) for place in of) for id, of in places.items()}


def _changed(group: GatewayGroup, looks: Mapping[tuple[str, str], int]) -> dict[int, int]:
    rows = [{"place": place, "kind": kind, "snapshot": snapshot} for (kind, snapshot), place in looks.items()]
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, {"looks": json.dumps(rows), "group": group.pk})
        return dict(cursor.fetchall())
