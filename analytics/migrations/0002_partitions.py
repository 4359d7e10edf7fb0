"""Has the tables of records, minutes and hours partitioned by day, and makes the place where batches come in."""

from django.db import migrations

INDEXES = {
    "analytics_record": (
        "PRIMARY KEY (organisation_id, at, id)",
        "CREATE INDEX analytics_record_key ON analytics_record (organisation_id, key, at)",
        "CREATE INDEX analytics_record_errors ON analytics_record (organisation_id, at) WHERE status >= 400",
    ),
    "analytics_minute": ("PRIMARY KEY (organisation_id, facet, parent, at, value)",),
    "analytics_hour": (
        "PRIMARY KEY (organisation_id, facet, parent, at, value)",
        "CREATE INDEX analytics_hour_value ON analytics_hour (organisation_id, value, at)",
        "CREATE INDEX analytics_hour_time ON analytics_hour (organisation_id, facet, at)",
    ),
}


def partitioned(table: str) -> str:
    primary, *indexes = INDEXES[table]
    return "; ".join((
        f"ALTER TABLE {table} RENAME TO analytics_whole",
        f"CREATE TABLE {table} (LIKE analytics_whole INCLUDING DEFAULTS) PARTITION BY RANGE (at)",
        "DROP TABLE analytics_whole",
        f"ALTER TABLE {table} ADD {primary}",
        *indexes,
    ))


# Unlogged, since a batch that PostgreSQL has not committed is still in Redis.
INTAKE = """
CREATE UNLOGGED TABLE analytics_intake (
    batch bigint NOT NULL, organisation_id varchar(24) NOT NULL, at timestamptz NOT NULL, id bigint NOT NULL,
    api bigint NOT NULL, version bigint NOT NULL, key bigint NOT NULL, client bigint NOT NULL, endpoint bigint NOT NULL,
    method text NOT NULL, host text NOT NULL, path text NOT NULL, status smallint NOT NULL, latency integer NOT NULL,
    upstream integer NOT NULL, size bigint NOT NULL, address text NOT NULL, country text NOT NULL, agent text NOT NULL,
    tags text[] NOT NULL, request text NOT NULL, response text NOT NULL,
    tag_numbers bigint[] NOT NULL, country_number bigint NOT NULL, bucket smallint NOT NULL, code smallint NOT NULL
)
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_initial")]

    operations = [
        *[migrations.RunSQL(partitioned(table), migrations.RunSQL.noop) for table in INDEXES],
        migrations.RunSQL(INTAKE, "DROP TABLE analytics_intake"),
    ]
