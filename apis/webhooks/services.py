"""What changes webhooks. Each function is one transaction with its audit line, in the open scope."""

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from django.conf import settings
from django.db import transaction

from apis import jsontext
from apis.models import Webhook
from apis.webhooks import checking
from apis.webhooks.checking import WebhookError
from orgs import audit
from orgs.unique import unless_taken

KIND = "webhooks"
HIDDEN = "…"
MAX_EXTRA = 10_000


class WebhookFields(TypedDict, total=False):
    """What is left out stays as it is; a new webhook needs `name` and `target_url`.

    `headers` map names to values. `extra` are fields that clients keep there, without effect.
    """

    name: str
    method: str
    target_url: str
    headers: Mapping[str, str]
    event_timeout_s: int
    template_path: str
    extra: Mapping[str, Any]


def create_webhook(**fields: Unpack[WebhookFields]) -> Webhook:
    """Raises WebhookError."""
    webhook = Webhook(**valid({"name": "", "method": "POST", "target_url": "", **fields}))
    with transaction.atomic():
        _save(webhook, force_insert=True)
        audit.record("created", kind=KIND, obj=webhook, changes=audit.differences({}, _public(webhook)))
    return webhook


@transaction.atomic
def update_webhook(*, webhook: Webhook, **fields: Unpack[WebhookFields]) -> Webhook:
    """Change what is named. Raises WebhookError."""
    saved = Webhook.objects.select_for_update().get(pk=webhook.pk)
    before, public_before = {name: getattr(saved, name) for name in fields}, _public(saved)
    chosen = valid(fields)
    for name, value in chosen.items():
        setattr(saved, name, value)
    _save(saved)
    changes = audit.differences(public_before, _public(saved))
    unseen = {name for name, value in chosen.items() if value != before[name]} - changes.keys()
    changes |= {name: [HIDDEN, HIDDEN] for name in sorted(unseen)}
    if changes:
        audit.record("changed", kind=KIND, obj=saved, changes=changes)
    return saved


@transaction.atomic
def delete_webhook(*, webhook: Webhook) -> None:
    audit.record("deleted", kind=KIND, obj=webhook)
    webhook.delete()


def valid(fields: WebhookFields) -> dict[str, Any]:
    """Return the fields in their stored form. Raises WebhookError."""
    chosen: dict[str, Any] = dict(fields)
    if "name" in chosen:
        chosen["name"] = chosen["name"].strip()
        checking.check_name(chosen["name"])
    if "method" in chosen:
        chosen["method"] = chosen["method"].upper()
        checking.check_method(chosen["method"])
    if "target_url" in chosen:
        checking.check_target(chosen["target_url"], allow_loopback=settings.ALLOW_LOOPBACK_TARGETS)
    if "headers" in chosen:
        checking.check_headers(chosen["headers"])
    if "event_timeout_s" in chosen:
        checking.check_timeout(chosen["event_timeout_s"])
    if "template_path" in chosen:
        checking.check_template(chosen["template_path"])
    if "extra" in chosen:
        _check_extra(chosen["extra"])
    return chosen


def _check_extra(extra: Mapping[str, Any]) -> None:
    text = jsontext.dumps(dict(extra))
    if len(text) > MAX_EXTRA:
        raise WebhookError(f"The other fields are longer than {MAX_EXTRA:,} characters.", "extra")
    try:
        jsontext.loads(text, max_depth=20, max_values=MAX_EXTRA)
    except jsontext.TextError as error:
        raise WebhookError(str(error), "extra") from None


def _save(webhook: Webhook, *, force_insert: bool = False) -> None:
    with unless_taken(WebhookError(f"There is already a webhook named {webhook.name}.", "name"), "webhooks_name"):
        webhook.save(force_insert=force_insert)


def _public(webhook: Webhook) -> dict[str, Any]:
    """Return what the audit trail may know: a header's value and a target's path are often credentials."""
    return {
        "name": webhook.name,
        "method": webhook.method,
        "target_url": checking.without_path(webhook.target_url),
        "headers": sorted(webhook.headers),
        "event_timeout_s": webhook.event_timeout_s,
        "template_path": webhook.template_path,
    }
