"""An organisation's key is no credential: the quota, rate and switch that gateways hold all of its calls to."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from orgs import scope, services
from orgs.machines import Access, Answer, Call, Paged, Refusal, Streamed, find, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.models import Organisation
from orgs.wire import is_empty

MOVED = "Updating orgID of org key is not allowed"
MISSING = "Could not get Org key details"
# An organisation's session opens nothing, so it names nothing that opens, and holds no secret.
OPENING = (
    *("access_rights", "apply_policies", "apply_policy_id", "basic_auth_data", "jwt_data", "hmac_string"),
    *("oauth_keys", "oauth_client_id", "certificate", "rsa_certificate_id", "mtls_static_certificate_bindings"),
)


class Limits(msgspec.Struct):
    """The fields of a session object that have a meaning for a whole organisation; others are kept."""

    org_id: str | None = None
    rate: float | None = None
    per: float | None = None
    quota_max: int | None = None
    quota_renewal_rate: int | None = None
    quota_remaining: int | None = None
    quota_renews: int | None = None
    is_inactive: bool | None = None
    allowance: float | None = None
    throttle_interval: float | None = None
    throttle_retry_limit: int | None = None
    max_query_depth: int | None = None
    expires: int | None = None
    data_expires: int | None = None
    session_lifetime: int | None = None
    last_check: int | None = None
    last_updated: str | None = None
    date_created: str | None = None
    hmac_enabled: bool | None = None
    enable_detailed_recording: bool | None = None
    alias: str | None = None
    tags: list[str] | None = None
    meta_data: dict[str, Any] | None = None
    monitor: dict[str, Any] | None = None
    smoothing: dict[str, Any] | None = None


class OrganisationKey(msgspec.Struct):
    api_model: dict[str, Any]
    key_id: str
    data: Limits


class KeyIds(msgspec.Struct):
    keys: list[str]


class OrganisationKeys(msgspec.Struct):
    data: KeyIds
    pages: int


def document(organisation: Organisation) -> dict[str, Any]:
    session = {"org_id": organisation.id} | (organisation.gateway_session or {})
    return {"api_model": {}, "key_id": organisation.id, "data": session}


def session_of(call: Call[Any, Limits]) -> dict[str, Any]:
    # In any case of letters, as gateways read them.
    fields = {name: (name.casefold(), value) for name, value in call.document.items()}
    if opening := [name for name, (folded, value) in fields.items() if folded in OPENING and not is_empty(value)]:
        raise Refusal(400, f"An organisation's key opens nothing: leave {', '.join(opening)} out.")
    dropped = (*OPENING, "org_id")
    return {name: value for name, (folded, value) in fields.items() if folded not in dropped and value is not None}


def render(rows: Iterable[str]) -> Iterator[bytes]:
    for id in rows:
        yield msgspec.json.encode(id)


@operation(
    "GET",
    "/admin/org/keys",
    "The organisations that have a key",
    access=Access.ADMIN_SECRET,
    query=Paged,
    answers=OrganisationKeys,
)
def list_organisation_keys(call: Call[Paged, None]) -> Answer | Streamed:
    rows = Organisation.objects.filter(gateway_session__isnull=False).order_by("id").values_list("id", flat=True)
    return page_of(call, rows, render, name="data", wrap=('{"keys":', "}"))


@operation(
    "POST",
    "/admin/org/keys",
    "Set an organisation's key",
    access=Access.ADMIN_SECRET,
    body=Limits,
    answers=OrganisationKey,
)
def create_organisation_key(call: Call[Any, Limits]) -> dict[str, Any]:
    organisation = Organisation.objects.filter(pk=call.body.org_id or "").first()
    if organisation is None:
        raise Refusal(400, "org_id: there is no such organisation.")
    with scope.opened(scope.of(organisation.id)):
        return document(services.set_gateway_session(organisation=organisation, session=session_of(call)))


@operation(
    "GET",
    "/admin/org/keys/{id}",
    "An organisation's key",
    access=Access.ADMIN_SECRET,
    answers=OrganisationKey,
    refusals=(404,),
)
def get_organisation_key(call: Call[Any, None], id: str) -> dict[str, Any]:
    return document(_with_key(call, id, MISSING))


@operation(
    "PUT",
    "/admin/org/keys/{id}",
    "Replace an organisation's key",
    access=Access.ADMIN_SECRET,
    body=Limits,
    answers=Envelope,
    refusals=(404,),
)
def update_organisation_key(call: Call[Any, Limits], id: str) -> Answer:
    organisation = _with_key(call, id, "Org key doesn't exist")
    if call.body.org_id not in (None, "", organisation.id):
        raise Refusal(400, MOVED)
    with scope.opened(scope.of(organisation.id)):
        services.set_gateway_session(organisation=organisation, session=session_of(call))
    return ok("Key updated")


@operation(
    "DELETE",
    "/admin/org/keys/{id}",
    "Take an organisation's key away",
    access=Access.ADMIN_SECRET,
    answers=Envelope,
    refusals=(404,),
)
def delete_organisation_key(call: Call[Any, None], id: str) -> Answer:
    organisation = _with_key(call, id, MISSING)
    with scope.opened(scope.of(organisation.id)):
        services.set_gateway_session(organisation=organisation, session=None)
    return ok("Key deleted successfully")


def _with_key(call: Call[Any, Any], id: str, missing: str) -> Organisation:
    return find(call, Organisation.objects.filter(gateway_session__isnull=False), missing, pk=id)
