"""What `/all/` says of each organisation: one grouped query for each kind of object.

A page asks for the organisations that it shows; only sorting by a number and the CSV ask for all of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import BoolOr
from django.db.models import Count, Max, Model, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from analytics.everywhere import counting
from apis.models import Api
from keys.models import Key
from keys.states import in_state
from orgs.models import AuditEntry, Domain
from portal.models import Developer, Portal
from users.models import User

# The ids asked for; None is every organisation.
Ids = list[str] | None
# {organisation's id: {field of Numbers: value}}
Found = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Numbers:
    users: int = 0
    apis: int = 0
    keys: int = 0
    expiring: int = 0
    developers: int = 0
    has_portal: bool = False
    domains: int = 0
    waiting: int = 0
    last: datetime | None = None
    requests: int = 0
    errors: float = 0
    hours: tuple[int, ...] = ()


def users(ids: Ids) -> Found:
    return _grouped(User, ids, users=Count("id"))


def apis(ids: Ids) -> Found:
    return _grouped(Api, ids, apis=Count("id"))


def keys(ids: Ids) -> Found:
    """Keys that work now, and those of them that will expire soon."""
    now = timezone.now()
    expiring = Count("id", filter=in_state("expiring", now=now))
    return _grouped(Key, ids, where=in_state("active", now=now), keys=Count("id"), expiring=expiring)


def developers(ids: Ids) -> Found:
    return _grouped(Developer, ids, developers=Count("id"))


def portals(ids: Ids) -> Found:
    """Whether its portal is on."""
    return _grouped(Portal, ids, has_portal=BoolOr("is_on"))


def domains(ids: Ids) -> Found:
    """Domains that are proven, and those that are not, or not any more."""
    is_proven = Q(proven_at__isnull=False)
    return _grouped(Domain, ids, domains=Count("id", filter=is_proven), waiting=Count("id", filter=~is_proven))


def last_actions(ids: Ids) -> Found:
    """When an administrator last left a line in the audit trail: one look at the index for each of them."""
    own = AuditEntry.objects.filter(organisation_id=OuterRef("organisation_id"), actor_id=OuterRef("pk"))
    last = Subquery(own.order_by("-at", "-id").values("at")[:1])
    return _grouped(User, ids, where=Q(is_administrator=True), last=Max(last))


def requests(ids: Ids) -> Found:
    """The requests of the last 24 hours, the share of errors among them, and how many there were in each hour."""
    found = counting.lately(ids)
    return {
        id: {"requests": one.requests, "errors": one.error_share, "hours": tuple(one.hours)}
        for id, one in found.items()
    }


QUERIES: dict[str, Callable[[Ids], Found]] = {
    "users": users,
    "apis": apis,
    "keys": keys,
    "expiring": keys,
    "developers": developers,
    "domains": domains,
    "last": last_actions,
    "requests": requests,
    "errors": requests,
}


def numbers(ids: Ids) -> dict[str, Numbers]:
    """Return the numbers of each organisation that has any."""
    found: Found = {}
    for query in (users, apis, keys, developers, portals, domains, last_actions, requests):
        for organisation, values in query(ids).items():
            found.setdefault(organisation, {}).update(values)
    return {organisation: Numbers(**values) for organisation, values in found.items()}


def _grouped(model: type[Model], ids: Ids, *, where: Q | None = None, **values: Any) -> Found:
    rows: Iterable[dict[str, Any]] = (
        _of(model, ids).filter(where or Q()).order_by().values("organisation_id").annotate(**values)
    )
    return {row.pop("organisation_id"): row for row in rows}


def _of(model: type[Model], ids: Ids) -> "QuerySet[Model]":
    owner = {"organisation_id__isnull": False} if ids is None else {"organisation_id__in": ids}
    return model._default_manager.filter(**owner)
