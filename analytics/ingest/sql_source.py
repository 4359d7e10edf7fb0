"""Takes records from the PostgreSQL database that a tyk-pump fills, where gateways' own lists are already read by that.

Its tables, `tyk_analytics` or one a day, `tyk_analytics_20261128`, have no key: rows are read in the order of their
times and places. How far is noted in the transaction that writes them, so that each is written once. A row that comes
later than LATE, while newer ones have been read, is missed.
"""

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import psycopg
from django.db import DataError, connection
from django.utils import timezone
from psycopg import sql
from psycopg.rows import dict_row

from analytics.decoding import LONGEST_BODY, Raw, raw_of
from analytics.ingest.writing import OLDEST, Writer
from orgs import scope

log = logging.getLogger(__name__)
BATCH_SIZE = 5_000
LATE = timedelta(minutes=1)
TABLES = """
SELECT table_name::text AS name, array_agg(column_name::text) AS columns FROM information_schema.columns
WHERE table_schema = ANY (current_schemas(false)) AND table_name ~ '^tyk_analytics(_[0-9]{8})?$'
GROUP BY table_name ORDER BY table_name
"""
ROWS = """
SELECT ctid::text AS place, {columns} FROM {table}
WHERE ("timestamp", ctid) > (%s, %s::tid) AND "timestamp" <= %s ORDER BY "timestamp", ctid LIMIT %s
"""
# The columns of tyk-pump's records; those that a table lacks are left out. The long ones are cut where they are.
COLUMNS = (
    *("method", "host", "path", "contentlength", "useragent", "responsecode", "apikey", "timestamp", "apiversion"),
    *("api_name", "apiid", "orgid", "oauthid", "requesttime", "ipaddress", "geo_country_iso_code", "latency_total"),
    *("latency_upstream", "tags", "alias"),
)
BODIES = ("rawrequest", "rawresponse")
FIRST_PLACE = "(0,0)"


class Unreachable(Exception):
    """The source cannot be read; what it says may name its address, so it is not told."""


class SqlSource:
    """Of one thread; several may work at the same source. Its records are of the gateways of one group."""

    def __init__(self, url: str, group_id: str, stopping: threading.Event) -> None:
        self.url, self.group_id, self.stopping = url, group_id, stopping
        self.writer = Writer()
        self.is_failing = False
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def work(self) -> int:
        """Take in what there is now; return how many records that was."""
        done = 0
        try:
            for row in self.ask(TABLES):
                while not self.stopping.is_set() and (taken := self.write_next(row["name"], row["columns"])):
                    done += taken
        except Unreachable as error:
            if not self.is_failing:
                log.warning("The database of tyk-pump cannot be read: %s", error)
            self.is_failing = True
            return done
        self.is_failing = False
        return done

    def write_next(self, table: str, columns: Sequence[str]) -> int:
        """Write the next rows of a table; return how many.

        Where PostgreSQL cannot store them, half as many are tried, until it is known which row that is.
        """
        if is_too_old(table, timezone.now()) or not {"timestamp", "orgid"} <= {*columns}:
            return 0
        most, fault = BATCH_SIZE, ""
        while True:
            try:
                return self.write_rows(rows_of(table, columns), f"{self.group_id} {table}", most, fault)
            except DataError as error:
                most, fault = most // 2, str(error).partition("\n")[0]

    def write_rows(self, query: sql.Composed, name: str, most: int, fault: str) -> int:
        """Write the next rows; none at `most` is to refuse the next one with this fault."""
        now = timezone.now()
        with scope.opened(scope.INTAKE, savepoint=True), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO analytics_position (id, at, place) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [name, now - OLDEST, FIRST_PLACE],
            )
            cursor.execute("SELECT at, place FROM analytics_position WHERE id = %s FOR UPDATE SKIP LOCKED", [name])
            position = cursor.fetchone()
            rows = self.ask(query, [*position, now - LATE, most or 1]) if position else []
            if not rows:
                return 0
            records = map(record_of, rows)
            if most:
                batch = self.writer.write([self.group_id], records)
            else:
                batch = self.writer.refuse([self.group_id], next(records), f"PostgreSQL cannot store it: {fault}")
            last = rows[-1]
            cursor.execute(
                "UPDATE analytics_position SET at = %s, place = %s WHERE id = %s",
                [aware(last["timestamp"]), last["place"], name],
            )
        self.writer.remember(batch)
        return len(rows)

    def ask(self, query: "str | sql.Composed", params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self.url)
            return self._connection.execute(query, params).fetchall()
        except psycopg.Error as error:
            if self._connection is not None:
                self._connection.close()
            raise Unreachable(type(error).__name__) from None


def connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    """Connect to read: PostgreSQL refuses everything else in this session."""
    return psycopg.connect(
        url,
        autocommit=True,
        row_factory=dict_row,
        connect_timeout=5,
        options="-c default_transaction_read_only=on -c statement_timeout=60s -c timezone=UTC",
    )


def rows_of(table: str, columns: Sequence[str]) -> sql.Composed:
    wanted: list[sql.Composable] = [sql.Identifier(name) for name in COLUMNS if name in columns]
    for name in BODIES:
        if name in columns:
            column = sql.Identifier(name)
            wanted.append(sql.SQL("left({}, {}) AS {}").format(column, sql.Literal(LONGEST_BODY), column))
    return sql.SQL(ROWS).format(columns=sql.SQL(", ").join(wanted), table=sql.Identifier(table))


def is_too_old(table: str, now: datetime) -> bool:
    """Whether all of a day's table would be refused."""
    found = re.search(r"_(\d{4})(\d\d)(\d\d)$", table)
    try:
        return bool(found) and date(*map(int, found.groups())) < (now - OLDEST).date() - timedelta(days=1)  # type: ignore[union-attr]
    except ValueError:
        return True


def record_of(row: Mapping[str, Any]) -> Raw:
    """Return a row as a gateway's record."""
    return raw_of(
        {
            "OrgID": row["orgid"],
            "APIID": row.get("apiid"),
            "APIName": row.get("api_name"),
            "APIVersion": row.get("apiversion"),
            "APIKey": row.get("apikey"),
            "Alias": row.get("alias"),
            "OauthID": row.get("oauthid"),
            "TimeStamp": aware(row["timestamp"]),
            "Method": row.get("method"),
            "Host": row.get("host"),
            "Path": row.get("path"),
            "ResponseCode": row.get("responsecode"),
            "RequestTime": row.get("requesttime"),
            "Latency": {"Total": row.get("latency_total") or 0, "Upstream": row.get("latency_upstream") or 0},
            "ContentLength": row.get("contentlength"),
            "IPAddress": row.get("ipaddress"),
            "Geo": {"Country": {"ISOCode": row.get("geo_country_iso_code") or ""}},
            "UserAgent": row.get("useragent"),
            "Tags": tags_of(row.get("tags")),
            "RawRequest": row.get("rawrequest"),
            "RawResponse": row.get("rawresponse"),
        }
    )


def aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def tags_of(value: Any) -> Any:
    """tyk-pump writes a list as JSON into a column of text."""
    if isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return None
    return value
