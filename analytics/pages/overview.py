"""The first page: how much, how well and how fast, and who, where and what it was."""

from typing import Any

from analytics import queries, spans
from analytics.asking import Asked
from analytics.models import Facet
from analytics.numbers import total
from analytics.pages import figures
from analytics.pages.frame import WHAT_COUNTS, Export, asked_by, frame, is_export, prefix_of
from analytics.pages.subjects import names_of
from analytics.pages.tables import COLUMNS, OTHERS, Table, lines
from analytics.queries import Of
from analytics.together import Wanted, compared, tops
from orgs.http import OrgRequest

LONGEST = "12m"
# Facet, parent (None for all), title, whether by errors, and the page that has more.
LISTS = (
    (Facet.API, 0, "Top APIs", False, "apis/"),
    (Facet.KEY, None, "Top keys", False, "keys/"),
    (Facet.ENDPOINT, None, "Failing paths", True, "errors/"),
    (Facet.COUNTRY, 0, "Countries", False, "countries/"),
)


def page(request: OrgRequest) -> tuple[dict[str, Any], Export]:
    asked, prefix = asked_by(request), prefix_of(request)
    closed = queries.closed_until()
    now, before = compared(queries.EVERYTHING, asked.span, closed)
    export = Export("requests", figures.SERIES_HEADER, lambda: figures.exported(asked.span, now))
    if is_export(request):
        return {}, export
    whole = total(now)
    wanted = [Wanted(Of(facet, parent), by_errors=by_errors) for facet, parent, _, by_errors, _ in LISTS]
    found = tops(wanted, asked.span, closed)
    names = names_of([(one[0], values) for one, values in zip(LISTS, found, strict=True)])
    tables = [
        Table(
            title,
            COLUMNS[facet],
            lines(facet, values, names, asked, prefix, by_errors=by_errors),
            whole,
            by_errors=by_errors,
            others=OTHERS[facet],
            more=asked.link(f"{prefix}{path}"),
            empty="No errors in this span." if by_errors else "None in this span.",
        ).context()
        for (facet, _, title, by_errors, path), values in zip(LISTS, found, strict=True)
    ]
    context = frame(request, asked, "overview", "Analytics") | {
        "stats": figures.stats(whole, total(before)),
        "charts": [figures.requests_chart(asked.span, now, before), figures.latency_chart(asked.span, now)],
        "tables": tables,
        "nothing": None if whole.hits or total(before).hits else _nothing(asked),
    }
    return context, export


def _nothing(asked: Asked) -> dict[str, str]:
    """Return what stands in the place of empty charts and lists."""
    found = {"icon": "activity", "title": "No requests in this span, nor in the one before", "text": WHAT_COUNTS}
    if asked.length == LONGEST:
        return found
    link = asked.link(**{"from": None, "to": None, "span": LONGEST})
    return found | {"action_url": link, "action_label": spans.LENGTHS[LONGEST][0]}
