"""What an organisation's roll-ups say: totals, series over time, and the values with the most.

Each is one statement for the open scope's organisation, named in it besides what row-level security does. Numbers are
exact: which levels they are summed from changes how long it takes, never what comes out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection
from django.utils import timezone
from psycopg import sql

from analytics.models import Facet, Hour, Leaders
from analytics.numbers import QUANTILES as QUANTILES
from analytics.numbers import Numbers as Numbers
from analytics.numbers import Value as Value
from analytics.rollups import LEVELS, SUMMED
from analytics.spans import Piece, Span, ceiling, cover, merged, start_of
from orgs import scope

# Until when hours, days and months have been summed.
Closed = Mapping[str, datetime]
Series = list[Numbers | None]


@dataclass(frozen=True)
class Of:
    """Which roll-ups: of one facet, and under one parent or of one value where these are given."""

    facet: Facet
    parent: int | None = 0
    value: int | None = None

    def where(self) -> tuple[sql.Composable, list[Any]]:
        parts, params = ["organisation_id = %s AND facet = %s"], [scope.current_organisation_id(), self.facet.value]
        for column in ("parent", "value"):
            wanted = getattr(self, column)
            if wanted is not None:
                parts.append(f"{column} = %s")
                params.append(wanted)
        return sql.SQL(" AND ".join(parts)), params


EVERYTHING = Of(Facet.TOTAL, 0, 0)


def of_api(api: int) -> Of:
    return Of(Facet.API, 0, api)


def of_key(key: int) -> Of:
    """A key at every API that it was used at."""
    return Of(Facet.KEY, None, key)


def totals(of: Of, start: datetime, end: datetime, *, among: Sequence[int] | None = None) -> Numbers:
    """Return the numbers of a time, of several values together where `among` names them."""
    source, params = rows_of(of, pieces_of(of, [(start, end)]), among)
    [row] = ask(sql.SQL("SELECT {} FROM {} AS rows").format(sql.SQL(SUMMED), source), params)
    return numbers_of(row)


def series(of: Of, span: Span, *, among: Sequence[int] | None = None) -> Series:
    """Return the numbers of each bucket of the span, as `totals`; None for what has not happened yet."""
    return series_of(of, [span], among=among)[0]


def series_of(
    of: Of, spans: Sequence[Span], *, among: Sequence[int] | None = None, closed: Closed | None = None
) -> list[Series]:
    """Return the series of spans that follow each other, in one statement."""
    buckets = [
        (start, min(end, span.until), start < span.until)
        for span in spans
        for start, end in zip(span.starts, [*span.starts[1:], span.end], strict=True)
    ]
    times = [(start, end) for start, end, has_begun in buckets if has_begun]
    if spans[0].resolution == "minute":
        pieces = merged(Piece("minute", start, end) for start, end in times)
    else:
        pieces = pieces_of(of, times, closed)
    source, params = rows_of(of, pieces, among)
    rows = ask(
        sql.SQL("SELECT width_bucket(at, %s::timestamptz[]), {} FROM {} AS rows GROUP BY 1").format(
            sql.SQL(SUMMED), source
        ),
        [[start for start, _, _ in buckets], *params],
    )
    found = {int(place): numbers_of(row) for place, *row in rows}
    numbers = iter(
        found.get(place, Numbers()) if has_begun else None for place, (_, _, has_begun) in enumerate(buckets, start=1)
    )
    return [list(islice(numbers, len(span.starts))) for span in spans]


def top(of: Of, start: datetime, end: datetime, *, by_errors: bool = False, limit: int = 10) -> list[Value]:
    """Return the values with the most requests (or errors), falling, and equal ones in the order of their numbers.

    Of very many values, only those are summed that can be among the first (`_candidates`).
    """
    pieces = pieces_of(of, [(start, end)])
    if _has_leaders(of, pieces, by_errors=by_errors):
        return top_led(of, pieces, by_errors=by_errors, limit=limit)
    return _summed(of, pieces, by_errors=by_errors, limit=limit)


def top_led(of: Of, pieces: Sequence[Piece], *, by_errors: bool, limit: int) -> list[Value]:
    """Return the same, where some of the pieces have leaders."""
    among = _candidates(of, pieces, by_errors=by_errors, limit=limit)
    return _summed(of, pieces, by_errors=by_errors, limit=limit, among=among)


def _summed(
    of: Of, pieces: Sequence[Piece], *, by_errors: bool, limit: int, among: Sequence[int] | None = None
) -> list[Value]:
    rows = ask(*summing(of, pieces, by_errors=by_errors, limit=limit, among=among))
    return [value_of(row) for row in rows]


def summing(
    of: Of, pieces: Sequence[Piece], *, by_errors: bool, limit: int, among: Sequence[int] | None = None
) -> tuple[sql.Composable, list[Any]]:
    """Return the statement that sums all values, or those `among` them, and its parameters."""
    source, params = rows_of(of, pieces, among)
    score = sql.SQL("sum(client_errors) + sum(server_errors)" if by_errors else "sum(hits)")
    query = sql.SQL(
        "SELECT min(parent), value, {} FROM {} AS rows GROUP BY value HAVING {} > 0 ORDER BY {} DESC, value LIMIT %s"
    ).format(sql.SQL(SUMMED), source, score, score)
    return query, [*params, limit]


def value_of(row: Sequence[Any]) -> Value:
    parent, value, *numbers = row
    return Value(parent, value, numbers_of(numbers))


def named(numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return {number: (text, label)} of those that have a name."""
    if not numbers:
        return {}
    rows = ask(
        sql.SQL("SELECT id, text, label FROM analytics_name WHERE organisation_id = %s AND id = ANY (%s)"),
        [scope.current_organisation_id(), list(numbers)],
    )
    return {id: (text, label) for id, text, label in rows}


