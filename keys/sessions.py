"""The session objects of keys, as gateways store them: with their secrets, and nothing of another organisation."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cryptography.fernet import InvalidToken
from django.db.models import Q

from apis.models import Api
from keys import credentials, rights, session
from keys.models import Key, Policy, PolicyAccess
from keys.rights import ApiAccess
from keys.session import Access, KeySpec, SessionError
from orgs import scope

Session = dict[str, Any]


def session_of(key: Key) -> Session:
    """Return the key's session object. Raises SessionError for a key that opens nothing."""
    (made,) = sessions_of([key])
    if isinstance(made, ValueError):
        raise made
    return made


def sessions_of(keys: Sequence[Key]) -> list[Session | ValueError]:
    """Return the session object of each key of the open scope's organisation, or why it can have none.

    "All of this organisation's APIs" is written out. It takes a few queries, however many the keys are.
    """
    if any(key.organisation_id != scope.current_organisation_id() for key in keys):
        raise session.ForeignApi("The key is of another organisation.")
    specs = rights.specs_of(keys)
    through = _through_policies([key.pk for key, spec in zip(keys, specs, strict=True) if not spec.accesses])
    inactive = _inactive_policies({id for spec in specs for id in spec.policies})
    specs = [_as_delivered(key, spec, through.get(key.pk, ()), inactive) for key, spec in zip(keys, specs, strict=True)]
    named = {access.api_id for spec in specs for access in spec.accesses}
    own = set(Api.objects.filter(api_id__in=named).order_by().values_list("api_id", flat=True))
    return [_built(key, spec, own) for key, spec in zip(keys, specs, strict=True)]


def _built(key: Key, spec: KeySpec, own: set[str]) -> Session | ValueError:
    try:
        spec = replace(spec, secrets=credentials.unsealed(key.sealed))
        return session.build(spec, organisation_api_ids=own)
    except ValueError as error:  # SessionError, or a path that would open every path
        return error
    except InvalidToken:
        return SessionError("The key's secrets were encrypted with another SEALING_KEY.")


def _as_delivered(key: Key, spec: KeySpec, through: tuple[Access, ...], inactive: set[str]) -> KeySpec:
    """Newer gateways ask only the policies, where there are any, whether a key is inactive; older ones not always."""
    is_off = key.is_disabled or key.revoked_at is not None or not inactive.isdisjoint(spec.policies)
    return replace(
        spec,
        accesses=spec.accesses or through,
        is_disabled=is_off,
        policies=() if is_off else spec.policies,
    )


def _inactive_policies(ids: set[str]) -> set[str]:
    if not ids:
        return set()
    return set(Policy.objects.filter(pk__in=ids, is_active=False).order_by().values_list("id", flat=True))


def _through_policies(keys: Sequence[str]) -> dict[str, tuple[Access, ...]]:
    """Return the APIs that the policies of each key open, for keys that name none themselves.

    Gateways apply the policies at each request, and put the access rights of those that have some in place of the
    key's. But a session without any access right opens every API of every organisation, which is what is left when
    no policy has one; and the key API refuses it before it looks at policies. So the session always names some:
    the key's own, or these. Without either there is no session.
    """
    if not keys:
        return {}
    rows = (
        PolicyAccess.objects.filter(policy__applied__key__in=keys)
        .filter(Q(policy__partitions=[]) | Q(policy__partitions__overlap=["acl", "per_api"]))
        .order_by("policy__applied__position")
        .values_list("policy__applied__key_id", "api_id", "versions", "allowed_urls")
    )
    accesses: dict[str, dict[str, ApiAccess]] = defaultdict(dict)
    for key_id, api_id, versions, allowed_urls in rows:
        accesses[key_id].setdefault(api_id, rights.access_of(api_id, versions, allowed_urls, None, {}))
    named = {id for opened in accesses.values() for id in opened}
    apis = rights.own_apis(Api.objects.filter(pk__in=named).order_by("sort_name", "id"))
    return {key_id: rights.written_out(opened.values(), apis) for key_id, opened in accesses.items()}
