"""What analytics cost: pages against DuckDB on the records themselves, taking records in against a bare COPY, and disk.

A page's time is that of its statements in PostgreSQL alone, all together.
"""

import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any, Protocol

import msgspec
import psycopg

from tests.analytics.traffic import LIST, fields, record
from tests.bench import analytics_seed
from tests.bench.gateways import redis_of
from tests.bench.over_http import Say

MIDDLING, MANY_APIS, BUSIEST = "org-500", "org-1", "org-2"
SPANS = ("1h", "24h", "7d", "30d", "90d", "12m")
PAGES = ("", "apis/", "keys/", "paths/", "errors/", "countries/", "{api}", "{key}")
RECORDS = 600_000
COPIED = (
    "COPY analytics_record (organisation_id, at, id, api, version, key, client, endpoint, method, host, path, status, latency,"
    " upstream, size, address, country, agent, tags, request, response) FROM STDIN"
)
KEYS_AN_HOUR, EACH = 1_000, 100
DUCK = "COPY (SELECT * FROM analytics_record WHERE at >= %s AND at < %s) TO STDOUT (FORMAT csv)"
# What a page of one day asks, of the records: numbers and quantiles, a series, the first keys, APIs, failing paths, countries.
DUCK_QUERIES = (
    "SELECT count(*), count(*) FILTER (status BETWEEN 400 AND 499), count(*) FILTER (status >= 500), sum(latency),"
    " quantile_disc(latency, [0.5, 0.95, 0.99]), sum(size) FROM records WHERE organisation_id = ?",
    "SELECT date_trunc('hour', \"at\"), count(*), count(*) FILTER (status >= 400), quantile_disc(latency, [0.5, 0.95, 0.99])"
    " FROM records WHERE organisation_id = ? GROUP BY 1",
    *(
        f"SELECT {column}, count(*) n, count(*) FILTER (status >= 400), sum(latency) FROM records"
        f" WHERE organisation_id = ? {where} GROUP BY 1 ORDER BY n DESC LIMIT 10"
        for column, where in (("key", ""), ("api", ""), ("endpoint", "AND status >= 400"), ("country", ""))
    ),
)


class Worker(Protocol):
    def __call__(self, name: str, *arguments: Any) -> float: ...


def measure_pages(server: "psycopg.Connection[Any]", walls: Worker, say: Say, rounds: int, scratch: Path) -> None:
    now = datetime.now(UTC)
    analytics_seed.seed(server, now)
    server.commit()
    server.autocommit = True
    for slug, most in ((MIDDLING, 20), (MANY_APIS, 50), (BUSIEST, 50)):
        places = some_of(server, slug)
        times: dict[tuple[str, str], float] = {}
        for page in PAGES:
            for span in SPANS:
                url = f"/analytics/{page.format(**places)}?span={span}"
                walls("database", slug, url)
                times[page, span] = median(walls("database", slug, url) for _ in range(rounds)) * 1000
        slowest = max(times, key=lambda each: times[each])
        middle = median(times.values())
        say(f"the slowest page of {slug}, statements in ms", times[slowest], most, f"{slowest}, median {middle:.1f} ms")
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with duck(server, day, scratch) as ask:
        for slug in (MIDDLING, MANY_APIS, BUSIEST):
            of = organisation_of(server, slug)
            url = f"/analytics/?from={day:%Y-%m-%dT%H:%M}&to={day + timedelta(days=1):%Y-%m-%dT%H:%M}&resolution=hour"
            ask(of), walls("database", slug, url)
            pairs = [(walls("database", slug, url), ask(of)) for _ in range(rounds)]
            ratio = median(ours / ducks for ours, ducks in pairs)
            ours, ducks = (median(times) * 1000 for times in zip(*pairs, strict=True))
            say(f"a day of {slug}: overview / DuckDB on 10 million records", ratio, 0.1, f"{ours:.1f} / {ducks:.1f} ms")


def organisation_of(server: "psycopg.Connection[Any]", slug: str) -> str:
    [(found,)] = server.execute("SELECT id FROM orgs_organisation WHERE slug = %s", [slug]).fetchall()
    return str(found)


