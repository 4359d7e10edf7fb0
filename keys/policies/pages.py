"""What the pages of one policy show: its header, tabs, facts, and what stops when it goes."""

import json
from typing import Any

from apis.models import Api
from keys.choosing import policy_choices
from keys.merging import Partition
from keys.models import Key, Policy
from keys.policies import rights
from keys.policies.services import KIND
from keys.policies.settings import limit_texts, parts_text
from keys.policies.tables import merged_rows
from keys.session import Access, Limit
from keys.settings import period
from orgs.display import when
from orgs.http import OrgRequest
from orgs.models import AuditEntry
from orgs.permissions import Level, ObjectKind, may

MOST_NAMES = 5


def address(request: OrgRequest, policy: Policy) -> str:
    return f"{request.site.prefix}/policies/{policy.pk}/"


def page(request: OrgRequest, policy: Policy, tab: str) -> dict[str, Any]:
    """Return the context of `policies/detail.html`, which the tabs extend."""
    here = address(request, policy)
    tabs = [("Access", here), ("Settings", f"{here}settings/")]
    if may(request, ObjectKind.KEYS, Level.READ):
        tabs.append(("Keys that apply it", f"{request.site.prefix}/keys/?policy={policy.pk}"))
    if may(request, ObjectKind.AUDIT, Level.READ):
        tabs.append(("History", f"{here}history/"))
    return {
        "policy": policy,
        "page_title": policy.name,
        "state": "active" if policy.is_active else "inactive",
        "gives": parts_text(policy.partitions),
        "tabs": [(label, url, label == tab) for label, url in tabs],
        "here": here,
        "may_write": may(request, ObjectKind.POLICIES, Level.WRITE),
    }


def access_table(request: OrgRequest, policy: Policy) -> dict[str, Any]:
    (spec,) = rights.policy_specs([policy])
    named = Api.objects.filter(policy_accesses__policy=policy).order_by().values_list("api_id", "id", "is_active")
    apis = {api_id: (id, is_active) for api_id, id, is_active in named}
    prefix = f"{request.site.prefix}/apis/" if may(request, ObjectKind.APIS, Level.READ) else ""
    rows = [_access(access, *apis[access.api_id], prefix, spec.limit, spec.is_per_api) for access in spec.accesses]
    return {"accesses": rows, "opens": spec.gives(Partition.ACL)}


def _access(access: Access, id: str, is_active: bool, prefix: str, limit: Limit, is_per_api: bool) -> dict[str, Any]:
    own = access.limit if is_per_api else None
    rate, quota = limit_texts(own or limit)
    return {
        "href": f"{prefix}{id}/" if prefix else "",
        "name": access.api_name,
        "is_active": is_active,
        "versions": ", ".join(access.versions),
        "paths": [(", ".join(path.methods), path.url) for path in access.allowed_urls],
        "rate": rate,
        "quota": quota,
    }


def facts(policy: Policy) -> list[dict[str, Any]]:
    rate, quota = limit_texts(Limit(policy.rate, policy.per_s, policy.quota_max, policy.quota_window_s))
    life = policy.key_expires_in_s
    return [
        {"label": "Name", "value": policy.name},
        {"label": "Gives", "value": parts_text(policy.partitions)},
        {"label": "Rate", "value": rate},
        {"label": "Quota", "value": quota},
        {"label": "New keys live", "value": period(life) if life > 0 else "for ever"},
        {"label": "Tags", "value": ", ".join(policy.tags)},
        *({"label": f"Metadata: {name}", "value": _value(value)} for name, value in policy.metadata.items()),
        *({"label": f"Further: {name}", "value": _value(value)} for name, value in policy.extra.items()),
        {"label": "ID", "value": policy.pk, "is_code": True},
        {"label": "ID of its own", "value": policy.explicit_id, "is_code": bool(policy.explicit_id)},
        {"label": "Created", "value": when(policy.created_at)},
        {"label": "Last changed", "value": when(policy.updated_at)},
    ]


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def preview(request: OrgRequest) -> dict[str, Any]:
    """Return what a key with the ticked policies may do, in the order in which they are ticked."""
    policies = rights.in_order(request.GET.getlist("policies"))
    merged = rights.merged(policies)
    return {
        "choices": policy_choices(request.GET),
        "policies": policies,
        "accesses": merged_rows(request, merged, policies, most=len(merged.accesses)),
        "refusal": merged.refusal,
        "tags": ", ".join(merged.tags),
        "metadata": [(name, _value(value)) for name, value in merged.metadata.items()],
    }


def what_stops(request: OrgRequest, policy: Policy, *, until: str) -> list[str]:
    """Say which keys stop working. Their aliases are for those who may read keys."""
    keys = Key.objects.filter(applied__policy=policy, revoked_at=None, is_disabled=False)
    number = keys.count()
    if not number:
        return ["No key that works applies it."]
    sentence = (
        f"Every request with the {number:,} {'key that applies' if number == 1 else 'keys that apply'} it, {until}"
    )
    if not may(request, ObjectKind.KEYS, Level.READ):
        return [f"{sentence}."]
    names = list(keys.order_by("sort_alias", "id").values_list("alias", flat=True)[:MOST_NAMES])
    more = f" and {number - len(names):,} more" if number > len(names) else ""
    return [f"{sentence}: {', '.join(names)}{more}."]


def last_change(policy: Policy) -> tuple[str, str]:
    """Return who changed the policy last, and when."""
    entry = AuditEntry.objects.filter(kind=KIND, object_id=policy.pk).first()
    return (entry.actor if entry else "somebody"), when(policy.updated_at)
