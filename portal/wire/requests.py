"""Requests for keys as clients of the JSON API know them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orgs.machines import Refusal
from orgs.wire import is_empty, refuse_to_keep_more, unknown_fields
from portal.models import KeyRequest
from users.wire import moment

LONGEST_PURPOSE = 500


class RequestBody(msgspec.Struct):
    """`by_user` is the developer, `for_plan` or the one in `apply_policies` a policy that the catalogue offers.

    `fields` are what the developer has said, for whoever decides. A request is not approved by `approved`.
    """

    by_user: str
    for_plan: str | None = None
    apply_policies: list[str] | None = None
    fields: dict[str, Any] | None = None
    org_id: str | None = None
    id: str | None = None
    for_api: str | None = None
    approved: bool | None = None
    date_created: Any = None
    version: str | None = None
    key: str | None = None
    remove_policies: list[str] | None = None
    jwt_secret: str | None = None
    certificate: str | None = None
    oauth_info: dict[str, Any] | None = None
    portal_developer: Any = None
    catalogue_entry: Any = None
    catalogues: Any = None


class RequestDocument(msgspec.Struct):
    """`state` is pending, approved, refused, withdrawn or ended; `approved` is true for what has been."""

    id: str
    org_id: str
    by_user: str
    for_api: str
    for_plan: str
    apply_policies: list[str]
    fields: dict[str, Any]
    approved: bool
    state: str
    date_created: str
    version: str
    jwt_secret: str
    certificate: str


APPROVED = (KeyRequest.APPROVED, KeyRequest.ENDED)


def document(asked: KeyRequest) -> dict[str, Any]:
    """The request's application has been read with it."""
    policy = asked.policy_id or ""
    known: dict[str, Any] = msgspec.to_builtins(
        RequestDocument(
            id=asked.pk,
            org_id=asked.organisation_id,
            by_user=asked.application.developer_id,
            for_api="",
            for_plan=policy,
            apply_policies=[policy] if policy else [],
            fields=asked.extra.get("fields", {}),
            approved=asked.state in APPROVED,
            state=asked.state,
            date_created=moment(asked.created_at),
            version="v2",
            jwt_secret="",
            certificate="",
        )
    )
    return known | {name: value for name, value in asked.extra.items() if name not in known}


def policy_of(sent: RequestBody) -> str:
    """Return the id of the policy that is asked for."""
    named = {*(sent.apply_policies or []), *([sent.for_plan] if sent.for_plan else [])}
    if len(named) != 1:
        raise Refusal(400, "apply_policies: name one policy, here or in for_plan.")
    return named.pop()


def kept_of(sent: RequestBody, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept with the request, which holds no secret."""
    if not all(map(is_empty, (sent.jwt_secret, sent.certificate, sent.oauth_info))):
        raise Refusal(400, "The portal gives keys alone: leave jwt_secret, certificate and oauth_info out.")
    kept = unknown_fields(document, RequestBody) | ({"fields": sent.fields} if sent.fields else {})
    refuse_to_keep_more(kept)
    return kept


def purpose_of(sent: RequestBody) -> str:
    """Return what the developer has said, as whoever decides reads it."""
    said = (f"{name}: {value}" for name, value in (sent.fields or {}).items() if not isinstance(value, dict | list))
    return "\n".join(said)[:LONGEST_PURPOSE]
