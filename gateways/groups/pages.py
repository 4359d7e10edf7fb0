"""What the pages of groups show, to unbounded users."""

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from gateways import bus, credentials, pages, services
from gateways.groups import health
from gateways.groups.configuration import configuration
from gateways.groups.health import MOST_COUNTED, Health
from gateways.models import GatewayGroup, Lane, Node
from gateways.nodes import is_live
from gateways.outbox import FEEDS
from gateways.serving import KIND
from orgs.display import ago, when, when_and_ago
from orgs.http import OrgRequest
from orgs.models import Organisation
from orgs.sealing import unseal
from orgs.trail import history_of

MOST_NODES, MOST_NAMES = 500, 5


def group_list(request: OrgRequest) -> dict[str, Any]:
    """Return the context of `gateway_groups/list.html`."""
    groups = list(GatewayGroup.objects.order_by("name", "id"))
    found, now = health.of_groups(group.pk for group in groups), timezone.now()
    return {
        "page_title": "Gateways",
        "stats": _stats([found[group.pk] for group in groups], found[FEEDS]),
        "rows": [_row(request, group, found[group.pk], now) for group in groups],
        "empty": {
            "icon": "server",
            "title": "No group of gateways yet",
            "text": "Gateways register in a group, by its node secret; a group serves the organisations that it names.",
            "action_url": "create/",
            "action_label": "Create a group",
        },
        **pages.live(request),
    }


def _stats(of_groups: list[Health], feeds: Health) -> list[dict[str, str]]:
    live, nodes = sum(one.live for one in of_groups), sum(one.nodes for one in of_groups)
    failing = sum(one.failing_since is not None for one in of_groups)
    return [
        {
            "label": "Live nodes",
            "value": f"{live:,} of {nodes:,}",
            "note": "" if live == nodes else "some are silent",
            "tone": "" if live == nodes else "warning",
        },
        {
            "label": "Redis that cannot be reached",
            "value": f"{failing:,}",
            "tone": "danger" if failing else "",
            "note": "keys do not get there" if failing else "",
        },
        {"label": "Waits to be delivered", "value": _number(sum(one.waiting for one in of_groups))},
        {"label": "Waits to be prepared", "value": _number(feeds.waiting)},
    ]


def _row(request: OrgRequest, group: GatewayGroup, found: Health, now: datetime) -> dict[str, Any]:
    return {
        "href": f"{request.site.prefix}/gateways/{group.pk}/",
        "name": group.name,
        "serves": _serves(group),
        "tags": group.tags,
        "nodes": f"{found.live:,} of {found.nodes:,}",
        "redis": _redis(found),
        "fault": found.fault,
        "waiting": _number(found.waiting),
        "delivered": ago(found.delivered_at, now=now),
    }


def _serves(group: GatewayGroup) -> str:
    if group.serves_all:
        return "every organisation"
    number = len(group.organisation_ids)
    return f"{number:,} organisation{'' if number == 1 else 's'}" if number else "nobody yet"


def _redis(found: Health) -> tuple[str, str]:
    """Return (class of the badge, its text)."""
    if found.failing_since:
        return "faulty", "cannot be reached"
    return ("active", "reached") if found.delivered_at else ("waiting", "nothing delivered yet")


def _number(counted: int) -> str:
    return f"{MOST_COUNTED:,}+" if counted > MOST_COUNTED else f"{counted:,}"


def group_page(request: OrgRequest, group: GatewayGroup) -> dict[str, Any]:
    """Return the context of `gateway_groups/detail.html`."""
    now, text = timezone.now(), configuration_text(request, group)
    return {
        "page_title": group.name,
        "group": group,
        "here": f"{request.site.prefix}/gateways/{group.pk}/",
        "facts": facts(group),
        "shares_redis_with": shares_redis_with(group),
        "previous_until": when(group.previous_until) if credentials.has_previous(group) else "",
        "configuration": text,
        "configuration_lines": text.count("\n") + 2,
        "history": history_of(KIND, group.pk, organisation_id=None),
        **_delivery(group, now),
        **pages.live(request),
    }


def _delivery(group: GatewayGroup, now: datetime) -> dict[str, Any]:
    found = health.of_groups([group.pk])[group.pk]
    nodes = list(Node.objects.filter(group=group).order_by("host_name", "id")[: MOST_NODES + 1])
    shown = nodes[:MOST_NODES]
    changed = health.changed_since(group, shown)
    redis_class, redis_text = _redis(found)
    failing = [
        {"label": "Since", "value": when_and_ago(found.failing_since, now=now)},
        {"label": "Reason", "value": found.fault},
    ]
    return {
        "delivery": [
            {"label": "Redis", "value": redis_text, "state": redis_class},
            *(failing if found.failing_since else []),
            {"label": "Last delivered", "value": when_and_ago(found.delivered_at, now=now)},
            {"label": "Waits to be delivered", "value": _number(found.waiting)},
        ],
        "nodes": [_node_row(node, changed[node.pk], now) for node in shown],
        "most_nodes": MOST_NODES if len(nodes) > MOST_NODES else 0,
    }


