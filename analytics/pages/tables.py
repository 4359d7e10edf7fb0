"""Lists of values: APIs, keys, paths, countries and so on, each with its share, its errors and its time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from analytics import charts
from analytics.asking import Asked
from analytics.charts.wording import number as written
from analytics.countries import country
from analytics.models import Facet
from analytics.naming import PLACEHOLDER
from analytics.numbers import Numbers, Value, without
from analytics.pages.subjects import SHORT_HASH, Names
from analytics.pages.wording import milliseconds, percent

# What is left beside the values that are listed, and why their sum may not be the whole.
OTHERS = {
    Facet.API: "Other APIs",
    Facet.VERSION: "Others, or without a version",
    Facet.KEY: "Others, or without a key",
    Facet.ENDPOINT: "Other paths",
    Facet.COUNTRY: "Others, or unknown",
    Facet.CLIENT: "Others, or without a client",
}
COLUMNS = {
    Facet.API: "API", Facet.VERSION: "Version", Facet.KEY: "Key", Facet.ENDPOINT: "Path", Facet.COUNTRY: "Country",
    Facet.CLIENT: "OAuth client", Facet.TAG: "Tag",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """`id` is what the value is in files: an API's id, a key's hash, a country's code. A path has (API's id, name)."""

    name: str
    id: str
    numbers: Numbers
    note: str = ""
    href: str = ""
    api: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """`whole` is what the shares are of. `counts` says what a list is by: requests, or errors."""

    title: str
    column: str
    lines: Sequence[Line]
    whole: Numbers
    by_errors: bool = False
    others: str = ""
    more: str = ""
    empty: str = "No requests in this span."
    note: str = ""

    def context(self) -> dict[str, Any]:
        """Return what `analytics/_table.html` shows."""
        lines = list(self.lines)
        left = without(self.whole, [line.numbers for line in lines])
        if lines and self.others and self.count(left):
            lines.append(Line(self.others, "", left))
        return {
            "title": self.title,
            "column": self.column,
            "counts": "Errors" if self.by_errors else "Requests",
            "shares": "Failing" if self.by_errors else "Errors",
            "rows": [self.row(line) for line in lines],
            "more": self.more,
            "empty": self.empty,
            "note": self.note,
        }

    def count(self, numbers: Numbers) -> int:
        return numbers.errors if self.by_errors else numbers.hits

    def row(self, line: Line) -> tuple[str | SafeString, ...]:
        """Return (href, name, note, bar, share, count, error share, mean, p95)."""
        count, whole = self.count(line.numbers), self.count(self.whole)
        return (
            line.href,
            line.name,
            line.note,
            charts.share(count, whole),
            percent(count, whole),
            written(count),
            percent(line.numbers.errors, line.numbers.hits),
            milliseconds(line.numbers.latency),
            milliseconds(line.numbers.quantiles()[1]),
        )


HEADER = ("name", "id", "requests", "errors", "error_share", "mean_ms", "p95_ms", "bytes", "last_at")
HEADER_OF_PATHS = (*HEADER, "api_id", "api")


def exported(line: Line) -> tuple[object, ...]:
    one = line.numbers
    share = round(one.errors / one.hits, 6) if one.hits else None
    return (
        line.name, line.id, one.hits, one.errors, share, rounded(one.latency), rounded(one.quantiles()[1]), one.size,
        one.last_at.isoformat(timespec="seconds") if one.last_at else None, *line.api,
    )  # fmt: skip


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def lines(
    facet: Facet, values: Sequence[Value], names: Names, asked: Asked, prefix: str, *, by_errors: bool = False
) -> list[Line]:
    """Return what a facet's values are called, and where they lead to. `prefix` is that of analytics.

    What leads to single requests leads to those that failed, where a list is of errors.
    """
    if by_errors:
        asked = asked.about(status="errors")
    make = MAKERS.get(facet, _plain)
    return [make(value, names, asked, prefix) for value in values]


def _plain(value: Value, names: Names, asked: Asked, prefix: str) -> Line:
    return Line(names.label(value.value), names.text(value.value), value.numbers)


def _api(value: Value, names: Names, asked: Asked, prefix: str) -> Line:
    api_id = names.text(value.value)
    href = asked.link(f"{prefix}apis/{api_id}/", api=None, key=None, status=None)
    return Line(names.label(value.value), api_id, value.numbers, href=href if is_plain(api_id) else "")


def is_plain(api_id: str) -> bool:
    """Whether an id can stand in a path as it is. All that gateways and dashboards make can."""
    return bool(api_id) and api_id.isascii() and api_id.replace("-", "").replace("_", "").isalnum()


def _key(value: Value, names: Names, asked: Asked, prefix: str) -> Line:
    hash = names.text(value.value)
    key = names.keys.get(hash)
    if key:
        note = "its previous secret" if key.is_previous else ""
        href = asked.link(f"{prefix}keys/{key.id}/", key=None, api=None, status=None)
        return Line(key.alias, hash, value.numbers, note, href)
    label = names.label(value.value)
    name = label if label != hash else f"{hash[:SHORT_HASH]}…" if len(hash) > SHORT_HASH + 1 else hash
    return Line(name, hash, value.numbers, "no key any more", asked.requests(prefix, key=hash))


def _path(value: Value, names: Names, asked: Asked, prefix: str) -> Line:
    label, api_id = names.label(value.value), names.text(value.parent)
    method, _, path = label.partition(" ")
    begins = path.partition(PLACEHOLDER)[0] + "/" if PLACEHOLDER in path else path.removesuffix("…")
    href = asked.requests(prefix, api=api_id, method=method, path=begins)
    name = names.label(value.parent)
    note = "" if asked.kept.get("api") == api_id else name
    return Line(label, label, value.numbers, note, href, (api_id, name))


def _country(value: Value, names: Names, asked: Asked, prefix: str) -> Line:
    code = names.text(value.value)
    return Line(country(code), code, value.numbers)


MAKERS: dict[Facet, Callable[[Value, Names, Asked, str], Line]] = {
    Facet.API: _api,
    Facet.KEY: _key,
    Facet.ENDPOINT: _path,
    Facet.COUNTRY: _country,
}