def pieces_of(of: Of, times: Sequence[tuple[datetime, datetime]], closed: Closed | None = None) -> list[Piece]:
    """Only some facets are counted by the minute: of others, an hour that has begun is taken whole."""
    closed = closed_until() if closed is None else closed
    since = start_of("day", timezone.now() - timedelta(days=Hour.kept_days - 1))
    if of.facet not in (Facet.TOTAL, Facet.API):
        times = [(start, ceiling(end - timedelta(microseconds=1), "hour")) for start, end in times]
    return merged(piece for start, end in times for piece in cover(start, end, closed, hours_since=since))


def closed_until() -> Closed:
    """Until when hours, days and months have been summed. That is the installation's, and the same for everyone."""
    [rows] = scope.ask_in((scope.INSTALLATION, "SELECT level, until FROM analytics_closed", []))
    return dict(rows)


def rows_of(of: Of, pieces: Sequence[Piece], among: Sequence[int] | None = None) -> tuple[sql.Composable, list[Any]]:
    """Return the roll-ups of these pieces as a relation, of these values where they are given, and its parameters."""
    where, params = of.where()
    if among is not None:
        where, params = where + sql.SQL(" AND value = ANY (%s)"), [*params, list(among)]
    parts: list[sql.Composable] = []
    values: list[Any] = []
    for piece in pieces:
        table = sql.Identifier(LEVELS[piece.level].table)
        parts.append(sql.SQL("SELECT * FROM {} WHERE {} AND at >= %s AND at < %s").format(table, where))
        values += [*params, piece.start, piece.end]
    if not parts:
        parts.append(sql.SQL("SELECT * FROM analytics_day WHERE false"))
    return sql.SQL("({})").format(sql.SQL(" UNION ALL ").join(parts)), values


# Of more than these, finding the rows of each takes longer than reading all.
MOST_CANDIDATES = 3_000
STEPS = {"minute": "1 minute", "hour": "1 hour", "day": "1 day", "month": "1 month"}
ASKED = sql.SQL("""
    WITH pieces AS (
        SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[], %s::interval[])
            AS t (level, since, until, step)
    ), led AS (
        SELECT l.level, l.at, values, numbers, numbers[cardinality(numbers)] AS last
        FROM pieces JOIN analytics_leaders AS l
            ON organisation_id = %s AND facet = %s AND parent = %s AND by = %s
            AND l.level = pieces.level AND at >= since AND at < until
    )
""")


