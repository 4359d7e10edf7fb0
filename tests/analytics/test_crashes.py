"""A pump that is killed at any moment loses nothing and counts nothing twice; nor do two at the same list."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import redis
from django.db import connection
from django.db.models import Sum

from analytics import closing
from analytics.ingest import taking
from analytics.ingest.pumping import Pump
from analytics.ingest.writing import Writer
from analytics.models import Batch, DeadLetter, Facet, Hour, Minute, Record
from gateways import bus, serving
from gateways.models import GatewayGroup
from gateways.services import create_group, delete_group
from orgs import scope
from orgs.models import Organisation
from orgs.services import create_organisation, delete_organisation
from tests.analytics.traffic import LIST, record, traffic
from tests.gateways.conftest import Committed, committed, forget_everything, vars_apart
from tests.walls.conftest import SUPERUSER, connect, installed

__all__ = ["committed", "forget_everything", "installed", "vars_apart"]
KILLS = int(os.environ.get("SOAK_KILLS", "12"))


@pytest.fixture
def acme(valkey: redis.Redis, committed: Committed) -> Iterator[Organisation]:
    """An organisation that a group serves, in transactions that end."""
    yield committed.acme
    with connect(SUPERUSER, autocommit=True) as server:
        for table in ("analytics_batch", "analytics_closed", "analytics_deadletter"):
            server.execute(f"DELETE FROM {table}")  # noqa: S608


def push(valkey: redis.Redis, records: Iterator[dict[str, object]]) -> int:
    with valkey.pipeline(transaction=False) as pipeline:
        for fields in records:
            pipeline.rpush(LIST, msgspec.msgpack.encode(fields))
        return len(pipeline.execute())


def counted(organisation: Organisation) -> tuple[int, int, int]:
    """Return how many records there are, and what hours say of them, in all and by key and API."""
    with scope.opened(scope.of(organisation.id)):
        by_api = Hour.objects.filter(facet=Facet.API).aggregate(n=Sum("hits"))["n"] or 0
        total = Hour.objects.filter(facet=Facet.TOTAL).aggregate(n=Sum("hits"))["n"] or 0
        return Record.objects.count(), total, by_api


def left_in_redis(valkey: redis.Redis) -> list[bytes]:
    return list(valkey.scan_iter("*analytics*"))


def pump_until(pump: Pump, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        pump.work()
        assert time.monotonic() < deadline


def start_pump() -> int:
    """Run a pump in a process of its own that ends when it has nothing to do; return its process."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            pump = Pump(threading.Event())
            while pump.work():
                pass
        finally:
            os._exit(0)
    return child


def test_a_pump_that_is_killed_again_and_again_loses_and_doubles_nothing(
    acme: Organisation, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "BATCH_SIZE", 150)
    monkeypatch.setattr(taking, "PIECE", 40)
    chance, now, pushed = random.Random(KILLS), datetime.now(UTC), 0  # noqa: S311
    for turn in range(KILLS):
        pushed += push(valkey, traffic(acme.id, start=now - timedelta(days=2), end=now, count=700, seed=turn))
        child = start_pump()
        time.sleep(chance.random() * 0.8)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    pump = Pump(threading.Event())
    pump_until(pump, lambda: counted(acme)[0] >= pushed)
    taking.resume(pump_client(), pump.places()[0][0].pk)
    assert counted(acme) == (pushed, pushed, pushed)
    assert left_in_redis(valkey) == []
    with scope.opened(scope.INSTALLATION):
        assert (Batch.objects.count(), DeadLetter.objects.count()) == (0, 0)


def pump_client() -> "redis.Redis":
    with scope.opened(scope.INSTALLATION):
        group = GatewayGroup.objects.get()
    return bus.connect_for_bytes(group)


def test_two_pumps_at_one_list_count_nothing_twice(
    acme: Organisation, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "BATCH_SIZE", 200)
    now = datetime.now(UTC)
    pushed = push(valkey, traffic(acme.id, start=now - timedelta(days=1), end=now, count=4_000))
    children = [start_pump(), start_pump()]
    pushed += push(valkey, traffic(acme.id, start=now - timedelta(days=1), end=now, count=1_000, seed=2))
    for child in children:
        os.waitpid(child, 0)
    pump_until(Pump(threading.Event()), lambda: counted(acme)[0] >= pushed)
    assert counted(acme) == (pushed, pushed, pushed)


def test_records_that_come_while_a_day_is_being_summed_are_in_it(acme: Organisation, valkey: redis.Redis) -> None:
    """Two processes do both at once; each record is in the day and the hours, whichever came first."""
    yesterday = datetime.now(UTC).replace(hour=12) - timedelta(days=1)
    pushed = push(valkey, traffic(acme.id, start=yesterday, end=yesterday + timedelta(hours=2), count=1_000))
    child = start_pump()
    closed = 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        closed += closing.close_ended()
    while closing.close_ended():
        closed += 1
    assert closed
    with scope.opened(scope.of(acme.id)), connection.cursor() as cursor:
        cursor.execute("SELECT sum(hits) FROM analytics_day WHERE facet = 0")
        assert cursor.fetchone() == (pushed,)
    assert counted(acme) == (pushed, pushed, pushed)
    with scope.opened(scope.of(acme.id)):
        assert (Minute.objects.filter(facet=0).aggregate(n=Sum("hits"))["n"] or 0) == pushed


def test_an_organisation_that_is_deleted_while_its_records_are_written_leaves_no_row(
    acme: Organisation,
) -> None:
    """The deletion waits for the batch; the next batch no longer finds whom the group serves."""
    globex = create_organisation(slug="globex", name="Globex")
    group, _ = create_group(name="Globex's", organisation_ids=[globex.id])
    serving.write_out()
    began, asked = threading.Event(), threading.Event()

    def records() -> Iterator[bytes]:
        yield record(OrgID=globex.id)
        began.set()
        asked.wait(10)
        yield record(OrgID=globex.id)

    def write() -> None:
        with scope.opened(scope.INTAKE):
            Writer().write([group.pk], records())
        connection.close()

    def delete() -> None:
        with scope.opened(scope.of(globex.id)):
            delete_organisation(organisation=globex, cascade=True)
        connection.close()

    writing, deleting = threading.Thread(target=write), threading.Thread(target=delete)
    writing.start()
    assert began.wait(10)
    deleting.start()
    with connect(SUPERUSER, autocommit=True) as server:
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        for _ in range(500):
            if server.execute(waits).fetchone():
                break
            time.sleep(0.02)
        else:
            pytest.fail("The deletion did not wait.")
        asked.set()
        writing.join()
        deleting.join()
        for table in ("record", "hour", "minute", "name"):
            query = f"SELECT count(*) FROM analytics_{table} WHERE organisation_id = %s"  # noqa: S608
            assert server.execute(query, [globex.id]).fetchone() == (0,), table
    delete_group(group=group)


def test_a_list_is_kept_though_its_gateway_lets_it_expire(acme: Organisation, valkey: redis.Redis) -> None:
    valkey.rpush(LIST, record(OrgID=acme.id))
    valkey.expire(LIST, 60)
    client = pump_client()
    with scope.opened(scope.INSTALLATION):
        group = GatewayGroup.objects.get()
    assert taking.take(client, group.pk) == 1
    [taken] = left_in_redis(valkey)
    assert (taken.decode().startswith(taking.TAKEN), valkey.ttl(taken)) == (True, -1)
