"""The list of single requests, and the page of one."""

from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from analytics import asking
from analytics.asking import Asked
from analytics.log import files, filters, finding
from analytics.log.filters import Filters
from analytics.log.naming import key_name, names_of_rows
from analytics.pages.frame import WHAT_COUNTS, Export, asked_bar, frame, is_export, prefix_of
from analytics.pages.wording import milliseconds
from apis.models import Api
from orgs.http import OrgRequest

OFFERED_APIS = 200
STATES = (("", "Any status"), ("errors", "Errors"), ("2xx", "2xx"), ("3xx", "3xx"), ("4xx", "4xx"), ("5xx", "5xx"))


def asked_by(query: QueryDict) -> Asked:
    return asking.read(query, now=timezone.now(), also=filters.NAMES)


def page(request: OrgRequest) -> tuple[dict[str, Any], Export | None]:
    asked, prefix = asked_by(request.GET), prefix_of(request)
    narrowed = filters.read(asked)
    if is_export(request):
        return {}, files.export(narrowed)
    after, before = (finding.read(request.GET.get(name, "")) for name in ("after", "before"))
    found = NOTHING if narrowed.errors else finding.look(narrowed, after=after, before=before)
    # Other pages know an API by its id alone, and none that is not there.
    context = frame(request, asked.about(api=narrowed.api_id), "requests", "Requests", narrows=asking.OF_SUBJECT) | {
        "asked": asked_bar(request, asked, is_log=True) | {"errors": (*asked.errors, *narrowed.errors)},
        "rows": _rows(request, found.rows, asked),
        "form": _form(narrowed, asked, f"{prefix}requests/search/"),
        "older_url": asked.link(after=finding.write(found.older)) if found.older else "",
        "newer_url": asked.link(before=finding.write(found.newer)) if found.newer else "",
        "first_url": asked.link() if after or before else "",
        "looked_to": f"{found.looked_to.astimezone(asked.zone):%-d %b %H:%M}" if found.looked_to else "",
        "is_back": bool(before and not after),
        "clear_url": asked.link(**dict.fromkeys(filters.NAMES)) if any(narrowed.typed.values()) else "",
        "record_days": min(request.organisation.record_days or settings.RECORD_DAYS, settings.RECORD_DAYS),
        "empty": _nothing(asked.has_times or any(narrowed.typed.values())),
    }
    return context, None


NOTHING = finding.Found([], None, None, None)


def _form(narrowed: Filters, asked: Asked, action: str) -> dict[str, Any]:
    state = narrowed.typed["status"]
    states = STATES if state in dict(STATES) else (*STATES, (state, state))
    return {
        "action": action,
        "typed": narrowed.typed,
        "states": [(value, label, value == state) for value, label in states],
        "apis": list(Api.objects.order_by("sort_name", "id").values_list("api_id", "name")[:OFFERED_APIS]),
        "hidden": [(name, value) for name, value in asked.kept.items() if name in asking.OF_TIME],
    }


def _nothing(is_narrowed: bool) -> dict[str, str]:
    if is_narrowed:
        return {"icon": "activity", "title": "Nothing matches"}
    return {"icon": "activity", "title": "No requests yet", "text": WHAT_COUNTS}


def _rows(request: OrgRequest, rows: list[dict[str, Any]], asked: Asked) -> list[dict[str, Any]]:
    names, prefix = names_of_rows(rows), prefix_of(request)
    return [
        {
            "href": asked.link(f"{prefix}requests/{finding.write((row['at'], row['id'])).replace('-', '/')}/"),
            "at": f"{row['at'].astimezone(asked.zone):%-d %b %H:%M:%S}",
            "what": f"{row['method']} {row['path']}",
            "api": names.label(row["api"]),
            "status": row["status"],
            "tone": tone(row["status"]),
            "latency": milliseconds(row["latency"]),
            "key": key_name(names, row["key"]),
            "address": row["address"],
        }
        for row in rows
    ]


def tone(code: int) -> str:
    """Return the class of the badge."""
    return "faulty" if code >= 500 else "waiting" if code >= 400 else "current"
