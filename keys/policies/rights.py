"""What the rows of policies say, in the words of `keys.session` and `keys.merging`."""

from collections.abc import Iterable, Sequence

from apis.models import Api
from keys.merging import Merged, Partition, PolicySpec, merge
from keys.models import Key, Policy, PolicyAccess
from keys.rights import ACCESS_COLUMNS, ApiAccess, access_of, own_apis, specs_of, written_out
from keys.session import Limit
from orgs.ids import is_id


def accesses_of(policies: Iterable[Policy]) -> dict[str, tuple[ApiAccess, ...]]:
    """Return what each policy opens, by the policy's id."""
    found: dict[str, list[ApiAccess]] = {policy.pk: [] for policy in policies}
    rows = PolicyAccess.objects.filter(policy__in=[*found]).order_by("api_id")
    for policy_id, *row in rows.values_list("policy_id", *ACCESS_COLUMNS):
        found[policy_id].append(access_of(*row))
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
            accesses=written_out(accesses[policy.pk], apis),
            limit=Limit(policy.rate, policy.per_s, policy.quota_max, policy.quota_window_s),
            max_query_depth=policy.extra.get("max_query_depth") or 0,
            partitions=frozenset(map(Partition, policy.partitions)),
            is_active=policy.is_active,
            tags=tuple(policy.tags),
            metadata=policy.metadata,
        )
        for policy in policies
    ]
