"""The pages that are one list: APIs, keys, paths, countries, tags and OAuth clients."""

from dataclasses import dataclass
from typing import Any

from analytics import queries
from analytics.asking import Asked
from analytics.models import Facet
from analytics.numbers import Numbers
from analytics.pages.frame import EXPORT_MOST, Export, asked_by, frame, is_export, prefix_of
from analytics.pages.subjects import SeenApi, find_api, names_of
from analytics.pages.tables import COLUMNS, HEADER, HEADER_OF_PATHS, OTHERS, Line, Table, exported, lines
from analytics.queries import Of
from analytics.together import Wanted, tops
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may

MOST = 100


@dataclass(frozen=True)
class Listed:
    """A page that lists a facet. `by_api` says that it can be narrowed to an API, which is the parent then."""

    tab: str
    facet: Facet
    title: str
    by_api: bool = False
    note: str = ""


APIS = Listed("apis", Facet.API, "APIs")
KEYS = Listed("keys", Facet.KEY, "Keys", by_api=True)
PATHS = Listed(
    "paths", Facet.ENDPOINT, "Paths", by_api=True,
    note="Ids in a path count as {id}, so that requests for different objects are of one path.",
)  # fmt: skip
COUNTRIES = Listed("countries", Facet.COUNTRY, "Countries", note="As the gateways know them from addresses.")
TAGS = Listed(
    "tags", Facet.TAG, "Tags", note="A request may have several tags, or none: what they have is no whole together."
)
CLIENTS = Listed("clients", Facet.CLIENT, "OAuth clients")


def page(request: OrgRequest, listed: Listed) -> tuple[dict[str, Any], Export]:
    asked, prefix, closed = asked_by(request), prefix_of(request), queries.closed_until()
    api = find_api(asked.kept["api"]) if listed.by_api and "api" in asked.kept else None
    of = Of(listed.facet, _parent(listed, api))
    limit = EXPORT_MOST if is_export(request) else MOST
    [values] = tops([Wanted(of, limit=limit + 1)], asked.span, closed)
    shown = lines(listed.facet, values[:limit], names_of([(listed.facet, values[:limit])]), asked, prefix)
    has_more = len(values) > limit
    export = Export(
        f"{listed.tab}-requests",
        HEADER_OF_PATHS if listed is PATHS else HEADER,
        lambda: map(exported, shown),
        lambda: f"Only the first {limit:,} are here: choose a shorter span." if has_more else "",
    )
    if is_export(request):
        return {}, export
    whole_of = queries.of_api(api.number) if api else queries.EVERYTHING
    whole = queries.totals(whole_of, asked.span.start, asked.span.until)
    context = frame(request, asked, listed.tab, listed.title, narrows=("api",) if api else ())
    if listed is KEYS and may(request, ObjectKind.KEYS, Level.READ):
        context["opens"] = ("Key board", f"{prefix}keys/board/")
    return context | _contents(listed, asked, api, shown, whole, has_more), export


def _parent(listed: Listed, api: SeenApi | None) -> int | None:
    if not listed.by_api:
        return 0
    return api.number if api else None


def _contents(
    listed: Listed, asked: Asked, api: SeenApi | None, shown: list[Line], whole: Numbers, has_more: bool
) -> dict[str, Any]:
    note = f"The {MOST:,} with the most requests; the CSV has up to {EXPORT_MOST:,}. " if has_more else ""
    table = Table(
        f"{listed.title} of {api.name}" if api else listed.title,
        COLUMNS[listed.facet],
        shown,
        whole,
        others=OTHERS.get(listed.facet, ""),
        note=note + listed.note,
    )
    chosen = {"name": api.name, "clear_url": asked.link(api=None)} if api else None
    return {"tables": [table.context()], "chosen": chosen}
