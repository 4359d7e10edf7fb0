"""Records out of the database that a tyk-pump fills: a real one, with tables as that makes them."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, cast
from urllib.parse import quote

import msgspec
import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import sql
from pytest_django import Settings

from analytics.ingest import sql_source
from analytics.ingest.sql_source import SqlSource
from analytics.ingest.writing import NOT_SERVED
from analytics.models import Batch, DeadLetter, Facet, Hour, Position, Record
from analytics.queries import Of, named, top
from gateways import serving
from gateways.models import GatewayGroup
from gateways.services import update_group
from orgs import scope
from orgs.models import Organisation
from tests.analytics.traffic import fields
from tests.conftest import World, create_database
from tests.gateways.conftest import Committed, committed, forget_everything, vars_apart
from tests.walls.conftest import SUPERUSER, connect, installed

__all__ = ["committed", "forget_everything", "installed", "vars_apart"]
KILLS = int(os.environ.get("SOAK_KILLS", "8"))
# As gorm's fork, with its names after the tags of JSON, makes the table of analytics.AnalyticsRecord.
TABLE = """
CREATE TABLE {} (
    "method" text, "host" text, "path" text, "rawpath" text, "contentlength" bigint, "useragent" text, "day" bigint,
    "month" bigint, "year" bigint, "hour" bigint, "responsecode" bigint, "apikey" text, "timestamp" timestamptz,
    "apiversion" text, "api_name" text, "apiid" text, "orgid" text, "oauthid" text, "requesttime" bigint,
    "rawrequest" text, "rawresponse" text, "ipaddress" text, "geo_country_iso_code" text, "geo_city_geoname_id" bigint,
    "geo_city_names" text, "geo_location_latitude" decimal, "geo_location_longitude" decimal,
    "geo_location_time_zone" text, "network_open_connections" bigint, "network_closed_connections" bigint,
    "network_bytes_in" bigint, "network_bytes_out" bigint, "latency_total" bigint, "latency_upstream" bigint,
    "latency_gateway" bigint, "tags" text, "alias" text, "trackpath" boolean, "expireAt" timestamptz,
    "originalpath" text, "listenpath" text
)
"""
NOW = datetime.now(UTC)


class Source:
    """A database of its own, written as tyk-pump does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.server = psycopg.connect(url, autocommit=True)

    def table(self, name: str = "tyk_analytics") -> None:
        self.server.execute(sql.SQL(TABLE).format(sql.Identifier(name)))
        self.server.execute(
            sql.SQL('CREATE INDEX ON {} ("timestamp")').format(sql.Identifier(name)),
        )

    def write(self, *records: dict[str, Any], table: str = "tyk_analytics") -> None:
        with self.server.cursor() as cursor:
            for record in records:
                row = row_of(record)
                statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, row)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(row)),
                )
                cursor.execute(statement, list(row.values()))


def row_of(record: dict[str, Any]) -> dict[str, Any]:
    seconds, nanoseconds = record["TimeStamp"]
    return {
        "timestamp": datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000),
        "method": record["Method"], "host": record["Host"], "path": record["Path"], "rawpath": record["RawPath"],
        "contentlength": record["ContentLength"], "useragent": record["UserAgent"],
        "responsecode": record["ResponseCode"], "apikey": record["APIKey"], "apiversion": record["APIVersion"],
        "api_name": record["APIName"], "apiid": record["APIID"], "orgid": record["OrgID"],
        "oauthid": record["OauthID"], "requesttime": record["RequestTime"], "rawrequest": record["RawRequest"],
        "rawresponse": record["RawResponse"], "ipaddress": record["IPAddress"],
        "geo_country_iso_code": record["Geo"]["Country"]["ISOCode"], "geo_city_names": "{}",
        "latency_total": record["Latency"]["Total"], "latency_upstream": record["Latency"]["Upstream"],
        "tags": msgspec.json.encode(record["Tags"]).decode(), "alias": record["Alias"],
    }  # fmt: skip


