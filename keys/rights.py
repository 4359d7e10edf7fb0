"""What a key's rows say, in the words of `keys.session`, and what the key opens."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Func, JSONField, QuerySet

from apis.models import Api
from keys import session
from keys.errors import MISSING_API, NoSuchApi
from keys.models import Key, KeyAccess, KeyPolicy
from keys.paths import AllowedUrl
from keys.session import UNVERSIONED, Access, EffectiveAccess, KeySpec, Limit, OwnApi
from orgs import scope
from orgs.hot import ask


@dataclass(frozen=True)
class ApiAccess:
    """An API to open, by the id of its row. No versions is all that it has; no allowed URLs is every path.

    `extra` are fields of the access right that have no name here.
    """

    api_id: str
    versions: tuple[str, ...] = ()
    allowed_urls: tuple[AllowedUrl, ...] = ()
    limit: Limit | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


class VersionNames(Func):
    """The names of a definition's versions; none where that part is not as it should be."""

    template = "jsonb_path_query_array((%(expressions)s)::jsonb, '$.version_data.versions.keyvalue().key', '{}', true)"
    output_field = JSONField()


def own_apis(apis: QuerySet[Api]) -> dict[str, OwnApi]:
    """Return what is known of these APIs, by the id of their row."""
    rows = apis.values_list("id", "api_id", "name", "is_active", VersionNames(F("definition")))
    return {
        id: OwnApi(api_id=api_id, name=name, is_active=is_active, versions=tuple(versions) or UNVERSIONED)
        for id, api_id, name, is_active, versions in rows
    }


NAMED_APIS = """
SELECT id, api_id, name, is_active,
    jsonb_path_query_array(definition::jsonb, '$.version_data.versions.keyvalue().key', '{}', true)::text
FROM apis_api WHERE organisation_id = %s AND (id = ANY(%s) OR api_id = ANY(%s)) ORDER BY sort_name, id
"""


def named_apis(*, ids: Iterable[str] = (), api_ids: Iterable[str] = ()) -> dict[str, OwnApi]:
    """Return what `own_apis` does, of the organisation's APIs by either id: each key that is made asks this twice."""
    ((*rows,),) = ask((NAMED_APIS, [scope.current_organisation_id(), [*ids], [*api_ids]]))
    return {
        id: OwnApi(api_id=api_id, name=name, is_active=is_active, versions=tuple(json.loads(versions)) or UNVERSIONED)
        for id, api_id, name, is_active, versions in rows
    }


def names_of(accesses: Iterable[ApiAccess]) -> dict[str, str]:
    """Return the names of the APIs by id. Raises NoSuchApi: another organisation's does not exist here."""
    accesses = list(accesses)
    apis = named_apis(ids=[access.api_id for access in accesses]) if accesses else {}
    _refuse_unknown_versions(accesses, apis)
    if any(access.api_id not in apis for access in accesses):
        raise NoSuchApi(MISSING_API)
    return {id: api.name for id, api in apis.items()}


def _refuse_unknown_versions(accesses: list[ApiAccess], apis: dict[str, OwnApi]) -> None:
    for access in accesses:
        api = apis.get(access.api_id)
        unknown = api.lacks(access.versions) if api else set()
        if api and unknown:
            raise NoSuchApi(f"APIs: {api.name} has no version {min(unknown)!r}.")


def accesses_of(key: Key) -> tuple[ApiAccess, ...]:
    return _accesses_by_key([key.pk])[key.pk]


def policies_of(key: Key) -> tuple[str, ...]:
    """Return the ids of the policies that the key applies, in their order."""
    return _policies_by_key([key.pk])[key.pk]


def apis_of(key: Key) -> QuerySet[Api]:
    """The APIs that the key opens, by name."""
    named = KeyAccess.objects.filter(key=key).values("api_id")
    return (Api.objects.all() if key.has_all_apis else Api.objects.filter(pk__in=named)).order_by("sort_name", "id")


def specs_of(keys: Sequence[Key]) -> list[KeySpec]:
    """Return what the keys' rows say, without secrets, in a few queries."""
    accesses = _accesses_by_key([key.pk for key in keys if not key.has_all_apis])
    policies = _policies_by_key([key.pk for key in keys])
    apis = own_apis(
        Api.objects.filter(pk__in={access.api_id for named in accesses.values() for access in named}).order_by(
            "sort_name", "id"
        )
    )
    owners = {key.organisation_id for key in keys if key.has_all_apis}
    everything = {id: session.full_access(own) for id, own in _all_apis(owners).items()}
    return [
        _spec(
            key,
            everything.get(key.organisation_id, ()) if key.has_all_apis else written_out(accesses[key.pk], apis),
            policies[key.pk],
        )
        for key in keys
    ]


