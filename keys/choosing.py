"""Choosing in a form the APIs and policies of a key, or the APIs of a policy, in an organisation of any size.

The choice lives in the form alone: what is ticked comes back with each sending, so that a search keeps it.
Who may write keys sees the names of APIs and policies here without the permission to read them: a key names them too.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from django.db.models import QuerySet
from django.http import QueryDict

from apis.models import Api, ApiTerm
from keys.errors import MISSING_API, MISSING_POLICY, BadSetting, NoSuchApi, NoSuchPolicy
from keys.models import Policy
from keys.paths import METHODS, AllowedUrl, BadAllowedUrl, check_allowed_url
from keys.rights import ApiAccess, own_apis
from keys.session import UNLIMITED, Limit
from orgs import search
from orgs.ids import is_id

SHOWN = 25
LIMIT = re.compile(r"(?:-|([\d.]+)/([\d.]+))(?:\s+(\d+)/(\d+))?")
C = TypeVar("C")


@dataclass(frozen=True)
class Choice:
    """An API in the form. `versions` are (name, is ticked); empty where there is nothing to choose."""

    id: str
    name: str
    is_active: bool
    is_chosen: bool
    versions: list[tuple[str, bool]]
    paths: str
    limit: str

    @property
    def is_narrowed(self) -> bool:
        return bool(self.paths or self.limit) or any(is_ticked for _, is_ticked in self.versions)


@dataclass(frozen=True)
class PolicyChoice:
    id: str
    name: str
    is_active: bool
    is_chosen: bool


@dataclass(frozen=True)
class Choices(Generic[C]):
    """What the form shows: everything chosen, then what the search finds; without one, the first by name."""

    chosen: list[C]
    others: list[C]
    search: str
    has_search: bool


def accesses_in(data: QueryDict) -> tuple[ApiAccess, ...]:
    """Read the ticked APIs. Raises NoSuchApi or BadAllowedUrl."""
    return tuple(_access(data, id) for id in dict.fromkeys(data.getlist("apis")))


def choice_of(accesses: Iterable[ApiAccess], policies: Sequence[str] = ()) -> QueryDict:
    """Write the accesses and policies of a key as the form would send them."""
    data = QueryDict(mutable=True)
    data.setlist("policies", list(policies))
    for access in accesses:
        data.appendlist("apis", access.api_id)
        data.setlist(f"versions-{access.api_id}", list(access.versions))
        data[f"paths-{access.api_id}"] = "\n".join(map(path_line, access.allowed_urls))
        data[f"limit-{access.api_id}"] = limit_line(access.limit)
    return data


def policies_in(data: QueryDict) -> tuple[str, ...]:
    """Read the ticked policies, in their order. Raises NoSuchPolicy."""
    ids = tuple(dict.fromkeys(data.getlist("policies")))
    if not all(map(is_id, ids)):
        raise NoSuchPolicy(MISSING_POLICY)
    return ids


def policy_choices(data: QueryDict) -> "Choices[PolicyChoice]":
    ids = [id for id in dict.fromkeys(data.getlist("policies")) if is_id(id)]
    text = data.get("policy_q", "")
    others = by_name(Policy.objects.exclude(pk__in=ids), text).order_by("sort_name", "id")
    columns = ("id", "name", "is_active")
    found = [PolicyChoice(id, name, on, False) for id, name, on in others.values_list(*columns)[: SHOWN + 1]]
    ticked = Policy.objects.filter(pk__in=ids).order_by().values_list(*columns)
    chosen = sorted((PolicyChoice(id, name, on, True) for id, name, on in ticked), key=lambda row: ids.index(row.id))
    return Choices(chosen=chosen, others=found[:SHOWN], search=text, has_search=bool(text) or len(found) > SHOWN)


def by_name(policies: "QuerySet[Policy]", text: str) -> "QuerySet[Policy]":
    """Keep those that have all these words in their names: an organisation has few policies."""
    for word in text.replace("\0", "").lower().split()[:5]:
        policies = policies.filter(sort_name__contains=word)
    return policies


def choices(data: QueryDict) -> Choices[Choice]:
    ids = [id for id in dict.fromkeys(data.getlist("apis")) if is_id(id)]
    text = data.get("api_q", "")
    others = search.matching(Api.objects.exclude(pk__in=ids), ApiTerm, "api_id", text)
    found = _shown(others.order_by("sort_name", "id")[: SHOWN + 1], data)
    chosen = _shown(Api.objects.filter(pk__in=ids).order_by("sort_name", "id"), data)
    return Choices(chosen=chosen, others=found[:SHOWN], search=text, has_search=bool(text) or len(found) > SHOWN)


def parse_paths(text: str, *, where: str = "Paths") -> tuple[AllowedUrl, ...]:
    """Read one path a line, "GET,POST ^/orders"; without methods it is for all.

    Raises BadAllowedUrl with the line.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return tuple(_path(line, f"{where}, line {number}") for number, line in lines)