@pytest.fixture
def source() -> Iterator[Source]:
    name = f"tyk_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    create_database(name)
    owner = cast("dict[str, str]", settings.DATABASE_OWNER)
    credentials = f"{quote(owner['USER'], safe='')}:{quote(owner['PASSWORD'], safe='')}"
    made = Source(f"postgresql://{credentials}@/{name}?host={quote(owner['HOST'], safe='')}&port={owner['PORT']}")
    made.table()
    yield made
    made.server.close()


@pytest.fixture
def pump(source: Source, group: GatewayGroup) -> Callable[[], int]:
    return SqlSource(source.url, group.pk, threading.Event()).work


def ago(minutes: float = 5) -> datetime:
    return NOW - timedelta(minutes=minutes)


def records(organisation: Organisation) -> list[Record]:
    with scope.opened(scope.of(organisation.id)):
        return list(Record.objects.order_by("at"))


def refused() -> list[tuple[str, str, int]]:
    with scope.opened(scope.INSTALLATION):
        return list(DeadLetter.objects.order_by("claimed").values_list("reason", "claimed", "count"))


def test_a_row_becomes_what_a_gateways_record_would(world: World, source: Source, pump: Callable[[], int]) -> None:
    full = fields(
        at=ago(), OrgID=world.acme.id, APIKey="k" * 64, Alias="till", APIVersion="v2", OauthID="app", latency=40,
        country="DE", Tags=["blue", "key-x"], ResponseCode=503, ContentLength=7, RawRequest="cQ==", RawResponse="cg==",
    )  # fmt: skip
    source.write(full)
    assert pump() == 1
    [found] = records(world.acme)
    assert (found.at, found.method, found.host, found.path) == (ago(), "GET", "api.example.com", "/orders/17")
    assert (found.status, found.latency, found.upstream, found.size) == (503, 40, 38, 7)
    assert (found.address, found.country, found.agent, found.tags) == ("192.0.2.7", "DE", "curl/8.5.0", ["blue"])
    assert (found.request, found.response) == ("cQ==", "cg==")
    with scope.opened(scope.of(world.acme.id)):
        names = named([found.api, found.key, found.version, found.client])
        [total] = Hour.objects.filter(facet=Facet.TOTAL)
        assert [value.numbers.hits for value in top(Of(Facet.TAG), ago(120), NOW)] == [1]
    assert set(names.values()) == {("a" * 32, "Shop"), ("k" * 64, "till"), ("v2", ""), ("app", "")}
    assert (total.hits, total.server_errors) == (1, 1)


def test_each_row_is_taken_once_also_of_the_same_moment(
    world: World, source: Source, pump: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_source, "BATCH_SIZE", 7)
    source.write(*(fields(at=ago(), OrgID=world.acme.id, Path=f"/{number}/x") for number in range(20)))
    assert (pump(), pump()) == (20, 0)
    source.write(fields(at=ago(), OrgID=world.acme.id), fields(at=ago(3), OrgID=world.acme.id))
    assert (pump(), pump()) == (2, 0)
    assert len(records(world.acme)) == 22
    with scope.opened(scope.INSTALLATION):
        assert Batch.objects.count() == 0


def test_a_row_that_cannot_be_stored_is_found_among_the_others(
    world: World, source: Source, pump: Callable[[], int]
) -> None:
    """Here because a sum would become too large for its column."""
    full = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    source.write(fields(at=full, OrgID=world.acme.id))
    assert pump() == 1
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE analytics_hour SET size = 9223372036854775807 WHERE facet = 0")
    source.write(fields(at=full + timedelta(minutes=1), OrgID=world.acme.id, ContentLength=9))
    source.write(*(fields(at=ago(), OrgID=world.acme.id) for _ in range(11)))
    assert pump() == 12
    assert pump() == 0
    assert len(records(world.acme)) == 12
    assert refused() == [("PostgreSQL cannot store it: bigint out of range", world.acme.id, 1)]


