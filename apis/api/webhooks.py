"""Webhooks. Where they lead and what they send in headers is told to those who may write them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from apis.api.finding import require_own
from apis.models import Webhook
from apis.webhooks import services
from apis.webhooks.checking import without_path
from orgs.machines import Answer, Call, Paged, Refusal, Streamed, find, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.machines.lists import sorted_by
from orgs.permissions import Level, ObjectKind
from orgs.wire import refuse_to_keep_more, unknown_fields

READ, WRITE = (ObjectKind.WEBHOOKS, Level.READ), (ObjectKind.WEBHOOKS, Level.WRITE)
MISSING = "Could not retrieve webhook detail."
SORTS = {"": "-created_at", "created_at": "created_at", "name": "name"}


class WebhookBody(msgspec.Struct):
    """What is left out of a change is empty after it. Other fields are kept."""

    method: str
    target_path: str
    id: str | None = None
    org_id: str | None = None
    name: str | None = None
    header_map: dict[str, str] | None = None
    event_timeout: int | None = None
    template_path: str | None = None
    webhook_id: str | None = None
    api_model: dict[str, Any] | None = None


class WebhookDocument(msgspec.Struct):
    """`webhook_id` is the id, unless a client has chosen another."""

    api_model: dict[str, Any]
    id: str
    org_id: str
    name: str
    method: str
    target_path: str
    template_path: str
    header_map: dict[str, str]
    event_timeout: int
    webhook_id: str


class WebhookList(msgspec.Struct):
    hooks: list[WebhookDocument]
    pages: int


def document(webhook: Webhook, *, is_whole: bool) -> dict[str, Any]:
    """For a reader it is the names of the headers and the host alone: the rest may be credentials."""
    shown = {
        "api_model": {},
        "id": webhook.pk,
        "org_id": webhook.organisation_id,
        "name": webhook.name,
        "method": webhook.method,
        "target_path": webhook.target_url if is_whole else without_path(webhook.target_url),
        "template_path": webhook.template_path,
        "header_map": webhook.headers if is_whole else dict.fromkeys(webhook.headers, ""),
        "event_timeout": webhook.event_timeout_s,
        "webhook_id": webhook.extra.get("webhook_id") or webhook.pk,
    }
    return {**webhook.extra, **shown} if is_whole else shown


def sees_all(call: Call[Any, Any]) -> bool:
    return call.user.level(ObjectKind.WEBHOOKS) >= Level.WRITE


def fields_of(call: Call[Any, WebhookBody], id: str = "") -> services.WebhookFields:
    """Return what the services take of a new webhook, or of the one with this id."""
    sent, known = call.body, call.document
    require_own(call, sent.org_id)
    if sent.id not in (None, "", id):
        raise Refusal(400, "id is given here: leave it out.")
    extra: Mapping[str, Any] = unknown_fields(known, WebhookBody)
    if sent.webhook_id not in (None, "", id):
        extra = {**extra, "webhook_id": sent.webhook_id}
    refuse_to_keep_more(extra)
    return {
        "name": sent.name or "",
        "method": sent.method,
        "target_url": sent.target_path,
        "headers": sent.header_map or {},
        "event_timeout_s": sent.event_timeout or 0,
        "template_path": sent.template_path or "",
        "extra": extra,
    }


@operation("GET", "/api/hooks", "The webhooks", access=READ, query=Paged, answers=WebhookList)
def list_webhooks(call: Call[Paged, None]) -> Answer | Streamed:
    rows, is_whole = Webhook.objects.all(), sees_all(call)
    if wanted := call.query.q:
        rows = rows.filter(name__icontains=wanted)

    def render(webhooks: Iterable[Webhook]) -> Iterator[bytes]:
        return (msgspec.json.encode(document(webhook, is_whole=is_whole)) for webhook in webhooks)

    return page_of(call, sorted_by(rows, call.query.sort, SORTS), render, name="hooks")


@operation("GET", "/api/hooks/{id}", "A webhook", access=READ, answers=WebhookDocument, refusals=(404,))
def get_webhook(call: Call[Any, None], id: str) -> dict[str, Any]:
    return document(find(call, Webhook.objects.all(), MISSING, pk=id), is_whole=sees_all(call))


@operation("POST", "/api/hooks", "Create a webhook", access=WRITE, body=WebhookBody, answers=Envelope)
def create_webhook(call: Call[Any, WebhookBody]) -> Answer:
    services.create_webhook(**fields_of(call))
    return ok("Webhook created")


@operation(
    "PUT", "/api/hooks/{id}", "Replace a webhook", access=WRITE, body=WebhookBody, answers=Envelope, refusals=(404,)
)
def update_webhook(call: Call[Any, WebhookBody], id: str) -> Answer:
    webhook = find(call, Webhook.objects.all(), MISSING, pk=id)
    services.update_webhook(webhook=webhook, **fields_of(call, id))
    return ok("Hook updated")


@operation("DELETE", "/api/hooks/{id}", "Delete a webhook", access=WRITE, answers=Envelope, refusals=(404,))
def delete_webhook(call: Call[Any, None], id: str) -> Answer:
    services.delete_webhook(webhook=find(call, Webhook.objects.all(), MISSING, pk=id))
    return ok("Webhook deleted")
