"""Policies as clients of the JSON API send and read them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple, cast

from apis.jsontext import Path, Problem
from apis.models import Api
from apis.tyk_fields import type_problems
from keys.errors import MISSING_API, NoSuchApi, NoSuchOrganisation
from keys.merging import Partition
from keys.models import Policy, PolicyAccess
from keys.policies.errors import BadPolicy
from keys.policies.fields import INACTIVE_STATES, OWN_ACCESS_FIELDS, OWN_LIMIT_FIELDS, OWN_POLICY_FIELDS, POLICY
from keys.policies.settings import PolicySettings
from keys.rights import ApiAccess, own_apis
from keys.session import Limit
from keys.settings import refuse_crowd
from keys.wire import MOST_PROBLEMS, allowed_url, problem_at
from orgs import scope

ARRAY = "access_rights_array"  # the access rights once more, for clients that sent them so


class WrittenAccess(NamedTuple):
    """A row of PolicyAccess, with the API's own id and name."""

    api_id: str
    api_name: str
    versions: list[str]
    allowed_urls: list[dict[str, Any]]
    limit: dict[str, Any] | None
    extra: dict[str, Any]


def policies_json(policies: Iterable[Policy]) -> Iterator[dict[str, Any]]:
    """Yield the JSON of each policy: one query more, however many they are."""
    policies = list(policies)
    accesses = accesses_of(policies)
    return (policy_json(policy, accesses[policy.pk]) for policy in policies)


def accesses_of(policies: Iterable[Policy]) -> dict[str, list[WrittenAccess]]:
    found: dict[str, list[WrittenAccess]] = {policy.pk: [] for policy in policies}
    rows = PolicyAccess.objects.filter(policy__in=[*found]).order_by("api_id")
    columns = ("policy_id", "api__api_id", "api__name", "versions", "allowed_urls", "limit", "extra")
    for policy_id, *row in rows.values_list(*columns):
        found[policy_id].append(WrittenAccess(*row))
    return found


def policy_json(policy: Policy, accesses: Iterable[WrittenAccess]) -> dict[str, Any]:
    rights = {access.api_id: _right(access) for access in accesses}
    document = {
        "_id": policy.pk,
        "id": policy.explicit_id,
        "name": policy.name,
        "org_id": policy.organisation_id,
        "rate": _number(policy.rate),
        "per": _number(policy.per_s),
        "quota_max": policy.quota_max,
        "quota_renewal_rate": policy.quota_window_s,
        "throttle_interval": -1,
        "throttle_retry_limit": -1,
        "max_query_depth": -1,
        "access_rights": rights,
        "hmac_enabled": False,
        "enable_http_signature_validation": False,
        "active": policy.is_active,
        "is_inactive": not policy.is_active,
        "tags": policy.tags,
        "key_expires_in": policy.key_expires_in_s,
        "partitions": {part.value: part in policy.partitions for part in PARTITIONS},
        "last_updated": str(int(policy.updated_at.timestamp())),
        "meta_data": policy.metadata,
        **policy.extra,
    }
    if ARRAY in document:
        document[ARRAY] = list(rights.values())
    if "state" in document and (document["state"] in INACTIVE_STATES) is policy.is_active:
        document["state"] = "active" if policy.is_active else "deny"
    return document


def as_meant(sent: PolicySettings, policy: Policy) -> PolicySettings:
    """Return what a client changes that sends this in place of the policy's JSON, and leave what it was shown.

    The JSON writes out what goes without saying.
    """
    shown = settings_of_json(policy_json(policy, accesses_of([policy])[policy.pk]))
    meant = {name: value for name, value in sent.items() if value != shown[name]}  # type: ignore[literal-required]
    if {*map(repr, sent["accesses"])} == {*map(repr, shown["accesses"])}:
        meant.pop("accesses", None)
    return cast(PolicySettings, meant)


PARTITIONS = (Partition.QUOTA, Partition.RATE, Partition.COMPLEXITY, Partition.ACL, Partition.PER_API)


