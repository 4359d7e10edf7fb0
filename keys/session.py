"""The session object: the JSON that a gateway stores for a key, and what the key opens and why.

A gateway does not check organisations: what is written here is what the key opens, so doubt is an error.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from apis.rules import RESERVED_METADATA
from keys.paths import AllowedUrl, check_allowed_url
from keys.session_fields import empty_access_right, empty_limit, empty_session

UNLIMITED = -1
UNVERSIONED = ("Default",)
MAX_RATE = 10**9
MAX_QUOTA = 2**53  # the largest count that every JSON reader keeps exactly


class SessionError(ValueError):
    """What makes a session object impossible, as a sentence for the person who asked for it."""


class NoAccess(SessionError):
    """The key would open nothing; to some gateways an empty list means everything."""


class ForeignApi(SessionError):
    """An API is not one of the organisation's own."""


class BadLimit(SessionError):
    """A rate or quota that a gateway would misread."""


class KeyState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Reason(StrEnum):
    NAMED = "named on the key"
    ALL_APIS = "all of this organisation's APIs"


class LimitSource(StrEnum):
    KEY = "the key's limit"
    API = "its own limit for this API"


@dataclass(frozen=True)
class Limit:
    """`rate` requests in each `per_s` seconds, 0 is no limit; `quota_max` in each window, -1 is no quota.

    A window of 0 s never renews. `extra` are further fields of the limit in the session object.
    """

    rate: float = 0
    per_s: float = 0
    quota_max: int = UNLIMITED
    quota_window_s: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Access:
    """One API that a key opens. No versions is no access; no allowed URLs is every path.

    `extra` are further fields of the access right in the session object.
    """

    api_id: str
    api_name: str
    versions: tuple[str, ...]
    allowed_urls: tuple[AllowedUrl, ...] = ()
    limit: Limit | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class OwnApi:
    """What is known of one of the organisation's APIs."""

    api_id: str
    name: str
    versions: tuple[str, ...]
    is_active: bool

    def lacks(self, versions: Iterable[str]) -> set[str]:
        """Return those that it has not. Clients write "Default" where there is one, whatever it is called."""
        return set(versions) - {*self.versions, *(UNVERSIONED if len(self.versions) == 1 else ())}


@dataclass(frozen=True)
class KeySpec:
    """A key without its secret. Moments are timezone-aware.

    `extra` are fields of the session object that are not here, `secrets` those that only gateways may see.
    """

    organisation_id: str
    alias: str
    accesses: tuple[Access, ...]
    created_at: datetime
    updated_at: datetime
    has_all_apis: bool = False
    limit: Limit = Limit()
    expires_at: datetime | None = None
    is_disabled: bool = False
    revoked_at: datetime | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    policies: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class EffectiveAccess:
    """What a key opens of one API at a moment, and why."""

    api_id: str
    api_name: str
    reason: Reason
    versions: tuple[str, ...]
    allowed_urls: tuple[AllowedUrl, ...]
    limit: Limit
    limit_source: LimitSource
    is_api_active: bool
    key_state: KeyState

    @property
    def works(self) -> bool:
        return self.is_api_active and self.key_state is KeyState.ACTIVE


def state_at(now: datetime, *, is_disabled: bool, expires_at: datetime | None, revoked_at: datetime | None) -> KeyState:
    """Return the state that a gateway would tell of: it looks at a disabled key before its expiry."""
    if revoked_at is not None:
        return KeyState.REVOKED
    if is_disabled:
        return KeyState.DISABLED
    if expires_at is not None and expires_at <= now:
        return KeyState.EXPIRED
    return KeyState.ACTIVE


def full_access(apis: Iterable[OwnApi]) -> tuple[Access, ...]:
    """Write "all of this organisation's APIs" out: a gateway has no such thing and knows no organisations."""
    return tuple(Access(api.api_id, api.name, api.versions) for api in apis)


def effective_access(spec: KeySpec, apis: Iterable[OwnApi], *, now: datetime) -> list[EffectiveAccess]:
    """Return one entry for each API of the key. One that is not among `apis` counts as inactive."""
    active = {api.api_id for api in apis if api.is_active}
    disabled, expires, revoked = spec.is_disabled, spec.expires_at, spec.revoked_at
    state = state_at(now, is_disabled=disabled, expires_at=expires, revoked_at=revoked)
    return [
        EffectiveAccess(
            api_id=access.api_id,
            api_name=access.api_name,
            reason=Reason.ALL_APIS if spec.has_all_apis else Reason.NAMED,
            versions=access.versions,
            allowed_urls=access.allowed_urls,
            limit=access.limit or spec.limit,
            limit_source=LimitSource.API if access.limit else LimitSource.KEY,
            is_api_active=access.api_id in active,
            key_state=state,
        )
        for access in spec.accesses
    ]


