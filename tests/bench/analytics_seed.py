"""Thirteen months of 100 million requests, summed as the pump would have, and yesterday's 10 million one by one.

The second organisation has a fifth of the traffic; every other key that leads on one day is another one on the next. Of
keys and paths there are hours for the last three days alone: older ones are in partitions that no query looks into.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from analytics import closing
from analytics.models import Facet
from analytics.naming import number
from analytics.rollups import COLUMNS, LEVELS, leading, summing

REQUESTS, DAYS, YESTERDAY = 100_000_000, 395, 10_000_000
ENDPOINTS = 12
HOURS_OF_ALL = 3
# So many days are made; each of the others is like one of these.
PATTERNS = 14
COPIED = COLUMNS.replace(" at,", " %s,").replace("last_at", "%s")

NAMES = """
DROP TABLE IF EXISTS bench_unit, bench_api, bench_key, bench_organisation;
CREATE TABLE bench_unit AS SELECT array_agg(1000000000000::numeric ^ place ORDER BY place) AS units FROM generate_series(0, 60) place;
CREATE TABLE bench_api AS
    SELECT organisation_id, id, api_id, 0::bigint AS number, row_number() OVER (PARTITION BY organisation_id ORDER BY id) AS n,
        count(*) OVER (PARTITION BY organisation_id) AS many
    FROM apis_api WHERE organisation_id < '1';
CREATE TABLE bench_key AS
    SELECT organisation_id, id, hash, alias, 0::bigint AS number, row_number() OVER (PARTITION BY organisation_id ORDER BY id) AS n,
        count(*) OVER (PARTITION BY organisation_id) AS many
    FROM keys_key WHERE organisation_id < '1'
"""
# Of the traffic of all, what an organisation has; at least some of its keys are used each day, and each by few calls.
ORGANISATIONS = """
CREATE TABLE bench_organisation AS
    SELECT organisation_id, many AS keys, (SELECT max(many) FROM bench_api a WHERE a.organisation_id = o.organisation_id) AS apis, CASE WHEN place = 2 THEN 0.2 WHEN place = 1 THEN 0.05
        ELSE 0.75 * (1.0 / (20 + place)) / (SELECT sum(1.0 / (20 + p)) FROM generate_series(3, 1000) p) END AS share
    FROM (SELECT organisation_id, many, row_number() OVER (ORDER BY organisation_id) AS place
          FROM (SELECT DISTINCT organisation_id, many FROM bench_key) k) o
"""
# The keys of one bucket with what each has: `total` requests in all, as many of the first as 1, 1/2, 1/3 … of the first.
BUCKET = """
CREATE TEMPORARY TABLE bench_bucket AS
SELECT o.organisation_id, a.number AS api, k.number AS key,
    a.number # (k.n % {endpoints} + 1) AS endpoint, greatest(1, round(o.t / (r * ln(o.active + 2))))::bigint AS hits,
    (k.n * 31 + {turn}) % 8 AS mood
FROM (SELECT *, share * {total} AS t, least(keys, greatest(1, (share * {total}) ^ 0.83)::int) AS active FROM bench_organisation) o
CROSS JOIN LATERAL generate_series(1, o.active) r
CROSS JOIN LATERAL (
    SELECT * FROM bench_key WHERE organisation_id = o.organisation_id
        AND n = 1 + (CASE WHEN r % 2 = 0 THEN r * 7919 ELSE r * 7919 + {turn}::bigint * 104729 END) % o.keys OFFSET 0
) k
CROSS JOIN LATERAL (
    SELECT * FROM bench_api WHERE organisation_id = o.organisation_id AND n = 1 + k.n % o.apis OFFSET 0
) a
"""
MEASURES = """sum(hits), sum(hits / 20), sum(CASE mood WHEN 0 THEN hits / 10 ELSE 0 END), sum(hits * (20 + mood * 9)), sum(hits * 15),
    sum(hits * 1500), sum(hits * (SELECT units FROM bench_unit)[13 + mood]), sum(hits) * (SELECT units FROM bench_unit)[1], 4000, %(at)s::timestamptz"""
FACETS = {
    Facet.TOTAL: ("0", "0"),
    Facet.API: ("0", "api"),
    Facet.KEY: ("api", "key"),
    Facet.ENDPOINT: ("api", "endpoint"),
    Facet.COUNTRY: ("0", "mood + 1"),
}
# A day's numbers of all requests and of each API, over as many of its hours as it has requests.
HOURS_OF_APIS = """
INSERT INTO analytics_hour ({columns})
SELECT organisation_id, facet, parent, at + hour * interval '1 hour', value, 1 + hits / 24, client_errors / 24, server_errors / 24,
    latency / 24, upstream / 24, size / 24, latencies, codes, slowest, last_at
