"""The tab "Use" of an API's page and of a key's: how much it was used lately, and when last."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from analytics import queries, quotas, spans, together
from analytics.charts.wording import number as written
from analytics.models import Facet
from analytics.numbers import side_by_side
from analytics.pages import figures
from analytics.pages.wording import percent
from analytics.queries import Of
from keys.models import Key
from orgs.display import ago, when

LENGTHS = ("24h", "7d", "30d")


def tab(of: Of, values: Sequence[int], href: str, *, things: str) -> dict[str, Any]:
    """Return what the tab adds to the page. `values` are the numbers it is known by: two where a key was rotated."""
    now, zone, closed = timezone.now(), ZoneInfo(settings.TIME_ZONE), queries.closed_until()
    chosen = [spans.last(length, now=now, zone=zone) for length in LENGTHS]
    numbers = together.totals(of, chosen, closed, values)
    each = [together.compared(Of(of.facet, of.parent, value), chosen[-1], closed) for value in values]
    buckets, before = (side_by_side([pair[side] for pair in each]) for side in (0, 1))
    used = together.last_used(of.facet, values)
    return {
        "href": f"{href}?span={LENGTHS[-1]}",
        "things": things,
        "stats": [
            {"label": "Last used", "value": ago(used, now=now), "note": f"{when(used)} UTC" if used else ""},
            *(
                {
                    "label": f"Requests in {spans.LENGTHS[length][0].removeprefix('Last ')}",
                    "value": written(one.hits),
                    "note": f"{percent(one.errors, one.hits)} errors" if one.hits else "",
                }
                for length, one in zip(LENGTHS, numbers, strict=True)
            ),
        ],
        "charts": [figures.requests_chart(chosen[-1], buckets, before)],
    }


def quota(key: Key) -> dict[str, Any]:
    """Return what the tab of a key adds on its quota: nothing where it has none."""
    try:
        found = quotas.used_up(least=0, key=key.pk, now=timezone.now(), counters=quotas.Counters())
    except quotas.NotCounted as error:
        return {"quota_unknown": str(error)}
    return {"quota": _quota_stat(*found)} if found else {}


def _quota_stat(used: quotas.Used) -> dict[str, str]:
    tone = "danger" if used.share >= 100 else "warning" if used.share >= quotas.NEAR else ""
    return {
        "label": "Quota used",
        "value": percent(used.count, used.key.quota),
        "note": f"{used.count:,} of {used.key.quota:,} in this window",
        "tone": tone,
    }


OF_APIS, OF_KEYS = Of(Facet.API, 0), Of(Facet.KEY, None)