def _has_leaders(of: Of, pieces: Sequence[Piece], *, by_errors: bool) -> bool:
    [[found]] = ask(*leading(of, pieces, by_errors=by_errors))
    return bool(found)


def leading(of: Of, pieces: Sequence[Piece], *, by_errors: bool) -> tuple[sql.Composable, list[Any]]:
    return ASKED + sql.SQL("SELECT EXISTS (SELECT FROM led)"), _asked(of, pieces, by_errors)


def _asked(of: Of, pieces: Sequence[Piece], by_errors: bool) -> list[Any]:
    parent = Leaders.ALL_PARENTS if of.parent is None else of.parent
    return [
        [piece.level for piece in pieces], [piece.start for piece in pieces], [piece.end for piece in pieces],
        [STEPS[piece.level] for piece in pieces],
        scope.current_organisation_id(), of.facet.value, parent, int(by_errors),
    ]  # fmt: skip


def _candidates(of: Of, pieces: Sequence[Piece], *, by_errors: bool, limit: int) -> list[int] | None:
    """Return the values that can be among the first, or None where that would not be much fewer than all.

    Leaders of a bucket say what its first values have; of buckets without leaders all rows are read. So of each value
    it is known what it has at least, and what at most: in each bucket that it does not lead, as much as the last leader
    there. Who has at most less than `limit` others have at least is none of the first.
    """
    where, params = of.where()
    score = sql.SQL("client_errors + server_errors" if by_errors else "hits")
    # Each with the times of its piece, or PostgreSQL looks into the partitions of all days.
    others = [
        sql.SQL(
            "SELECT value, {} AS number, 0 AS last FROM unled JOIN {} AS r ON level = %s AND r.at = unled.at"
            " WHERE {} AND r.at >= %s AND r.at < %s"
        ).format(score, sql.Identifier(LEVELS[piece.level].table), where)
        for piece in pieces
    ]
    query = ASKED + sql.SQL("""
        , unled AS MATERIALIZED (
            SELECT pieces.level, at FROM pieces
            CROSS JOIN LATERAL generate_series(since, until - interval '1 second', step) AS at
            WHERE (pieces.level, at) NOT IN (SELECT level, at FROM led)
        ), unseen AS (
            SELECT sum(last) AS most FROM led
        ), entries AS (
            SELECT unnest(values) AS value, unnest(numbers) AS number, last FROM led
            UNION ALL {others}
        ), known AS MATERIALIZED (
            SELECT value, sum(entries.number) AS least, sum(entries.number) - sum(last) + unseen.most AS most
            FROM entries, unseen GROUP BY value, unseen.most
        ), needed AS (
            SELECT coalesce((SELECT least FROM known ORDER BY least DESC OFFSET %s LIMIT 1), 0) AS hits
        )
        SELECT value, unseen.most < needed.hits OR unseen.most = 0 FROM known, needed, unseen
        WHERE known.most >= needed.hits LIMIT %s
    """).format(others=sql.SQL(" UNION ALL ").join(others))
    query_params = _asked(of, pieces, by_errors)
    for piece in pieces:
        query_params += [piece.level, *params, piece.start, piece.end]
    rows = ask(query, [*query_params, limit - 1, MOST_CANDIDATES + 1])
    if len(rows) > MOST_CANDIDATES or not all(is_complete for _, is_complete in rows):
        return None
    return [value for value, _ in rows]


def ask(query: sql.Composable, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return list(cursor.fetchall())


def numbers_of(row: Sequence[Any]) -> Numbers:
    """Return the numbers of a row of SUMMED; of no rows at all, zeros."""
    if row[0] is None:
        return Numbers()
    *sums, last_at = row
    return Numbers(*map(int, sums), last_at=last_at)  # type: ignore[misc, arg-type] # the fields before it