def some_of(server: "psycopg.Connection[Any]", slug: str) -> dict[str, str]:
    """Return the pages of the organisation's busiest API and key."""
    of = organisation_of(server, slug)
    found = {}
    for name, facet, table, column in (("api", 1, "bench_api", "api_id"), ("key", 3, "bench_key", "id")):
        [(value,)] = server.execute(
            f"SELECT {column} FROM {table} WHERE organisation_id = %s AND number = (SELECT value FROM analytics_month"
            " WHERE organisation_id = %s AND facet = %s GROUP BY value ORDER BY sum(hits) DESC LIMIT 1)",
            [of, of, facet],
        ).fetchall()
        found[name] = f"{name}s/{value}/"
    return found


class duck:
    """DuckDB with the records of a day; called with an organisation it asks its queries, and returns the seconds."""

    def __init__(self, server: "psycopg.Connection[Any]", day: datetime, scratch: Path) -> None:
        self.file = scratch / "records.csv"
        with (
            self.file.open("wb") as out,
            server.cursor() as cursor,
            cursor.copy(DUCK, [day, day + timedelta(days=1)]) as copy,
        ):
            for data in copy:
                out.write(data)
        self.columns = [name for (name,) in server.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'analytics_record'::regclass AND attnum > 0 ORDER BY attnum"
        ).fetchall()]  # fmt: skip

    def __enter__(self) -> Callable[[str], float]:
        import duckdb

        self.connection = duckdb.connect(str(self.file.with_suffix(".duckdb")), config={"threads": 2})
        self.connection.execute(
            f"CREATE TABLE records AS SELECT * FROM read_csv('{self.file}', header = false, names = {self.columns})"
        )
        self.file.unlink()

        def ask(organisation_id: str) -> float:
            began = perf_counter()
            for query in DUCK_QUERIES:
                self.connection.execute(query, [organisation_id]).fetchall()
            return perf_counter() - began

        return ask

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def measure_ingest(server: "psycopg.Connection[Any]", var_dir: Path, say: Say, least: Say) -> None:
    import redis
    from django.conf import settings

    server.autocommit = True
    with redis_of(var_dir) as address:
        settings.GATEWAY_REDIS_URL = address
        client = redis.Redis.from_url(address)
        group_of_all()
        made = [*records(server, RECORDS)]
        with pumps() as pump:
            rates, bare = [], []
            for turn in range(4):
                push(client, made)
                rate = pump()
                if turn:  # in the first one they learn the names
                    rates.append(rate)
                    bare.append(copied(server, RECORDS // 6))
        least("records a second that a pump takes in", median(rates), 30_000, f"{min(rates):.0f} to {max(rates):.0f}")
        ratio = median(rate / raw for rate, raw in zip(rates, bare, strict=True))
        least("the same / a bare COPY of records", ratio, 0.4, f"{median(bare):,.0f} a second")
        measure_disk(server, client, say)
        measure_memory(client, made, say)


def group_of_all() -> None:
    from gateways import serving
    from gateways.models import GatewayGroup
    from gateways.services import create_group
    from orgs import scope

    with scope.opened(scope.INSTALLATION):
        group = GatewayGroup.objects.filter(name="everybody").first()
    if group is None:
        create_group(name="everybody", serves_all=True)
    serving.write_out()


def records(server: "psycopg.Connection[Any]", count: int) -> Iterator[bytes]:
    """Yield records of all organisations: few keys have most of the calls."""
    keys = server.execute(
        "SELECT k.organisation_id, k.hash, k.alias, a.api_id FROM bench_key k JOIN bench_api a"
        " ON a.organisation_id = k.organisation_id AND a.n = 1 + k.n % a.many ORDER BY md5(k.id)"
    ).fetchall()
    chance = random.Random(1)  # noqa: S311
    now = datetime.now(UTC)
    for _ in range(count):
        place = int(len(keys) ** chance.random()) - 1
        organisation, hash, alias, api = keys[place]
        endpoint = min(11, int(chance.expovariate(0.5)))
        status = 200 if chance.random() < 0.95 else chance.choice((401, 404, 429, 500))
        yield msgspec.msgpack.encode(
            fields(
                at=now - timedelta(seconds=chance.random() * 5), OrgID=organisation, APIID=api, APIKey=hash, Alias=alias,
                Path=f"/orders/{chance.randrange(100_000)}/{endpoint}", ResponseCode=status, country="GB",
                latency=int(chance.lognormvariate(3.5, 0.8)), Tags=["key-x", "org-x", "api-x", "blue"],
            )
        )  # fmt: skip


def push(client: Any, made: Sequence[bytes], times: int = 1) -> None:
    """Have them wait in the list, all at once."""
    for start in times * [*range(0, len(made), 10_000)]:
        client.rpush("waiting", *made[start : start + 10_000])
    client.rename("waiting", LIST)


@contextmanager
def pumps() -> Iterator[Callable[[], float]]:
    """Give what takes in all that waits, by as many threads as the command has, and returns how many that was a second."""
    from django.db import connection

    from analytics.ingest.pumping import SIDE_BY_SIDE, Pump

    def take_in() -> float:
        began = perf_counter()
        return sum(pool.map(drain, ready)) / (perf_counter() - began)

    def drain(pump: Pump) -> int:
        done = 0
        while taken := pump.work():
            done += taken
        return done

    ready = [Pump(threading.Event()) for _ in range(SIDE_BY_SIDE)]
    with ThreadPoolExecutor(SIDE_BY_SIDE, initializer=connection.ensure_connection) as pool:
        yield take_in


def copied(server: "psycopg.Connection[Any]", count: int) -> float:
    """Return how many records a second a bare COPY writes, into the table with its indexes and past its policies."""
    lines = server.execute(
        "SELECT array_to_string(ARRAY[organisation_id, (now() + random() * interval '1 hour')::text, id::text, api::text, version::text,"
        " key::text, client::text, endpoint::text, method, host, path, status::text, latency::text, upstream::text, size::text, address,"
        " country, agent, tags::text, request, response], E'\\t') || E'\\n' FROM analytics_record"
        " WHERE at >= now() - interval '10 minutes' ORDER BY at LIMIT %s",  # as they come from gateways
        [count],
    ).fetchall()
    data = [line.encode() for (line,) in lines]
    began = perf_counter()
    with server.cursor() as cursor, cursor.copy(COPIED) as copy:
        for start in range(0, len(data), 1_000):
            copy.write(b"".join(data[start : start + 1_000]))
    return len(data) / (perf_counter() - began)


def measure_disk(server: "psycopg.Connection[Any]", client: Any, say: Say) -> None:
    """Write a past day in which each key has 100 calls an hour, and compare what it added to the tables."""
    rollups = ("hour", "minute", "day", "month", "leaders")
    [(organisation, api)] = server.execute("SELECT organisation_id, api_id FROM bench_api LIMIT 1").fetchall()
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=12)
    before = {table: size_of(server, table) for table in ("record", *rollups)}
    chance = random.Random(1)  # noqa: S311
    made = [
        record(
            at=hour + timedelta(seconds=chance.random() * 3600), OrgID=organisation, APIID=api, country="GB",
            APIKey=f"{call % KEYS_AN_HOUR:064}", Path=f"/orders/{call}/{call % 12}",
            latency=int(chance.lognormvariate(3.5, 0.8)),
        )
        for call in range(KEYS_AN_HOUR * EACH)
    ]  # fmt: skip
    push(client, made)
    with pumps() as pump:
        pump()
    added = {table: size_of(server, table) - before[table] for table in before}
    share = sum(added[table] for table in rollups) / added["record"]
    say("disk of roll-ups / of records, at 100 calls an hour of a key", share, 0.05, f"{added}")


def size_of(server: "psycopg.Connection[Any]", table: str) -> int:
    """With its indexes, and of all its partitions where it has some."""
    [(size,)] = server.execute(
        "SELECT pg_total_relation_size(%(table)s) + coalesce((SELECT sum(pg_total_relation_size(relid))"
        " FROM pg_partition_tree(%(table)s) WHERE isleaf), 0)",
        {"table": f"analytics_{table}"},
    ).fetchall()
    return int(size)


def measure_memory(client: Any, made: Sequence[bytes], say: Say) -> None:
    """How much a pump holds at most, with as many records waiting as two threads write at once, and with five million."""
    most = []
    for times in (1, 5_000_000 // len(made)):
        push(client, made, times)
        pump = subprocess.Popen(
            [sys.executable, "manage.py", "pump", "--once"],
            stdout=subprocess.DEVNULL, env=os.environ | {"GATEWAY_REDIS_URL": settings_url()},
        )  # fmt: skip
        held = 0
        while pump.poll() is None:
            held = max(held, resident_kb(pump.pid))
            sleep(0.2)
        most.append(held / 1024)
    say("memory of a pump: 5 million waiting / few", most[1] / most[0], 1.2, f"{most[1]:.0f} / {most[0]:.0f} MB")


def resident_kb(process: int) -> int:
    """Return the most that a process has held so far; 0 of one that is gone."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
        return int(found[1]) if found else 0
    return 0


def settings_url() -> str:
    from django.conf import settings

    return str(settings.GATEWAY_REDIS_URL)
