"""Keys and their requests at moments of the past that no gateway's record may have any more."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from analytics.models import Facet
from analytics.naming import number
from analytics.spans import start_of
from apis.models import Api
from keys.models import Key, KeyAccess
from orgs import scope
from orgs.models import Organisation
from tests.conftest import SiteClient
from tests.dashboard import rows

BOARD = "/analytics/keys/board/"
NAME = """
INSERT INTO analytics_name (organisation_id, id, kind, text, label) VALUES (%s, %s, %s, %s, '') ON CONFLICT DO NOTHING
"""
BUCKET = """
INSERT INTO analytics_{} AS bucket (organisation_id, facet, parent, at, value, hits, client_errors, server_errors,
    latency, upstream, size, slowest, latencies, codes, last_at)
VALUES (%s, %s, %s, %s, %s, 1, 0, 0, 1, 1, 1, 1, 1, 1, %s)
ON CONFLICT (organisation_id, facet, parent, at, value)
DO UPDATE SET last_at = greatest(bucket.last_at, excluded.last_at)
"""
CLOSED = "INSERT INTO analytics_closed (level, until, late) VALUES (%s, %s, '{}') ON CONFLICT DO NOTHING"


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def key(of: Organisation, alias: str, *, days: float = 365, **fields: Any) -> Key:
    """Make a key so many days ago."""
    return rows.key(of, alias, created_at=ago(days), **fields)


def opening(of: Organisation, key: Key, apis: list[Api]) -> Key:
    with scope.opened(scope.of(of.id)):
        KeyAccess.objects.bulk_create(KeyAccess(key=key, api=api) for api in apis)
    return key


def use(of: Organisation, hash: str, *days: float, api: str = "shop") -> None:
    """Sum a request as pumps would have, so many days ago: what has ended is summed in days and months too."""
    today, month = start_of("day", datetime.now(UTC)), start_of("month", datetime.now(UTC))
    parent, value = number(Facet.API.value, api), number(Facet.KEY.value, hash)
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        for level, until in (("day", today), ("month", month)):
            cursor.execute(CLOSED, [level, until])
        cursor.execute(NAME, [of.id, value, Facet.KEY.value, hash])
        for at in map(ago, days):
            levels = ["hour"] if at >= today else ["day", "month"] if at < month else ["day"]
            for level in levels:
                cursor.execute(BUCKET.format(level), [of.id, Facet.KEY.value, parent, start_of(level, at), value, at])


def groups(client: SiteClient) -> dict[str, list[str]]:
    """Return the aliases in each group, by the words of its title."""
    answer = client.get(BOARD)
    assert answer.status_code == 200
    return {group["title"]: [row[1] for row in group["rows"]] for group in answer.context["groups"]}


def in_group(client: SiteClient, name: str) -> list[str]:
    answer = client.get(f"{BOARD}?group={name}")
    assert answer.status_code == 200
    return [row[1] for row in answer.context["groups"][0]["rows"]]
