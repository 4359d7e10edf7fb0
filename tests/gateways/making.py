"""Groups, nodes and what they were given, at moments that a test chooses.

Within a test's one transaction PostgreSQL's snapshots see nothing of it. So the numbers of transactions are made up: a
node that was given what there was at 50 has seen what was written before.
"""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apis import definition as definitions
from apis.definition import Authentication
from apis.models import Api
from apis.services import create_api
from gateways import outbox, serving
from gateways.feed import building
from gateways.models import FeedItem, GatewayGroup, Node, Serving
from gateways.services import create_group
from orgs import scope
from orgs.models import Organisation
from tests.conftest import SiteClient

SECRET_REDIS = "redis://:hunter2-of-redis@redis.secret.example:6379/3"


def group(name: str, *organisations: Organisation, **settings: Any) -> GatewayGroup:
    """Make a group that serves these organisations since transaction 1; all of them where none is named."""
    ids = [organisation.id for organisation in organisations]
    made, _ = create_group(name=name, serves_all=not ids, organisation_ids=ids, redis_url=SECRET_REDIS, **settings)
    serving.write_out()
    with scope.opened(scope.EVERYTHING):
        served = list(Serving.objects.values_list("organisation_id", flat=True).distinct())
    for id in served:
        with scope.opened(scope.of(id)):
            Serving.objects.update(since=1)
    return made


def node(of: GatewayGroup, name: str, *, given: int = 0, silent_s: int = 0, **fields: Any) -> Node:
    """Make a node that was given what there was at transaction `given`; nothing yet where that is 0."""
    seen_at = timezone.now() - timedelta(seconds=silent_s)
    snapshot = at(given) if given else ""
    with scope.opened(scope.INSTALLATION):
        number = Node.objects.count() + 1
        made = {"id": f"00000000-0000-4000-8000-{number:012}", "host_name": name, "seen_at": seen_at, **fields}
        return Node.objects.create(group=of, apis_snapshot=snapshot, policies_snapshot=snapshot, **made)


def at(transaction: int) -> str:
    return f"{transaction}:{transaction}:"


def api(of: Organisation, name: str, *, tags: tuple[str, ...] = (), active: bool = True) -> Api:
    definition = definitions.build(
        name=name, listen_path=f"/{of.slug}/{definitions.slugify(name)}/", target_url="https://upstream.example/",
        authentication=Authentication.TOKEN, rate=0, per=0, tags=list(tags), active=active,
    )  # fmt: skip
    with scope.opened(scope.of(of.id)):
        return create_api(definition=definition)


def build(of: Organisation, *, since: int) -> None:
    """Build what waits as the worker does, as if in this transaction."""
    with scope.opened(scope.of(of.id)):
        mine = FeedItem.objects.order_by().values_list("kind", "object_id", "since")
        before = {(kind, id): since for kind, id, since in mine}
        building.build(outbox.next_entries(outbox.FEEDS, most=1_000))
        for kind, id, now in list(mine.all()):
            if before.get((kind, id)) != now:
                FeedItem.objects.filter(kind=kind, object_id=id).update(since=since)


def queries(client: SiteClient, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)
