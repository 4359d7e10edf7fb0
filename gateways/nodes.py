"""Nodes register, beat and leave. What they are is in PostgreSQL: a restart of either side costs nothing.

Each function opens the installation's scope for a moment; between two calls of a node nothing is held open.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from gateways import credentials
from gateways.models import GatewayGroup, Node
from gateways.protocol import AUTHORISATION_FAILED, UNKNOWN_NODE, WRONG_NONCE, Refused, Sent
from orgs import scope

SILENT_AFTER = timedelta(seconds=15)
FORGOTTEN_AFTER = timedelta(days=1)
MOST_NODES = 5_000  # of a group: whoever has its secret may register as often as they like
# As the list itself is compared (feed.sending): what has been written of an entry, or of whom the group serves,
# or no longer serves.
IS_ANY_BEHIND = """
WITH given AS (
    SELECT 'apis' AS kind, apis_snapshot AS snapshot FROM gateways_node
    WHERE group_id = %(group)s AND seen_at > %(since)s AND apis_snapshot <> ''
    UNION SELECT 'policies', policies_snapshot FROM gateways_node
    WHERE group_id = %(group)s AND seen_at > %(since)s AND policies_snapshot <> ''
)
SELECT EXISTS (
    SELECT FROM given JOIN gateways_lane AS lane ON lane.group_id = %(group)s AND lane.ended > 0
        AND NOT pg_visible_in_snapshot(lane.ended::text::xid8, given.snapshot::pg_snapshot)
) OR EXISTS (
    SELECT FROM given JOIN gateways_serving AS serving ON serving.group_id = %(group)s
        AND NOT pg_visible_in_snapshot(serving.since::text::xid8, given.snapshot::pg_snapshot)
) OR EXISTS (
    SELECT FROM given JOIN gateways_feeditem AS item ON item.kind = given.kind
        AND item.since >= pg_snapshot_xmin(given.snapshot::pg_snapshot)::text::bigint
        AND NOT pg_visible_in_snapshot(item.since::text::xid8, given.snapshot::pg_snapshot)
    JOIN gateways_serving AS serving ON serving.organisation_id = item.organisation_id AND serving.group_id = %(group)s
)
"""


@dataclass(frozen=True)
class Registration:
    node_id: str
    nonce: str


def register(sent: Sent, *, address: str) -> Registration:
    """Take a node into the group of its secret. A process that registers again stays the node that it was.

    The nonce is good until that node registers again: gateways send calls side by side, and a nonce that changed
    with each would have them register for ever. Raises Refused.
    """
    nonce = str(uuid.uuid4())
    with scope.opened(scope.INSTALLATION):
        group = _group_of(sent.secret)
        node = _registered(group, sent, nonce=nonce, address=address) if group else None
    if node is None:
        raise Refused(AUTHORISATION_FAILED)
    return Registration(node.id, nonce)


def _registered(group: GatewayGroup, sent: Sent, *, nonce: str, address: str) -> Node:
    facts = {
        "nonce_digest": credentials.nonce_digest(nonce),
        "host_name": sent.host_name,
        "address": address[:45],
        "registered_at": Now(),
        "seen_at": Now(),
    }
    node = Node.objects.filter(group=group, session_id=sent.session_id).first() if sent.session_id else None
    if node is None:
        heard_last = Node.objects.filter(group=group).order_by("-seen_at").values_list("pk", flat=True)
        if too_many := list(heard_last[MOST_NODES - 1 :]):
            Node.objects.filter(pk__in=too_many).delete()
        return Node.objects.create(id=str(uuid.uuid4()), group=group, session_id=sent.session_id, **facts)
    Node.objects.filter(pk=node.pk).update(**facts)
    return node


def recognise(sent: Sent) -> Node:
    """Return the node that calls, with its group. Raises Refused: a node of another group does not exist here."""
    with scope.opened(scope.INSTALLATION):
        group = _group_of(sent.secret)
        node = Node.objects.filter(pk=sent.node_id, group=group).first() if group and sent.node_id else None
    if group is None:
        raise Refused(AUTHORISATION_FAILED)
    if node is None:
        raise Refused(UNKNOWN_NODE)
    if not constant_time_compare(node.nonce_digest, credentials.nonce_digest(sent.nonce)):
        raise Refused(WRONG_NONCE)
    node.group = group
    return node


def _group_of(secret: str) -> GatewayGroup | None:
    given = credentials.digest(secret)
    previous = Q(previous_digest=given, previous_until__gt=Now())
    return GatewayGroup.objects.filter(Q(digest=given) | previous).first() if secret else None


def is_live(seen_at: datetime) -> bool:
    return timezone.now() - seen_at < SILENT_AFTER


def leave(sent: Sent) -> None:
    node = recognise(sent)
    with scope.opened(scope.INSTALLATION):
        Node.objects.filter(pk=node.pk).delete()


def is_any_behind(group_id: str) -> bool:
    """Whether a living node of the group has not fetched what has changed: gateways miss messages while they start."""
    with scope.opened(scope.EVERYTHING), connection.cursor() as cursor:
        cursor.execute(IS_ANY_BEHIND, {"group": group_id, "since": timezone.now() - SILENT_AFTER})
        return bool(cursor.fetchone()[0])


def forget_lost() -> int:
    """Delete nodes that have been silent for a day; return how many."""
    with scope.opened(scope.INSTALLATION):
        return Node.objects.filter(seen_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()[0]
