"""Sums hours, days and months that have ended, and keeps the partitions: the pump does it beside taking records in."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from analytics.ingest.writing import ROLLUPS_LOCK
from analytics.models import Hour, Minute, Record
from analytics.rollups import LEVELS, Level, leading, summing
from analytics.spans import next_start, start_of
from orgs import definers, scope
from orgs.models import Organisation

TIDIES_EVERY_S = 600.0
# Records of an hour come some seconds after it; those that are later are added to what has been summed.
GRACE = timedelta(minutes=5)
# How many leaders a bucket has; what has fewer values is quick without. The longer it is, the more of them one needs to
# know that nothing is missing: other keys lead every day.
LEADERS = {"hour": 100, "day": 200, "month": 1_000}
CLOSING_LOCK = 5_002
PARTITIONED = {Record: settings.RECORD_DAYS, Hour: Hour.kept_days, Minute: Minute.kept_days}


class Housekeeper:
    """Of one pump; of several, one at a time does each of these."""

    def __init__(self) -> None:
        self.tidied_at = float("-inf")

    def work(self) -> int:
        """Do what there is to do now; return 0 where that was nothing."""
        now = time.monotonic()
        if now - self.tidied_at >= TIDIES_EVERY_S:
            self.tidied_at = now
            keep_partitions()
            forget_records()
        return close_ended()


def keep_partitions() -> None:
    with alone() as is_alone, connection.cursor() as cursor:
        for model, days in PARTITIONED.items() if is_alone else ():
            cursor.execute(f"SELECT {definers.KEEPING}(%s, %s)", [model._meta.db_table, days])


def forget_records() -> None:
    """Delete what organisations keep for fewer days than the installation, each in its own scope."""
    with scope.opened(scope.EVERYTHING):
        kept = Organisation.objects.filter(record_days__isnull=False).values_list("id", "record_days")
        days_of = {organisation_id: days or settings.RECORD_DAYS for organisation_id, days in kept}
    for organisation_id, days in days_of.items():
        with scope.opened(scope.of(organisation_id)):
            old = Record.objects.filter(at__lt=timezone.now() - timedelta(days=days))
            old._raw_delete(old.db)


def close_ended() -> int:
    """Sum the next bucket that has ended; return 0 where there is none."""
    with alone() as is_alone:
        if not is_alone:
            return 0
        return int(any(close_next(LEVELS[name]) for name in ("hour", "day", "month")) or note_late_leaders())


@contextmanager
def alone() -> Iterator[bool]:
    """Run the block in the scope of the intake; it is told whether no other pump is in one of these."""
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [CLOSING_LOCK])
        is_alone = bool(cursor.fetchone()[0])
        if is_alone:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [definers.INTAKE_LOCK])
        yield is_alone


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
