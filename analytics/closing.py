"""Sums hours, days and months that have ended, and keeps the partitions: the pump does it beside taking records in."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from analytics.ingest.writing import ROLLUPS_LOCK
from analytics.models import Hour, Minute, Record
from analytics.rollups import LEVELS, Level, leading, summing
from analytics.spans import next_start, start_of
from orgs import definers, scope

log = logging.getLogger(__name__)
# Records of an hour come some seconds after it; those that are later are added to what has been summed.
GRACE = timedelta(minutes=5)
# How many leaders a bucket has; what has fewer values is quick without. The longer it is, the more of them one needs to
# know that nothing is missing: other keys lead every day.
LEADERS = {"hour": 100, "day": 200, "month": 1_000}
CLOSING_LOCK = 5_002
PARTITIONED = {Record: settings.RECORD_DAYS, Hour: Hour.kept_days, Minute: Minute.kept_days}


def close_ended() -> int:
    """Sum the next bucket that has ended; return 0 where there is none. Of several pumps one does it."""
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [CLOSING_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        keep_partitions()
        return int(any(close_next(LEVELS[name]) for name in ("hour", "day", "month")) or note_late_leaders())


def keep_partitions() -> None:
    today = timezone.now().date()
    if _kept.get("today") != today:
        with connection.cursor() as cursor:
            for model, days in PARTITIONED.items():
                cursor.execute(f"SELECT {definers.KEEPING}(%s, %s)", [model._meta.db_table, days])
        _kept["today"] = today


_kept: dict[str, object] = {}


def close_next(level: Level) -> bool:
    now = timezone.now()
    with connection.cursor() as cursor:
        # The pump's, so that a record comes either before its bucket is summed, or is added to the sum.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLLUPS_LOCK])
        start = closed_until(level.name) or start_of(level.name, first_hour() or now)
        end = next_start(level.name, start)
        below = closed_until(level.below) if level.below else now - GRACE
        if below is None or below < end:
            return False
        if level.below:
            cursor.execute(summing(level), [start, start, end])
        lead(level, start)
        cursor.execute(
            "INSERT INTO analytics_closed (level, until, late) VALUES (%s, %s, '{}')"
            " ON CONFLICT (level) DO UPDATE SET until = excluded.until",
            [level.name, end],
        )
    return True


def lead(level: Level, start: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(leading(level), [start, start, *2 * [LEADERS[level.name]]])


def note_late_leaders() -> bool:
    """Find the leaders of a bucket anew that records came to after it had been summed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT level, late[1] FROM analytics_closed WHERE late <> '{}' LIMIT 1")
        found = cursor.fetchone()
        if found is None:
            return False
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLLUPS_LOCK])
        level, at = found
        cursor.execute("UPDATE analytics_closed SET late = array_remove(late, %s) WHERE level = %s", [at, level])
        lead(LEVELS[level], at)
    return True


def first_hour() -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(at) FROM analytics_hour")
        found: datetime | None = cursor.fetchone()[0]
    return found


def closed_until(level: str) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT until FROM analytics_closed WHERE level = %s", [level])
        found = cursor.fetchone()
    return found[0] if found else None
