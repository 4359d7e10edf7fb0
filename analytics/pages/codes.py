"""Status codes: how many of each, and when."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from analytics import charts
from analytics.asking import Asked
from analytics.charts.wording import number as written
from analytics.numbers import Numbers
from analytics.pages.wording import percent, status

CODES_HEADER = ("status", "meaning", "requests", "share")


def of_buckets(now: Sequence[Numbers | None], *, least: int = 0) -> Counter[int]:
    """Return {status: requests}, of those from `least` on. What is no status counts as its class."""
    found: Counter[int] = Counter()
    for one in now:
        found.update({code: count for code, count in (one.codes if one else {}).items() if _class(code) >= least})
    return found


def _class(code: int) -> int:
    return code * 100 if code < 10 else code


def table(
    title: str, now: Sequence[Numbers | None], asked: Asked, prefix: str, *, least: int = 0, **narrowed: str
) -> dict[str, Any]:
    """Return what `analytics/_codes.html` shows: each code with its share and how it went over the span."""
    found = of_buckets(now, least=least)
    whole = found.total()
    by_bucket = [one.codes if one else None for one in now]
    rows = [
        (
            asked.requests(prefix, **narrowed, status=str(code)) if code >= 100 else "",
            "" if code < 10 else str(code),
            status(code),
            charts.share(count, whole),
            percent(count, whole),
            written(count),
            charts.sparkline(
                [codes.get(code, 0) if codes is not None else None for codes in by_bucket], f"{code} over time"
            ),
        )
        for code, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {"title": title, "rows": rows}


def exported(found: Counter[int]) -> list[tuple[object, ...]]:
    return [
        (code, status(code), count, round(count / found.total(), 6))
        for code, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]


def most(numbers: Numbers, *, count: int = 3) -> str:
    """Return the error codes that there were most of: "404: 12, 500: 3"."""
    errors = Counter({code: hits for code, hits in numbers.codes.items() if _class(code) >= 400})
    return ", ".join(
        f"{code if code >= 100 else status(code)}: {written(hits)}" for code, hits in errors.most_common(count)
    )
