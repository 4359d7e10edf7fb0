"""Writes a batch of records: each request, and what it adds to the roll-ups, in one transaction.

Whose a record is, its `OrgID` says, and it is believed only of organisations that the group serves: a gateway of
another group could have been told anything.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import randbits

import msgspec
from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from analytics import histogram
from analytics.decoding import Malformed, Raw, Request, columns, decoded, read
from analytics.models import Facet, Hour
from analytics.naming import number
from analytics.rollups import LEVELS, SOURCES, adding
from keys.rows import array
from orgs.definers import INTAKE_LOCK

NOT_SERVED = "It is of no organisation that this group serves."
OLDEST = timedelta(days=min(settings.RECORD_DAYS, Hour.kept_days))
LONGEST_EXAMPLE = 2_000
MOST_DEAD_LETTERS = 50
# The locks of PostgreSQL that keep two batches, and the closing of buckets, from each other's rows.
ROLLUPS_LOCK = 5_001
LONGEST_KNOWN = 500_000

INTAKE_COLUMNS = (
    *("organisation_id", "at", "id", "api", "version", "key", "client", "endpoint", "method", "host", "path"),
    *("status", "latency", "upstream", "size", "address", "country", "agent", "tags", "request", "response"),
    *("tag_numbers", "country_number", "bucket", "code"),
)
RECORD_COLUMNS = ", ".join(INTAKE_COLUMNS[:21])
COPY = f"COPY analytics_intake ({', '.join(INTAKE_COLUMNS)}) FROM STDIN"
# As plain numbers: those of an enumeration are five times as slow, and there are some for each record.
API, VERSION, KEY, ENDPOINT = (facet.value for facet in (Facet.API, Facet.VERSION, Facet.KEY, Facet.ENDPOINT))
COUNTRY, CLIENT, TAG = (facet.value for facet in (Facet.COUNTRY, Facet.CLIENT, Facet.TAG))
Key = tuple[str, int]


@dataclass
class Batch:
    """What is found out of a batch while it is copied to PostgreSQL."""

    group_id: str
    served: frozenset[str]
    now: datetime
    names: dict[Key, tuple[int, str, str]] = field(default_factory=dict)
    numbers: dict[tuple[str, int, str], int] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    written: int = 0

    def row(self, record: bytes | Raw) -> tuple[object, ...] | None:
        """Return the row of a record, or None where it is refused."""
        raw, data = (record, b"") if isinstance(record, Raw) else (None, record)
        try:
            raw = raw or decoded(data)
            request = read(raw, now=self.now, oldest=self.now - OLDEST)
            if request.organisation_id not in self.served:
                raise Malformed(NOT_SERVED)
        except Malformed as error:
            self.refuse(str(error), raw, data)
            return None
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            self.refuse(f"It cannot be read: {type(error).__name__}.", raw, data)
            return None
        self.written += 1
        return self.numbered(request)

    def numbered(self, request: Request) -> tuple[object, ...]:
        """Its id is random: one that counted would tell an organisation how many records of others lie between."""
        organisation = request.organisation_id
        api = self.name(organisation, API, request.api_id, request.api_name)
        endpoint = self.name(organisation, ENDPOINT, f"{request.api_id} {request.endpoint}", request.endpoint)
        return (
            organisation, request.at, randbits(63), api,
            self.name(organisation, VERSION, request.version),
            self.name(organisation, KEY, request.key, request.alias),
            self.name(organisation, CLIENT, request.client),
            endpoint, request.method, request.host, request.path, request.status, request.latency, request.upstream,
            request.size, request.address, request.country, request.agent, array(request.tags),
            request.request, request.response, array([self.name(organisation, TAG, tag) for tag in request.tags]),
            self.name(organisation, COUNTRY, request.country), *columns(request),
        )  # fmt: skip

    def name(self, organisation: str, kind: int, text: str, label: str = "") -> int:
        """Return the number of a name, which is written down with the batch; 0 for an empty one."""
        if not text:
            return 0
        found = self.numbers.get((organisation, kind, text))
        if found is None:
            found = self.numbers[organisation, kind, text] = number(kind, text)
            self.names[organisation, found] = (kind, text, label)
        return found

    def refuse(self, reason: str, raw: Raw | None, data: bytes) -> None:
        claimed = raw.organisation_id[:60].replace("\0", "") if raw else ""
        self.refused[reason, claimed] += 1
        if (reason, claimed) not in self.examples:
            self.examples[reason, claimed] = example_of(raw, data)


def example_of(raw: Raw | None, data: bytes) -> str:
    """Return the record to look at, without credentials: the key is a hash, and bodies and headers are left out."""
    if raw is None:
        return repr(data[:200])
    raw.request = raw.response = raw.key = raw.alias = ""
    try:
        text = msgspec.json.encode(raw, enc_hook=repr).decode(errors="replace")
    except (ValueError, TypeError, RecursionError):
        text = repr(raw)
    return text.replace("\0", "").replace("\\u0000", "")[:LONGEST_EXAMPLE]


class Writer:
    """Of one thread. It remembers which names are written down, so that each is told PostgreSQL once."""

    def __init__(self) -> None:
        self.known: dict[Key, str] = {}

    def write(self, group_ids: list[str], records: Iterable[bytes | Raw]) -> Batch:
        """Write them in the open transaction, in the scope INTAKE. `remember` is for when it has been committed.

        They are of gateways of these groups, which share a Redis.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [INTAKE_LOCK])
            cursor.execute("SELECT organisation_id FROM gateways_serving WHERE group_id = ANY (%s)", [group_ids])
            served = frozenset(id for (id,) in cursor.fetchall())
            batch = Batch(group_ids[0], served, timezone.now())
            with cursor.copy(COPY) as copy:
                for record in records:
                    row = batch.row(record)
                    if row is not None:
                        copy.write_row(row)
            self.write_dead_letters(cursor, batch)
            if batch.written:
                cursor.execute("SET LOCAL work_mem = '64MB'")  # or sorting a batch goes through files
                cursor.execute(
                    f"INSERT INTO analytics_record ({RECORD_COLUMNS}) SELECT {RECORD_COLUMNS} FROM analytics_intake"  # noqa: S608
                    " ORDER BY organisation_id, at"  # which is quicker: neighbours in its indexes come together
                )
                # From here on batches go one by one: in the tables before, none meets rows of another.
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLLUPS_LOCK])
                self.write_names(cursor, batch)
                add_up(cursor, batch)
                cursor.execute("DELETE FROM analytics_intake")  # its own rows alone: none there is ever committed
        return batch

    def refuse(self, group_ids: list[str], record: bytes | Raw, reason: str) -> Batch:
        """Note one record as a dead letter, in the open transaction."""
        batch = Batch(group_ids[0], frozenset(), timezone.now())
        raw, data = (record, b"") if isinstance(record, Raw) else (None, record)
        with suppress(Malformed):
            raw = raw or decoded(data)
        batch.refuse(reason, raw, data)
        with connection.cursor() as cursor:
            self.write_dead_letters(cursor, batch)
        return batch

    def write_names(self, cursor: CursorWrapper, batch: Batch) -> None:
        new = [(*key, *name) for key, name in batch.names.items() if self.known.get(key) != name[2]]
        if new:
            cursor.execute(
                """
                INSERT INTO analytics_name (organisation_id, id, kind, text, label)
                SELECT new.* FROM unnest(%s::text[], %s::bigint[], %s::smallint[], %s::text[], %s::text[])
                    AS new (organisation_id, id, kind, text, label)
                LEFT JOIN analytics_name AS old USING (organisation_id, id)
                WHERE old.id IS NULL OR old.label <> new.label AND new.label <> ''
                ON CONFLICT (organisation_id, id) DO UPDATE SET label = excluded.label
                """,
                [array(column) for column in zip(*new, strict=True)],
            )

    def write_dead_letters(self, cursor: CursorWrapper, batch: Batch) -> None:
        """One for each reason and whom they claim to be of; of very many, those that there are most of."""
        refused = batch.refused.most_common(MOST_DEAD_LETTERS)
        if rest := batch.refused.total() - sum(count for _, count in refused):
            refused.append((("Others were refused too.", ""), rest))
        for (reason, claimed), count in refused:
            cursor.execute(
                "INSERT INTO analytics_deadletter (group_id, reason, claimed, count, example)"
                " VALUES (%s, %s, %s, %s, %s)",
                [batch.group_id, reason[:200], claimed, count, batch.examples.get((reason, claimed), "")],
            )

    def remember(self, batch: Batch) -> None:
        if len(self.known) > LONGEST_KNOWN:
            self.known.clear()
        self.known |= {key: label for key, (_, _, label) in batch.names.items()}


