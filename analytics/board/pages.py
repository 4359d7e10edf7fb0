"""The board: the first keys of each group, or all of one, page by page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, QueryDict
from django.utils import timezone

from analytics.board import finding
from analytics.board.finding import BoardKey, Found
from analytics.board.groups import BY_NAME, EXPIRING, GROUPS, NEVER, QUOTA, UNUSED
from analytics.pages.frame import EXPORT_MOST, Export, is_export, prefix_of, with_format
from analytics.pages.subjects import last_used
from analytics.pages.wording import percent
from orgs.display import ago, when
from orgs.http import OrgRequest
from orgs.paging import SIZE

FIRST = 10
HEADER = (
    "group", "alias", "id", "key", "created", "expires", "last_used", "apis_opened", "apis_used", "quota", "quota_used",
)  # fmt: skip
EMPTY = {
    "icon": "check",
    "title": "Nothing needs attention",
    "text": "No key expires soon, nears its quota, lies unused or opens more than it uses.",
}
Times = Mapping[str, datetime]


def page(request: OrgRequest) -> tuple[dict[str, Any], Export | None]:
    now, name = timezone.now(), request.GET.get("group", "")
    if name and name not in BY_NAME:
        raise Http404
    groups = [BY_NAME[name]] if name else GROUPS
    if is_export(request):
        return {}, _export(name, [finding.find(one, query=QueryDict(), now=now, size=EXPORT_MOST) for one in groups])
    query = request.GET if name else QueryDict()
    found = [finding.find(group, query=query, now=now, size=SIZE if name else FIRST) for group in groups]
    return _context(request, name, found, now), None


def _context(request: OrgRequest, name: str, found: Sequence[Found], now: datetime) -> dict[str, Any]:
    prefix = prefix_of(request)
    here = f"{prefix}keys/board/"
    times = times_of(found)
    return {
        "page_title": BY_NAME[name].title if name else "Key board",
        "parents": [("Analytics", prefix), ("Keys", f"{prefix}keys/"), *([("Key board", here)] if name else [])],
        "tabs": [
            ("All groups", here, not name),
            *((group.label, f"{here}?group={group.name}", group.name == name) for group in GROUPS),
        ],
        "tabs_label": "Groups of keys",
        "csv_url": with_format(request, "csv"),
        "json_url": with_format(request, "json"),
        "empty": None if name or any(one.keys or one.fault for one in found) else EMPTY,
        "groups": [
            _group(one, f"{request.site.prefix}/keys/", times, now, is_whole=bool(name), here=here) for one in found
        ],
    }


def times_of(found: Sequence[Found]) -> Times:
    """Return when secrets of all these keys were used last, in one statement."""
    keys = [key for one in found for _, key in one.keys]
    return last_used([hash for key in keys for hash in (key.hash, key.previous_hash) if hash])


def _last_used(key: BoardKey, times: Times) -> datetime | None:
    return max((times[hash] for hash in (key.hash, key.previous_hash) if hash in times), default=None)


def _group(found: Found, keys_url: str, times: Times, now: datetime, *, is_whole: bool, here: str) -> dict[str, Any]:
    page = found.page
    return {
        "title": found.group.title,
        "total": page.total,
        "means": found.group.means,
        "advice": found.group.advice,
        "fault": found.fault,
        "rows": [
            (f"{keys_url}{id}/", key.alias, key.masked, _why(found, id, key, times, now),
             ago(_last_used(key, times), now=now), when(key.created_at))
            for id, key in found.keys
        ],
        "is_whole": is_whole,
        "all_url": "" if is_whole or page.next is None else f"{here}?group={found.group.name}",
        "pager": {
            "text": f"{len(page.rows)} of {page.total}",
            "first_url": page.first,
            "previous_url": page.previous,
            "next_url": page.next,
        },
    }  # fmt: skip


def _why(found: Found, id: str, key: BoardKey, times: Times, now: datetime) -> str:
    """Say of one key what makes it one of the group."""
    group = found.group
    if group is EXPIRING:
        return f"expires {when(key.expires_at)}"
    if group is QUOTA:
        used = found.quotas[id]
        return f"{used.count:,} of {used.key.quota:,} ({percent(used.count, used.key.quota)})"
    if group is UNUSED:
        return f"last used {when(_last_used(key, times))}"
    if group is NEVER:
        return f"made {ago(key.created_at, now=now)}"
    if not key.opened:
        return "opens all APIs"
    return f"opens {key.opened:,} APIs, used {key.used:,}"


def _export(name: str, found: Sequence[Found]) -> Export:
    times = times_of(found)
    short = [one.group.title for one in found if one.page.next]
    notes = [one.fault for one in found if one.fault]
    if short:
        notes.append(f"Only the first {EXPORT_MOST:,} are here of: {', '.join(short)}.")
    return Export(
        f"keys-{name or 'board'}",
        HEADER,
        lambda: (row for one in found for row in _exported(one, times)),
        lambda: " ".join(notes),
    )


def _exported(found: Found, times: Times) -> Iterator[Sequence[object]]:
    for id, key in found.keys:
        used = found.quotas.get(id)
        opened = "all" if key.opened == 0 else key.opened
        moments = (_moment(at) for at in (key.created_at, key.expires_at, _last_used(key, times)))
        quota = (used.key.quota, used.count) if used else (None, None)
        yield (found.group.name, key.alias, id, key.masked, *moments, opened, key.used, *quota)


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
