"""What is kept beside a definition: categories, and the owners whom clients note there. It gives nobody a right."""

from typing import Any, Unpack

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apis import jsontext
from apis.definition import MAX_DEPTH, DefinitionError
from apis.jsontext import Problem
from apis.models import Api
from apis.services import storing
from apis.services.errors import UnknownOwner
from apis.wire import Settings
from orgs import audit
from users.models import Group, User

MOST_CATEGORIES, LONGEST_CATEGORY = 100, 60
MOST_OWNERS = 1_000
MOST_HOOK_VALUES = 10_000


@transaction.atomic
def set_categories(*, api: Api, categories: list[str]) -> Api:
    """Replace the categories. Raises DefinitionError."""
    saved = storing.locked(api)
    return set_beside(saved, since=saved.revision, categories=categories)


@transaction.atomic
def set_owners(*, api: Api, user_ids: list[str], group_ids: list[str]) -> Api:
    """Replace the users and user groups noted as owners. Raises UnknownOwner."""
    saved = storing.locked(api)
    return set_beside(saved, since=saved.revision, user_ids=user_ids, group_ids=group_ids)


def set_beside(saved: Api, *, since: int, **settings: Unpack[Settings]) -> Api:
    """Set what is given, with one line in the audit trail where something changed.

    `since` is the revision before the change that this is a part of: together they make one new revision.
    Raises DefinitionError or UnknownOwner.
    """
    before = _values(saved)
    if "hook_references" in settings:
        saved.hook_references = _checked_hooks(settings["hook_references"])
    if "categories" in settings:
        saved.categories = _checked(settings["categories"])
    if "user_ids" in settings:
        saved.user_owners = _known(settings["user_ids"], User.objects.all())
    if "group_ids" in settings:
        saved.group_owners = _known(settings["group_ids"], Group.objects.all())
    if changes := audit.differences(before, _values(saved)):
        saved.revision = max(saved.revision, since + 1)
        saved.updated_at = timezone.now()
        saved.save(update_fields=[*changes, "revision", "updated_at"])
        if "hook_references" in changes:
            changes["hook_references"] = ["…", "…"]  # with the headers that webhooks send
        audit.record("changed", kind=storing.KIND, obj=saved, changes=changes)
    return saved


def _values(api: Api) -> dict[str, list[Any]]:
    names = ("hook_references", "categories", "user_owners", "group_owners")
    return {name: list(getattr(api, name)) for name in names}


def _checked_hooks(hooks: list[Any]) -> list[Any]:
    try:
        jsontext.loads(jsontext.dumps(hooks), max_depth=MAX_DEPTH, max_values=MOST_HOOK_VALUES)
    except jsontext.TextError as error:
        message = f"hook_references: {error.problem.message}"
        raise DefinitionError([Problem(message, ("hook_references",))]) from None
    return hooks


def _checked(categories: list[str]) -> list[str]:
    checked = list(dict.fromkeys(category.strip() for category in categories))
    if len(checked) > MOST_CATEGORIES:
        raise DefinitionError([Problem(f"categories must be at most {MOST_CATEGORIES}.", ("categories",))])
    for at, category in enumerate(checked):
        if not category.isprintable() or not 0 < len(category) <= LONGEST_CATEGORY:
            message = f"categories.{at} must have 1 to {LONGEST_CATEGORY} printable characters."
            raise DefinitionError([Problem(message, ("categories", at))])
    return checked


def _known(ids: list[str], owners: "QuerySet[User] | QuerySet[Group]") -> list[str]:
    if len(ids) > MOST_OWNERS:
        raise DefinitionError([Problem(f"Owners: name at most {MOST_OWNERS}.")])
    known = set(owners.filter(pk__in=ids).values_list("pk", flat=True))
    for id in ids:
        if id not in known:
            raise UnknownOwner(id)
    return list(dict.fromkeys(ids))
