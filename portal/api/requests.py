"""Requests for keys. Whoever approves one here takes the key for the developer, once."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from django.db.models import Q, QuerySet

from apis.api.finding import require_new
from keys.models import Policy
from orgs.ids import is_id
from orgs.machines import Answer, Call, Paged, Refusal, Streamed, find, not_found, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.permissions import Level, ObjectKind
from portal.addresses import places_of
from portal.models import Application, Developer, KeyRequest, Plan
from portal.services import requests as services
from portal.services.applications import create_application
from portal.wire import requests as wire
from portal.wire.requests import RequestBody, RequestDocument

READ, WRITE = (ObjectKind.PORTAL, Level.READ), (ObjectKind.PORTAL, Level.WRITE)
MISSING = "Could not retrieve key request detail."
NOT_OFFERED = "for_plan: the catalogue offers no such policy."
APPLICATION = "Default"  # what developers ask keys for where a client knows no applications


class RequestQuery(Paged):
    """`approved` is false for what waits, true for what has been approved."""

    approved: bool | None = None


class RequestList(msgspec.Struct, rename="pascal"):
    data: list[RequestDocument]
    pages: int


class RawKey(msgspec.Struct, rename="pascal"):
    """The key, which is in this answer and in no other."""

    raw_key: str
    password: str


def requests() -> "QuerySet[KeyRequest]":
    return KeyRequest.objects.select_related("application")


def found(call: Call[Any, Any], id: str) -> KeyRequest:
    return find(call, requests(), MISSING, pk=id)


def render(rows: Iterable[KeyRequest]) -> Iterator[bytes]:
    return (msgspec.json.encode(wire.document(asked)) for asked in rows)


@operation("GET", "/api/portal/requests", "The requests for keys", access=READ, query=RequestQuery, answers=RequestList)
def list_requests(call: Call[RequestQuery, None]) -> Answer | Streamed:
    """`q` is a part of the developer's e-mail address."""
    rows = requests().order_by("-created_at", "-id")
    if call.query.approved is not None:
        rows = rows.filter(state__in=wire.APPROVED if call.query.approved else (KeyRequest.PENDING,))
    if wanted := call.query.q.strip().lower():
        rows = rows.filter(application__developer__email__contains=wanted)
    return page_of(call, rows, render, name="Data", pages="Pages")


@operation(
    "GET", "/api/portal/requests/{id}", "A request for a key", access=READ, answers=RequestDocument, refusals=(404,)
)
def get_request(call: Call[Any, None], id: str) -> dict[str, Any]:
    return wire.document(found(call, id))


@operation(
    "POST", "/api/portal/requests", "Ask for a key for a developer", access=WRITE, body=RequestBody, answers=Envelope,
    refusals=(404, 409),
)  # fmt: skip
def create_request(call: Call[Any, RequestBody]) -> Answer:
    """`Message` is the request's id. Where the plan gives keys at once it is approved by this."""
    sent = call.body
    require_new(call)
    developer = find(call, Developer.objects.all(), "by_user: there is no such developer.", pk=sent.by_user)
    plan = offered(wire.policy_of(sent))
    kept = wire.kept_of(sent, call.document)
    asked = services.ask(
        places=places_of(call.request, call.organisation),
        application=application_of(developer),
        plan=plan,
        purpose=wire.purpose_of(sent),
        extra=kept,
    )
    return ok(asked.pk)


def offered(policy_id: str) -> Plan:
    """Return the plan by which the catalogue offers this policy, of a published entry if there is one."""
    meant = Q(pk=policy_id) | Q(explicit_id=policy_id) if is_id(policy_id) else Q(explicit_id=policy_id)
    policies = Policy.objects.filter(meant) if policy_id else Policy.objects.none()
    plans = Plan.objects.filter(policy__in=policies, policy__is_active=True).select_related("entry", "policy")
    plan = plans.order_by("-entry__is_published", "entry__position", "position", "id").first()
    if plan is None:
        raise not_found(NOT_OFFERED)
    return plan


def application_of(developer: Developer) -> Application:
    """Return the application that the keys of clients belong to."""
    known = Application.objects.filter(developer=developer, name=APPLICATION).first()
    return known or create_application(developer=developer, name=APPLICATION)


@operation(
    "DELETE", "/api/portal/requests/{id}", "Delete a request for a key", access=WRITE, answers=Envelope,
    refusals=(404, 409),
)  # fmt: skip
def delete_request(call: Call[Any, None], id: str) -> Answer:
    """One whose key works stays: revoke that first."""
    services.delete_request(asked=found(call, id))
    return ok("Data deleted")


@operation(
    "PUT", "/api/portal/requests/approve/{id}", "Approve a request, and take its key", access=WRITE, answers=RawKey,
    refusals=(400, 404, 409),
)  # fmt: skip
def approve_request(call: Call[Any, None], id: str) -> RawKey:
    """The developer gets no mail: whoever takes the key gives it to them."""
    asked = find(call, KeyRequest.objects.select_related("application__developer"), MISSING, pk=id)
    if asked.state not in (KeyRequest.PENDING, KeyRequest.APPROVED):
        raise Refusal(409, f"This request is {asked.get_state_display().lower()} already.")
    if not asked.application.developer.is_active:
        raise Refusal(400, "The developer is disabled: enable them first.")
    if asked.state == KeyRequest.PENDING:
        places = places_of(call.request, call.organisation)
        asked = services.approve(places=places, asked=asked, by=call.user.email, tells=False)
    _, token = services.take_key(asked=asked)
    return RawKey(token, "")
