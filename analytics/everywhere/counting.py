"""Roll-ups of many organisations, by organisation or by time, in the scope of everything.

Each is one statement that looks into the index once for each organisation: without one, PostgreSQL would read the
roll-ups of all their APIs, keys and paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from psycopg import sql

from analytics import queries
from analytics.numbers import Numbers
from analytics.rollups import LEVELS, SUMMED
from analytics.spans import Piece, Span, ceiling

HOURS = 24
# Of TOTAL, whose parent and value are 0.
TOTALS = "SELECT * FROM {} WHERE organisation_id = o.id AND facet = 0 AND parent = 0 AND value = 0"


@dataclass(frozen=True)
class OfOrganisation:
    slug: str
    name: str
    colour: str
    numbers: Numbers


def by_organisation(span: Span) -> list[OfOrganisation]:
    """Return the organisations that had requests in a span, by falling number of them."""
    source, params = _rows(queries.pieces_of(queries.EVERYTHING, [(span.start, span.until)]))
    rows = queries.ask(
        sql.SQL(
            "SELECT o.slug, o.name, o.colour, {} FROM orgs_organisation AS o CROSS JOIN LATERAL {} AS rows"
            " GROUP BY o.id ORDER BY sum(hits) DESC, o.slug"
        ).format(sql.SQL(SUMMED), source),
        params,
    )
    return [OfOrganisation(slug, name, colour, queries.numbers_of(row)) for slug, name, colour, *row in rows]


def series(span: Span) -> list[Numbers | None]:
    """Return the numbers of everybody together in each bucket; None for what has not happened yet."""
    starts = span.starts
    ends = [*starts[1:], span.end]
    times = [(start, min(end, span.until)) for start, end in zip(starts, ends, strict=True) if start < span.until]
    if span.resolution == "minute":
        pieces = [Piece("minute", span.start, span.until)]
    else:
        pieces = queries.pieces_of(queries.EVERYTHING, times)
    source, params = _rows(pieces)
    rows = queries.ask(
        sql.SQL(
            "SELECT width_bucket(at, %s::timestamptz[]), {} FROM orgs_organisation AS o CROSS JOIN LATERAL {} AS rows"
            " GROUP BY 1"
        ).format(sql.SQL(SUMMED), source),
        [starts, *params],
    )
    found = {int(place): queries.numbers_of(row) for place, *row in rows}
    return [found.get(place + 1, Numbers()) if start < span.until else None for place, start in enumerate(starts)]


def _rows(pieces: Sequence[Piece]) -> tuple[sql.Composable, list[Any]]:
    """Return the roll-ups of the organisation `o` as a relation, and its parameters."""
    parts: list[sql.Composable] = [
        sql.SQL(TOTALS + " AND at >= %s AND at < %s").format(sql.Identifier(LEVELS[piece.level].table))
        for piece in pieces
    ]
    none = sql.SQL("SELECT * FROM analytics_day WHERE false")
    params = [moment for piece in pieces for moment in (piece.start, piece.end)]
    return sql.SQL("({})").format(sql.SQL(" UNION ALL ").join(parts or [none])), params


@dataclass(frozen=True)
class Lately:
    """The requests of the last 24 hours, and how many of them were in each."""

    requests: int
    errors: int
    hours: list[int]

    @property
    def error_share(self) -> float:
        return self.errors / self.requests if self.requests else 0


def lately(ids: Sequence[str] | None) -> dict[str, Lately]:
    """Return {organisation's id: its last 24 hours} of those that had requests; without ids, of all."""
    end = ceiling(timezone.now(), "hour")
    starts = [end - timedelta(hours=HOURS - hour) for hour in range(HOURS)]
    chosen = sql.SQL("") if ids is None else sql.SQL("WHERE o.id = ANY (%s)")
    source, params = _rows([Piece("hour", starts[0], end)])
    rows = queries.ask(
        sql.SQL(
            "SELECT o.id, sum(hits), sum(client_errors) + sum(server_errors), array_agg(at), array_agg(hits)"
            " FROM orgs_organisation AS o CROSS JOIN LATERAL {} AS rows {} GROUP BY o.id"
        ).format(source, chosen),
        [*params, *([] if ids is None else [list(ids)])],
    )
    return {id: Lately(int(hits), int(errors), _by_hour(starts, at, counts)) for id, hits, errors, at, counts in rows}


def _by_hour(starts: Sequence[datetime], at: Sequence[datetime], counts: Sequence[int]) -> list[int]:
    found = dict(zip(at, counts, strict=True))
    return [found.get(start, 0) for start in starts]