def add_up(cursor: CursorWrapper, batch: Batch) -> None:
    """Add the batch to the roll-ups: to days and months too, where these have been summed already."""
    cursor.execute("SELECT level, until FROM analytics_closed")
    closed = dict(cursor.fetchall())
    cursor.execute("SELECT min(at), max(at) FROM analytics_intake")
    first, last = cursor.fetchone()
    for name, level in LEVELS.items():
        since = batch.now - timedelta(days=2) if name == "minute" else first
        until = closed.get(name) if level.below else last + timedelta(microseconds=1)
        if until is None or until <= max(first, since):
            continue
        facets = (Facet.TOTAL, Facet.API) if name == "minute" else SOURCES
        for facet in facets:
            units = [histogram.LATENCY_UNITS, histogram.CODE_UNITS]
            cursor.execute(adding(level, facet), [*units, since, until])
    for name in ("hour", "day", "month"):
        if name in closed and first < closed[name]:
            cursor.execute(FORGET_LEADERS, [name, closed[name], name, name])


FORGET_LEADERS = """
WITH late AS (
    SELECT DISTINCT organisation_id, date_trunc(%s, at, 'UTC') AS at FROM analytics_intake WHERE at < %s
), forgotten AS (
    DELETE FROM analytics_leaders AS leaders USING late
    WHERE leaders.organisation_id = late.organisation_id AND leaders.at = late.at AND leaders.level = %s
)
UPDATE analytics_closed SET late = ARRAY(SELECT DISTINCT * FROM unnest(late || ARRAY(SELECT DISTINCT at FROM late)))
WHERE level = %s
"""
