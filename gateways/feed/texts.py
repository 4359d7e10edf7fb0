"""An API and a policy as gateways read them. No Django here.

A gateway refuses its whole list for one wrong type in it, and an entry without a definition stops it altogether: so
what is made here is checked once more, whatever was stored.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from apis import definition as definitions
from apis import jsontext
from apis.definition import DefinitionError
from apis.rules import RawDefinition
from apis.tyk_fields import type_problems
from keys.policies.fields import POLICY
from keys.session import Access, Limit
from orgs.ids import is_id

WEBHOOK_HANDLER = "eh_web_hook_handler"
HOOK_FIELDS = ("method", "target_path", "template_path", "header_map", "event_timeout")
# What clients keep in a policy, and gateways know nothing of.
CLIENTS_OWN = ("auth_type", "auth_types", "state", "access_rights_array", "date_created")
LIMITS_MARK = "commonhold_organisation_limits"
MOST_REASONS = 3


class Undeliverable(ValueError):
    """Why a gateway may not have it, in sentences."""


def api_text(
    stored: str,
    document: str,
    *,
    id: str,
    api_id: str,
    organisation_id: str,
    tags: Sequence[str] = (),
    foreign: Collection[str] = (),
    hooks: Iterable[Any] = (),
    limits: Mapping[str, Any] | None = None,
    allow_loopback: bool,
) -> tuple[str, list[str]]:
    """Return the entry of the feed and the API's tags: those of its definition, none of them `foreign`, and `tags`.

    `document` is the OpenAPI document, empty where there is none, `limits` the organisation's key. What stays as it is
    stored is sent letter for letter. Raises Undeliverable.
    """
    try:
        definition = definitions.parse(stored)
    except DefinitionError as error:
        raise Undeliverable(str(error)) from None
    sent = with_limits(with_hooks(with_tags(definition, tags), hooks), limits)
    problems = definitions.validate(_classic(sent), org_id=organisation_id, allow_loopback=allow_loopback)
    reasons = [*map(str, problems), *_identity(sent, id=id, api_id=api_id, org_id=organisation_id)]
    if not problems:  # types are right
        reasons += [f"tags.{at} is not available." for at, tag in enumerate(sent.get("tags") or []) if tag in foreign]
    if bool(sent.get("is_oas")) is not bool(document):
        reasons.append("is_oas must say whether there is an OpenAPI document.")
    if reasons:
        raise Undeliverable(" ".join(reasons[:MOST_REASONS]))
    text = stored if sent is definition else definitions.compact(sent)
    return f'{{"api_definition":{text},"oas":{document or "null"}}}', list(sent.get("tags") or [])


def _classic(definition: RawDefinition) -> RawDefinition:
    """The rules are those of a definition that somebody sends, who may not say that it came from a document."""
    return {field: value for field, value in definition.items() if field != "is_oas"}


def _identity(definition: RawDefinition, **own: str) -> list[str]:
    return [f"{name} must be {value}." for name, value in own.items() if definition.get(name) != value or not value]


def with_tags(definition: RawDefinition, tags: Sequence[str]) -> RawDefinition:
    """Return the definition with these tags too; itself where it has them."""
    own = definition.get("tags") or []
    missing = [tag for tag in tags if tag not in own] if isinstance(own, list) else []
    return definition | {"tags": [*own, *missing]} if missing else definition


def with_hooks(definition: RawDefinition, hooks: Iterable[Any]) -> RawDefinition:
    """Return the definition with a handler for each webhook that a client has attached: [{event_name, hook}, …]."""
    added: dict[str, list[Any]] = {}
    for reference in hooks:
        hook = reference.get("hook") if isinstance(reference, dict) else None
        event = reference.get("event_name") if isinstance(reference, dict) else None
        if isinstance(hook, dict) and isinstance(event, str) and event and hook.get("target_path"):
            meta = {field: hook[field] for field in HOOK_FIELDS if field in hook}
            timeout = reference.get("event_timeout") or hook.get("event_timeout") or 0
            handler = {"handler_name": WEBHOOK_HANDLER, "handler_meta": meta | {"event_timeout": timeout}}
            added.setdefault(event, []).append(handler)
    if not added:
        return definition
    handlers = definition.get("event_handlers") or {}
    events = (handlers.get("events") if isinstance(handlers, dict) else None) or {}
    merged = {event: [*(events.get(event) or []), *added.get(event, [])] for event in {**events, **added}}
    return definition | {"event_handlers": {**handlers, "events": merged}}


def with_limits(definition: RawDefinition, limits: Mapping[str, Any] | None) -> RawDefinition:
    """Return the definition so that it differs where the organisation's key does.

    A gateway remembers of each API that its organisation has no key, and a newer one does not forget it while the
    definition stays as it is.
    """
    if not limits:
        return definition
    mark = hashlib.sha256(jsontext.dumps(limits).encode()).hexdigest()[:16]
    return definition | {"config_data": {**(definition.get("config_data") or {}), LIMITS_MARK: mark}}


def policy_text(document: Mapping[str, Any], accesses: Iterable[Access], *, id: str, organisation_id: str) -> str:
    """Return the policy of clients as gateways read it; `accesses` say what goes without saying there.

    Raises Undeliverable.
    """
    sent = {field: value for field, value in document.items() if field not in CLIENTS_OWN}
    # Gateways know the policies of every organisation by an id of its own, so they are told of none.
    sent |= {"id": "", "access_rights": {access.api_id: _right(access) for access in accesses}}
    reasons = [*map(str, type_problems(sent, POLICY)), *_identity(sent, _id=id, org_id=organisation_id)]
    if not is_id(id):
        reasons.append("Its id is not 24 hexadecimal characters.")
    if reasons:
        raise Undeliverable(" ".join(reasons[:MOST_REASONS]))
    return jsontext.dumps(sent)


def _right(access: Access) -> dict[str, Any]:
    """In both spellings: gateways up to 5.1 read the names without the underscore."""
    return {
        "api_name": access.api_name,
        "apiname": access.api_name,
        "api_id": access.api_id,
        "apiid": access.api_id,
        "versions": list(access.versions),
        "allowed_urls": [{"url": path.url, "methods": list(path.methods)} for path in access.allowed_urls],
        "restricted_types": [],
        "limit": _limit(access.limit) if access.limit else None,
        "allowance_scope": "",
        **access.extra,
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "rate": limit.rate,
        "per": limit.per_s,
        "throttle_interval": -1,
        "throttle_retry_limit": -1,
        "max_query_depth": -1,
        "quota_max": limit.quota_max,
        "quota_renewal_rate": limit.quota_window_s,
        **limit.extra,
    }
