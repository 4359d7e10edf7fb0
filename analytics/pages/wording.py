"""How numbers read on the pages of analytics."""

from http import HTTPStatus

from analytics.charts.wording import NO_VALUE, measured

MINUS = "\N{MINUS SIGN}"
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def percent(part: float, whole: float) -> str:
    """Return a share: 0.04%, 2.0%, 31%. Some errors among very many requests are not none."""
    if not whole:
        return NO_VALUE
    share = part / whole * 100
    if 0 < share < 0.01:
        return "under 0.01%"
    if 0 < share < 0.1:
        return f"{share:.2f}%"
    return f"{share:.1f}%" if 0 < share < 10 else f"{share:.0f}%"


def milliseconds(value: float | None) -> str:
    if value is None:
        return NO_VALUE
    return measured(round(value, 0 if value >= 10 else 1), "ms")


def data(size: float) -> str:
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


def change(now: float | None, before: float | None) -> str:
    """Return how much more or less it is than before: "+12%"; empty where one cannot say."""
    if now is None or not before:
        return ""
    share = (now - before) / before * 100
    if abs(share) < 0.5:
        return "as before"
    if share > 900:
        return f"{now / before:,.0f} times as much"
    return f"{'+' if share > 0 else MINUS}{abs(share):.0f}%"


def status(code: int) -> str:
    """Return what a status is called; of a code that is none, its class is what was counted."""
    if code < 10:
        return f"other {code}xx"
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Client closed the request" if code == 499 else ""
