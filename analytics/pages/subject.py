"""The page of one API, and that of one key."""

from typing import Any

from analytics import queries, together
from analytics.asking import Asked
from analytics.charts.wording import number as written
from analytics.models import Facet
from analytics.numbers import Value, side_by_side, total
from analytics.pages import codes, figures
from analytics.pages.frame import Export, asked_by, frame, is_export, prefix_of
from analytics.pages.subjects import find_api, hashes_of, names_of, number_of_key
from analytics.pages.tables import COLUMNS, OTHERS, Line, Table, lines
from analytics.queries import Of
from analytics.together import Series, Wanted, compared, tops
from keys.models import Key
from orgs.display import when
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may

OF_API = (
    (Facet.KEY, "Top keys", False, "keys/"),
    (Facet.ENDPOINT, "Top paths", False, "paths/"),
    (Facet.ENDPOINT, "Failing paths", True, "errors/"),
    (Facet.VERSION, "Versions", False, ""),
)


def of_api(request: OrgRequest, api_id: str) -> tuple[dict[str, Any], Export]:
    asked, prefix, closed = asked_by(request), prefix_of(request), queries.closed_until()
    api = find_api(api_id)
    now, before = compared(queries.of_api(api.number), asked.span, closed)
    export = Export(f"requests-{api_id}", figures.SERIES_HEADER, lambda: figures.exported(asked.span, now))
    if is_export(request):
        return {}, export
    whole = total(now)
    wanted = [Wanted(Of(facet, api.number), by_errors=by_errors) for facet, _, by_errors, _ in OF_API]
    found = tops(wanted, asked.span, closed)
    names = names_of([(one[0], values) for one, values in zip(OF_API, found, strict=True)])
    tables = [
        Table(
            title, COLUMNS[facet], lines(facet, values, names, asked.about(api=api_id), prefix, by_errors=by_errors),
            whole, by_errors=by_errors, others=OTHERS[facet],
            more=asked.link(f"{prefix}{path}", api=api_id) if path else "",
            empty="No errors in this span." if by_errors else "None in this span.",
        ).context()
        for (facet, title, by_errors, path), values in zip(OF_API, found, strict=True)
        if values or facet is not Facet.VERSION
    ]  # fmt: skip
    may_open = api.id and may(request, ObjectKind.APIS, Level.READ)
    context = frame(request, asked, "apis", api.name) | {
        "parent": ("APIs", asked.link(f"{prefix}apis/")),
        "opens": ("Open the API", f"{request.site.prefix}/apis/{api.id}/") if may_open else None,
        "log_url": asked.requests(prefix, api=api_id, key=None),
        "is_gone": not api.id,
        "stats": figures.stats(whole, total(before)),
        "charts": [figures.requests_chart(asked.span, now, before), figures.latency_chart(asked.span, now)],
        "codes": codes.table("Status codes", now, asked, prefix, api=api_id),
        "tables": tables,
    }
    return context, export


def of_key(request: OrgRequest, key: Key) -> tuple[dict[str, Any], Export]:
    """Both secrets of a key that was rotated count, each with its own traffic beside."""
    asked, prefix, closed = asked_by(request).by_the_hour(), prefix_of(request), queries.closed_until()
    secrets = hashes_of(key)
    each = [compared(queries.of_key(number_of_key(hash)), asked.span, closed) for hash, _ in secrets]
    now, before = (side_by_side([pair[side] for pair in each]) for side in (0, 1))
    export = Export(f"requests-{key.pk}", figures.SERIES_HEADER, lambda: figures.exported(asked.span, now))
    if is_export(request):
        return {}, export
    whole = total(now)
    tables = [_apis(secrets, asked, closed, prefix, now)]
    if len(secrets) > 1:
        rows = [
            Line(label, hash, total(pair[0]), href=asked.requests(prefix, key=hash, api=None))
            for (hash, label), pair in zip(secrets, each, strict=True)
        ]
        tables.append(Table("Its secrets", "Secret", rows, whole, empty="").context())
    used = together.last_used(Facet.KEY, [number_of_key(hash) for hash, _ in secrets])
    context = frame(request, asked, "keys", key.alias) | {
        "parent": ("Keys", asked.link(f"{prefix}keys/")),
        "opens": ("Open the key", f"{request.site.prefix}/keys/{key.pk}/")
        if may(request, ObjectKind.KEYS, Level.READ)
        else None,
        "log_url": asked.requests(prefix, key=key.pk, api=None),
        "facts_line": f"Last used {when(used)} UTC" if used else "Never used",
        "stats": figures.stats(whole, total(before)),
        "charts": [figures.requests_chart(asked.span, now, before), figures.latency_chart(asked.span, now)],
        "codes": codes.table("Status codes", now, asked, prefix, key=key.pk),
        "tables": tables,
    }
    return context, export


def _apis(
    secrets: list[tuple[str, str]], asked: Asked, closed: together.Closed, prefix: str, now: Series
) -> dict[str, Any]:
    found = together.parents_of_keys([number_of_key(hash) for hash, _ in secrets], asked.span, closed)
    values = [Value(0, one.value, one.numbers) for one in found]
    shown = lines(Facet.API, values, names_of([(Facet.API, values)]), asked, prefix)
    return Table("APIs", "API", shown, total(now), empty=f"{written(0)} requests in this span.").context()
