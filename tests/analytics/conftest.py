import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
import redis

from analytics import closing
from analytics.ingest.pumping import Pump
from gateways import serving
from gateways.models import GatewayGroup
from gateways.services import create_group
from tests.analytics.traffic import LIST
from tests.conftest import World

Pour = Callable[..., int]


@pytest.fixture
def group(world: World, valkey: redis.Redis) -> GatewayGroup:
    """A group that serves acme and globex, at the installation's Redis."""
    made, _ = create_group(name="Gateways", organisation_ids=[world.acme.id, world.globex.id])
    serving.write_out()
    return made


@pytest.fixture
def pour(group: GatewayGroup, valkey: redis.Redis) -> Pour:
    """Write records into the gateways' list, and have the pump take them in; return how many it took."""

    def pour(records: Iterable[bytes | dict[str, Any]], *, name: str = LIST) -> int:
        with valkey.pipeline(transaction=False) as pipeline:
            for record in records:
                pipeline.rpush(name, record if isinstance(record, bytes) else msgspec.msgpack.encode(record))
            pipeline.execute()
        return Pump(threading.Event()).work()

    return pour


@pytest.fixture
def close(group: GatewayGroup) -> Callable[[], None]:
    """Sum every bucket that has ended."""

    def close() -> None:
        while closing.close_ended():
            pass

    return close