def settings_of_json(document: Any) -> PolicySettings:
    """Read a policy's JSON, which says everything: what it leaves out has its default. `_id` is for the caller.

    Raises BadPolicy with the place of each problem, NoSuchApi or NoSuchOrganisation.
    """
    if isinstance(document, dict):
        refuse_crowd(document)
    problems = list(islice(type_problems(document, POLICY), MOST_PROBLEMS))
    if problems:
        raise BadPolicy(problems)
    if document.get("org_id") not in (None, "", scope.current_organisation_id()):
        raise NoSuchOrganisation
    rights = document.get("access_rights") or {}
    accesses = _accesses(rights, problems)
    if problems:
        raise BadPolicy(problems)
    partitions = document.get("partitions") or {}
    extra = {name: value for name, value in document.items() if name not in OWN_POLICY_FIELDS}
    return PolicySettings(
        name=document.get("name") or "",
        explicit_id=document.get("id") or "",
        accesses=accesses,
        is_active=not _is_inactive(document),
        rate=document.get("rate") or 0,
        per_s=document.get("per") or 0,
        quota_max=document.get("quota_max") or 0,
        quota_window_s=document.get("quota_renewal_rate") or 0,
        key_expires_in_s=document.get("key_expires_in") or 0,
        partitions=[part for part in PARTITIONS if partitions.get(part)],
        tags=[tag or "" for tag in document.get("tags") or []],
        metadata=document.get("meta_data") or {},
        extra=extra | {ARRAY: []} if ARRAY in extra else extra,
    )


def _is_inactive(document: Mapping[str, Any]) -> bool:
    is_off = document.get("active") is False or document.get("is_inactive") is True
    return is_off or document.get("state") in INACTIVE_STATES


def _accesses(rights: Mapping[str, Any], problems: list[Problem]) -> list[ApiAccess]:
    readable = [api_id for api_id in rights if api_id.isprintable()]  # PostgreSQL takes no NUL
    rows = own_apis(Api.objects.filter(api_id__in=readable).order_by()) if readable else {}
    known = {api.api_id: (id, api.versions) for id, api in rows.items()}
    if not rights.keys() <= known.keys():
        raise NoSuchApi(MISSING_API)
    return [_access(api_id, *known[api_id], right or {}, problems) for api_id, right in rights.items()]


def _access(
    api_id: str, id: str, own_versions: tuple[str, ...], right: Mapping[str, Any], problems: list[Problem]
) -> ApiAccess:
    path: Path = ("access_rights", api_id)
    versions = tuple(version or "" for version in right.get("versions") or ())
    for spelling in ("api_id", "apiid"):
        if right.get(spelling) not in (None, "", api_id):
            problems.append(problem_at((*path, spelling), f"must be {api_id}, the name of its entry."))
    if not versions and len(own_versions) > 1:
        # To a gateway it would open none of them, and to us all.
        problems.append(problem_at((*path, "versions"), "must name at least one version."))
    allowed = enumerate(right.get("allowed_urls") or ())
    return ApiAccess(
        id,
        versions,
        tuple(allowed_url(url or {}, (*path, "allowed_urls", at), problems) for at, url in allowed),
        _limit(right.get("limit")),
        {name: value for name, value in right.items() if name not in OWN_ACCESS_FIELDS},
    )


def _limit(fields: Mapping[str, Any] | None) -> Limit | None:
    if fields is None:
        return None
    return Limit(
        rate=fields.get("rate") or 0,
        per_s=fields.get("per") or 0,
        quota_max=fields.get("quota_max") or 0,
        quota_window_s=fields.get("quota_renewal_rate") or 0,
        extra={name: value for name, value in fields.items() if name not in OWN_LIMIT_FIELDS},
    )


def _right(access: WrittenAccess) -> dict[str, Any]:
    return {
        "api_name": access.api_name,
        "api_id": access.api_id,
        "versions": access.versions,
        "allowed_urls": access.allowed_urls,
        "restricted_types": [],
        "limit": access.limit,
        "allowance_scope": "",
        **access.extra,
    }


def _number(value: float) -> float:
    """Whole numbers as clients write them."""
    return int(value) if value.is_integer() else value
