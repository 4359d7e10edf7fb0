"""What a key that applies policies may do, merged as gateways merge it.

Followed are gateway 3.1 and the newest. Where they differ this says what opens less, and each such place says so.
Numbers are those of the session object: 0 is nothing said, -1 no limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf
from typing import Any, NamedTuple

from keys.paths import AllowedUrl
from keys.session import UNLIMITED, Access, Limit

NO_LIMIT = Limit()
KEY = ""  # among the ids of policies, the key itself
MIXED = "{} has limits for each API, and {} is partitioned: gateways refuse a key with both."
TWICE = "{} is in {}, which has limits for each API, and in another policy too: some gateways refuse such a key."


class Partition(StrEnum):
    """The parts that a policy gives; one that names none gives the first four."""

    QUOTA = "quota"
    RATE = "rate_limit"
    COMPLEXITY = "complexity"
    ACL = "acl"
    PER_API = "per_api"


@dataclass(frozen=True)
class PolicySpec:
    """A policy as it is merged. Its limits may be 0 and -1; of its accesses' limits only those for each API count."""

    id: str
    name: str
    accesses: tuple[Access, ...] = ()
    limit: Limit = NO_LIMIT
    max_query_depth: int = 0
    partitions: frozenset[Partition] = frozenset()
    is_active: bool = True
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_per_api(self) -> bool:
        return Partition.PER_API in self.partitions

    def gives(self, part: Partition) -> bool:
        return not self.partitions or self.is_per_api or part in self.partitions


@dataclass(frozen=True)
class MergedAccess:
    """One API that is open. What ends in `_from` are the ids of the policies that gave it, KEY being the key itself.

    A rate of 0 is no limit and a quota of -1 no quota. `counted_by` names the count that its requests add to: an API's
    own, a policy's, or where it is empty that of all the key's APIs.
    """

    api_id: str
    api_name: str
    versions: tuple[str, ...]
    allowed_urls: tuple[AllowedUrl, ...]
    limit: Limit
    max_query_depth: int
    opened_from: tuple[str, ...]
    rate_from: tuple[str, ...]
    quota_from: tuple[str, ...]
    counted_by: str


@dataclass(frozen=True)
class Merged:
    """`refusal` says why gateways refuse the key altogether; empty is that they do not."""

    accesses: tuple[MergedAccess, ...]
    refusal: str
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]

    @property
    def opened(self) -> tuple[MergedAccess, ...]:
        return () if self.refusal else self.accesses


class _Offer(NamedTuple):
    """So many in so many seconds, and who says so."""

    source: str
    amount: float
    seconds: float


class _Limits(NamedTuple):
    """What is said of the limits of the whole key, or of one API, in the order of LIMITS."""

    rates: list[_Offer]
    quotas: list[_Offer]
    depths: list[_Offer]


LIMITS = (Partition.RATE, Partition.QUOTA, Partition.COMPLEXITY)
_Named = tuple[PolicySpec, Access]


