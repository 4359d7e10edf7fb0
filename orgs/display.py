"""How values read on a page."""

from datetime import UTC, datetime


def when(moment: datetime | None, *, never: str = "never") -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if moment else never
