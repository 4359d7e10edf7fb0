"""The statement that finds the keys of a group, however many keys there are: those of a page, and how many in all.

Candidates are what sets of rows say, of all keys together. What has to be looked up for each key is a check, made of
one candidate after the other until there are enough: of all keys at once it took seconds where each is used each day.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import sql

from analytics import queries
from analytics.board.groups import GRACE, IDLE, LEAST_USED, WIDE
from analytics.models import Facet
from analytics.queries import Of
from analytics.rollups import LEVELS
from analytics.spans import Piece, start_of
from keys.merging import Partition
from keys.models import Key
from keys.states import in_state
from orgs import scope
from orgs.paging import COUNT_AT_MOST, Cursor, Sort

BY_AGE = Sort("created_at", is_moment=True)
BY_EXPIRY = Sort("expires_at", is_moment=True)
BY_SHARE = Sort("share")
ALWAYS, NOTHING = sql.SQL("true"), sql.SQL("NULL::bigint")
# The numbers of both secrets of a key, where requests with them were ever counted.
NAMED = "LEFT JOIN names AS n ON n.text = usable.hash LEFT JOIN names AS p ON p.text = usable.previous_hash"
IN_NO_MONTH = """WHERE (n.id IS NOT NULL OR p.id IS NOT NULL)
    AND NOT EXISTS (SELECT FROM recent WHERE value = n.id) AND NOT EXISTS (SELECT FROM recent WHERE value = p.id)"""


class Candidates(NamedTuple):
    """`steps` are relations by their names; the last is that of the candidates, with the columns of `_candidates`.

    `params` are those of the first step, and what else varies is in the statement as a literal. `used` counts the APIs
    that one was used at.
    """

    steps: Sequence[tuple[str, sql.Composable]]
    params: Sequence[Any]
    sort: Sort
    check: sql.Composable = ALWAYS
    used: sql.Composable = NOTHING


def found(
    candidates: Candidates, cursor: Cursor | None, *, backwards: bool, most: int
) -> tuple[sql.Composable, list[Any]]:
    """Return the statement and its parameters. Its rows: the number in all, to the cap, and a key with what is shown.

    OFFSET 0 keeps the check from being made before the candidates are in order; LIMIT then stops it early.
    """
    query = sql.SQL("""
        WITH {steps}, shown AS MATERIALIZED (
            SELECT id, place, opened, {used} AS used
            FROM (SELECT * FROM candidates {after} ORDER BY {order} OFFSET 0) AS ordered
            WHERE {check} ORDER BY {order} LIMIT %s
        )
        SELECT counted.total, shown.place::text, shown.id, alias, masked, hash, previous_hash, created_at, expires_at,
            opened, used
        FROM (SELECT count(*) AS total FROM (SELECT FROM candidates WHERE {check} LIMIT {cap}) AS several) AS counted
            LEFT JOIN shown ON true
            LEFT JOIN keys_key AS key ON key.organisation_id = {organisation} AND key.id = shown.id
        ORDER BY {shown_order}
    """)
    direction, compare = ("DESC", "<") if backwards else ("ASC", ">")
    after = f"WHERE (place, id) {compare} (%s, %s)" if cursor else ""
    composed = query.format(
        steps=sql.SQL(", ").join(
            sql.SQL("{} AS ({})").format(sql.Identifier(name), step) for name, step in candidates.steps
        ),
        used=candidates.used,
        check=candidates.check,
        after=sql.SQL(after),
        order=sql.SQL(f"place {direction}, id {direction}"),
        shown_order=sql.SQL(f"shown.place {direction}, shown.id {direction}"),
        cap=sql.Literal(COUNT_AT_MOST + 1),
        organisation=_organisation(),
    )
    return composed, [*candidates.params, *(cursor or ()), most]


def expiring(now: datetime) -> Candidates:
    usable, params = _usable("expiring", now)
    return Candidates([usable, _candidates("usable", "expires_at")], params, BY_EXPIRY)


def listed(places: Sequence[tuple[str, str]]) -> Candidates:
    """Return those with these ids, each with its place."""
    source = "unnest(%s::text[], %s::text[]) AS usable (id, share)"
    columns = [id for id, _ in places], [place for _, place in places]
    return Candidates([_candidates(source, "share")], columns, BY_SHARE)


def never(now: datetime) -> Candidates:
    """A name is written in analytics with its first request, and kept for good."""
    usable, params = _usable("active", now, created_at__lte=now - GRACE)
    rows = _candidates(f"usable {NAMED} WHERE n.id IS NULL AND p.id IS NULL", "created_at")
    return Candidates([usable, _names(), rows], params, BY_AGE)


def unused(now: datetime) -> Candidates:
    """Months that have ended leave few keys over: those in none of them, which may have been used since."""
    since = now - IDLE
    months, later = _pieces(since, now)
    usable, params = _usable("active", now, created_at__lte=since)
    recent = sql.SQL("SELECT DISTINCT value FROM ({}) AS uses").format(_uses(months, since))
    rows = _candidates(
        f"usable {NAMED} {IN_NO_MONTH}",
        "created_at",
        number="n.id",
        previous="p.id",
    )
    check = sql.SQL("NOT EXISTS ({})").format(_uses(later, since, of_candidate=True))
    return Candidates([usable, _names(), ("recent", recent), rows], params, BY_AGE, check)


# What a key's policies open where it applies any, else what it names; 0 is all. Where it is few there is no row.
OPENING = sql.SQL("""
    SELECT id AS key_id, 0 AS opened FROM keys_key AS key
    WHERE organisation_id = {organisation} AND has_all_apis AND NOT EXISTS (
        SELECT FROM keys_keypolicy AS applied WHERE organisation_id = {organisation} AND applied.key_id = key.id)
    UNION ALL
    SELECT key_id, count(*) FROM keys_keyaccess AS access WHERE organisation_id = {organisation} AND NOT EXISTS (
        SELECT FROM keys_keypolicy AS applied WHERE organisation_id = {organisation} AND applied.key_id = access.key_id)
    GROUP BY key_id HAVING count(*) >= {wide}
    UNION ALL
    SELECT key_id, max(opened) FROM keys_keypolicy JOIN (
        SELECT policy.id AS policy_id, count(*) AS opened
        FROM keys_policy AS policy JOIN keys_policyaccess AS access
            ON access.organisation_id = policy.organisation_id AND access.policy_id = policy.id
        WHERE policy.organisation_id = {organisation} AND is_active AND (partitions = {none} OR partitions && {opening})
        GROUP BY policy.id HAVING count(*) >= {wide}
    ) AS policy USING (policy_id) WHERE organisation_id = {organisation} GROUP BY key_id
