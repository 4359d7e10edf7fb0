"""What a key's rows say, in the words of `keys.session`: the session object, and effective access."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Func, JSONField, QuerySet

from apis.models import Api
from keys import session
from keys.errors import NoSuchApi
from keys.models import Key, KeyAccess
from keys.paths import AllowedUrl
from keys.session import Access, EffectiveAccess, KeySpec, Limit, OwnApi
from orgs import scope

UNVERSIONED = ("Default",)


@dataclass(frozen=True)
class ApiAccess:
    """An API to open, by the id of its row. No versions is all that it has; no allowed URLs is every path."""

    api_id: str
    versions: tuple[str, ...] = ()
    allowed_urls: tuple[AllowedUrl, ...] = ()


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


def names_of(accesses: Iterable[ApiAccess]) -> dict[str, str]:
    """Return the names of the APIs by id. Raises NoSuchApi: another organisation's does not exist here."""
    accesses = list(accesses)
    wanted = Api.objects.filter(pk__in=[access.api_id for access in accesses])
    if any(access.versions for access in accesses):
        _refuse_unknown_versions(accesses, own_apis(wanted))
    names = dict(wanted.order_by().values_list("id", "name"))
    if any(access.api_id not in names for access in accesses):
        raise NoSuchApi("APIs: one of the chosen APIs does not exist. Choose again.")
    return names


def _refuse_unknown_versions(accesses: list[ApiAccess], apis: dict[str, OwnApi]) -> None:
    for access in accesses:
        api = apis.get(access.api_id)
        unknown = set(access.versions) - set(api.versions) if api else set()
        if api and unknown:
            raise NoSuchApi(f"APIs: {api.name} has no version {min(unknown)!r}.")


def accesses_of(key: Key) -> tuple[ApiAccess, ...]:
    rows = KeyAccess.objects.filter(key=key).order_by("api_id").values_list("api_id", "versions", "allowed_urls")
    return tuple(
        ApiAccess(api_id, tuple(versions), tuple(AllowedUrl(u["url"], tuple(u["methods"])) for u in allowed_urls))
        for api_id, versions, allowed_urls in rows
    )


def apis_of(key: Key) -> QuerySet[Api]:
    """The APIs that the key opens, by name."""
    named = KeyAccess.objects.filter(key=key).values("api_id")
    return (Api.objects.all() if key.has_all_apis else Api.objects.filter(pk__in=named)).order_by("sort_name", "id")


def session_of(key: Key) -> dict[str, Any]:
    """Return the session object that a gateway stores for the key.

    "All of this organisation's APIs" is written out. Raises SessionError for a key that opens nothing.
    """
    apis = own_apis(apis_of(key))
    return session.build(_spec(key, apis), organisation_api_ids={api.api_id for api in apis.values()})


def effective_access(key: Key, *, now: datetime, most: int) -> dict[str, EffectiveAccess]:
    """Return what the key opens by the id of the API's row, at most so many."""
    apis = own_apis(apis_of(key)[:most])
    return dict(zip(apis, session.effective_access(_spec(key, apis), apis.values(), now=now), strict=True))


def _spec(key: Key, apis: dict[str, OwnApi]) -> KeySpec:
    if key.organisation_id != scope.current_organisation_id():
        raise session.ForeignApi("The key is of another organisation.")
    return KeySpec(
        organisation_id=key.organisation_id,
        alias=key.alias,
        accesses=session.full_access(apis.values()) if key.has_all_apis else _named_access(key, apis),
        has_all_apis=key.has_all_apis,
        limit=Limit(key.rate, key.per_s, key.quota_max, key.quota_window_s),
        created_at=key.created_at,
        updated_at=key.updated_at,
        expires_at=key.expires_at,
        is_disabled=key.is_disabled,
        revoked_at=key.revoked_at,
        tags=tuple(key.tags),
        metadata=key.metadata,
    )


def _named_access(key: Key, apis: dict[str, OwnApi]) -> tuple[Access, ...]:
    named = {access.api_id: access for access in accesses_of(key)}
    return tuple(
        Access(
            api_id=api.api_id,
            api_name=api.name,
            versions=named[id].versions or api.versions,
            allowed_urls=named[id].allowed_urls,
        )
        for id, api in apis.items()
    )
