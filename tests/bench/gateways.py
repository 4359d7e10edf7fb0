"""What gateways ask for, over HTTP, and what a worker delivers to a Redis: on organisations and groups of its own.

A list is measured against a bare `COPY … TO STDOUT` of the same bytes, read and dropped, in turn.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import psycopg

from dashboard import embedded_valkey
from tests.bench.over_http import PORTS, Say, Shot, memory_mb, serving, throughput

SIZES = {"feed-10": 10_000, "feed-100": 100_000}
CHANGES = 20_000
FEEDS = """
INSERT INTO orgs_organisation (id, slug, name, colour, contact, is_suspended, suspension_reason, extra)
SELECT %(prefix)s::text || lpad(to_hex(o), 20, '0'), %(slug)s::text || '-' || o, 'Feed', 'blue', '', false, '', '{}'
FROM generate_series(1, %(many)s::int / 100) o;
INSERT INTO gateways_feeditem (organisation_id, kind, object_id, name, text, is_served, fault, tags, revision, depends,
    rules, since, history)
SELECT %(prefix)s::text || lpad(to_hex(1 + n / 100), 20, '0'), 'apis', %(prefix)s::text || lpad(to_hex(n), 20, '0'), 'API ' || n,
    json_build_object('api_definition', json_build_object('name', 'API ' || n, 'slug', 'api-' || n, 'active', true,
        'auth', json_build_object('auth_header_name', 'Authorization'), 'config_data', json_build_object('note', repeat(md5(n::text), 22)),
        'version_data', json_build_object('not_versioned', true, 'versions', json_build_object('Default', json_build_object('name', 'Default'))),
        'proxy', json_build_object('listen_path', '/' || %(slug)s::text || n || '/', 'target_url', 'https://upstream-' || n || '.example/', 'strip_listen_path', true),
        'use_standard_auth', true, 'id', %(prefix)s::text || lpad(to_hex(n), 20, '0'), 'api_id', %(prefix)s::text || lpad(to_hex(n), 28, '0'),
        'org_id', %(prefix)s::text || lpad(to_hex(1 + n / 100), 20, '0')), 'oas', null)::text,
    true, '', '{}', 1, '', '', 0, '[]'
FROM generate_series(0, %(many)s::int - 1) n
"""
COPY = """
COPY (SELECT ',' || item.text FROM gateways_feeditem item JOIN gateways_serving serving USING (organisation_id)
      WHERE serving.group_id = '{}' AND item.kind = 'apis' AND item.is_served) TO STDOUT