def path_line(path: AllowedUrl) -> str:
    return path.url if path.methods == METHODS else f"{','.join(path.methods)} {path.url}"


def parse_limit(text: str) -> Limit | None:
    """Read "10/60 5000/86400": so many requests in so many seconds, then the quota; "-" is no rate."""
    if not text.strip():
        return None
    found = LIMIT.fullmatch(text.strip())
    try:
        rate, per_s, quota, window = found.groups() if found else ("?",) * 4
        return Limit(float(rate or 0), float(per_s or 0), int(quota or UNLIMITED), int(window or 0))
    except ValueError:
        raise BadSetting(f"Limit {text[:40]!r}: write it like 10/60 5000/86400.") from None


def limit_line(limit: Limit | None) -> str:
    if limit is None or not any((limit.rate, limit.per_s, limit.quota_max, limit.quota_window_s)):
        return ""
    rate = f"{limit.rate:.12g}/{limit.per_s:.12g}" if limit.rate > 0 else "-"
    return f"{rate} {limit.quota_max}/{limit.quota_window_s}" if limit.quota_max > 0 else rate


def keeping(accesses: Iterable[ApiAccess], before: Iterable[ApiAccess]) -> tuple[ApiAccess, ...]:
    """Return what a form chose, with what of these APIs no form shows."""
    known = {access.api_id: access for access in before}
    return tuple(_kept(access, known[access.api_id]) if access.api_id in known else access for access in accesses)


def _kept(access: ApiAccess, before: ApiAccess) -> ApiAccess:
    limit = before.limit if limit_line(access.limit) == limit_line(before.limit) else access.limit
    return replace(access, limit=limit, extra=before.extra)


def _access(data: QueryDict, id: str) -> ApiAccess:
    if not is_id(id):
        raise NoSuchApi(MISSING_API)
    return ApiAccess(
        id,
        tuple(data.getlist(f"versions-{id}")),
        parse_paths(data.get(f"paths-{id}", "")),
        parse_limit(data.get(f"limit-{id}", "")),
    )


def _path(line: str, where: str) -> AllowedUrl:
    first, _, rest = line.partition(" ")
    methods = tuple(dict.fromkeys(first.upper().split(",")))
    path = AllowedUrl(rest.strip(), methods) if rest and set(methods) <= set(METHODS) else AllowedUrl(line, METHODS)
    try:
        check_allowed_url(path)
    except BadAllowedUrl as error:
        raise BadAllowedUrl(f"{where}: {error}") from None
    return path


def _shown(apis: QuerySet[Api], data: QueryDict) -> list[Choice]:
    ids = set(data.getlist("apis"))
    return [
        Choice(
            id=id,
            name=api.name,
            is_active=api.is_active,
            is_chosen=id in ids,
            versions=[(name, name in data.getlist(f"versions-{id}")) for name in api.versions]
            if len(api.versions) > 1
            else [],
            paths=data.get(f"paths-{id}", ""),
            limit=data.get(f"limit-{id}", ""),
        )
        for id, api in own_apis(apis).items()
    ]
