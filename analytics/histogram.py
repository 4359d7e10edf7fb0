"""Counts side by side in one long whole number, so that PostgreSQL adds histograms with `+` and `sum()`.

Each place has twelve decimal digits: a million million requests. `latencies` has a place for each step of
milliseconds, ten to a tenfold, so that a quantile is right to within an eighth, over any span; `codes` has one for
each status code of HTTP.
"""

from bisect import bisect_left
from collections.abc import Sequence

WIDTH = 10**12
# The upper edge of each step; the last one, without an edge, is for what took more than a minute.
EDGES = (0, 1, 2, 3, 4, 5, 6, 8, *(round(10 ** (step / 10)) for step in range(10, 49)))
# The codes have their places for good: new ones are added at the end. The usual ones come first, which keeps the number
# short. The last places are for codes that are none.
CODES = (
    *(200, 201, 204, 304, 400, 401, 403, 404, 429, 500, 502, 503, 504, 202, 206, 301, 302, 307, 308, 405, 409, 422),
    *(100, 101, 102, 103, 203, 205, 207, 208, 226, 300, 303, 305, 402, 406, 407, 408, 410, 411, 412, 413, 414, 415),
    *(416, 417, 418, 421, 423, 424, 425, 426, 428, 431, 451, 499, 501, 505, 506, 507, 508, 510, 511),
)
OTHERS = {1: 95, 2: 96, 3: 97, 4: 98, 5: 99}
PLACES = {code: place for place, code in enumerate(CODES)}


def step_of(milliseconds: int) -> int:
    """Return the place of a latency."""
    return bisect_left(EDGES, milliseconds)


def place_of(code: int) -> int:
    """Return the place of a status code, which lies between 100 and 599."""
    place = PLACES.get(code)
    return OTHERS[code // 100] if place is None else place


def units(places: int) -> list[int]:
    """Return what one request adds to the histogram, for each place."""
    return [WIDTH**place for place in range(places)]


LATENCY_UNITS = units(len(EDGES) + 1)
CODE_UNITS = units(100)


def counts(histogram: int) -> list[int]:
    """Return the count of each place, up to the last that has any."""
    found = []
    while histogram:
        histogram, count = divmod(histogram, WIDTH)
        found.append(count)
    return found


def by_code(histogram: int) -> dict[int, int]:
    """Return {status code: requests}; codes that are none count as 1, 2, 3, 4 or 5, their class."""
    names = dict(enumerate(CODES)) | {place: name for name, place in OTHERS.items()}
    return {names[place]: count for place, count in enumerate(counts(histogram)) if count}


def quantiles(histogram: int, shares: Sequence[float]) -> list[float | None]:
    """Return how many milliseconds this share of the requests took at most; None where there are none.

    Within a step, requests are taken to lie evenly.
    """
    steps = counts(histogram)
    total = sum(steps)
    return [_quantile(steps, share * total) if total else None for share in shares]


def _quantile(steps: Sequence[int], rank: float) -> float:
    below = 0
    for step, count in enumerate(steps):
        if count and below + count >= rank:
            lower = EDGES[step - 1] if step else 0
            upper = EDGES[step] if step < len(EDGES) else 2 * EDGES[-1]
            return lower + (upper - lower) * max(0.0, rank - below) / count
        below += count
    return float(EDGES[-1])
