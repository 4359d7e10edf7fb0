"""The keys of a group of the board: one statement for each page of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.http import QueryDict

from analytics import queries, quotas
from analytics.board import statements
from analytics.board.groups import BROAD, EXPIRING, NEVER, QUOTA, UNUSED, Group
from analytics.board.statements import Candidates
from analytics.quotas import Counters, NotCounted, Used
from orgs.paging import COUNT_AT_MOST, Cursor, Page, paged


class BoardKey(NamedTuple):
    """`opened` and `used` are numbers of APIs, in the group that asks; 0 opened are all."""

    alias: str
    masked: str
    hash: str
    previous_hash: str
    created_at: datetime
    expires_at: datetime | None
    opened: int | None
    used: int | None


@dataclass(frozen=True)
class Found:
    """A page of a group. `fault` says why it could not be found out, and there are no keys then."""

    group: Group
    page: Page[tuple[str, BoardKey]]
    fault: str = ""
    quotas: Mapping[str, Used] = field(default_factory=dict)

    @property
    def keys(self) -> Sequence[tuple[str, BoardKey]]:
        return self.page.rows


STATEMENTS = {
    EXPIRING: statements.expiring,
    UNUSED: statements.unused,
    NEVER: statements.never,
    BROAD: statements.broad,
}


def find(group: Group, *, query: QueryDict, now: datetime, size: int) -> Found:
    if group is QUOTA:
        return _near_quota(query, now, size)
    return Found(group, _page(STATEMENTS[group](now), query, size))


def _near_quota(query: QueryDict, now: datetime, size: int) -> Found:
    """The nearest come first. Of very many, the rest is left out."""
    try:
        near = quotas.used_up(least=quotas.NEAR, now=now, counters=Counters())
    except NotCounted as error:
        return Found(QUOTA, Page([], "0", None, None, None), str(error))
    near = sorted(near, key=lambda used: (-used.share, used.key.id))[: COUNT_AT_MOST + 1]
    places = [(used.key.id, _place(used)) for used in near]
    page = _page(statements.listed(places), query, size)
    return Found(QUOTA, page, quotas={used.key.id: used for used in near})


def _place(used: Used) -> str:
    """Return what sorts as text as shares do, falling."""
    return f"{max(0, 10**9 - round(used.share * 1000)):010}"


def _page(candidates: Candidates, query: QueryDict, size: int) -> Page[tuple[str, BoardKey]]:
    def fetch(cursor: Cursor | None, is_backwards: bool, most: int) -> tuple[list[tuple[Any, ...]], int]:
        statement = statements.found(candidates, cursor, backwards=is_backwards, most=most)
        rows = queries.ask(*statement)
        return [(place, id, id, BoardKey(*key)) for _, place, id, *key in rows if id], rows[0][0]

    return paged(fetch, query=query, sort=candidates.sort, size=size)
