"""What all pages of analytics share: the span that is shown, and the links to the others, which keep what was asked."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from analytics import asking, spans
from analytics.asking import OF_TIME, ZONES, Asked
from analytics.models import Facet
from analytics.spans import RESOLUTIONS
from analytics.together import lately
from orgs import scope
from orgs.export import csv_response
from orgs.http import OrgRequest

EXPORT_MOST = 1_000
STEPS = {"minute": "by the minute", "hour": "by the hour", "day": "by the day", "month": "by the month"}
# Name, label, and path below that of analytics.
PAGES = (
    ("overview", "Overview", ""),
    ("apis", "APIs", "apis/"),
    ("keys", "Keys", "keys/"),
    ("paths", "Paths", "paths/"),
    ("errors", "Errors", "errors/"),
    ("countries", "Countries", "countries/"),
    ("tags", "Tags", "tags/"),
    ("clients", "OAuth clients", "oauth-clients/"),
    ("requests", "Requests", "requests/"),
)
CLOCK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
# Shown only where there are any.
RARE = {"tags": Facet.TAG, "clients": Facet.CLIENT}
NOT_NARROWED = {
    "api": "This page is of all APIs: the one that you chose narrows keys, paths, errors and requests.",
    "key": "This page is of all keys: the one that you chose narrows requests.",
}
WHAT_COUNTS = "They are here once a gateway that serves this organisation writes analytics, and a pump takes them in."
ROWS = Iterable[Sequence[object]]


@dataclass(frozen=True)
class Export:
    """A page's table as a file. `note` says that there is more than this."""

    name: str
    header: Sequence[str]
    rows: Callable[[], ROWS]
    note: Callable[[], str] = field(default=lambda: "")


def asked_by(request: OrgRequest) -> Asked:
    return asking.read(request.GET, now=timezone.now())


def is_export(request: OrgRequest) -> bool:
    return request.GET.get("format") in ("csv", "json")


def prefix_of(request: OrgRequest) -> str:
    return f"{request.site.prefix}/analytics/"


def frame(request: OrgRequest, asked: Asked, tab: str, title: str, *, narrows: Sequence[str] = ()) -> dict[str, Any]:
    """Return the context of `analytics/page.html`. `narrows` are those of api and key that the page heeds."""
    prefix = prefix_of(request)
    rare = _there_are(RARE.values())
    shown = [page for page in PAGES if page[0] not in RARE or RARE[page[0]] in rare or page[0] == tab]
    return {
        "page_title": title,
        "prefix": prefix,
        "tabs": [(label, asked.link(f"{prefix}{path}"), name == tab) for name, label, path in shown],
        "tabs_label": "Analytics",
        "asked": asked_bar(request, asked),
        "not_narrowed": [text for name, text in NOT_NARROWED.items() if asked.kept.get(name) and name not in narrows],
        "csv_url": with_format(request, "csv"),
        "json_url": with_format(request, "json"),
    }


def asked_bar(request: OrgRequest, asked: Asked, *, is_log: bool = False) -> dict[str, Any]:
    """Return what `analytics/_asked.html` shows. The log of requests has no steps, and begins with all there are."""
    other = {"from": None, "to": None}
    links = [
        (length, label, asked.link(request.path, **other, span=length), length == asked.length)
        for length, (label, _, _) in spans.LENGTHS.items()
    ]
    if is_log:
        kept = timedelta(days=settings.RECORD_DAYS)
        links = [
            (length, label, url, is_current and asked.has_times)
            for length, label, url, is_current in links
            if spans.LENGTHS[length][1] <= kept
        ]
        links.append(("All", "All", asked.link(request.path, **other, span=None), not asked.has_times))
    return {
        "spans": links,
        "has_steps": not is_log,
        "errors": asked.errors,
        "typed": asked.typed,
        "moments": [(name, name.capitalize(), asked.typed[name], _input(asked.typed[name])) for name in ("from", "to")],
        "is_open": bool(asked.errors or not asked.length),
        "resolutions": [(one, STEPS[one].capitalize(), one == asked.typed["resolution"]) for one in RESOLUTIONS],
        "zones": ZONES,
        "hidden": [(name, value) for name, value in asked.kept.items() if name not in OF_TIME[1:]],
        "says": says(asked, is_log=is_log),
        "zone": str(asked.zone),
    }


def _input(text: str) -> str:
    """Browsers show nothing of a text that is no time, and nothing shall be lost."""
    return "datetime-local" if not text or CLOCK.fullmatch(text) else "text"


def says(asked: Asked, *, is_log: bool = False) -> str:
    """Return the span in words: "27 Nov 2026 18:00 to 28 Nov 2026 18:00, Europe/Berlin, by the hour"."""
    span = asked.span
    if is_log and not asked.has_times:
        return f"All that is kept, {span.zone}"
    steps = "" if is_log else f", {STEPS[span.resolution]}"
    start, end = span.start.astimezone(span.zone), span.end.astimezone(span.zone)
    midnights = (start.hour, start.minute, end.hour, end.minute) == (0, 0, 0, 0)
    if midnights:
        last = end - timedelta(hours=1)
        days = f"{start:%-d %b %Y}" + (f" to {last:%-d %b %Y}" if last.date() != start.date() else "")
        return f"{days}, {span.zone}{steps}"
    return f"{start:%-d %b %Y %H:%M} to {end:%-d %b %Y %H:%M}, {span.zone}{steps}"


def with_format(request: OrgRequest, format: str) -> str:
    query = request.GET.copy()
    query["format"] = format
    return f"?{query.urlencode()}"


def _there_are(facets: Iterable[Facet]) -> set[Facet]:
    """Return which of these facets have had any requests: in days that have been summed, or lately."""
    wanted = [facet.value for facet in facets]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT facet FROM unnest(%s::smallint[]) AS facet
            WHERE EXISTS (SELECT FROM analytics_day AS d WHERE d.organisation_id = %s AND d.facet = facet.facet)
            OR EXISTS (
                SELECT FROM analytics_hour AS h
                WHERE h.organisation_id = %s AND h.facet = facet.facet AND h.at >= %s
            )
            """,
            [wanted, *[scope.current_organisation_id()] * 2, lately()],
        )
        return {Facet(facet) for (facet,) in cursor.fetchall()}


def answer(request: OrgRequest, template: str, context: dict[str, Any], export: Export | None) -> HttpResponse:
    """Answer with the page, or with its table as the file that `?format=` asks for."""
    match request.GET.get("format"):
        case "csv" if export:
            rows = [*export.rows()]
            return csv_response(f"{export.name}.csv", export.header, rows + _last_line(export))
        case "json" if export:
            found = [dict(zip(export.header, row, strict=False)) for row in export.rows()]
            answer = JsonResponse({"rows": found, "note": export.note()})
            answer.headers["Content-Disposition"] = f'attachment; filename="{export.name}.json"'
            return answer
    return render(request, template, context)


def _last_line(export: Export) -> list[Sequence[object]]:
    note = export.note()
    return [(note,)] if note else []
