"""The page of one request, with what was recorded of it and of its answer where an API asks for that."""

import binascii
from base64 import b64decode
from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone

from analytics import asking
from analytics.asking import Asked
from analytics.charts.wording import NOT_IN_XML
from analytics.countries import country
from analytics.log.filters import NAMES
from analytics.log.naming import key_name, names_of_rows
from analytics.models import Record
from analytics.pages.frame import frame, prefix_of
from analytics.pages.subjects import Names
from analytics.pages.tables import is_plain
from analytics.pages.wording import data, milliseconds, status
from orgs.http import OrgRequest

NOT_NARROWED = dict.fromkeys(NAMES)


def page(request: OrgRequest, at: datetime, id: int) -> dict[str, Any]:
    row: Any = Record.objects.filter(at=at, id=id).order_by().values().first()
    if row is None:
        raise Http404
    asked = asking.read(request.GET, now=timezone.now(), also=NAMES)
    prefix, names = prefix_of(request), names_of_rows([row])
    when = f"{row['at'].astimezone(asked.zone):%-d %b %Y %H:%M:%S.%f}"
    took = milliseconds(row["latency"])
    recorded = (("Request", row["request"]), ("Response", row["response"]))
    return frame(request, asked, "requests", f"{row['method']} {row['path']}"[:120]) | {
        "parent": ("Requests", asked.link(f"{prefix}requests/")),
        "facts": [
            {"label": "When", "value": f"{when} ({asked.zone})"},
            {"label": "Status", "value": f"{row['status']} {status(row['status'])}"},
            *_of_api(row, names, asked, prefix),
            *_of_key(row, names, asked, prefix),
            {"label": "Request", "value": f"{row['method']} {row['path']}", "is_code": True},
            {"label": "Host", "value": row["host"]},
            {
                "label": "Took",
                "value": f"{took}, {milliseconds(row['upstream'])} of it upstream",
            },
            {"label": "Answer's size", "value": data(row["size"])},
            {"label": "From", "value": " · ".join(filter(None, (row["address"], country(row["country"]))))},
            {"label": "User agent", "value": row["agent"]},
            {"label": "OAuth client", "value": names.text(row["client"])},
            {"label": "Tags", "value": ", ".join(row["tags"])},
        ],
        "bodies": [(label, decoded(text)) for label, text in recorded if text],
    }


def _of_api(row: dict[str, Any], names: Names, asked: Asked, prefix: str) -> list[dict[str, Any]]:
    api_id, version = names.text(row["api"]), names.text(row["version"])
    href = asked.link(f"{prefix}apis/{api_id}/", **NOT_NARROWED) if is_plain(api_id) else ""
    found = [{"label": "API", "value": names.label(row["api"]), "url": href}]
    return [*found, {"label": "Version", "value": version}] if version else found


def _of_key(row: dict[str, Any], names: Names, asked: Asked, prefix: str) -> list[dict[str, Any]]:
    if not row["key"]:
        return [{"label": "Key", "value": "without a key"}]
    hash = names.text(row["key"])
    key = names.keys.get(hash)
    href = asked.link(f"{prefix}keys/{key.id}/", **NOT_NARROWED) if key else ""
    return [
        {"label": "Key", "value": key_name(names, row["key"]), "url": href},
        {"label": "Key's hash", "value": hash, "is_code": True},
    ]


def decoded(recorded: str) -> str:
    """Return what a gateway wrote in base64 as text; as it is, where it is something else."""
    try:
        text = b64decode(recorded, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        text = recorded
    return text.translate(NOT_IN_XML)
