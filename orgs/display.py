"""How values read on a page."""

from datetime import UTC, datetime

from django.db.models import F, Func, TextField, Value


def when(moment: datetime | None, *, never: str = "never") -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if moment else never


def when_of(column: str) -> Func:
    """The same, written by PostgreSQL: in a list that costs a tenth. None where there is no moment."""
    return Func(F(column), Value("YYYY-MM-DD HH24:MI"), function="to_char", output_field=TextField())


def ago(moment: datetime | None, *, now: datetime, never: str = "never") -> str:
    """Return how long ago it was, in its largest unit: "now", "3 s ago", "2 days ago"."""
    if moment is None:
        return never
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if number := seconds // size:
            return f"{number:,} {unit}{'s' if unit == 'day' and number > 1 else ''} ago"
    return f"{seconds} s ago" if seconds else "now"


def when_and_ago(moment: datetime | None, *, now: datetime) -> str:
    return f"{when(moment)} ({ago(moment, now=now)})" if moment else "never"