def test_the_newest_rows_wait_for_those_that_are_still_being_written(
    world: World, source: Source, pump: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write(fields(at=datetime.now(UTC), OrgID=world.acme.id))
    assert pump() == 0
    source.write(fields(at=ago(2), OrgID=world.acme.id))
    assert pump() == 1
    monkeypatch.setattr(sql_source, "LATE", timedelta(0))
    assert pump() == 1


def test_a_table_a_day_is_read_too_and_no_other_table(world: World, source: Source, pump: Callable[[], int]) -> None:
    yesterday = ago(24 * 60)
    for name in (
        f"tyk_analytics_{yesterday:%Y%m%d}",
        "tyk_analytics_20010101",
        "tyk_analytics_graph",
        "tyk_analytics_99999999",
    ):
        source.table(name)
        source.write(fields(at=yesterday, OrgID=world.acme.id, Host=name), table=name)
    source.write(fields(at=ago(), OrgID=world.acme.id))
    assert pump() == 2
    assert [record.host for record in records(world.acme)] == [f"tyk_analytics_{yesterday:%Y%m%d}", "api.example.com"]


def test_rows_are_of_organisations_that_the_group_serves(
    world: World, group: GatewayGroup, source: Source, pump: Callable[[], int]
) -> None:
    update_group(group=group, organisation_ids=[world.acme.id])
    serving.write_out()
    claims = (world.globex.id, "f" * 24, "", "everything", "' OR 1=1 --")
    source.write(*(fields(at=ago(), OrgID=claim) for claim in claims), fields(at=ago(), OrgID=world.acme.id))
    assert pump() == 6
    assert (len(records(world.acme)), len(records(world.globex))) == (1, 0)
    assert refused() == [(NOT_SERVED, claim, 1) for claim in sorted(claims)]


def test_two_groups_read_the_same_source_each_for_its_own(
    world: World, group: GatewayGroup, source: Source, pump: Callable[[], int]
) -> None:
    source.write(fields(at=ago(), OrgID=world.acme.id))
    assert pump() == 1
    assert SqlSource(source.url, "f" * 24, threading.Event()).work() == 1
    assert (len(records(world.acme)), refused()) == (1, [(NOT_SERVED, world.acme.id, 1)])


def test_a_row_that_makes_no_sense_stops_no_other(world: World, source: Source, pump: Callable[[], int]) -> None:
    source.write(*(fields(at=ago(), OrgID=world.acme.id, ResponseCode=code) for code in (200, 0, 99_999, -1)))
    source.write(fields(at=NOW - timedelta(days=20), OrgID=world.acme.id, APIID=""))
    source.server.execute(
        "UPDATE tyk_analytics SET tags = 'no JSON', latency_total = NULL, method = NULL, alias = NULL"
    )
    assert pump() == 5
    [found] = records(world.acme)
    assert (found.tags, found.method) == ([], "")
    assert sum(count for _, _, count in refused()) == 4


def test_rows_older_than_records_are_kept_are_not_read(world: World, source: Source, pump: Callable[[], int]) -> None:
    source.write(*(fields(at=NOW - timedelta(days=days), OrgID=world.acme.id) for days in (200, 90, 1)))
    assert pump() == 1
    assert refused() == []


def test_an_older_table_lacks_columns(world: World, source: Source, pump: Callable[[], int]) -> None:
    for column in (
        "tags",
        "alias",
        "geo_country_iso_code",
        "latency_total",
        "latency_upstream",
        "api_name",
        "rawrequest",
    ):
        source.server.execute(sql.SQL("ALTER TABLE tyk_analytics DROP {}").format(sql.Identifier(column)))
    source.server.execute(
        "INSERT INTO tyk_analytics (timestamp, orgid, apiid, responsecode, requesttime) VALUES (%s, %s, 'x', 200, 55)",
        [ago(), world.acme.id],
    )
    assert pump() == 1
    [found] = records(world.acme)
    assert (found.latency, found.tags, found.country) == (55, [], "")


def test_the_source_is_only_read(source: Source) -> None:
    with sql_source.connect(source.url) as server, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        server.execute("DELETE FROM tyk_analytics")


def test_a_source_that_is_away_is_waited_for_and_its_address_is_not_told(
    world: World, source: Source, group: GatewayGroup, caplog: pytest.LogCaptureFixture
) -> None:
    pump = SqlSource("postgresql://who:hush-hush@127.0.0.1:1/x", group.pk, threading.Event())
    assert (pump.work(), pump.work()) == (0, 0)
    assert caplog.messages == ["The database of tyk-pump cannot be read: OperationalError"]
    assert "hush" not in caplog.text
    pump.url = source.url
    source.write(fields(at=ago(), OrgID=world.acme.id))
    assert pump.work() == 1
    source.server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    source.write(fields(at=ago(2), OrgID=world.acme.id))
    assert (pump.work(), pump.work()) == (0, 1)


def test_the_command_takes_in_what_is_there(
    world: World, source: Source, group: GatewayGroup, settings: Settings
) -> None:
    settings.PUMP_SQL_URL = source.url
    source.write(fields(at=ago(), OrgID=world.acme.id))
    said = StringIO()
    call_command("pump", "--sql", "--once", "--group", group.name, stdout=said)
    assert said.getvalue() == "1 records.\n"
    with scope.opened(scope.INSTALLATION):
        assert [position.id for position in Position.objects.all()] == [f"{group.pk} tyk_analytics"]


@pytest.mark.parametrize(
    ("url", "words", "sentence"),
    [
        ("", ["--group", "Gateways"], "Set PUMP_SQL_URL to the address of the database that tyk-pump fills."),
        (
            "postgres://x/y",
            [],
            "Say with --group which gateways the records are of: only organisations that it serves count.",
        ),
        ("postgres://x/y", ["--group", "Others"], "There is no gateway group with the name Others."),
    ],
)
def test_the_command_says_what_it_needs(
    group: GatewayGroup, settings: Settings, url: str, words: list[str], sentence: str
) -> None:
    settings.PUMP_SQL_URL = url
    with pytest.raises(CommandError) as refusal:
        call_command("pump", "--sql", "--once", *words)
    assert str(refusal.value) == sentence


@pytest.fixture
def acme(committed: Committed) -> Iterator[Organisation]:
    yield committed.acme
    with connect(SUPERUSER, autocommit=True) as server:
        for table in ("analytics_batch", "analytics_closed", "analytics_deadletter", "analytics_position"):
            server.execute(f"DELETE FROM {table}")  # noqa: S608


def start(source: Source, group_id: str) -> int:
    """Run a pump in a process of its own that ends when it has nothing to do; return its process."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            pump = SqlSource(source.url, group_id, threading.Event())
            while pump.work():
                pass
        finally:
            os._exit(0)
    return child


def test_pumps_that_are_killed_lose_and_double_nothing(
    acme: Organisation, committed: Committed, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at a time, at one source that grows."""
    monkeypatch.setattr(sql_source, "BATCH_SIZE", 40)
    chance, written = random.Random(KILLS), 0  # noqa: S311
    for turn in range(KILLS):
        at = NOW - timedelta(hours=2) + timedelta(minutes=turn)
        rows = [fields(at=at + timedelta(milliseconds=number // 3), OrgID=acme.id) for number in range(200)]
        source.write(*rows)
        written += len(rows)
        children = [start(source, committed.group.pk) for _ in range(2)]
        time.sleep(chance.random() * 0.6)
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    pump, deadline = SqlSource(source.url, committed.group.pk, threading.Event()), time.monotonic() + 60
    while len(records(acme)) < written and time.monotonic() < deadline:
        pump.work()
    assert pump.work() == 0
    with scope.opened(scope.of(acme.id)):
        hits = sum(Hour.objects.filter(facet=Facet.TOTAL).values_list("hits", flat=True))
    assert (len(records(acme)), hits, refused()) == (written, written, [])
