"""Charts for the cells of a table."""

from collections.abc import Sequence

from django.utils.safestring import SafeString, mark_safe

from analytics.charts.wording import text

WIDTH, HEIGHT, EDGE = 90, 20, 2


def sparkline(values: Sequence[float | None], label: str) -> SafeString:
    """Return how a value went, from 0 to its highest. The label is what a screen reader says in its place."""
    highest = max((value for value in values if value is not None), default=0) or 1
    across = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    path, is_drawing = [], False
    for index, value in enumerate(values):
        if value is not None:
            point = f"{EDGE + index * across:.1f} {HEIGHT - EDGE - value / highest * (HEIGHT - 2 * EDGE):.1f}"
            # A line to where the pen is shows a value between two gaps as a dot.
            path.append(f"L{point}" if is_drawing else f"M{point}L{point}")
        is_drawing = value is not None
    return mark_safe(  # noqa: S308 - numbers, and a text that was escaped
        f'<svg class="sparkline" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(label)}"><path d="{"".join(path)}"/></svg>'
    )


def share(value: float, of: float) -> SafeString:
    """Return a bar that is as full as the value is of the whole."""
    percent = min(max(value / of * 100, 0), 100) if of else 0
    return mark_safe(  # noqa: S308 - numbers
        '<svg class="share" width="100" height="6" viewBox="0 0 100 6"'
        f' preserveAspectRatio="none" role="img" aria-label="{percent:.0f}%">'
        '<rect class="share-whole" width="100" height="6"/>'
        f'<rect class="share-part" width="{percent:.1f}" height="6"/></svg>'
    )
