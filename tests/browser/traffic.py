"""Requests to the demo's APIs with its keys, as gateways write them; run by `manage.py shell` beside the server."""

import threading
import time
from datetime import UTC, datetime, timedelta

import msgspec

from analytics.ingest.pumping import Pump
from analytics.models import Batch
from apis.models import Api
from gateways import bus
from gateways.models import GatewayGroup
from keys.models import Key
from orgs import scope
from orgs.models import Organisation
from tests.analytics.traffic import LIST, fields, traffic


def pour(slug: str, *, count: int = 600) -> None:
    """Write two days of requests, and wait until they are counted, whoever takes them in."""
    with scope.opened(scope.by_slug(slug)):
        organisation = Organisation.objects.get().pk
    with scope.opened(scope.of(organisation)):
        apis = list(Api.objects.order_by("id").values_list("api_id", "name")[:3])
        keys = list(Key.objects.order_by("id").values_list("hash", "alias")[:20])
    with scope.opened(scope.INSTALLATION):
        client = bus.connect_for_bytes(GatewayGroup.objects.get())
    end = datetime.now(UTC)
    for record in traffic(organisation, count=count, start=end - timedelta(days=2), end=end):
        api_id, name = apis[int(record["APIID"][-1])]
        hash, alias = keys[int(record["APIKey"][-2:])] if record["Alias"] else ("00000000", "")
        named = {"APIID": api_id, "APIName": name, "APIKey": hash, "Alias": alias}
        client.rpush(LIST, msgspec.msgpack.encode(record | named))
    client.rpush(LIST, msgspec.msgpack.encode(fields(OrgID="f" * 24)))
    Pump(threading.Event()).work()
    while is_being_written():
        time.sleep(0.1)


def is_being_written() -> bool:
    with scope.opened(scope.INSTALLATION):
        return Batch.objects.exists()