def build(spec: KeySpec, *, organisation_api_ids: Collection[str]) -> dict[str, Any]:
    """Return the session object with every field of gateway 3.1, in its order, then those of newer ones.

    `organisation_api_ids` are the `api_id`s of the key's own organisation.
    Raises SessionError or BadAllowedUrl for a key that would open nothing, or more than it says.
    """
    _check(spec, organisation_api_ids)
    return document(spec)


def document(spec: KeySpec) -> dict[str, Any]:
    """Return the session object as it would be, whether or not a gateway may be given it."""
    return {
        **empty_session(),
        **_limits(spec.limit, spec.updated_at),
        "allowance": float(spec.limit.rate),
        "date_created": _aware(spec.created_at).astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "expires": _expires(spec.expires_at),
        "access_rights": {access.api_id: _access_right(access, spec.updated_at) for access in spec.accesses},
        "org_id": spec.organisation_id,
        "is_inactive": spec.is_disabled or spec.revoked_at is not None,
        "apply_policies": list(spec.policies),
        "meta_data": dict(spec.metadata),
        "tags": list(spec.tags),
        "alias": spec.alias,
        "last_updated": str(_unix(spec.updated_at)),
        **spec.extra,
        **spec.secrets,
    }


def _limits(limit: Limit, updated_at: datetime) -> dict[str, Any]:
    renews = limit.quota_max != UNLIMITED and limit.quota_window_s > 0
    return {
        **empty_limit(),
        "rate": float(limit.rate),
        "per": float(limit.per_s),
        "quota_max": limit.quota_max,
        "quota_renews": _unix(updated_at) + limit.quota_window_s if renews else 0,
        "quota_remaining": limit.quota_max,
        "quota_renewal_rate": limit.quota_window_s,
        **limit.extra,
    }


def _access_right(access: Access, updated_at: datetime) -> dict[str, Any]:
    return {
        **empty_access_right(),
        "api_name": access.api_name,
        "api_id": access.api_id,
        "versions": list(access.versions),
        "allowed_urls": [{"url": path.url, "methods": list(path.methods)} for path in access.allowed_urls],
        "limit": _limits(access.limit, updated_at) if access.limit else None,
        # Without a scope of its own, an API's own limit would count together with the key's.
        "allowance_scope": access.api_id if access.limit else "",
        **access.extra,
    }


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A moment of a key has no time zone.")
    return moment


def _unix(moment: datetime) -> int:
    return int(_aware(moment).timestamp())


def _expires(expires_at: datetime | None) -> int:
    # 0 and less mean never, so a moment before 1970 becomes the first second after.
    return max(1, _unix(expires_at)) if expires_at else 0


def _check(spec: KeySpec, organisation_api_ids: Collection[str]) -> None:
    if not spec.organisation_id:
        raise ForeignApi("The key has no organisation.")
    if not spec.accesses:
        raise NoAccess("The key opens no API: choose at least one.")
    if len({access.api_id for access in spec.accesses}) < len(spec.accesses):
        raise SessionError("An API is named twice on the key.")
    if reserved := RESERVED_METADATA & spec.metadata.keys():
        raise SessionError(f"Metadata: the name {min(reserved)!r} is reserved.")
    check_limit(spec.limit)
    for access in spec.accesses:
        _check_access(access, organisation_api_ids)


def _check_access(access: Access, organisation_api_ids: Collection[str]) -> None:
    if access.api_id not in organisation_api_ids:
        raise ForeignApi("The key names an API that does not exist.")
    if not access.versions:
        raise NoAccess(f"The key opens no version of {access.api_name}.")
    for allowed in access.allowed_urls:
        check_allowed_url(allowed)
    if access.limit:
        check_limit(access.limit)


def check_limit(limit: Limit) -> None:
    """Raise BadLimit for what a gateway would misread. To it a quota of 0 is none at all."""
    if not (limit.rate == 0 or 1 <= limit.rate <= MAX_RATE):
        raise BadLimit(f"Rate: give 1 to {MAX_RATE} requests, or 0 for no limit.")
    if not (1 if limit.rate else 0) <= limit.per_s <= MAX_RATE:
        raise BadLimit(f"Rate: give a period of 1 to {MAX_RATE} seconds.")
    if not (limit.quota_max == UNLIMITED or 1 <= limit.quota_max <= MAX_QUOTA):
        raise BadLimit(f"Quota: give 1 to {MAX_QUOTA} requests, or -1 for no quota.")
    if not 0 <= limit.quota_window_s <= MAX_RATE:
        raise BadLimit(f"Quota: give a window of 0 (never renewed) to {MAX_RATE} seconds.")
