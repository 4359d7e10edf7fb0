"""Audit entries as lines that one can read."""

import json
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from orgs.display import when
from orgs.models import AuditEntry

LONGEST = 80
# What is stored as an entry's kind, and the word for one of them.
KINDS = {
    "organisation": "organisation",
    "users": "user",
    "user_groups": "user group",
    "invitations": "invitation",
    "access_keys": "access key",
    "mail": "mail",
    "apis": "API",
    "keys": "key",
    "admin_api": "the Admin API",
    "policies": "policy",
    "certificates": "certificate",
    "webhooks": "webhook",
    "oauth_clients": "OAuth client",
    "alerts": "alert",
    "portal": "portal",
    "portal_pages": "portal page",
    "catalogue": "catalogue entry",
    "documentation": "document of the catalogue",
    "developers": "developer",
    "applications": "application",
    "key_requests": "request for a key",
    "domains": "domain",
    "segment_tag": "segment tag",
    "tagging_standard": "tagging standard",
    "gateway_group": "gateway group",
}
FIELDS = ("at", "actor", "action", "kind", "object_name", "changes")


def history_of(kind: str, object_id: str, *, organisation_id: str | None, most: int = 10) -> list[dict[str, Any]]:
    """Return the newest lines of one object, for `partials/history.html`."""
    entries = AuditEntry.objects.filter(organisation_id=organisation_id, kind=kind, object_id=object_id)
    return lines(entries.order_by("-at", "-id")[:most])


def lines(entries: "QuerySet[AuditEntry]") -> list[dict[str, Any]]:
    return [line(*values) for values in entries.values_list(*FIELDS)]


def line(at: datetime, actor: str, action: str, kind: str, name: str, changed: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of `ann@acme.example changed key Mobile app: rate 10 → 20`."""
    is_own = name == actor
    return {
        "when": when(at),
        "who": actor,
        "what": action if is_own else f"{action} {KINDS.get(kind, kind)}",
        "object": "" if is_own else name,
        "changes": changes(changed),
    }


def sentence(parts: dict[str, Any]) -> str:
    what = " ".join(part for part in (parts["who"], parts["what"], parts["object"]) if part)
    details = "; ".join(f"{field} {before} → {after}" for field, before, after in parts["changes"])
    return f"{what}: {details}" if details else what


def changes(stored: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (field, before, after) as texts; what is a table of values is shown as those that differ."""
    return [(_field(name), *_pair(value)) for name, value in stored.items()]


def _field(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ")


def _pair(value: Any) -> tuple[str, str]:
    before, after = value if isinstance(value, list) and len(value) == 2 else (None, value)
    return text(before), text(after)


def text(value: Any) -> str:
    """Return a value as people write it, cut where it is long."""
    if value is None or value == "" or value == [] or value == {}:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        value = ", ".join(f"{name}: {text(inner)}" for name, inner in value.items())
    elif isinstance(value, list):
        value = ", ".join(map(text, value))
    whole = value if isinstance(value, str) else json.dumps(value)
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"
