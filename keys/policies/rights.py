"""What the rows of policies say, in the words of `keys.session` and `keys.merging`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apis.models import Api
from keys.merging import Merged, Partition, PolicySpec, merge
from keys.models import Key, Policy, PolicyAccess
from keys.paths import AllowedUrl
from keys.policies.fields import OWN_LIMIT_FIELDS
from keys.rights import ApiAccess, own_apis, specs_of
from keys.session import Access, Limit, OwnApi
from orgs.ids import is_id

ACCESS_COLUMNS = ("api_id", "versions", "allowed_urls", "limit", "extra")


def accesses_of(policies: Iterable[Policy]) -> dict[str, tuple[ApiAccess, ...]]:
    """Return what each policy opens, by the policy's id."""
    found: dict[str, list[ApiAccess]] = {policy.pk: [] for policy in policies}
    rows = PolicyAccess.objects.filter(policy__in=[*found]).order_by("api_id")
    for policy_id, *row in rows.values_list("policy_id", *ACCESS_COLUMNS):
        found[policy_id].append(_access(*row))
    return {id: tuple(accesses) for id, accesses in found.items()}


def policies_of(key: Key) -> list[Policy]:
    """Return the policies that the key applies, in their order."""
    return list(Policy.objects.filter(applied__key=key).order_by("applied__position", "id"))


def in_order(ids: Sequence[str]) -> list[Policy]:
    """Return these policies of the organisation; what is none of its own is left out."""
    found = {policy.pk: policy for policy in Policy.objects.filter(pk__in=[id for id in ids if is_id(id)]).order_by()}
    return [found[id] for id in dict.fromkeys(ids) if id in found]


def merged(policies: Sequence[Policy], key: Key | None = None) -> Merged:
    """Return what a key may do with these policies, or this key with them."""
    specs = policy_specs(policies)
    if key is None:
        return merge(specs)
    (spec,) = specs_of([key])
    depth = key.extra.get("max_query_depth", 0)
    return merge(
        specs,
        accesses=spec.accesses,
        limit=spec.limit,
        max_query_depth=depth,
        tags=spec.tags,
        metadata=spec.metadata,
    )


def policy_specs(policies: Sequence[Policy]) -> list[PolicySpec]:
    """Return the policies as they are merged, in two queries."""
    accesses = accesses_of(policies)
    named = {access.api_id for opened in accesses.values() for access in opened}
    apis = own_apis(Api.objects.filter(pk__in=named).order_by("sort_name", "id"))
    return [
        PolicySpec(
            id=policy.pk,
            name=policy.name,
            accesses=_written_out(accesses[policy.pk], apis),
            limit=Limit(policy.rate, policy.per_s, policy.quota_max, policy.quota_window_s),
            max_query_depth=policy.extra.get("max_query_depth") or 0,
            partitions=frozenset(map(Partition, policy.partitions)),
            is_active=policy.is_active,
            tags=tuple(policy.tags),
            metadata=policy.metadata,
        )
        for policy in policies
    ]


def limit_of(stored: Mapping[str, Any] | None) -> Limit | None:
    """Read an API's own limit as PolicyAccess stores it."""
    if stored is None:
        return None
    extra = {name: value for name, value in stored.items() if name not in OWN_LIMIT_FIELDS}
    return Limit(stored["rate"], stored["per"], stored["quota_max"], stored["quota_renewal_rate"], extra)


def stored_limit(limit: Limit | None) -> dict[str, Any] | None:
    if limit is None:
        return None
    numbers = {"rate": limit.rate, "per": limit.per_s, "quota_max": limit.quota_max}
    return {**numbers, "quota_renewal_rate": limit.quota_window_s, **limit.extra}


def _access(
    api_id: str, versions: list[str], allowed_urls: list[Any], limit: dict[str, Any] | None, extra: dict[str, Any]
) -> ApiAccess:
    paths = tuple(AllowedUrl(path["url"], tuple(path["methods"])) for path in allowed_urls)
    return ApiAccess(api_id, tuple(versions), paths, limit_of(limit), extra)


def _written_out(accesses: Sequence[ApiAccess], apis: Mapping[str, OwnApi]) -> tuple[Access, ...]:
    """In the order of the APIs' names, as everywhere."""
    named = {access.api_id: access for access in accesses}
    return tuple(
        Access(
            api_id=api.api_id,
            api_name=api.name,
            versions=named[id].versions or api.versions,
            allowed_urls=named[id].allowed_urls,
            limit=named[id].limit,
            extra=named[id].extra,
        )
        for id, api in apis.items()
        if id in named
    )