FROM analytics_day, generate_series(0, 23) hour
WHERE facet IN (0, 1) AND at >= %s AND at < %s AND abs(value %% 24 + hour) %% 24 < hits
"""
RECORDS = """
INSERT INTO analytics_record (organisation_id, at, id, api, version, key, client, endpoint, method, host, path, status, latency,
    upstream, size, address, country, agent, tags, request, response)
SELECT organisation_id, %(at)s::timestamptz + random() * interval '1 hour', (random() * 9e18)::bigint, api, 0, key, 0, endpoint,
    'GET', 'api.example.com', '/orders/' || (random() * 1e6)::int || '/items/' || mood, CASE WHEN random() < 0.95 THEN 200
    ELSE (ARRAY[401, 404, 429, 500, 502])[1 + (random() * 4)::int] END, (exp(3.5 + random() * 2 - 1))::int, 20, 1500,
    '10.0.' || mood || '.7', 'GB', 'python-requests/2.31.0', ARRAY['blue'], '', ''
FROM bench_bucket, generate_series(1, hits)
"""
ADD_UP = """
INSERT INTO analytics_hour ({columns})
SELECT organisation_id, {facet}, {parent}, %(at)s::timestamptz, {value}, count(*), count(*) FILTER (WHERE status BETWEEN 400 AND 499),
    count(*) FILTER (WHERE status >= 500), sum(latency), sum(upstream), sum(size), sum((SELECT units FROM bench_unit)[1 + latency %% 40]),
    count(*) * (SELECT units FROM bench_unit)[1], max(latency), max(at)
