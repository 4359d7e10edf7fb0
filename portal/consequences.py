"""What of the portal stops when an API or a policy goes, said before it happens. Developers' keys are named."""

from django.db.models import Q, QuerySet

from apis.models import Api
from keys.models import Policy
from portal.models import WITH_KEY, Entry, KeyRequest, Plan

MOST_NAMES = 10


def of_api(api: Api) -> list[str]:
    entries = list(Entry.objects.filter(api=api).order_by("title", "id").values_list("title", flat=True)[:MOST_NAMES])
    opened = Q(key__policies__accesses__api=api) | Q(key__accesses__api=api)
    return [*_hidden(entries), *_keys(KeyRequest.objects.filter(opened).distinct())]


def of_policy(policy: Policy) -> list[str]:
    plans = Plan.objects.filter(policy=policy).order_by("entry__title", "position", "id")
    names = list(plans.values_list("entry__title", "name")[:MOST_NAMES])
    offered = [f"The portal does not offer any more: {', '.join(f'{plan} of {entry}' for entry, plan in names)}."]
    return [*(offered if names else []), *_keys(KeyRequest.objects.filter(key__policies=policy))]


def _hidden(titles: list[str]) -> list[str]:
    return [f"The portal's catalogue does not show any more: {', '.join(titles)}."] if titles else []


def _keys(asked: "QuerySet[KeyRequest]") -> list[str]:
    works = asked.filter(WITH_KEY).order_by("application__developer__email", "id")
    columns = ("application__developer__email", "application__name", "key__masked")
    names = [f"{email}, {name} ({masked})" for email, name, masked in works.values_list(*columns)[: MOST_NAMES + 1]]
    if not names:
        return []
    more = f" and {works.count() - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return [f"Developers' keys that depend on it: {'; '.join(names[:MOST_NAMES])}{more}."]
