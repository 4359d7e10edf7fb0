"""Which APIs do not follow a tagging standard, whether it is saved or only thought of: over every organisation.

Lists of tags repeat themselves, so each is judged once for each organisation; of the APIs only a page is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Count, Q
from django.db.models.functions import Lower
from django.http import QueryDict

from apis import tagging
from apis.models import Api
from apis.tagging import Standard
from orgs.models import Organisation
from orgs.paging import SIZE, Page

Tags = tuple[str, ...]
MOST_COUNTS = 20
HEADER = ("organisation", "slug", "api", "name", "is_active", "tags", "problem")
ORDER = (Lower("organisation__name"), "organisation_id", "sort_name", "id")
FIELDS = ("organisation_id", "id", "name", "is_active", "tags")


@dataclass(frozen=True)
class Breaking:
    """An organisation whose APIs do not follow: how many, and with which tags."""

    organisation: Organisation
    number: int
    tags: tuple[Tags, ...]


class Row(NamedTuple):
    href: str
    name: str
    is_active: bool
    organisation: str
    colour: str
    tags: str
    problem: str


@dataclass(frozen=True)
class Report:
    """`most` are the organisations with most such APIs."""

    page: Page[Row]
    apis: int
    organisations: int
    most: list[Breaking]


def breaking(standard: Standard) -> list[Breaking]:
    """Return the organisations in the order of their names."""
    judged: dict[str, list[tuple[Tags, int]]] = {}
    organisations = {one.id: one for one in Organisation.objects.order_by(Lower("name"), "id")}
    counted = Api.objects.order_by().values_list("organisation_id", "tags").annotate(number=Count("id"))
    for organisation_id, tags, number in counted:
        own = standard.of(organisations[organisation_id].slug)
        if next(tagging.problems(tags, own), None):
            judged.setdefault(organisation_id, []).append((tuple(tags), number))
    return [
        Breaking(one, sum(number for _, number in judged[id]), tuple(tags for tags, _ in judged[id]))
        for id, one in organisations.items()
        if id in judged
    ]


def report(standard: Standard, *, query: QueryDict, prefix: str) -> Report:
    found = breaking(standard)
    total, after = sum(one.number for one in found), _after(query)
    rows = [_row(prefix, standard, one, *api) for one, api in _apis(found, after, after + SIZE)]
    page = Page(
        rows=rows,
        total=f"{total:,}",
        first=_link(query, 0) if after else None,
        previous=_link(query, max(0, after - SIZE)) if after else None,
        next=_link(query, after + SIZE) if after + SIZE < total else None,
    )
    most = sorted(found, key=lambda one: -one.number)[:MOST_COUNTS]
    return Report(page, total, len(found), most)


def csv_rows(standard: Standard) -> Iterator[tuple[Any, ...]]:
    for one, (_, id, name, is_active, tags) in _apis(breaking(standard), 0, None):
        state = "yes" if is_active else "no"
        problem = _problem(standard, one.organisation, tags)
        yield one.organisation.name, one.organisation.slug, id, name, state, ", ".join(tags), problem


def _apis(found: list[Breaking], start: int, end: int | None) -> Iterator[tuple[Breaking, tuple[Any, ...]]]:
    """Yield the APIs from one place to another, in one query over the organisations that they are of."""
    window: list[Breaking] = []
    for one in found:
        if not window and one.number <= start:
            start, end = start - one.number, None if end is None else end - one.number
        elif end is None or sum(before.number for before in window) < end:
            window.append(one)
    if not window:
        return
    by_id = {one.organisation.id: one for one in window}
    wanted = reduce(or_, (Q(organisation_id=id, tags__in=[list(t) for t in one.tags]) for id, one in by_id.items()))
    for api in Api.objects.filter(wanted).order_by(*ORDER).values_list(*FIELDS)[start:end]:
        yield by_id[api[0]], api


def _row(
    prefix: str, standard: Standard, one: Breaking, _: str, id: str, name: str, is_active: bool, tags: list[str]
) -> Row:
    of = one.organisation
    href, problem = f"{prefix}/o/{of.slug}/apis/{id}/", _problem(standard, of, tags)
    return Row(href, name, is_active, of.name, of.colour, ", ".join(tags), problem)


def _problem(standard: Standard, organisation: Organisation, tags: list[str]) -> str:
    """Say what is wrong with all the tags of an API at once."""
    own = standard.of(organisation.slug)
    number, unfit = tagging.wrong_number(tags, own), [tag for tag in tags if not tagging.fits(tag, own)]
    sentences = [f"There must be {number}." if number else ""]
    sentences += [f"Not {tagging.like_what(own)}: {', '.join(unfit)}." if unfit else ""]
    return " ".join(filter(None, sentences))


def _after(query: QueryDict) -> int:
    text = query.get("after", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _link(query: QueryDict, start: int) -> str:
    target = query.copy()
    target["after"] = str(start)
    return f"?{target.urlencode()}"
