"""What of the catalogue somebody sees, and why something is not seen.

An entry is shown while it is published and what it is about works: its API is active, or, where it has none, one of its
plans. A plan is shown while its policy is active.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import cached_property

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


def plans_of(entries: Iterable[Entry]) -> "QuerySet[Plan]":
    """Return the plans that are offered for these entries, in their order."""
    return Plan.objects.filter(OPEN_PLAN, entry__in=[entry.pk for entry in entries]).order_by("position", "name", "id")


@dataclass(frozen=True)
class Card:
    """An entry in the list."""

    slug: str
    title: str
    summary: str
    categories: Sequence[str]
    audience: str
    api_id: str | None
    authentication: str | None

    @cached_property
    def searched(self) -> str:
        return " ".join((self.title, self.summary, *self.categories)).lower()


CARD = ("slug", "title", "summary", "categories", "audience", "api_id", "api__authentication")


@dataclass(frozen=True)
class Found:
    """The cards that match, and of each category how many match the words."""

    cards: list[Card]
    categories: list[tuple[str, int]]


def find(developer: Developer | None, *, words: str = "", category: str = "") -> Found:
    """Search by words, each of which must be in the title, the summary or a category.

    An organisation publishes hundreds, and under row-level security no index helps: they are read, and looked through
    here.
    """
    wanted = words.lower().split()
    rows = visible(developer).order_by("position", "title", "id").values_list(*CARD)
    cards = [card for card in (Card(*row) for row in rows) if all(word in card.searched for word in wanted)]
    counts = Counter(name for card in cards for name in card.categories)
    categories = sorted(counts.items(), key=lambda pair: pair[0].lower())
    return Found([card for card in cards if not category or category in card.categories], categories)


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
