"""What a key's settings name must be the organisation's own: policies, certificates, OAuth clients."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q

from apis.definition import ASKING
from apis.models import Api, Certificate, OAuthClient
from keys import rights
from keys.errors import MISSING_POLICY, BadSetting, NoSuchCertificate, NoSuchClient, NoSuchPolicy, NoSuchTag
from keys.models import Policy
from keys.rights import ApiAccess
from keys.settings import KeySettings
from orgs import scope
from orgs.ids import is_id

OF_ORGANISATION = "org-"


class NamedPolicy(NamedTuple):
    name: str
    key_expires_in_s: int


def policies_named(ids: Sequence[str]) -> dict[str, NamedPolicy]:
    """Return the policies by id. Raises NoSuchPolicy: another organisation's does not exist here."""
    if not ids:
        return {}
    rows = Policy.objects.filter(pk__in=[id for id in ids if is_id(id)]).order_by()
    columns = rows.values_list("id", "name", "key_expires_in_s")
    found = {id: NamedPolicy(name, expires_in) for id, name, expires_in in columns}
    if any(id not in found for id in ids):
        raise NoSuchPolicy(MISSING_POLICY)
    return found


def names_in(*settings: KeySettings) -> dict[str, str]:
    """Return the names of all their APIs and policies by id. Raises NoSuchApi or NoSuchPolicy."""
    names: dict[str, str] = {}
    for chosen in settings:
        names |= rights.names_of(chosen["accesses"])
        names |= {id: policy.name for id, policy in policies_named(chosen["policies"]).items()}
    return names


def first_expiry(policies: Iterable[NamedPolicy], *, now: datetime) -> datetime | None:
    """Return when a new key with these policies ends: the soonest, where a gateway would take the last one's."""
    lives = [policy.key_expires_in_s for policy in policies if policy.key_expires_in_s > 0]
    return now + timedelta(seconds=min(lives)) if lives else None


def refuse_foreign(extra: Mapping[str, Any]) -> None:
    """Raise NoSuchCertificate or NoSuchClient for what these fields of a session name and the organisation lacks."""
    bound = extra.get("mtls_static_certificate_bindings") or []
    certificates = {extra.get("certificate"), extra.get("rsa_certificate_id"), *bound} - {None, ""}
    if certificates and not _are_own(certificates):
        raise NoSuchCertificate("Certificates: one of those named does not exist.")
    client = extra.get("oauth_client_id")
    if client and not OAuthClient.objects.filter(client_id=client).exists():
        raise NoSuchClient("OAuth client: it does not exist.")


def refuse_foreign_tags(tags: Iterable[str]) -> None:
    """Raise NoSuchTag for `org-` with the id of another organisation.

    So gateways tag what they count, and add the tags of the key: its calls would be counted as another's.
    """
    ids = {tag.removeprefix(OF_ORGANISATION) for tag in tags if tag.startswith(OF_ORGANISATION)}
    if any(is_id(id) and id != scope.current_organisation_id() for id in ids):
        raise NoSuchTag("Tags: one of those named does not exist.")


def _are_own(certificates: set[str]) -> bool:
    organisation = scope.current_organisation_id()
    fingerprints = {id.removeprefix(organisation) for id in certificates if id.startswith(organisation)}
    return Certificate.objects.filter(fingerprint__in=fingerprints).count() == len(certificates)


def refuse_open_doors(accesses: Iterable[ApiAccess], policies: Sequence[str], *, has_all_apis: bool) -> None:
    """Raise BadSetting where a key with a username would open APIs that do not ask for its password."""
    opened = Q(pk__in=[access.api_id for access in accesses]) | Q(policy_accesses__policy__in=policies)
    apis = Api.objects.exclude(authentication__in=ASKING)
    if (apis if has_all_apis else apis.filter(opened)).exists():
        raise BadSetting("Username: one of the APIs does not ask for a password, and would take the username alone.")