def merge(
    policies: Sequence[PolicySpec],
    *,
    accesses: Iterable[Access] = (),
    limit: Limit = NO_LIMIT,
    max_query_depth: int = 0,
    tags: Iterable[str] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Merged:
    """Return what a key may do that applies these policies in this order; the rest is what the key itself says."""
    if policies:
        opened, refusal = _of_policies(policies, _session(policies, limit, max_query_depth)), _refusal(policies)
    else:
        opened, refusal = tuple(_own(access, limit, max_query_depth) for access in accesses), ""
    words = dict.fromkeys([*(tag for policy in policies for tag in policy.tags), *tags])
    values = dict(metadata or {})
    for policy in policies:
        values |= policy.metadata
    return Merged(accesses=opened, refusal=refusal, tags=tuple(words), metadata=values)


def _refusal(policies: Sequence[PolicySpec]) -> str:
    """Say why gateways refuse the key. Those of 3.1 refuse more mixtures of limits, the newest keys without an API."""
    per_api = [policy for policy in policies if policy.is_per_api]
    partitioned = [policy for policy in policies if policy.partitions - {Partition.PER_API}]
    if per_api and partitioned:
        return MIXED.format(per_api[0].name, partitioned[0].name)
    for policy in per_api:
        others = {access.api_id for other in policies if other is not policy for access in other.accesses}
        if twice := [access.api_name for access in policy.accesses if access.api_id in others]:
            return TWICE.format(twice[0], policy.name)
    if not any(policy.accesses and policy.gives(Partition.ACL) for policy in policies):
        return "None of the policies opens an API: newer gateways refuse such a key, whatever it names itself."
    return next((f"The policy {policy.name} is inactive." for policy in policies if not policy.is_active), "")


def _session(policies: Sequence[PolicySpec], limit: Limit, depth: int) -> _Limits:
    """What the key says itself counts where no policy says a number: 3.1 kept it so, the newest drops it even then."""
    session = _Limits([], [], [])
    for policy in policies:
        if not policy.is_per_api:
            if not policy.accesses:  # one without APIs sets the key's limits instead of raising them
                _clear(session, policy)
            _add(session, policy, policy.limit, policy.max_query_depth)
    # The key's window stays; only a longer one replaces it.
    window = _Offer(KEY, 0, limit.quota_window_s)
    return _Limits(
        rates=session.rates if _is_said(session.rates) else [_rate(KEY, limit)],
        quotas=[*session.quotas, window] if _is_said(session.quotas) else [_quota(KEY, limit)],
        depths=session.depths if _is_said(session.depths) else [_Offer(KEY, depth, 0)],
    )


def _clear(limits: _Limits, policy: PolicySpec) -> None:
    for part, offers in zip(LIMITS, limits, strict=True):
        if policy.gives(part):
            offers.clear()


def _add(limits: _Limits, policy: PolicySpec, limit: Limit, depth: int) -> None:
    said = _rate(policy.id, limit), _quota(policy.id, limit), _Offer(policy.id, depth, 0)
    for part, offers, offer in zip(LIMITS, limits, said, strict=True):
        if policy.gives(part):
            offers.append(offer)


def _of_policies(policies: Sequence[PolicySpec], session: _Limits) -> tuple[MergedAccess, ...]:
    """What the key names itself is replaced by what its policies open."""
    naming: dict[str, list[_Named]] = {}
    for policy in policies:
        for access in policy.accesses:
            naming.setdefault(access.api_id, []).append((policy, access))
    opened = {id: named for id, named in naming.items() if any(policy.gives(Partition.ACL) for policy, _ in named)}
    scopes = {id: _scope(named) for id, named in opened.items()}
    is_counted_apart = len(set(scopes.values())) > 1
    return tuple(
        _merged(named, session, scope=scopes[id] if is_counted_apart or named[0][0].is_per_api else "")
        for id, named in opened.items()
    )


def _scope(named: list[_Named]) -> str:
    policy, access = [(policy, access) for policy, access in named if policy.gives(Partition.ACL)][-1]
    return access.api_id if policy.is_per_api and _says_something(access.limit) else policy.id


def _merged(named: list[_Named], session: _Limits, *, scope: str) -> MergedAccess:
    opening = [(policy, access) for policy, access in named if policy.gives(Partition.ACL)]
    others = [(policy, access) for policy, access in named if not policy.gives(Partition.ACL)]
    limits = _Limits(*map(_told, _said(opening), _said(others), session))
    if not any(number for offers in limits for offer in offers for number in offer[1:]):
        # An API's limit that says nothing is none to the newest, and to 3.1 one without bounds.
        limits, scope = session, ""
    union = replace(
        named[0][1],
        # All of them, though 3.1.2 takes those of the first policy alone, by an oversight.
        versions=tuple(dict.fromkeys(version for _, access in opening for version in access.versions)),
        allowed_urls=_union(path for _, access in opening for path in access.allowed_urls),
    )
    return _access(union, limits, opened_from=tuple(policy.id for policy, _ in opening), scope=scope)


def _told(opening: list[_Offer], others: list[_Offer], session: list[_Offer]) -> list[_Offer]:
    """For 3.1 a policy that does not open the API raises no limit of one that does; the newest takes the highest."""
    if _is_said(opening):
        return opening
    return [*opening, *others] if opening or _is_said(others) else session


def _is_said(offers: Sequence[_Offer]) -> bool:
    return any(offer.amount for offer in offers)


def _said(named: list[_Named]) -> _Limits:
    limits = _Limits([], [], [])
    for policy, access in named:
        own = access.limit if policy.is_per_api and _says_something(access.limit) else None
        depth = own.extra.get("max_query_depth", 0) if own else policy.max_query_depth
        _add(limits, policy, own or policy.limit, depth)
    return limits


def _own(access: Access, limit: Limit, depth: int) -> MergedAccess:
    """What a key without policies names."""
    own = access.limit if access.limit and _says_something(access.limit) else None
    chosen = own or limit
    depths = [_Offer(KEY, own.extra.get("max_query_depth", 0) if own else depth, 0)]
    limits = _Limits([_rate(KEY, chosen)], [_quota(KEY, chosen)], depths)
    scope = access.api_id if own else ""
    return _access(access, limits, opened_from=(KEY,), scope=scope)


def _access(access: Access, limits: _Limits, *, opened_from: tuple[str, ...], scope: str) -> MergedAccess:
    rate, per_s, rate_from = _highest(limits.rates)
    quota, window_s, quota_from = _highest(limits.quotas)
    return MergedAccess(
        api_id=access.api_id,
        api_name=access.api_name,
        versions=access.versions,
        allowed_urls=access.allowed_urls,
        limit=Limit(max(rate, 0), per_s if rate > 0 else 0, int(quota) if quota > 0 else UNLIMITED, int(window_s)),
        max_query_depth=int(_highest(limits.depths)[0]),
        opened_from=opened_from,
        rate_from=rate_from,
        quota_from=quota_from,
        counted_by=scope,
    )


def _rate(source: str, limit: Limit) -> _Offer:
    """A rate without a period says nothing to the newest; for 3.1 it could take the limit away."""
    return _Offer(source, limit.rate, limit.per_s) if limit.rate and limit.per_s else _Offer(source, 0, 0)


def _quota(source: str, limit: Limit) -> _Offer:
    return _Offer(source, limit.quota_max, max(limit.quota_window_s, 0))


def _highest(offers: Sequence[_Offer]) -> tuple[float, float, tuple[str, ...]]:
    """Return the highest amount and the longest time, each by itself, with who gave them.

    So did 3.1 with rates. The newest takes the quickest rate as a whole, which is never less.
    """
    amount = max((offer.amount for offer in offers), key=_rank, default=0)
    seconds = max((offer.seconds for offer in offers), default=0)
    highest = [offer for offer in offers if offer.amount == amount] if amount else []
    is_whole = amount < 0 or any(offer.seconds == seconds for offer in highest)
    longest = [] if is_whole or not amount else [offer for offer in offers if offer.seconds == seconds]
    return amount, max(seconds, 0), tuple(dict.fromkeys(offer.source for offer in (*highest, *longest)))


def _rank(amount: float) -> float:
    """No limit is more than any number."""
    return inf if amount < 0 else amount


def _says_something(limit: Limit | None) -> bool:
    return limit is not None and any((limit.rate, limit.per_s, limit.quota_max, limit.quota_window_s))


def _union(paths: Iterable[AllowedUrl]) -> tuple[AllowedUrl, ...]:
    """An API that one policy opens whole and another in parts is open in those parts: no path is every path."""
    methods: dict[str, dict[str, None]] = {}
    for path in paths:
        methods.setdefault(path.url, {}).update(dict.fromkeys(path.methods))
    return tuple(AllowedUrl(url, tuple(named)) for url, named in methods.items())
