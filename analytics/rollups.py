"""What roll-ups are made of, in SQL: the same columns and sums at every level."""

from dataclasses import dataclass

from django.db import models

from analytics.models import Day, Facet, Hour, Leaders, Minute, Month

KEYS = ("organisation_id", "facet", "parent", "at", "value")
SUMS = ("hits", "client_errors", "server_errors", "latency", "upstream", "size", "latencies", "codes")
MOST = ("slowest", "last_at")
COLUMNS = ", ".join((*KEYS, *SUMS, *MOST))
# Of roll-ups into one of a longer time, or of many values.
SUMMED = ", ".join((*(f"sum({column})" for column in SUMS), *(f"max({column})" for column in MOST)))
ADDED = ", ".join(
    (
        *(f"{column} = rollup.{column} + excluded.{column}" for column in SUMS),
        *(f"{column} = greatest(rollup.{column}, excluded.{column})" for column in MOST),
    )
)
# Of the requests in `analytics_intake`. What each adds to a histogram is looked up in an array: PostgreSQL knows
# nothing of how many rows there are, and made a loop in a loop of a join.
COUNTED = """count(*), count(*) FILTER (WHERE status BETWEEN 400 AND 499), count(*) FILTER (WHERE status >= 500),
    sum(latency), sum(upstream), sum(size), sum((%s::numeric[])[bucket + 1]), sum((%s::numeric[])[code + 1]),
    max(latency), max(at)"""


@dataclass(frozen=True)
class Source:
    """Where in `analytics_intake` a facet's parent and value are, and which requests have them."""

    parent: str
    value: str
    where: str = "true"
    join: str = ""


SOURCES = {
    Facet.TOTAL: Source("0", "0"),
    Facet.API: Source("0", "api"),
    Facet.VERSION: Source("api", "version", "version <> 0"),
    Facet.KEY: Source("api", "key", "key <> 0"),
    Facet.ENDPOINT: Source("api", "endpoint"),
    Facet.COUNTRY: Source("0", "country_number", "country_number <> 0"),
    Facet.CLIENT: Source("0", "client", "client <> 0"),
    Facet.TAG: Source("0", "tag", join="CROSS JOIN LATERAL unnest(tag_numbers) AS tag"),
}


@dataclass(frozen=True)
class Level:
    """One resolution. Its buckets are summed from those of `below`, when they have ended."""

    name: str
    model: type[models.Model]
    below: str = ""

    @property
    def table(self) -> str:
        return self.model._meta.db_table


LEVELS = {
    level.name: level
    for level in (Level("minute", Minute), Level("hour", Hour), Level("day", Day, "hour"), Level("month", Month, "day"))
}


def adding(level: Level, facet: Facet) -> str:
    """Return the statement that adds a batch of `analytics_intake` to a level.

    Its parameters: the units of latencies and of codes, and between when the requests are.
    """
    source = SOURCES[facet]
    return f"""
        INSERT INTO {level.table} AS rollup ({COLUMNS})
        SELECT organisation_id, {facet.value}, {source.parent}, date_trunc('{level.name}', at, 'UTC'), {source.value},
            {COUNTED}
        FROM analytics_intake {source.join} WHERE at >= %s AND at < %s AND {source.where}
        GROUP BY 1, 3, 4, 5
        ON CONFLICT (organisation_id, facet, parent, at, value) DO UPDATE SET {ADDED}
    """  # noqa: S608 - made of names in this code


def summing(level: Level) -> str:
    """Return the statement that makes a level's bucket out of those below. Parameters: its start, start and end."""
    below = LEVELS[level.below]
    return f"""
        INSERT INTO {level.table} ({COLUMNS})
        SELECT organisation_id, facet, parent, %s, value, {SUMMED}
        FROM {below.table} WHERE at >= %s AND at < %s GROUP BY organisation_id, facet, parent, value
    """  # noqa: S608 - made of names in this code


def leading(level: Level) -> str:
    """Return the statement that notes the leaders of a bucket. Parameters: its start, how many there are, its start."""
    return f"""
        WITH bucket AS (
            SELECT organisation_id, facet, parent, value, hits, client_errors + server_errors AS errors
            FROM {level.table} WHERE at = %s AND facet <> {Facet.TOTAL.value}
        ), summed AS (
            SELECT * FROM bucket
            UNION ALL
            SELECT organisation_id, facet, {Leaders.ALL_PARENTS}, value, sum(hits), sum(errors) FROM bucket
            WHERE facet IN ({Facet.KEY.value}, {Facet.ENDPOINT.value}) GROUP BY organisation_id, facet, value
        ), scored AS (
            SELECT organisation_id, facet, parent, {Leaders.BY_HITS} AS by, value, hits AS number FROM summed
            UNION ALL
            SELECT organisation_id, facet, parent, {Leaders.BY_ERRORS}, value, errors FROM summed
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY organisation_id, facet, parent, by ORDER BY number DESC) AS place,
                count(*) OVER (PARTITION BY organisation_id, facet, parent, by) AS rivals
            FROM scored
        )
        INSERT INTO analytics_leaders (organisation_id, facet, parent, by, level, at, values, numbers)
        SELECT organisation_id, facet, parent, by, '{level.name}', %s, array_agg(value ORDER BY place),
            array_agg(number ORDER BY place)
        FROM ranked WHERE place <= %s AND rivals > %s GROUP BY organisation_id, facet, parent, by
        ON CONFLICT DO NOTHING
    """  # noqa: S608 - made of names in this code