""")


def broad(now: datetime) -> Candidates:
    """The APIs of months that have ended are counted first: for most keys they are enough."""
    since = now - IDLE
    months, later = _pieces(since, now)
    usable, params = _usable("active", now)
    opening = OPENING.format(
        organisation=_organisation(),
        wide=sql.Literal(WIDE),
        none=_texts(()),
        opening=_texts((Partition.ACL.value, Partition.PER_API.value)),
    )
    rows = _candidates(
        f"opening JOIN usable ON usable.id = key_id {NAMED} WHERE opened = 0 OR created_at <= {{grace}}",
        "created_at", number="n.id", previous="p.id", opened="opened", grace=sql.Literal(now - GRACE),
    )  # fmt: skip
    in_months = _apis(_uses(months, since, of_candidate=True))
    used = _apis(_uses([*months, *later], since, of_candidate=True))
    check = sql.SQL(
        "(opened = 0 OR CASE WHEN {in_months} * {part} >= opened THEN false ELSE {used} * {part} < opened END)"
    ).format(in_months=in_months, used=used, part=sql.Literal(LEAST_USED))
    return Candidates([usable, _names(), ("opening", opening), rows], params, BY_AGE, check, used)


def _candidates(
    source: str,
    place: str,
    *,
    number: str = "NULL::bigint",
    previous: str = "NULL::bigint",
    opened: str = "NULL::bigint",
    **literals: sql.Composable,
) -> tuple[str, sql.Composable]:
    """`place` is what they are sorted by, `number` and `previous` are those of a key's secrets in roll-ups."""
    columns = f"usable.id, {place} AS place, {number} AS number, {previous} AS previous, {opened} AS opened"
    return "candidates", sql.SQL(f"SELECT {columns} FROM {source}").format(**literals)  # noqa: S608 - of this module


def _usable(state: str, now: datetime, **conditions: Any) -> tuple[tuple[str, sql.Composable], Sequence[Any]]:
    keys = Key.objects.filter(in_state(state, now=now), **conditions).order_by()
    text, params = keys.values("id", "created_at", "expires_at", "hash", "previous_hash").query.sql_with_params()
    return ("usable", sql.SQL(text)), params


def _names() -> tuple[str, sql.Composable]:
    text = "SELECT id, text FROM analytics_name WHERE organisation_id = {} AND kind = {}"
    return "names", sql.SQL(text).format(_organisation(), sql.Literal(Facet.KEY.value))


def _pieces(since: datetime, now: datetime) -> tuple[list[Piece], list[Piece]]:
    """Return the months that have ended, from that of the moment on, and the days and hours that follow."""
    found = queries.pieces_of(Of(Facet.KEY, None), [(start_of("month", since), now)])
    months = [piece for piece in found if piece.level == "month"]
    return months, [piece for piece in found if piece.level != "month"]


def _uses(pieces: Sequence[Piece], since: datetime, *, of_candidate: bool = False) -> sql.Composable:
    """Return the roll-ups of all keys in these pieces that had a request since then; or those of one candidate."""
    row = sql.SQL(
        "SELECT value, parent FROM {} AS r WHERE r.organisation_id = {} AND r.facet = {} AND r.at >= {} AND r.at < {}"
        " AND r.last_at >= {} {}"
    )
    which = sql.SQL("AND r.value = ANY (ARRAY[number, previous])" if of_candidate else "")
    parts = [
        row.format(
            sql.Identifier(LEVELS[piece.level].table), _organisation(), sql.Literal(Facet.KEY.value),
            sql.Literal(piece.start), sql.Literal(piece.end), sql.Literal(since), which,
        )
        for piece in pieces
    ]  # fmt: skip
    nothing = sql.SQL("SELECT value, parent FROM analytics_day WHERE false")
    return sql.SQL(" UNION ALL ").join(parts) if parts else nothing


def _apis(uses: sql.Composable) -> sql.Composable:
    return sql.SQL("(SELECT count(DISTINCT parent) FROM ({}) AS uses)").format(uses)


def _organisation() -> sql.Composable:
    return sql.Literal(scope.current_organisation_id())


def _texts(values: Sequence[str]) -> sql.Composable:
    return sql.SQL("{}::varchar[]").format(sql.Literal(list(values)))
