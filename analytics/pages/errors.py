"""What went wrong: which codes, when, at which APIs and paths, and whose."""

from dataclasses import replace
from typing import Any

from analytics import queries
from analytics.models import Facet
from analytics.numbers import total
from analytics.pages import codes, figures
from analytics.pages.frame import Export, asked_by, frame, is_export, prefix_of
from analytics.pages.subjects import find_api, names_of
from analytics.pages.tables import COLUMNS, OTHERS, Line, Table, lines
from analytics.queries import Of
from analytics.together import Wanted, compared, tops
from orgs.http import OrgRequest

MOST = 10


def page(request: OrgRequest) -> tuple[dict[str, Any], Export]:
    asked, prefix, closed = asked_by(request), prefix_of(request), queries.closed_until()
    api = find_api(asked.kept["api"]) if "api" in asked.kept else None
    of = queries.of_api(api.number) if api else queries.EVERYTHING
    now, before = compared(of, asked.span, closed)
    export = Export("errors", codes.CODES_HEADER, lambda: codes.exported(codes.of_buckets(now, least=400)))
    if is_export(request):
        return {}, export
    whole = total(now)
    parent = api.number if api else None
    lists = [(Facet.ENDPOINT, "Failing paths", parent), (Facet.KEY, "Keys with the most errors", parent)]
    if not api:
        lists.insert(0, (Facet.API, "APIs with the most errors", 0))
    wanted = [Wanted(Of(facet, of_parent), by_errors=True, limit=MOST) for facet, _, of_parent in lists]
    found = tops(wanted, asked.span, closed)
    names = names_of([(facet, values) for (facet, _, _), values in zip(lists, found, strict=True)])
    tables = []
    for (facet, title, _), values in zip(lists, found, strict=True):
        shown = [_with_codes(line) for line in lines(facet, values, names, asked, prefix, by_errors=True)]
        tables.append(
            Table(
                title, COLUMNS[facet], shown, whole, by_errors=True, others=OTHERS[facet],
                empty="No errors in this span.",
            ).context()
        )  # fmt: skip
    narrowed = {"api": api.api_id} if api else {}
    context = frame(request, asked, "errors", "Errors", narrows=("api",) if api else ()) | {
        "charts": [figures.errors_chart(asked.span, now, before)],
        "codes": codes.table("Status codes", now, asked, prefix, least=400, **narrowed),
        "tables": tables,
        "chosen": {"name": api.name, "clear_url": asked.link(api=None)} if api else None,
    }
    return context, export


def _with_codes(line: Line) -> Line:
    return replace(line, note=" · ".join(filter(None, (line.note, codes.most(line.numbers)))))
