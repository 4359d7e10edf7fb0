"""The one door through which an organisation sees gateways: the groups that serve it, and their nodes.

Which groups those are stands in the organisation's own rows. The groups and nodes themselves are the installation's,
and are read in its scope, by those ids alone. What comes out has no secret, no address, and nothing of whom else a
group serves.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from gateways.models import GatewayGroup, Lane, Node, Serving
from gateways.nodes import is_live
from orgs import scope

MOST_NODES = 500
NODE_FIELDS = (
    "id", "group_id", "host_name", "registered_at", "seen_at", "apis_snapshot", "apis_at", "policies_snapshot",
    "policies_at",
)  # fmt: skip


@dataclass(frozen=True)
class SeenNode:
    """`apis_snapshot` and `policies_snapshot` say what it was last given; empty is nothing yet."""

    id: str
    group_id: str
    host_name: str
    registered_at: datetime
    seen_at: datetime
    apis_snapshot: str = field(repr=False)
    apis_at: datetime | None
    policies_snapshot: str = field(repr=False)
    policies_at: datetime | None
    group: str
    tags: tuple[str, ...]
    is_live: bool

    @property
    def name(self) -> str:
        return self.host_name or self.id


@dataclass(frozen=True)
class SeenGroup:
    """A group that serves the organisation. Its name is what the installation calls it; its version may be unknown."""

    id: str
    name: str
    tags: tuple[str, ...]
    hash_algorithm: str
    version: str = ""


@dataclass(frozen=True)
class Sight:
    """All of it; of more than MOST_NODES nodes those that were heard of last."""

    groups: tuple[SeenGroup, ...]
    nodes: tuple[SeenNode, ...]
    has_more: bool = False

    @property
    def shared_names(self) -> set[str]:
        """The names that more than one node has: several may run on one machine."""
        return {name for name, number in Counter(node.name for node in self.nodes).items() if number > 1}

    def nodes_of(self, group: SeenGroup) -> list[SeenNode]:
        return [node for node in self.nodes if node.group_id == group.id]


def look(*, most: int = MOST_NODES) -> Sight:
    """Return what the open scope's organisation may see."""
    served_by = _served_by()
    with scope.opened(scope.INSTALLATION):
        groups = _groups(served_by)
        rows = list(_nodes(served_by).order_by("-seen_at", "id").values(*NODE_FIELDS)[: most + 1])
    named = {group.id: group for group in groups}
    nodes = [_seen(row, named[row["group_id"]]) for row in rows[:most]]
    nodes.sort(key=lambda node: (node.group.casefold(), node.group_id, node.name.casefold(), node.id))
    return Sight(groups, tuple(nodes), has_more=len(rows) > most)


def find_node(id: str) -> SeenNode | None:
    """Return a node of a group that serves the organisation; every other one does not exist."""
    served_by = _served_by()
    with scope.opened(scope.INSTALLATION):
        row = _nodes(served_by).filter(pk=id).values(*NODE_FIELDS).first()
        groups = _groups([row["group_id"]]) if row else ()
    return _seen(row, groups[0]) if row and groups else None


def _served_by() -> list[str]:
    return list(Serving.objects.order_by("group_id").values_list("group_id", flat=True))


def _groups(ids: Iterable[str]) -> tuple[SeenGroup, ...]:
    lanes = Lane.objects.filter(group_id=OuterRef("pk")).values("version")
    rows = GatewayGroup.objects.filter(pk__in=ids).annotate(version=Coalesce(Subquery(lanes), Value("")))
    columns = rows.values_list("id", "name", "tags", "hash_algorithm", "version")
    return tuple(SeenGroup(id, name, tuple(tags), *rest) for id, name, tags, *rest in columns)


def _nodes(group_ids: Iterable[str]) -> "QuerySet[Node]":
    """A node without its group is one whose group is being deleted."""
    groups = GatewayGroup.objects.filter(pk__in=group_ids)
    return Node.objects.filter(group_id__in=groups.order_by().values("id"))


def _seen(row: dict[str, Any], group: SeenGroup) -> SeenNode:
    return SeenNode(**row, group=group.name, tags=group.tags, is_live=is_live(row["seen_at"]))