FROM analytics_record WHERE at >= %(at)s AND at < %(at)s::timestamptz + interval '1 hour' GROUP BY 1, 3, 5
"""

SAME_LEADERS = """
INSERT INTO analytics_leaders (organisation_id, facet, parent, by, level, at, values, numbers)
SELECT organisation_id, facet, parent, by, level, %s, values, numbers FROM analytics_leaders WHERE level = 'day' AND at = %s
"""


def seed(server: "psycopg.Connection[Any]", now: datetime) -> None:
    """Fill the tables of analytics as a superuser, once."""
    if server.execute("SELECT 1 FROM analytics_closed WHERE level = 'month'").fetchone():
        return
    server.execute("SET session_replication_role = replica")
    server.execute("SET work_mem = '512MB'; SET maintenance_work_mem = '1GB'; SET synchronous_commit = off")
    write_names(server)
    server.commit()  # no transaction uses an index over rows that it has changed before it made the index
    # Rows that come in no order are quicker without indexes, which are made afterwards.
    indexes = [
        definition
        for (definition,) in server.execute(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'analytics_day'::regclass AND NOT indisprimary"
        ).fetchall()
    ]
    server.execute("ALTER TABLE analytics_day DROP CONSTRAINT analytics_day_pkey")
    server.execute("DROP INDEX analytics_day_value, analytics_day_time")
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    daily = REQUESTS / DAYS
    for days in range(DAYS, DAYS - PATTERNS, -1):
        fill(server, "day", today - timedelta(days=days), daily, tuple(FACETS))
    server.execute("CREATE TEMPORARY TABLE bench_pattern AS SELECT * FROM analytics_day")
    server.execute("CREATE INDEX ON bench_pattern (at)")
    for days in range(DAYS - PATTERNS, 1, -1):  # who leads shifts from day to day, and comes again each fortnight
        at, like = (today - timedelta(days=number) for number in (days, pattern_of(days)))
        copy = f"INSERT INTO analytics_day ({COLUMNS}) SELECT {COPIED} FROM bench_pattern WHERE at = %s"
        server.execute(copy.encode(), [at, at, like])
    server.execute(
        HOURS_OF_APIS.format(columns=COLUMNS), [today - timedelta(days=70), today - timedelta(days=HOURS_OF_ALL)]
    )
    for hours in range(HOURS_OF_ALL * 24, 0, -1):
        at = today - timedelta(hours=hours)
        if hours > 24:
            fill(server, "hour", at, daily / 24, tuple(FACETS))
        else:
            fill_records(server, at, YESTERDAY / 24)
    for hours in range(now.hour + 1):
        fill(server, "hour", today + timedelta(hours=hours), daily / 24, tuple(FACETS))
    server.execute("ALTER TABLE analytics_day ADD PRIMARY KEY (organisation_id, facet, parent, at, value)")
    for definition in indexes:
        server.execute(definition)
    yesterday = today - timedelta(days=1)
    server.execute(summing(LEVELS["day"]), [yesterday, yesterday, today])
    close(server, now, today)
    server.commit()
    server.autocommit = True
    server.execute("VACUUM (ANALYZE, FREEZE)")
    server.autocommit = False


def pattern_of(days: int) -> int:
    """Return how long ago the day was that is like the one so long ago."""
    return DAYS - (DAYS - days) % PATTERNS


def write_names(server: "psycopg.Connection[Any]") -> None:
    for statement in (*NAMES.split(";\n"), ORGANISATIONS):
        server.execute(statement.encode())
    for table in ("unit", "api", "key", "organisation"):  # or `migrate` may not touch their rights
        server.execute(f"ALTER TABLE bench_{table} OWNER TO commonhold_owner")
    server.execute("CREATE TEMPORARY TABLE numbered (id text, number bigint)")
    apis = server.execute("SELECT id, api_id FROM bench_api").fetchall()
    keys = server.execute("SELECT id, hash FROM bench_key").fetchall()
    with server.cursor().copy("COPY numbered FROM STDIN") as copy:
        for kind, rows in ((Facet.API, apis), (Facet.KEY, keys)):
            for id, text in rows:
                copy.write_row((f"{kind.value}{id}", number(kind.value, text)))
    for kind, table in ((Facet.API, "bench_api"), (Facet.KEY, "bench_key")):
        server.execute(
            f"UPDATE {table} SET number = numbered.number FROM numbered WHERE numbered.id = '{kind.value}' || {table}.id"
        )
    server.execute("CREATE INDEX ON bench_key (organisation_id, n)")
    server.execute("CREATE INDEX ON bench_api (organisation_id, n)")
    server.execute("ANALYZE bench_key; ANALYZE bench_api; ANALYZE bench_organisation")
    server.execute(
        "INSERT INTO analytics_name (organisation_id, id, kind, text, label)"
        " SELECT organisation_id, number, 1, api_id, 'API ' || n FROM bench_api"
        " UNION ALL SELECT organisation_id, number, 3, hash, alias FROM bench_key"
        f" UNION ALL SELECT organisation_id, number # e, 4, api_id || ' GET /orders/{{id}}/' || e, 'GET /orders/{{id}}/' || e"
        f" FROM bench_api, generate_series(1, {ENDPOINTS}) e"
        " UNION ALL SELECT organisation_id, c, 5, (ARRAY['GB', 'DE', 'FR', 'IN', 'US', 'BR', 'JP', 'ZA'])[c], ''"
        " FROM bench_organisation, generate_series(1, 8) c"
    )


def bucket(server: "psycopg.Connection[Any]", at: datetime, total: float) -> None:
    server.execute("DROP TABLE IF EXISTS bench_bucket")
    turn = int(at.timestamp()) // 86_400
    server.execute(BUCKET.format(endpoints=ENDPOINTS, turn=turn, total=float(total)).encode())


def fill(server: "psycopg.Connection[Any]", level: str, at: datetime, total: float, facets: tuple[Facet, ...]) -> None:
    bucket(server, at, total)
    for facet in facets:
        parent, value = FACETS[facet]
        statement = f"""
            INSERT INTO {LEVELS[level].table} ({COLUMNS}) SELECT organisation_id, {facet.value}, {parent}, %(at)s::timestamptz,
            {value}, {MEASURES} FROM bench_bucket GROUP BY 1, 3, 5
        """
        server.execute(statement.encode(), {"at": at})


def fill_records(server: "psycopg.Connection[Any]", at: datetime, total: float) -> None:
    bucket(server, at, total)
    server.execute(RECORDS.encode(), {"at": at})
    for facet, (parent, value) in FACETS.items():
        value = "CASE country WHEN 'GB' THEN 1 END" if facet == Facet.COUNTRY else value
        statement = ADD_UP.format(columns=COLUMNS, facet=facet.value, parent=parent, value=value)
        server.execute(statement.encode(), {"at": at})


def close(server: "psycopg.Connection[Any]", now: datetime, today: datetime) -> None:
    """Sum months, and note the leaders of all that has ended, as the pump would have."""
    this_month = today.replace(day=1)
    server.execute("ANALYZE analytics_day; ANALYZE analytics_hour")
    month = (today - timedelta(days=DAYS)).replace(day=1)
    while month < this_month:
        end = (month + timedelta(days=32)).replace(day=1)
        server.execute(summing(LEVELS["month"]), [month, month, end])
        lead(server, "month", month)
        month = end
    for days in range(DAYS, 0, -1):
        at = today - timedelta(days=days)
        if days in (pattern_of(days), 1):
            lead(server, "day", at)
        else:
            server.execute(SAME_LEADERS, [at, today - timedelta(days=pattern_of(days))])
    hour = today - timedelta(days=HOURS_OF_ALL)
    while hour + timedelta(hours=1) <= now:
        lead(server, "hour", hour)
        hour += timedelta(hours=1)
    for level, until in (("hour", hour), ("day", today), ("month", this_month)):
        server.execute("INSERT INTO analytics_closed (level, until, late) VALUES (%s, %s, '{}')", [level, until])


def lead(server: "psycopg.Connection[Any]", level: str, at: datetime) -> None:
    server.execute(leading(LEVELS[level]), [at, at, *2 * [closing.LEADERS[level]]])
