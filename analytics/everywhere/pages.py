"""Every organisation's requests in a span, and the dead letters."""

from typing import Any

from django.http import QueryDict

from analytics.everywhere import counting
from analytics.models import DeadLetter
from analytics.numbers import Numbers, total
from analytics.pages import figures
from analytics.pages.frame import EXPORT_MOST, Export, asked_bar, asked_by, is_export, with_format
from analytics.pages.tables import HEADER, Line, Table, exported
from gateways.models import GatewayGroup
from orgs.display import when
from orgs.http import OrgRequest
from orgs.models import Organisation

MOST, SIZE = 100, 50
LONGEST_ID = 18


def page(request: OrgRequest) -> tuple[dict[str, Any], Export]:
    asked = asked_by(request)
    found = counting.by_organisation(asked.span)
    lines = [
        Line(one.name, one.slug, one.numbers, href=asked.link(f"{request.site.prefix}/o/{one.slug}/analytics/"))
        for one in found
    ]
    export = Export(
        "requests-by-organisation", HEADER, lambda: map(exported, lines[:EXPORT_MOST]),
        lambda: f"Only the first {EXPORT_MOST:,} are here." if len(lines) > EXPORT_MOST else "",
    )  # fmt: skip
    if is_export(request):
        return {}, export
    whole = total([line.numbers for line in lines])
    table = Table("Organisations", "Organisation", lines[:MOST], whole, others="Other organisations")
    now = counting.series(asked.span)
    context = _frame(request, "", "Analytics") | {
        "asked": asked_bar(request, asked),
        "stats": [{**stat, "note": ""} for stat in figures.stats(whole, Numbers())],
        "charts": [figures.requests_chart(asked.span, now, ()), figures.latency_chart(asked.span, now)],
        "tables": [table.context()],
        "csv_url": with_format(request, "csv"),
        "json_url": with_format(request, "json"),
    }
    return context, export


def _frame(request: OrgRequest, current: str, title: str) -> dict[str, Any]:
    prefix = f"{request.site.prefix}/analytics/"
    tabs = (("Requests", ""), ("Dead letters", "dead-letters/"))
    return {
        "page_title": title,
        "prefix": prefix,
        "tabs": [(label, f"{prefix}{path}", path == current) for label, path in tabs],
        "tabs_label": "Analytics",
    }


def dead_letters(request: OrgRequest) -> dict[str, Any]:
    """Return the context of `analytics/dead_letters.html`: the newest first, from `after` on."""
    letters = DeadLetter.objects.order_by("-id")
    after = _after(request.GET)
    found = list((letters.filter(id__lt=after) if after else letters)[: SIZE + 1])
    shown = found[:SIZE]
    groups = dict(GatewayGroup.objects.filter(pk__in={one.group_id for one in shown}).values_list("id", "name"))
    owners = {one.pk: one for one in Organisation.objects.filter(pk__in={one.claimed for one in shown})}
    return _frame(request, "dead-letters/", "Dead letters") | {
        "rows": [
            {
                "at": when(one.at),
                "reason": one.reason,
                "group": groups.get(one.group_id, "a group that is gone"),
                "count": f"{one.count:,}",
                "claimed": owners[one.claimed].name if one.claimed in owners else one.claimed,
                "href": f"{request.site.prefix}/o/{owners[one.claimed].slug}/" if one.claimed in owners else "",
                "example": one.example,
            }
            for one in shown
        ],
        "older_url": f"?after={shown[-1].pk}" if len(found) > SIZE else "",
        "first_url": "?" if after else "",
        "empty": {"icon": "circle-check", "title": "Every record was taken in"},
    }


def _after(query: QueryDict) -> int:
    text = query.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID else 0
