"""The catalogue as clients of the JSON API know it: one object, with all that is published in it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db.models import Q

from apis.models import Api
from keys.models import Policy
from orgs.ids import is_id
from orgs.machines import Refusal, not_found
from orgs.wire import refuse_to_keep_more
from portal.models import Documentation, Plan
from portal.services.replacing import There, Wanted

APPROVAL = "require_key_approval"
MOST_ENTRIES = 1_000
LONGEST = {"name": 120, "short_description": 300, "long_description": 100_000}
# What an entry has without a client's having said so.
UNSET: dict[str, Any] = {"version": "v2", "is_keyless": False, "fields": {}}


class EntryBody(msgspec.Struct):
    """`policy_id` is the first of its plans, `show` whether it is published, `long_description` Markdown.

    Where `policy_id` or `api_id` are empty, nothing is said of them. Other fields are kept.
    """

    name: str
    id: str | None = None
    short_description: str | None = None
    long_description: str | None = None
    show: bool | None = None
    api_id: str | None = None
    policy_id: str | None = None
    documentation: str | None = None
    config: dict[str, Any] | None = None


class CatalogueBody(msgspec.Struct):
    """`apis` are all entries: those that are not among them are removed."""

    id: str | None = None
    org_id: str | None = None
    apis: list[EntryBody] | None = None
    email: str | None = None


class EntryDocument(msgspec.Struct):
    id: str
    name: str
    short_description: str
    long_description: str
    show: bool
    api_id: str
    policy_id: str
    documentation: str
    config: dict[str, Any]
    version: str
    is_keyless: bool
    fields: dict[str, Any]


class CatalogueDocument(msgspec.Struct):
    id: str
    org_id: str
    email: str
    apis: list[EntryDocument]


MAPPED = {*EntryBody.__struct_fields__}


def entry_document(there: There) -> dict[str, Any]:
    entry = there.entry
    known = {
        "id": entry.pk,
        "name": entry.title,
        "short_description": entry.summary,
        "long_description": entry.description,
        "show": entry.is_published,
        "api_id": entry.api.api_id if entry.api else "",
        "policy_id": there.policy_id,
        "documentation": entry.documentation_id or "",
        "config": entry.extra.get("config", {}) | {APPROVAL: requires_approval(there)},
    }
    return known | UNSET | {name: value for name, value in entry.extra.items() if name not in known}


def requires_approval(there: There) -> bool:
    return not there.plans or there.plans[0].approval != Plan.AUTOMATIC


def read(
    sent: Sequence[EntryBody], documents: Sequence[Mapping[str, Any]], configuration: Mapping[str, Any]
) -> list[Wanted]:
    """Read entries in the open scope. `configuration` is the portal's, as clients keep it."""
    if len(sent) > MOST_ENTRIES:
        raise Refusal(400, f"apis: send at most {MOST_ENTRIES:,}.")
    apis = _found_apis([each.api_id for each in sent])
    policies = _found_policies([each.policy_id for each in sent])
    documentation = _found_documentation([each.documentation for each in sent])
    found = []
    for place, (each, document) in enumerate(zip(sent, documents, strict=True)):
        config = each.config or {}
        kept = _kept(document, config)
        refuse_to_keep_more(kept)
        said = config.get(APPROVAL)
        wanted = Wanted(
            id=each.id or "",
            title=_text(each, "name", place),
            summary=_text(each, "short_description", place),
            description=_text(each, "long_description", place),
            is_published=bool(each.show),
            api=_named(apis, each.api_id, f"apis.{place}.api_id: there is no such API."),
            policy=_named(policies, each.policy_id, f"apis.{place}.policy_id: there is no such policy."),
            documentation=_named(
                documentation, each.documentation, f"apis.{place}.documentation: there is no such document."
            ),
            requires_approval=said if isinstance(said, bool) else None,
            plan_approval=approval_of(config, configuration),
            extra=kept,
        )
        if not wanted.title:
            raise Refusal(400, f"apis.{place}.name: give it one.")
        found.append(wanted)
    return found


def approval_of(config: Mapping[str, Any], configuration: Mapping[str, Any]) -> str:
    """Return how a plan is approved: by hand, unless the client has said that no approval is required.

    The portal's configuration says it for all entries but those that override it.
    """
    said = config.get(APPROVAL)
    if APPROVAL in configuration and config.get("override") is not True:
        said = configuration[APPROVAL]
    return Plan.AUTOMATIC if said is False else Plan.BY_HAND


def _text(each: EntryBody, name: str, place: int) -> str:
    text: str = getattr(each, name) or ""
    if len(text) > LONGEST[name]:
        raise Refusal(400, f"apis.{place}.{name} has more than {LONGEST[name]:,} characters.")
    return text.strip() if name == "name" else text


def _kept(document: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has no counterpart here, without what is given back where nothing is kept."""
    kept = {name: value for name, value in document.items() if name not in MAPPED and value != UNSET.get(name)}
    other = {name: value for name, value in config.items() if name != APPROVAL}
    return kept | ({"config": other} if other else {})


def _named(found: Mapping[str, Any], id: str | None, missing: str) -> Any:
    if not id:
        return None
    if id not in found:
        raise not_found(missing)
    return found[id]


def _found_apis(ids: Sequence[str | None]) -> dict[str, Api]:
    """Return APIs by both of their ids; what is one API's own counts before what another one has chosen."""
    wanted = [id for id in ids if id]
    if not wanted:
        return {}
    apis = list(Api.objects.filter(Q(pk__in=wanted) | Q(api_id__in=wanted)).defer("definition", "openapi"))
    return {api.api_id: api for api in apis} | {api.pk: api for api in apis}


def _found_policies(ids: Sequence[str | None]) -> dict[str, Policy]:
    wanted = [id for id in ids if id]
    if not wanted:
        return {}
    policies = list(Policy.objects.filter(Q(pk__in=wanted) | Q(explicit_id__in=wanted)))
    chosen = {policy.explicit_id: policy for policy in policies if policy.explicit_id}
    return chosen | {policy.pk: policy for policy in policies}


def _found_documentation(ids: Sequence[str | None]) -> dict[str, Documentation]:
    wanted = [id for id in ids if id and is_id(id)]
    return Documentation.objects.defer("text").in_bulk(wanted) if wanted else {}