def _node_row(node: Node, changed: int | None, now: datetime) -> dict[str, Any]:
    return {
        "name": str(node),
        "id": node.pk,
        "address": node.address,
        "registered": when(node.registered_at),
        "apis_at": ago(node.apis_at, now=now),
        "policies_at": ago(node.policies_at, now=now),
        "seen": ago(node.seen_at, now=now),
        "health": pages.health(is_live(node.seen_at)),
        "behind": pages.behind(changed or 0, has_fetched=changed is not None),
    }


def facts(group: GatewayGroup) -> list[dict[str, Any]]:
    return [
        {"label": "Serves", "value": _serves_by_name(group)},
        {"label": "Segment tags", "value": ", ".join(group.tags) or "none: its gateways load every API"},
        {"label": "Hash of keys", "value": group.hash_algorithm, "is_code": True},
        {"label": "Redis", "value": redis_shown(group)},
        {"label": "Gateway API", "value": group.api_url + (" (with its secret)" if group.sealed_api_secret else "")},
        {"label": "Version", "value": version_of(group)},
        {"label": "ID", "value": group.pk, "is_code": True},
        {"label": "Created", "value": when(group.created_at)},
    ]


def version_of(group: GatewayGroup) -> str:
    return Lane.objects.filter(pk=group.pk).values_list("version", flat=True).first() or ""


def _serves_by_name(group: GatewayGroup) -> str:
    return _serves(group) if group.serves_all else ", ".join(served_names(group)) or "nobody yet"


def served_names(group: GatewayGroup) -> list[str]:
    """Return some of the names, and of how many more there are."""
    served = Organisation.objects.order_by("name", "id")
    if not group.serves_all:
        served = served.filter(pk__in=group.organisation_ids)
    names = list(served.values_list("name", flat=True)[:MOST_NAMES])
    more = served.count() - len(names)
    return [*names, *([f"{more:,} more"] if more else [])]


def redis_shown(group: GatewayGroup) -> str:
    """Return the address without its password."""
    if group.sealed_redis_url:
        return services.without_password(unseal(group.sealed_redis_url))
    if settings.GATEWAY_REDIS_URL:
        return f"the installation's, {services.without_password(settings.GATEWAY_REDIS_URL)}"
    return "the installation's"


def shares_redis_with(group: GatewayGroup) -> list[str]:
    """Return the names of the other groups with the same Redis."""
    place = bus.place_of(group)
    others = GatewayGroup.objects.exclude(pk=group.pk).order_by("name") if place else ()
    return [other.name for other in others if bus.place_of(other) == place]


def configuration_text(request: OrgRequest, group: GatewayGroup) -> str:
    try:
        redis_url = bus.url_of(group)
    except bus.NoBus:
        redis_url = ""
    made = configuration(
        dashboard_url=f"{request.scheme}://{request.get_host()}",
        redis_url=redis_url,
        tags=group.tags,
        hash_algorithm=group.hash_algorithm,
    )
    return json.dumps(made, indent=2, ensure_ascii=False)


def conflict(group: GatewayGroup, fields: list[tuple[str, str, str]], *, reload_url: str) -> dict[str, Any]:
    """Return the context of `partials/conflict.html`."""
    last = history_of(KIND, group.pk, organisation_id=None, most=1)
    who, at = (last[0]["who"], last[0]["when"]) if last else ("somebody", "lately")
    return {"who": who, "when": at, "fields": fields, "reload_url": reload_url}


def of_deleting(group: GatewayGroup, *, cancel_url: str) -> dict[str, Any]:
    """Return the context of `partials/confirm.html`."""
    nodes = Node.objects.filter(group=group).count()
    served = ", ".join(served_names(group))
    return {
        "title": f"Delete {group.name}?",
        "stops": [
            f"Gateways that are registered in it: {nodes:,}. They answer with what they have, until they are started "
            "anew: nothing that is changed from now on gets to them, also no key that is revoked.",
            "Its node secret opens nothing any more.",
        ],
        "notices": [f"Served by it: {served}." if served else "It serves nobody."],
        "undo": "No: another group has another node secret, which each gateway would have to be given.",
        "action_label": "Delete the group",
        "cancel_url": cancel_url,
        "name_to_type": one_line(group.name),
    }


def one_line(text: str) -> str:
    """As a browser shows it."""
    return " ".join(text.split())