"""


def seed(server: "psycopg.Connection[Any]") -> None:
    """Add the organisations whose lists are fetched, as a superuser; a group serves each size."""
    there = server.execute("SELECT 1 FROM orgs_organisation WHERE slug = 'feed-10-1'").fetchone()
    server.commit()
    if there:
        return
    server.execute("SET session_replication_role = replica")
    for (slug, many), prefix in zip(SIZES.items(), ("cccc", "dddd"), strict=True):
        for statement in FEEDS.split(";\n"):
            server.execute(statement.encode(), {"slug": slug, "prefix": prefix, "many": many})
    server.execute("SET session_replication_role = origin")
    server.commit()
    server.autocommit = True
    server.execute("VACUUM ANALYZE gateways_feeditem")


def groups() -> dict[str, tuple[str, str]]:
    """Return the id and a fresh node secret of the group of each size, which serves its organisations."""
    from datetime import timedelta

    from gateways import serving as served
    from gateways.models import GatewayGroup
    from gateways.services import create_group, rotate_secret
    from orgs import scope
    from orgs.models import Organisation

    found = {}
    for slug in SIZES:
        with scope.opened(scope.EVERYTHING):
            ids = list(Organisation.objects.filter(slug__startswith=f"{slug}-").values_list("id", flat=True))
        with scope.opened(scope.INSTALLATION):
            group = GatewayGroup.objects.filter(name=slug).first()
        made, secret = (
            rotate_secret(group=group, grace=timedelta(0)) if group else create_group(name=slug, organisation_ids=ids)
        )
        found[slug] = (made.pk, secret)
    served.write_out()
    return found


class Gateway:
    def __init__(self, secret: str) -> None:
        self.headers = {"authorization": secret, "x-tyk-hostname": "bench"}
        answer = self.get("/register/node")[0]
        import json

        made = json.loads(answer)
        self.headers |= {"x-tyk-nodeid": made["Message"]["NodeID"], "x-tyk-nonce": made["Nonce"]}

    def get(self, path: str) -> tuple[bytes, int, float, float]:
        """Return the beginning of the body, its length, the seconds to its first byte, and to its last."""
        connection = HTTPConnection("127.0.0.1", PORTS["product"], timeout=60)
        connection.connect()
        assert connection.sock is not None
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        began = perf_counter()
        connection.request("GET", path, headers=self.headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        head = answer.read(1 << 10)
        first, size = perf_counter() - began, len(head)
        buffer = memoryview(bytearray(1 << 20))
        while count := answer.readinto(buffer):
            size += count
        connection.close()
        return head, size, first, perf_counter() - began


def copied(server: "psycopg.Connection[Any]", group_id: str) -> float:
    began = perf_counter()
    with server.cursor() as cursor, cursor.copy(COPY.format(group_id).encode()) as copy:
        while copy.read():
            pass
    return perf_counter() - began


def measure(server: "psycopg.Connection[Any]", var_dir: Path, say: Say, least: Say, rounds: int, scratch: Path) -> None:
    seed(server)
    server.autocommit = True
    with redis_of(var_dir) as address:
        made = groups()
        with serving("product", {"GATEWAY_REDIS_URL": address}) as product:
            for slug, many in SIZES.items():
                measure_feed(server, product, f"{many:,} definitions", *made[slug], say, rounds)
            measure_pings(server, made["feed-10"][1], least, scratch)
            measure_registration(made["feed-10"][1], say)
        measure_delivery(least)
        server.execute("VACUUM ANALYZE keys_key")  # as it was, for what is measured after


def measure_feed(
    server: "psycopg.Connection[Any]", product: int, what: str, group_id: str, secret: str, say: Say, rounds: int
) -> None:
    from gateways.feed import sending

    gateway, before = Gateway(secret), memory_mb(product)
    kept = sending.folder() / f"{group_id}.apis"
    built, unchanged, firsts, size = [], [], [], 0
    for turn in range(rounds + 1):
        kept.unlink(missing_ok=True)
        bare = copied(server, group_id)
        _, size, first, anew = gateway.get("/system/apis")
        _, _, again_first, again = gateway.get("/system/apis")
        if turn:
            built.append(anew / bare)
            unchanged.append(again / bare)
            firsts += [first, again_first]
    detail = f"{size / 1e6:.0f} MB; COPY took {bare * 1000:.0f} ms the last time"
    say(f"a list of {what}, read anew / a bare COPY", median(built), 1.5, detail)
    say(f"a list of {what}, unchanged / a bare COPY", median(unchanged), 1.5, "")
    say(f"a list of {what}: first byte, in ms, the slowest", max(firsts) * 1000, 300, "")
    say(f"a list of {what}: memory that it adds, in MB", memory_mb(product) - before, 20, "")


def measure_pings(server: "psycopg.Connection[Any]", secret: str, least: Say, scratch: Path) -> None:
    gateway = Gateway(secret)
    shot = Shot(f"http://127.0.0.1:{PORTS['product']}/register/ping", headers=tuple(gateway.headers.items()))
    open_at_once, done = [], threading.Event()

    def watch() -> None:
        with psycopg.connect(server.info.dsn, autocommit=True) as watching:
            while not done.wait(0.05):
                query = (
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'commonhold_web' AND state LIKE 'idle in%'"
                )
                open_at_once.append(int(watching.execute(query).fetchone()[0]))  # type: ignore[index]

    watcher = threading.Thread(target=watch)
    watcher.start()
    rate = median(throughput(shot, connections=8, seconds=5, scratch=scratch) for _ in range(3))
    done.set()
    watcher.join()
    least("pings a second at 8 connections", rate, 1_000, f"open transactions seen: {max(open_at_once)} at most, {sum(open_at_once)} in {len(open_at_once)} looks")  # fmt: skip


def measure_registration(secret: str, say: Say) -> None:
    turned_away = []

    def register() -> None:
        try:
            Gateway(secret)
        except (AssertionError, OSError) as error:
            turned_away.append(error)

    threads = [threading.Thread(target=register) for _ in range(200)]
    began = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(
        "of 200 nodes that register at once, turned away", len(turned_away), 0, f"all in {perf_counter() - began:.1f} s"
    )


def measure_delivery(least: Say) -> None:
    """Changes of keys, delivered by one worker to one Redis; what was there before is delivered first."""
    from django.db import connection

    from gateways.delivery import Deliveries
    from gateways.models import GatewayGroup
    from gateways.services import create_group, delete_group
    from orgs import scope
    from orgs.models import Organisation

    with scope.opened(scope.EVERYTHING):
        largest = Organisation.objects.get(slug="org-1")
    with scope.opened(scope.INSTALLATION):
        old = GatewayGroup.objects.filter(name="delivery").first()
    if old:
        delete_group(group=old)
    group, _ = create_group(name="delivery", organisation_ids=[largest.id])
    with connection.cursor() as cursor, scope.opened(scope.of(largest.id)):
        cursor.execute(
            "INSERT INTO gateways_serving (organisation_id, group_id, is_off) VALUES (%s, %s, false)",
            [largest.id, group.pk],
        )
    Deliveries().deliver_to(group.pk)
    with connection.cursor() as cursor, scope.opened(scope.of(largest.id)):
        cursor.execute("DELETE FROM gateways_outbox WHERE organisation_id = %s", [largest.id])
        cursor.execute(
            "UPDATE keys_key SET revision = revision + 1 WHERE id IN (SELECT id FROM keys_key WHERE organisation_id = %s"
            " AND revoked_at IS NULL AND NOT has_all_apis LIMIT %s)",
            [largest.id, CHANGES],
        )
    worker, delivered = Deliveries(), 0
    began = perf_counter()
    while count := worker.deliver_to(group.pk):
        delivered += count
    took = perf_counter() - began
    assert delivered >= CHANGES, delivered
    least(
        "changes of keys that one worker delivers a second", delivered / took, 2_000, f"{delivered:,} in {took:.1f} s"
    )


@contextmanager
def redis_of(var_dir: Path) -> Iterator[str]:
    """A Valkey that keeps what it is told, as an installation's does."""
    from django.conf import settings

    address = embedded_valkey.url(8936, "of the bench alone, on loopback")
    embedded_valkey.start(var_dir, address)
    settings.GATEWAY_REDIS_URL = address
    try:
        yield address
    finally:
        embedded_valkey.stop(var_dir)
