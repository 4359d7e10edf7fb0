"""What a page asks of roll-ups, in few statements: a span beside the one before it, and several lists at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from psycopg import sql

from analytics import queries
from analytics.models import Facet
from analytics.numbers import Numbers, Value, in_order
from analytics.queries import Closed as Closed
from analytics.queries import Of
from analytics.queries import Series as Series
from analytics.rollups import SUMMED
from analytics.spans import Piece, Span
from orgs import scope


def compared(of: Of, span: Span, closed: Closed) -> tuple[Series, Series]:
    """Return the numbers of each bucket of the span, and of the one before; None for what has not happened yet."""
    before, now = queries.series_of(of, [span.before, span], closed=closed)
    return now, before


@dataclass(frozen=True)
class Wanted:
    """A list of values: those with the most requests (or errors)."""

    of: Of
    by_errors: bool = False
    limit: int = 10


def tops(wanted: Sequence[Wanted], span: Span, closed: Closed) -> list[list[Value]]:
    """Return what `queries.top` does for each list, in two statements where no list is of very many values."""
    pieces = [queries.pieces_of(one.of, [(span.start, span.until)], closed) for one in wanted]
    asked = [queries.leading(one.of, some, by_errors=one.by_errors) for one, some in zip(wanted, pieces, strict=True)]
    together = sql.SQL(", ").join(sql.SQL("({})").format(query) for query, _ in asked)
    [have_leaders] = queries.ask(sql.SQL("SELECT ") + together, [value for _, params in asked for value in params])
    found: list[list[Value]] = [[] for _ in wanted]
    plain = [place for place, has_leaders in enumerate(have_leaders) if not has_leaders]
    for place, value in _summed_together({place: (wanted[place], pieces[place]) for place in plain}):
        found[place].append(value)
    for place, has_leaders in enumerate(have_leaders):
        one, by_errors = wanted[place], wanted[place].by_errors
        if has_leaders:
            found[place] = queries.top_led(one.of, pieces[place], by_errors=by_errors, limit=one.limit)
        else:
            found[place] = in_order(found[place], by_errors=by_errors)
    return found


def _summed_together(lists: Mapping[int, tuple[Wanted, list[Piece]]]) -> list[tuple[int, Value]]:
    if not lists:
        return []
    parts, params = [], []
    for place, (one, pieces) in lists.items():
        query, values = queries.summing(one.of, pieces, by_errors=one.by_errors, limit=one.limit)
        parts.append(sql.SQL("(SELECT {}, summed.* FROM ({}) AS summed)").format(sql.Literal(place), query))
        params += values
    rows = queries.ask(sql.SQL(" UNION ALL ").join(parts), params)
    return [(int(place), queries.value_of(row)) for place, *row in rows]


def parents_of_keys(keys: Sequence[int], span: Span, closed: Closed) -> list[Value]:
    """Return the APIs that some keys were used at, each as the value, by falling requests. They are few."""
    of = Of(Facet.KEY, None)
    source, params = queries.rows_of(of, queries.pieces_of(of, [(span.start, span.until)], closed), keys)
    rows = queries.ask(
        sql.SQL("SELECT 0, parent, {} FROM {} AS rows GROUP BY parent ORDER BY sum(hits) DESC, parent").format(
            sql.SQL(SUMMED), source
        ),
        params,
    )
    return [queries.value_of(row) for row in rows]


def last_used(facet: Facet, values: Sequence[int]) -> datetime | None:
    """Return when one of these was used last, however long ago: days are kept for good, and summed when they end."""
    return max(last_used_each(facet, values).values(), default=None)


def last_used_each(facet: Facet, values: Sequence[int]) -> dict[int, datetime]:
    """Return when each was used last, of those that were. The newest row of each is looked up, of however many."""
    if not values:
        return {}
    newest = sql.SQL(
        "LEFT JOIN LATERAL (SELECT last_at FROM {} AS r WHERE r.organisation_id = %s AND r.facet = %s"
        " AND r.value = wanted.value {} ORDER BY at DESC, last_at DESC LIMIT 1) AS {} ON true"
    )
    params = [scope.current_organisation_id(), facet.value]
    rows = queries.ask(
        sql.SQL(
            "SELECT value, greatest(days.last_at, hours.last_at) FROM unnest(%s::bigint[]) AS wanted (value) {} {}"
        ).format(
            newest.format(sql.Identifier("analytics_day"), sql.SQL(""), sql.Identifier("days")),
            newest.format(sql.Identifier("analytics_hour"), sql.SQL("AND at >= %s"), sql.Identifier("hours")),
        ),
        [list(values), *params, *params, lately()],
    )
    return {value: at for value, at in rows if at}


def lately() -> datetime:
    """Return since when there may be hours that are in no day yet.

    As a parameter it leaves all older partitions out of the plan, which `now()` would not.
    """
    return timezone.now() - timedelta(days=2)


def totals(of: Of, several: Sequence[Span], closed: Closed, among: Sequence[int] | None = None) -> list[Numbers]:
    """Return the numbers of several spans that may overlap, of these values together where they are given."""
    parts, params = [], []
    for place, span in enumerate(several):
        source, values = queries.rows_of(of, queries.pieces_of(of, [(span.start, span.until)], closed), among)
        parts.append(sql.SQL("SELECT {}, {} FROM {} AS rows").format(sql.Literal(place), sql.SQL(SUMMED), source))
        params += values
    rows = queries.ask(sql.SQL(" UNION ALL ").join(parts), params)
    found = {int(place): queries.numbers_of(row) for place, *row in rows}
    return [found[place] for place in range(len(several))]
