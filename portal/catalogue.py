"""What of the catalogue somebody sees, and why something is not seen.

An entry is shown while it is published and what it is about works: its API is active, or, where it has none, one of its
plans. A plan is shown while its policy is active.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from orgs import scope
from orgs.hot import ask
from portal.models import Developer, Entry, Plan

OPEN_PLAN = Q(policy__is_active=True)


def visible(developer: Developer | None) -> "QuerySet[Entry]":
    """Return the entries that this developer sees, or a visitor who is not signed in."""
    works = Q(api__is_active=True) | Q(api=None, api_name="") & Exists(
        Plan.objects.filter(OPEN_PLAN, entry=OuterRef("pk"))
    )
    audience = Q(audience=Entry.EVERYONE)
    if developer:
        audience |= Q(audience=Entry.SIGNED_IN)
        if developer.groups:
            audience |= Q(audience=Entry.GROUPS, groups__overlap=developer.groups)
    return Entry.objects.filter(works, audience, is_published=True)


def with_api(entries: "QuerySet[Entry]") -> "QuerySet[Entry]":
    """Read each entry's API with it, but for its OpenAPI document, which may have megabytes."""
    return entries.select_related("api").defer("api__openapi")


def plans_of(entries: Iterable[Entry]) -> "QuerySet[Plan]":
    """Return the plans that are offered for these entries, in their order."""
    return Plan.objects.filter(OPEN_PLAN, entry__in=[entry.pk for entry in entries]).order_by("position", "name", "id")


class Card(msgspec.Struct, frozen=True):
    """An entry in the list."""

    slug: str
    title: str
    summary: str
    categories: list[str]
    audience: str
    authentication: str | None


class Found(msgspec.Struct, frozen=True):
    """A page of the cards that match, how many match, and of each category how many match the words."""

    cards: list[Card]
    total: int
    categories: dict[str, int]


# What matches is found once; `{visible}` is what `visible` asks.
FIND = """
WITH visible AS ({visible}), matching AS (
    SELECT * FROM visible WHERE NOT EXISTS (
        SELECT FROM unnest(%s::text[]) word
        WHERE position(word IN lower(concat_ws(' ', title, summary, array_to_string(categories, ' ')))) = 0
    )
), chosen AS (SELECT * FROM matching WHERE %s = '' OR %s = ANY(categories))
SELECT json_build_object(
    'cards', coalesce((SELECT json_agg(page) FROM (
        SELECT * FROM chosen ORDER BY position, title, id LIMIT %s OFFSET %s
    ) page), '[]'),
    'total', (SELECT count(*) FROM chosen),
    'categories', coalesce((SELECT json_object_agg(name, number ORDER BY lower(name), name) FROM (
        SELECT name, count(*) AS number FROM matching, unnest(categories) name GROUP BY name
    ) counted), '{{}}')
)::text
"""
CARD = ("id", "position", "slug", "title", "summary", "categories", "audience", "authentication")


def find(developer: Developer | None, *, words: str = "", category: str = "", first: int = 0, most: int = 30) -> Found:
    """Search by words, each of which must be in the title, the summary or a category.

    An organisation publishes hundreds, and under row-level security no index helps: they are looked through.
    """
    groups = tuple(developer.groups) if developer else None
    statement, params = _finding(scope.current_organisation_id(), groups)
    [[(text,)]] = ask((statement, [*params, words.lower().split(), category, category, most, first]))
    return msgspec.json.decode(text, type=Found)


@lru_cache(maxsize=1024)
def _finding(organisation_id: str, groups: tuple[str, ...] | None) -> tuple[str, tuple[Any, ...]]:
    """Return FIND for somebody of these groups in the open scope, which is this organisation's; None is a visitor.

    Putting it together took as long as a quarter of the page.
    """
    developer = None if groups is None else Developer(groups=[*groups])
    shown = visible(developer).annotate(authentication=F("api__authentication")).order_by().values_list(*CARD)
    visible_sql, params = shown.query.sql_with_params()
    return FIND.format(visible=visible_sql), tuple(params)


def why_hidden(entry: Entry, plans: Sequence[Plan]) -> str:
    """Return why nobody sees a published entry, as a sentence; nothing where somebody does.

    The entry's API and the plans' policies are read with them (`select_related`).
    """
    if entry.api is None and entry.api_name:
        return f"Its API {entry.api_name} has been deleted: nobody sees the entry. Choose another API, or delete it."
    if entry.api is not None and not entry.api.is_active:
        return f"Its API {entry.api.name} is inactive: nobody sees the entry until it is activated."
    if entry.api is None and not any(plan.policy and plan.policy.is_active for plan in plans):
        return "It has neither an API nor a plan that is open: nobody sees it."
    return ""


def why_closed(plan: Plan) -> str:
    """Return why a plan is not offered, as a sentence; nothing where it is."""
    if plan.policy is None:
        return f"Its policy {plan.policy_name} has been deleted: choose another one, or remove the plan."
    return "" if plan.policy.is_active else f"Its policy {plan.policy.name} is inactive."
