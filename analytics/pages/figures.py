"""The tiles and charts of a page: the numbers of a span, beside those of the one before."""

from collections.abc import Iterator, Sequence

from analytics import charts
from analytics.charts import Series, ShownChart, TimeChart
from analytics.charts.wording import NO_VALUE
from analytics.charts.wording import number as written
from analytics.numbers import Numbers
from analytics.pages.tables import rounded
from analytics.pages.wording import MINUS, change, data, milliseconds, percent
from analytics.spans import Span

Buckets = Sequence[Numbers | None]
SERIES_HEADER = (
    "from", "requests", "client_errors", "server_errors", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "bytes",
)  # fmt: skip


def stats(now: Numbers, before: Numbers) -> list[dict[str, str]]:
    """Return what `partials/stat.html` shows, each with what it was in the span before, if anything was."""
    p50s, p95s, p99s = zip(now.quantiles(), before.quantiles(), strict=True)
    points = _points(*(one.errors / one.hits if one.hits else None for one in (now, before)))
    hits, size = (written(before.hits), data(before.size)) if before.hits else (NO_VALUE, NO_VALUE)
    return [
        _stat("Requests", written(now.hits), hits, change(now.hits, before.hits)),
        _stat("Error share", percent(now.errors, now.hits), percent(before.errors, before.hits), points),
        *(_time(f"p{name}", *pair) for name, pair in (("50", p50s), ("95", p95s), ("99", p99s))),
        _stat("Data out", data(now.size), size, change(now.size, before.size)),
    ]  # fmt: skip


def _stat(label: str, value: str, before: str, changed: str) -> dict[str, str]:
    if before == NO_VALUE:
        return {"label": label, "value": value, "note": "nothing before"}
    return {"label": label, "value": value, "note": changed if changed == "as before" else _joined(before, changed)}


def _joined(before: str, changed: str) -> str:
    return f"{before} before, {changed}" if changed else f"{before} before"


def _time(label: str, now: float | None, before: float | None) -> dict[str, str]:
    return _stat(label, milliseconds(now), milliseconds(before), change(now, before))


def _points(now: float | None, before: float | None) -> str:
    """Shares differ by points: twice 1% is one point more."""
    if now is None or before is None:
        return ""
    points = (now - before) * 100
    return "as before" if abs(points) < 0.05 else f"{'+' if points > 0 else MINUS}{abs(points):.1f} points"


def requests_chart(span: Span, now: Buckets, before: Buckets) -> ShownChart:
    return _shown(
        span,
        "Requests",
        (
            Series("Successful", _each(now, "success"), "ok"),
            Series("Client errors", _each(now, "client_errors"), "client-errors"),
            Series("Server errors", _each(now, "server_errors"), "server-errors"),
            *_before(now, before, "hits"),
        ),
    )


def errors_chart(span: Span, now: Buckets, before: Buckets) -> ShownChart:
    return _shown(
        span,
        "Errors",
        (
            Series("Client errors", _each(now, "client_errors"), "client-errors"),
            Series("Server errors", _each(now, "server_errors"), "server-errors"),
            *_before(now, before, "errors"),
        ),
    )


def _before(now: Buckets, before: Buckets, name: str) -> list[Series]:
    """Leave out a span in which nothing happened: that is no line, but the chart's ground."""
    values = beside(now, _each(before, name))
    return [Series("In the span before", values, "previous")] if any(values) else []


def _each(buckets: Buckets, name: str) -> list[float | None]:
    return [None if one is None else getattr(one, name) for one in buckets]


def latency_chart(span: Span, now: Buckets) -> ShownChart:
    p50s, p95s, p99s = zip(*(one.quantiles() if one else (None, None, None) for one in now), strict=True)
    lines = (Series("p50", p50s, "p50"), Series("p95", p95s, "p95"), Series("p99", p99s, "p99"))
    return _shown(span, "Latency", lines, is_time=True)


def _shown(span: Span, title: str, series: Sequence[Series], *, is_time: bool = False) -> ShownChart:
    return charts.shown(
        TimeChart(
            title=title,
            times=span.starts,
            ends=span.end.astimezone(span.zone),
            series=series,
            kind="lines" if is_time else "stacked",
            unit="ms" if is_time else "requests",
            resolution=span.resolution,
        )
    )


def beside(now: Buckets, before: Sequence[float | None]) -> list[float | None]:
    """Lay the span before under this one: a month before may have a day less, or one more."""
    return [*before, *([None] * len(now))][: len(now)]


def exported(span: Span, now: Buckets) -> Iterator[tuple[object, ...]]:
    for start, one in zip(span.starts, now, strict=True):
        if one:
            quantiles = map(rounded, one.quantiles())
            counts = (one.hits, one.client_errors, one.server_errors)
            yield (start.isoformat(), *counts, rounded(one.latency), *quantiles, one.size)
