"""What an organisation's pages of gateways show: the groups that serve it, their nodes, and what those have of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from apis.models import Api
from gateways import drift, sight
from gateways.drift import Counts, Faulty
from gateways.models import FeedItem
from gateways.serving import is_off
from gateways.sight import SeenGroup, SeenNode, Sight
from gateways.standing import Compared
from orgs.display import ago, when_and_ago
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may
from orgs.sites import Kind

MOST_ROWS, MOST_FAULTS = 200, 5
KINDS = {FeedItem.APIS: (ObjectKind.APIS, "API"), FeedItem.POLICIES: (ObjectKind.POLICIES, "policy")}


def live(request: OrgRequest) -> dict[str, Any]:
    """Return what the pages share that renew themselves. Visits do not: each look is a line of the audit trail."""
    return {
        "is_live": request.site.kind != Kind.VISIT,
        "as_of": timezone.now().strftime("%H:%M:%S"),
        "prefix": f"{request.site.prefix}/gateways/",
    }


def overview(request: OrgRequest) -> dict[str, Any]:
    """Return the context of `gateways/list.html`."""
    seen, now = sight.look(), timezone.now()
    counted, shared = drift.counts(seen.nodes), seen.shared_names
    prefix = f"{request.site.prefix}/gateways/nodes/"
    return {
        "page_title": "Gateways",
        "groups": [_group_row(seen, group) for group in seen.groups],
        "nodes": [_node_row(node, shared, counted[node.id], now, prefix) for node in seen.nodes],
        "most_nodes": sight.MOST_NODES if seen.has_more else 0,
        "faults": _faults(request, drift.faulty(kinds=_kinds(request), most=MOST_FAULTS + 1)),
        "empty": _nothing(seen),
        **live(request),
    }


def _group_row(seen: Sight, group: SeenGroup) -> dict[str, Any]:
    nodes = seen.nodes_of(group)
    return {
        "name": group.name,
        "tags": group.tags,
        "hash_algorithm": group.hash_algorithm,
        "version": group.version,
        "nodes": f"{sum(node.is_live for node in nodes):,} of {len(nodes):,}" if nodes else "none yet",
    }


def _named(node: SeenNode, shared: set[str], now: datetime, prefix: str) -> dict[str, Any]:
    """Return what every table of nodes says of one; the beginning of its id where another one has the same name."""
    return {
        "href": f"{prefix}{node.id}/" if prefix else "",
        "name": node.name,
        "mark": node.id[:8] if node.name in shared else "",
        "seen": ago(node.seen_at, now=now),
        "health": health(node.is_live),
    }


def _node_row(node: SeenNode, shared: set[str], counts: Counts, now: datetime, prefix: str) -> dict[str, Any]:
    return {
        **_named(node, shared, now, prefix),
        "group": node.group,
        "tags": node.tags,
        "apis": f"{counts.apis:,}",
        "behind": behind(counts.behind, has_fetched=node.apis_at is not None or node.apis_snapshot != ""),
    }


def health(is_live: bool) -> tuple[str, str]:
    """Return (class of the badge, its text)."""
    return ("active", "live") if is_live else ("expired", "silent")


def behind(number: int, *, has_fetched: bool) -> tuple[str, str]:
    if not has_fetched:
        return "waiting", "nothing fetched yet"
    return ("behind", f"{number:,} behind") if number else ("current", "up to date")


def _faults(request: OrgRequest, found: Sequence[Faulty]) -> dict[str, Any] | None:
    if not found:
        return None
    links = [(f"{request.site.prefix}/{fault.kind}/{fault.id}/", fault.name, fault.reason) for fault in found]
    return {"links": links[:MOST_FAULTS], "has_more": len(found) > MOST_FAULTS}


def _nothing(seen: Sight) -> dict[str, str] | None:
    if not seen.groups:
        return {
            "icon": "server",
            "title": "No gateway serves this organisation yet",
            "text": "Which gateways serve whom is decided by whoever runs this installation: ask them for a group.",
        }
    if not seen.nodes:
        return {
            "icon": "server",
            "title": "No gateway has registered yet",
            "text": "Gateways appear here by themselves, as soon as one of a group above is started.",
        }
    return None


def node_page(request: OrgRequest, node: SeenNode) -> dict[str, Any]:
    """Return the context of `gateways/node.html`."""
    rows, total = drift.on_node(node, kinds=_kinds(request), most=MOST_ROWS)
    counts = drift.counts([node])[node.id]
    return {
        "page_title": node.name,
        "node": node,
        "health": health(node.is_live),
        "stats": _stats(node, counts),
        "facts": facts(node),
        "rows": [_compared_row(request, row) for row in rows],
        "shown": f"{len(rows):,} of {total:,}" if total > len(rows) else "",
        "empty": {"title": "There is nothing to load yet", "icon": "api", "text": "The organisation has no APIs."},
        **live(request),
    }


def _stats(node: SeenNode, counts: Counts) -> list[dict[str, str]]:
    now = timezone.now()
    behind_class, behind_text = behind(counts.behind, has_fetched=node.apis_snapshot != "")
    return [
        {
            "label": "Health",
            "value": health(node.is_live)[1],
            "tone": "" if node.is_live else "danger",
            "note": f"last seen {ago(node.seen_at, now=now)}",
        },
        {
            "label": "APIs loaded",
            "value": f"{counts.apis:,}",
            "note": f"fetched {ago(node.apis_at, now=now)}" if node.apis_at else "nothing fetched yet",
        },
        {
            "label": "Behind",
            "value": f"{counts.behind:,}",
            "tone": "warning" if behind_class == "behind" else "",
            "note": "of APIs and policies" if counts.behind else behind_text,
        },
    ]


def facts(node: SeenNode) -> list[dict[str, Any]]:
    now = timezone.now()
    return [
        {"label": "Group", "value": node.group},
        {"label": "Segment tags", "value": ", ".join(node.tags) or "none: it loads every API"},
        {"label": "Fetched APIs", "value": when_and_ago(node.apis_at, now=now)},
        {"label": "Fetched policies", "value": when_and_ago(node.policies_at, now=now)},
        {"label": "Registered", "value": when_and_ago(node.registered_at, now=now)},
        {"label": "ID", "value": node.id, "is_code": True},
    ]


def _kinds(request: OrgRequest) -> list[str]:
    return [kind for kind, (may_read, _) in KINDS.items() if may(request, may_read, Level.READ)]


def _compared_row(request: OrgRequest, row: Compared) -> dict[str, Any]:
    return {
        "href": f"{request.site.prefix}/{row.kind}/{row.id}/" if row.stored else "",
        "name": row.name,
        "kind": KINDS[row.kind][1],
        **standing(row),
    }


def standing(row: Compared) -> dict[str, str]:
    return {
        "on_node": row.on_node,
        "in_store": row.in_store,
        "standing": row.standing.value,
        "label": row.label,
        "sentence": row.sentence,
    }


def api_tab(request: OrgRequest, api: Api) -> dict[str, Any]:
    """Return what the tab "Where it runs" adds to the page of an API."""
    seen, now = sight.look(), timezone.now()
    found = drift.of_api(api.pk, seen.nodes)
    may_open = may(request, ObjectKind.SYSTEM, Level.READ)
    prefix = f"{request.site.prefix}/gateways/nodes/" if may_open else ""
    return {
        "reason": _why_not_served(request, api),
        "stored": f"{api.revision:,}",
        "groups": [_group_of_api(seen, group, found, prefix, now) for group in seen.groups],
        "empty": _nothing(Sight((), ())),
        **live(request),
    }


def _group_of_api(
    seen: Sight, group: SeenGroup, found: dict[str, Compared], prefix: str, now: datetime
) -> dict[str, Any]:
    rows = [(node, found[node.id]) for node in seen.nodes_of(group) if node.id in found]
    shared = seen.shared_names
    return {
        "name": group.name,
        "tags": group.tags,
        "lacks_tag": bool(rows) and not any(row.fits for _, row in rows),
        "nodes": [{**_named(node, shared, now, prefix), **standing(row)} for node, row in rows],
    }


def _why_not_served(request: OrgRequest, api: Api) -> str:
    """But for a fault, which every page of the API shows."""
    if request.organisation.is_suspended:
        return f"{request.organisation.name} is suspended: gateways are given none of its APIs."
    if is_off(request.organisation):
        return f"{request.organisation.name} is switched off at gateways: its own key there says that it is inactive."
    return "" if api.is_active else "The API is inactive: gateways are not given it. Activate it to have it served."
