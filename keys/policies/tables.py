"""The table of what a key may do with its policies: each row with who gave what."""

from collections.abc import Mapping, Sequence
from typing import Any

from apis.models import Api
from keys.merging import KEY, Merged, MergedAccess
from keys.models import Policy
from keys.settings import quota_text, rate_text
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may


def merged_rows(
    request: OrgRequest, merged: Merged, policies: Sequence[Policy], *, why_not: str = "", most: int = 100
) -> list[dict[str, Any]]:
    """Return a row for each API that is named; `why_not` says why none of them works, beside what `merged` refuses."""
    shown = merged.accesses[:most]
    rows = Api.objects.filter(api_id__in=[access.api_id for access in shown]).order_by()
    apis = {api_id: (id, is_active) for api_id, id, is_active in rows.values_list("api_id", "id", "is_active")}
    prefix = f"{request.site.prefix}/apis/" if may(request, ObjectKind.APIS, Level.READ) else ""
    names = {KEY: "the key", **{policy.pk: policy.name for policy in policies}}
    found = [_row(access, *apis[access.api_id], prefix, names) for access in shown if access.api_id in apis]
    if why_not or merged.refusal:
        found = [row | {"works": False, "why_not": why_not} for row in found]
    return found


def _row(access: MergedAccess, id: str, is_active: bool, prefix: str, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "href": f"{prefix}{id}/" if prefix else "",
        "name": access.api_name,
        "works": is_active,
        "why_not": "" if is_active else "the API is inactive",
        "reason": _from(access.opened_from, names),
        "versions": ", ".join(access.versions),
        "paths": [(", ".join(path.methods), path.url) for path in access.allowed_urls],
        "rate": rate_text(access.limit.rate, access.limit.per_s),
        "rate_from": _from(access.rate_from, names) if access.rate_from != access.opened_from else "",
        "quota": quota_text(access.limit.quota_max, access.limit.quota_window_s),
        "quota_from": _from(access.quota_from, names) if access.quota_from != access.opened_from else "",
        "depth": access.max_query_depth if access.max_query_depth > 0 else "",
        "counted": _counted(access, names),
    }


def _from(sources: Sequence[str], names: Mapping[str, str]) -> str:
    return f"from {', '.join(names[source] for source in sources)}" if sources else ""


def _counted(access: MergedAccess, names: Mapping[str, str]) -> str:
    """Say what else uses up the same quota."""
    if not access.counted_by:
        return ""
    return "counted alone" if access.counted_by == access.api_id else f"counted for {names[access.counted_by]}"
