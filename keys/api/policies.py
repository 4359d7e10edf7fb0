"""Policies. Each is found by its id, or by the one that a client chose beside it."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from apis.tyk_fields import schema_of
from keys.models import Policy
from keys.policies import services, wire
from keys.policies.fields import INACTIVE_STATES, POLICY
from orgs import scope
from orgs.ids import is_id
from orgs.machines import Access, Answer, Call, Paged, Refusal, Streamed, not_found, ok, operation, page_of
from orgs.machines.answers import Envelope, etag_of
from orgs.machines.calls import record_visit
from orgs.machines.lists import sorted_by
from orgs.models import Organisation
from orgs.permissions import Level, ObjectKind

READ, WRITE = (ObjectKind.POLICIES, Level.READ), (ObjectKind.POLICIES, Level.WRITE)
MISSING = "Could not retrieve policy detail"
CHANGED = "The policy was changed meanwhile: nothing has been done. Read it again."
SORTS = {"": "-created_at", "created_at": "created_at", "name": "sort_name"}
SCHEMA = schema_of(POLICY) | {"type": "object"}
LIST = {
    "type": "object",
    "properties": {"Data": {"type": "array", "items": SCHEMA}, "Pages": {"type": "integer"}},
    "required": ["Data", "Pages"],
}


class PolicyQuery(Paged):
    """`active` is 1 or 0; `state` active, draft or deny; `api_id` of an API that it opens; `policy_ids` by commas."""

    policy_ids: str = ""
    active: str = ""
    state: str = ""
    api_id: str = ""
    auth_type: str = ""


def find_policy(call: Call[Any, Any], id: str) -> Policy:
    wanted = Q(pk=id) | Q(explicit_id=id) if is_id(id) else Q(explicit_id=id)
    meant = Policy.objects.filter(wanted) if id and "\0" not in id else Policy.objects.none()
    # An id that somebody chose may be that of another policy, also of another organisation's.
    policy = min(meant, key=lambda policy: policy.pk != id, default=None)
    if policy is None:
        raise not_found(MISSING)
    record_visit(call, policy.organisation_id)
    return policy


def narrowed(query: PolicyQuery) -> "QuerySet[Policy]":
    policies = Policy.objects.all()
    if text := query.q.strip():
        policies = policies.annotate(lower=Lower("name")).filter(lower__contains=text.lower())
    if query.policy_ids:
        ids = query.policy_ids.split(",")[:1000]
        policies = policies.filter(Q(pk__in=ids) | Q(explicit_id__in=[id for id in ids if id]))
    active = {"1": True, "0": False, "true": True, "false": False}.get(query.active)
    if query.state:
        active = query.state not in INACTIVE_STATES
    if active is not None:
        policies = policies.filter(is_active=active)
    if query.api_id:
        policies = policies.filter(accesses__api__api_id=query.api_id)
    if kind := query.auth_type:
        policies = policies.filter(Q(extra__auth_type=kind) | Q(extra__auth_types__contains=[kind]))
    return policies


def render(rows: Iterable[Policy]) -> Iterator[bytes]:
    return map(msgspec.json.encode, wire.policies_json(rows))


@operation("GET", "/api/portal/policies", "The policies", access=READ, query=PolicyQuery, answers=LIST)
def list_policies(call: Call[PolicyQuery, None]) -> Answer | Streamed:
    rows = sorted_by(narrowed(call.query), call.query.sort, SORTS)
    return page_of(call, rows, render, name="Data", pages="Pages")


@operation(
    "GET", "/api/portal/policies/search", "The policies that match", access=READ, query=PolicyQuery, answers=LIST
)
def search_policies(call: Call[PolicyQuery, None]) -> Answer | Streamed:
    rows = sorted_by(narrowed(call.query), call.query.sort, SORTS)
    return page_of(call, rows, render, name="Data", pages="Pages")


@operation("GET", "/api/portal/policies/{id}", "A policy", access=READ, answers=SCHEMA, refusals=(404,))
def get_policy(call: Call[Any, None], id: str) -> Answer:
    policy = find_policy(call, id)
    if call.has(policy.revision):
        return Answer(b"", 304, etag_of(policy.revision))
    return Answer(next(render([policy])), headers=etag_of(policy.revision))


@operation(
    "POST", "/api/portal/policies", "Create a policy", access=WRITE, body=SCHEMA, answers=Envelope, refusals=(404, 409)
)
def create_policy(call: Call[Any, None]) -> Answer:
    """A `_id` that is free is kept."""
    policy = create(call.document)
    return ok(policy.pk, etag=policy.revision)


def create(document: Any) -> Policy:
    settings = wire.settings_of_json(document)
    return services.create_policy(policy_id=document.get("_id") or "", **settings)


@operation(
    "PUT", "/api/portal/policies/{id}", "Replace a policy", access=WRITE, body=SCHEMA, answers=Envelope,
    refusals=(404, 409, 412),
)  # fmt: skip
def update_policy(call: Call[Any, None], id: str) -> Answer:
    policy = find_policy(call, id)
    settings = wire.as_meant(wire.settings_of_json(call.document), policy)
    if call.document.get("_id") not in (None, "", policy.pk):
        raise Refusal(400, f"_id cannot be changed: leave it at “{policy.pk}”, or leave it out.")
    revision = policy.revision if call.if_match is None else call.if_match
    saved = services.update_policy(policy=policy, revision=revision, **settings)
    return ok("Data updated", etag=saved.revision)


@operation(
    "DELETE", "/api/portal/policies/{id}", "Delete a policy", access=WRITE, answers=Envelope, refusals=(404, 412)
)
def delete_policy(call: Call[Any, None], id: str) -> Answer:
    """Keys that apply it are disabled: without its limits they could do more than with them."""
    policy = find_policy(call, id)
    if call.if_match not in (None, policy.revision):
        raise Refusal(412, CHANGED)
    services.delete_policy(policy=policy)
    return ok("Data deleted")


class Import(msgspec.Struct, rename="pascal"):
    data: list[dict[str, Any]] | None


@operation(
    "POST", "/admin/policies/import", "Import policies into their organisations", access=Access.ADMIN_SECRET,
    body=Import, answers=Envelope, refusals=(404, 409),
)  # fmt: skip
def import_policies(call: Call[Any, Import]) -> Answer:
    """Each goes to the organisation that its `org_id` names; all or none."""
    made = {}
    for document in call.body.data or ():
        organisation_id = document.get("org_id")
        known = isinstance(organisation_id, str) and is_id(organisation_id)
        if not known or not Organisation.objects.filter(pk=organisation_id).exists():
            raise not_found("org_id: there is no such organisation.")
        with scope.opened(scope.of(str(organisation_id))):
            made[create(document).pk] = True
    return ok("Policies imported", made)
