"""What changes the catalogue: entries and their plans."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from django.db import transaction
from django.utils import timezone

from apis.models import Api
from keys.models import Policy
from orgs import audit
from orgs.unique import unless_taken
from portal import markdown
from portal.models import Documentation, Entry, Plan
from portal.names import distinct, slug_fault, slug_of
from users.services.errors import Refused

KIND = "catalogue"
MOST_PLANS, MOST_NAMESAKES = 20, 1_000


class ChangedMeanwhile(Refused):
    """Somebody saved it after the form was made."""


class EntrySettings(TypedDict, total=False):
    """What is left out has its default in a new entry, and stays as it is in another."""

    title: str
    slug: str
    summary: str
    description: str
    categories: Sequence[str]
    audience: str
    groups: Sequence[str]
    is_published: bool
    shows_documentation: bool
    api: Api | None
    documentation: Documentation | None
    position: int
    extra: Mapping[str, Any]


COLUMNS = tuple(EntrySettings.__annotations__)
# Of these the audit trail says that they have changed, not how: they are long, or clients keep there what they like.
UNTOLD = ("description", "extra", "documentation")


class PlanSettings(TypedDict, total=False):
    policy: Policy
    name: str
    description: str
    approval: str
    position: int


@transaction.atomic
def create_entry(**settings: Any) -> Entry:
    """Make a catalogue entry out of EntrySettings. Without a slug it gets one that its title makes."""
    entry = Entry()
    _set(entry, settings)
    if entry.slug:
        _insert(entry)
    else:
        _insert_with_free_slug(entry)
    unset = facts(Entry())
    given = {name: value for name, value in facts(entry).items() if value != unset[name]}
    audit.record("created", kind=KIND, obj=entry, changes=audit.differences({}, given, untold=UNTOLD))
    return entry


@transaction.atomic
def update_entry(*, entry: Entry, revision: int, **settings: Any) -> Entry:
    """Change what is named; `revision` is the one that the change was made from. Raises ChangedMeanwhile."""
    saved = Entry.objects.select_for_update(of=("self",)).select_related("api").get(pk=entry.pk)
    if saved.revision != revision:
        raise ChangedMeanwhile(f"{saved.title} was changed meanwhile: nothing has been done. Look at it again.")
    before = facts(saved)
    _set(saved, settings)
    changes = audit.differences(before, facts(saved), untold=UNTOLD)
    if not changes:
        return saved
    saved.revision += 1
    saved.updated_at = timezone.now()
    _write(saved)
    audit.record("changed", kind=KIND, obj=saved, changes=changes)
    return saved


@transaction.atomic
def delete_entry(*, entry: Entry) -> None:
    """Take an API out of the catalogue. Keys that were given for it work on."""
    audit.record("deleted", kind=KIND, obj=entry)
    entry.delete()


@transaction.atomic
def set_plans(*, entry: Entry, plans: Sequence[PlanSettings]) -> list[Plan]:
    """Make these the entry's plans, in this order. One of a policy that is there already stays the same plan."""
    policies = [plan["policy"].pk for plan in plans]
    if len(plans) > MOST_PLANS:
        raise Refused(f"Plans: give at most {MOST_PLANS}.")
    if len({*policies}) < len(policies):
        raise Refused("Plans: a policy is offered twice. Once is enough.")
    if any(not plan.get("name", "").strip() for plan in plans):
        raise Refused("Plans: give each a name.")
    there = {plan.policy_id: plan for plan in Plan.objects.filter(entry=entry).select_for_update()}
    before = _names_of(there.values())
    now = [_plan(there.get(chosen["policy"].pk) or Plan(entry=entry), chosen, at) for at, chosen in enumerate(plans)]
    Plan.objects.filter(entry=entry).exclude(pk__in=[plan.pk for plan in now]).delete()
    for plan in now:
        plan.save()
    if changes := audit.differences({"plans": before}, {"plans": _names_of(now)}):
        audit.record("changed", kind=KIND, obj=entry, changes=changes)
    return now


def facts(entry: Entry) -> dict[str, Any]:
    """Return what the audit trail compares."""
    found = {name: getattr(entry, name) for name in COLUMNS if name not in ("api", "documentation")}
    return found | {"api": entry.api_name, "documentation": entry.documentation_id}


def _set(entry: Entry, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        setattr(entry, name, value)
    if "api" in settings:
        entry.api_name = str(entry.api.name)[:200] if entry.api else ""
    entry.title, entry.slug = entry.title.strip(), entry.slug.strip()
    entry.categories, entry.groups = distinct(entry.categories), distinct(entry.groups)
    if not entry.title:
        raise Refused("Title: give it one.")
    if entry.slug and (fault := slug_fault(entry.slug)):
        raise Refused(fault)
    if fault := markdown.fault(entry.description):
        raise Refused(f"Description: {fault}")
    if entry.audience == Entry.GROUPS and not entry.groups:
        raise Refused("Groups: name at least one, or nobody would see it.")


def _insert(entry: Entry) -> None:
    _write(entry, force_insert=True)


def _insert_with_free_slug(entry: Entry) -> None:
    stem = slug_of(entry.title, 70) or "api"
    taken = {*Entry.objects.filter(slug__startswith=stem).values_list("slug", flat=True)}
    entry.slug = next(slug for slug in _slugs(stem) if slug not in taken)
    _insert(entry)


def _slugs(stem: str) -> Iterable[str]:
    yield stem
    yield from (f"{stem}-{number}" for number in range(2, MOST_NAMESAKES))


def _write(entry: Entry, **how: Any) -> None:
    with unless_taken(Refused("Address: another entry has it."), "entries_slug"):
        entry.save(**how)


def _plan(plan: Plan, chosen: PlanSettings, position: int) -> Plan:
    policy = chosen["policy"]
    plan.policy, plan.policy_name, plan.position = policy, policy.name, position
    plan.name, plan.description = chosen.get("name", "").strip(), chosen.get("description", "").strip()
    plan.approval = chosen.get("approval", Plan.BY_HAND)
    return plan


def _names_of(plans: Iterable[Plan]) -> list[str]:
    ordered = sorted(plans, key=lambda plan: plan.position)
    return [f"{plan.name} ({plan.policy_name}, {plan.get_approval_display().lower()})" for plan in ordered]