def spec_of(key: Key, accesses: Iterable[ApiAccess], policies: Sequence[str], apis: Mapping[str, OwnApi]) -> KeySpec:
    """Return what a key with these accesses and policies says; `apis` has each API by the id of its row."""
    return _spec(key, written_out(accesses, apis), tuple(policies))


def effective_access(key: Key, *, now: datetime, most: int) -> dict[str, EffectiveAccess]:
    """Return what the key opens by the id of the API's row, at most so many."""
    apis = own_apis(apis_of(key)[:most])
    accesses = session.full_access(apis.values()) if key.has_all_apis else written_out(accesses_of(key), apis)
    spec = _spec(key, accesses, policies_of(key))
    return dict(zip(apis, session.effective_access(spec, apis.values(), now=now), strict=True))


# An API's own limit as KeyAccess and PolicyAccess store it: these, and what has no name here.
LIMIT_NAMES = ("rate", "per", "quota_max", "quota_renewal_rate")


def limit_of(stored: Mapping[str, Any] | None) -> Limit | None:
    if stored is None:
        return None
    extra = {name: value for name, value in stored.items() if name not in LIMIT_NAMES}
    return Limit(stored["rate"], stored["per"], stored["quota_max"], stored["quota_renewal_rate"], extra)


def stored_limit(limit: Limit | None) -> dict[str, Any] | None:
    if limit is None:
        return None
    numbers = (limit.rate, limit.per_s, limit.quota_max, limit.quota_window_s)
    return {**dict(zip(LIMIT_NAMES, numbers, strict=True)), **limit.extra}


def _spec(key: Key, accesses: tuple[Access, ...], policies: tuple[str, ...]) -> KeySpec:
    return KeySpec(
        organisation_id=key.organisation_id,
        alias=key.alias,
        accesses=accesses,
        has_all_apis=key.has_all_apis,
        limit=Limit(key.rate, key.per_s, key.quota_max, key.quota_window_s),
        created_at=key.created_at,
        updated_at=key.updated_at,
        expires_at=key.expires_at,
        is_disabled=key.is_disabled,
        revoked_at=key.revoked_at,
        tags=tuple(key.tags),
        metadata=key.metadata,
        policies=policies,
        extra=key.extra,
    )


def _accesses_by_key(keys: Sequence[str]) -> dict[str, tuple[ApiAccess, ...]]:
    rows = KeyAccess.objects.filter(key__in=keys).order_by("api_id")
    found: dict[str, list[ApiAccess]] = defaultdict(list)
    for key_id, *row in rows.values_list("key_id", *ACCESS_COLUMNS):
        found[key_id].append(access_of(*row))
    return {id: tuple(found[id]) for id in keys}


def _policies_by_key(keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    rows = KeyPolicy.objects.filter(key__in=keys).order_by("position", "policy_id")
    found: dict[str, list[str]] = defaultdict(list)
    for key_id, policy_id in rows.values_list("key_id", "policy_id"):
        found[key_id].append(policy_id)
    return {id: tuple(found[id]) for id in keys}


def _all_apis(organisation_ids: set[str]) -> dict[str, list[OwnApi]]:
    """Return each organisation's APIs, apart: a scope may see more than one."""
    found: dict[str, list[OwnApi]] = defaultdict(list)
    if organisation_ids:
        rows = Api.objects.filter(organisation__in=organisation_ids).order_by("sort_name", "id")
        owners = dict(rows.values_list("id", "organisation_id"))
        for id, api in own_apis(rows).items():
            found[owners[id]].append(api)
    return found


ACCESS_COLUMNS = ("api_id", "versions", "allowed_urls", "limit", "extra")


def access_of(
    api_id: str, versions: list[str], allowed_urls: list[Any], limit: dict[str, Any] | None, extra: dict[str, Any]
) -> ApiAccess:
    """Read the ACCESS_COLUMNS of a row of KeyAccess or PolicyAccess."""
    paths = tuple(AllowedUrl(path["url"], tuple(path["methods"])) for path in allowed_urls)
    return ApiAccess(api_id, tuple(versions), paths, limit_of(limit), extra)


def written_out(accesses: Iterable[ApiAccess], apis: Mapping[str, OwnApi]) -> tuple[Access, ...]:
    """Return the accesses with all that they leave unsaid, in the order of the APIs."""
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
