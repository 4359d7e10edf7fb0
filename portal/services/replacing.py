"""The catalogue as a client sends it: whole. What differs from what there is is created, changed and removed.

A client names an API, a policy and a title. The policy becomes the first plan of the entry; further plans, and all else
that the pages know of an entry, stay as they are.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apis.models import Api
from keys.models import Policy, PolicyAccess
from portal.models import Documentation, Entry, Plan
from portal.services import publishing
from portal.services.publishing import PlanSettings
from portal.services.settings import locked_portal


@dataclass(frozen=True)
class Wanted:
    """An entry as a client wants it. Without an API or a policy nothing is said of these.

    `requires_approval` is what it says of keys, None where it says nothing; `plan_approval` is what that amounts to.
    """

    id: str
    title: str
    summary: str
    description: str
    is_published: bool
    api: Api | None
    policy: Policy | None
    documentation: Documentation | None
    requires_approval: bool | None
    plan_approval: str
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class There:
    """An entry as it is, with those of its plans whose policy is there."""

    entry: Entry
    plans: Sequence[Plan]

    @property
    def policy_id(self) -> str:
        return str(self.plans[0].policy_id) if self.plans else ""


@transaction.atomic
def replace_catalogue(*, wanted: Sequence[Wanted], audience: str) -> None:
    """Make the catalogue this, in this order. New entries are for this audience."""
    locked_portal()  # of two clients one waits for the other
    there = entries_there()
    opened = _apis_of(each.policy for each in wanted)
    last = max((each.entry.position for each in there), default=0)
    saved = []
    for each, found in zip(wanted, pair(wanted, there), strict=True):
        last += found is None
        saved.append(_saved(each, found, opened, audience=audience, position=last))
    kept = {entry.pk for entry in saved}
    for gone in there:
        if gone.entry.pk not in kept:
            publishing.delete_entry(entry=gone.entry)
    _order(saved)


def entries_there() -> list[There]:
    """Return the entries in their order, with the few columns that clients know of their APIs."""
    entries = Entry.objects.select_related("api").defer("api__definition", "api__openapi")
    plans: defaultdict[str, list[Plan]] = defaultdict(list)
    for plan in Plan.objects.filter(policy__isnull=False).select_related("policy").order_by("position", "name", "id"):
        plans[plan.entry_id].append(plan)
    return [There(entry, plans[entry.pk]) for entry in entries.order_by("position", "title", "id")]


# By what an entry is found, what says more first.
Key = Callable[[Any], Hashable]
RULES: tuple[tuple[Key, Key], ...] = (
    (lambda wanted: wanted.id, lambda there: there.entry.pk),
    (lambda wanted: wanted.policy and (wanted.title, wanted.policy.pk), lambda there: (_title(there), there.policy_id)),
    (lambda wanted: wanted.policy and wanted.policy.pk, lambda there: there.policy_id),
    (lambda wanted: wanted.api and wanted.api.pk, lambda there: there.entry.api_id),
    (lambda wanted: wanted.title, lambda there: _title(there)),
)


def pair(wanted: Sequence[Wanted], there: Sequence[There]) -> list[There | None]:
    """Return the entry that is meant by each, or None; none twice."""
    found: list[There | None] = [None] * len(wanted)
    left = {each.entry.pk: each for each in there}
    for of_wanted, of_there in RULES:
        by_key: defaultdict[Hashable, list[There]] = defaultdict(list)
        for entry in reversed(left.values()):
            by_key[of_there(entry)].append(entry)
        for place, each in enumerate(wanted):
            key = of_wanted(each)
            if found[place] is None and key and by_key[key]:
                meant = by_key[key].pop()
                found[place] = left.pop(meant.entry.pk)
    return found


def _title(there: There) -> str:
    return str(there.entry.title)


def _apis_of(policies: Iterable[Policy | None]) -> dict[str, list[str]]:
    """Return the APIs that each policy opens, by their ids."""
    opened: defaultdict[str, list[str]] = defaultdict(list)
    rows = PolicyAccess.objects.filter(policy__in=[policy.pk for policy in policies if policy])
    for policy_id, api_id in rows.values_list("policy_id", "api_id"):
        opened[policy_id].append(api_id)
    return opened


def _saved(wanted: Wanted, there: There | None, opened: Mapping[str, list[str]], **first: Any) -> Entry:
    """`first` are settings of a new entry."""
    settings: dict[str, Any] = {
        "title": wanted.title,
        "summary": wanted.summary,
        "description": wanted.description,
        "is_published": wanted.is_published,
        "documentation": wanted.documentation,
        "extra": wanted.extra,
    }
    api_id = _api_of(wanted, there, opened)
    if there is None or there.entry.api_id != api_id:
        settings["api"] = Api.objects.only("name").get(pk=api_id) if api_id else None
    if there is None:
        entry = publishing.create_entry(**settings, **first)
    else:
        entry = publishing.update_entry(entry=there.entry, revision=there.entry.revision, **settings)
    plans = _plans(wanted, there.plans if there else ())
    if plans is not None:
        publishing.set_plans(entry=entry, plans=plans)
    return entry


def _api_of(wanted: Wanted, there: There | None, opened: Mapping[str, list[str]]) -> str | None:
    """Return the id of the entry's API. Where a client names none it is the only one that a new policy opens."""
    if wanted.api:
        return str(wanted.api.pk)
    now: str | None = there.entry.api_id if there else None
    if wanted.policy is None or (there and there.policy_id == wanted.policy.pk):
        return now
    apis = opened.get(wanted.policy.pk, [])
    if not apis or now in apis:
        return now
    return apis[0] if len(apis) == 1 else None


def _plans(wanted: Wanted, there: Sequence[Plan]) -> list[PlanSettings] | None:
    """Return the plans with the wanted policy's as the first, or None where they are so already."""
    policy = wanted.policy
    if policy is None:
        return None
    same = next((plan for plan in there if plan.policy_id == policy.pk), None)
    approval = wanted.plan_approval
    if same and wanted.requires_approval in (None, same.approval != Plan.AUTOMATIC):
        approval = same.approval
    if same and same is there[0] and same.approval == approval:
        return None
    # A policy that another one takes the place of was the client's: it is offered no more.
    others = [plan for plan in there if plan is not same] if same else there[1:]
    first: PlanSettings = {"policy": policy, "name": same.name if same else policy.name[:80], "approval": approval}
    if same:
        first["description"] = same.description
    return [first, *map(_as_it_is, others)]


def _as_it_is(plan: Plan) -> PlanSettings:
    assert plan.policy is not None  # noqa: S101 - `There`
    return {
        "policy": plan.policy,
        "name": plan.name,
        "description": plan.description,
        "approval": plan.approval,
    }


def _order(entries: Sequence[Entry]) -> None:
    """Number the entries, unless they come in this order as they are."""
    wanted = [entry.pk for entry in entries]
    if wanted == list(Entry.objects.order_by("position", "title", "id").values_list("pk", flat=True)):
        return
    for position, entry in enumerate(entries, 1):
        publishing.update_entry(entry=entry, revision=entry.revision, position=position)
