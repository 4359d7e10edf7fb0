"""What the pages of one key show: its header, tabs, facts, and what a dangerous button would stop."""

import json
import shlex
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from apis.models import Api, At
from keys.models import Key, Policy
from keys.policies import rights as policy_rights
from keys.policies.tables import merged_rows
from keys.rights import apis_of, effective_access
from keys.services import KIND
from keys.session import EffectiveAccess, KeyState, state_at
from keys.settings import quota_text, rate_text
from keys.states import state_of
from orgs.display import when
from orgs.http import OrgRequest
from orgs.models import AuditEntry
from orgs.permissions import Level, ObjectKind, may

MOST_ACCESSES, MOST_NAMES = 100, 5


def address(request: OrgRequest, key: Key) -> str:
    return f"{request.site.prefix}/keys/{key.pk}/"


def page(request: OrgRequest, key: Key, tab: str) -> dict[str, Any]:
    """Return the context of `keys/detail.html`, which the tabs extend."""
    now = timezone.now()
    may_write = may(request, ObjectKind.KEYS, Level.WRITE) and not key.revoked_at
    return {
        "key": key,
        "page_title": key.alias,
        "state": state_of(key, now=now),
        "expires": when(key.expires_at),
        "tabs": _tabs(request, key, tab),
        "here": address(request, key),
        "may_write": may_write,
        "pair": _pair(key, now),
    }


def _tabs(request: OrgRequest, key: Key, current: str) -> list[tuple[str, str, bool]]:
    here = address(request, key)
    tabs = [("Access", ""), ("Settings", "settings/")]
    if may(request, ObjectKind.ANALYTICS, Level.READ):
        tabs.append(("Use", "use/"))
    if may(request, ObjectKind.AUDIT, Level.READ):
        tabs.append(("History", "history/"))
    if may(request, ObjectKind.KEYS, Level.WRITE):
        tabs.append(("Danger", "danger/"))
    return [(label, f"{here}{path}", label == current) for label, path in tabs]


def _pair(key: Key, now: datetime) -> dict[str, str] | None:
    """Both secrets, while both work."""
    if key.previous_until is None or key.previous_until <= now or key.revoked_at:
        return None
    return {
        "previous": key.previous_masked,
        "until": when(key.previous_until),
        "left": duration(key.previous_until - now),
        "current": key.masked,
    }


def duration(span: timedelta) -> str:
    """Return the larger two units: "6 days 3 h", "2 h 5 min", "under a minute"."""
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} {'day' if days == 1 else 'days'} {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else "under a minute"


def access_table(request: OrgRequest, key: Key) -> dict[str, Any]:
    policies = policy_rights.policies_of(key)
    return _by_policies(request, key, policies) if policies else _by_itself(request, key)


def _by_policies(request: OrgRequest, key: Key, policies: list[Policy]) -> dict[str, Any]:
    merged = policy_rights.merged(policies, key)
    state = state_at(timezone.now(), is_disabled=key.is_disabled, expires_at=key.expires_at, revoked_at=key.revoked_at)
    why_not = "" if state is KeyState.ACTIVE else f"the key is {state}"
    prefix = f"{request.site.prefix}/policies/" if may(request, ObjectKind.POLICIES, Level.READ) else ""
    return {
        "accesses": merged_rows(request, merged, policies, why_not=why_not, most=MOST_ACCESSES),
        "has_more": len(merged.accesses) > MOST_ACCESSES,
        "most": MOST_ACCESSES,
        "policies": [(policy.name, f"{prefix}{policy.pk}/" if prefix else "") for policy in policies],
        "refusal": merged.refusal,
    }


def _by_itself(request: OrgRequest, key: Key) -> dict[str, Any]:
    opened = effective_access(key, now=timezone.now(), most=MOST_ACCESSES + 1)
    reads_apis = may(request, ObjectKind.APIS, Level.READ)
    links = {id: f"{request.site.prefix}/apis/{id}/" if reads_apis else "" for id in opened}
    rows = [_access_row(links[id], access) for id, access in [*opened.items()][:MOST_ACCESSES]]
    return {"accesses": rows, "has_more": len(opened) > MOST_ACCESSES, "most": MOST_ACCESSES}


def _access_row(href: str, access: EffectiveAccess) -> dict[str, Any]:
    return {
        "href": href,
        "name": access.api_name,
        "works": access.works,
        "why_not": _why_not(access),
        "reason": access.reason.value,
        "versions": ", ".join(access.versions),
        "paths": [(", ".join(path.methods), path.url) for path in access.allowed_urls],
        "rate": rate_text(access.limit.rate, access.limit.per_s),
        "quota": quota_text(access.limit.quota_max, access.limit.quota_window_s),
    }


def _why_not(access: EffectiveAccess) -> str:
    if access.key_state is not KeyState.ACTIVE:
        return f"the key is {access.key_state}"
    return "" if access.is_api_active else "the API is inactive"


def facts(key: Key) -> list[dict[str, Any]]:
    policies = policy_rights.policies_of(key)
    opens = "All of this organisation's APIs" if key.has_all_apis else "The APIs named on it"
    otherwise = ", where no policy gives one" if policies else ""
    return [
        {"label": "Alias", "value": key.alias},
        {"label": "Key", "value": key.masked, "is_code": True},
        {"label": "Opens", "value": "What its policies open" if policies else opens},
        {"label": "Policies", "value": ", ".join(policy.name for policy in policies)},
        {"label": "Rate", "value": rate_text(key.rate, key.per_s) + otherwise},
        {"label": "Quota", "value": quota_text(key.quota_max, key.quota_window_s) + otherwise},
        {"label": "Expires", "value": when(key.expires_at)},
        {"label": "Tags", "value": ", ".join(key.tags)},
        *({"label": f"Metadata: {name}", "value": _value(value)} for name, value in key.metadata.items()),
        {"label": "Hash", "value": f"{key.hash_algorithm} {key.hash}", "is_code": True},
        {"label": "ID", "value": key.pk, "is_code": True},
        {"label": "Created", "value": when(key.created_at)},
        {"label": "Last changed", "value": when(key.updated_at)},
        *([{"label": "Revoked", "value": when(key.revoked_at)}] if key.revoked_at else []),
    ]


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _opened(key: Key) -> QuerySet[Api]:
    """The APIs that the key opens, itself or through its policies, by name."""
    policies = policy_rights.policies_of(key)
    if not policies:
        return apis_of(key)
    opened = [access.api_id for access in policy_rights.merged(policies, key).opened]
    return Api.objects.filter(api_id__in=opened).order_by("sort_name", "id")


def what_stops(key: Key) -> list[str]:
    """Say which APIs refuse the key afterwards."""
    apis = _opened(key)
    names = list(apis.values_list("name", flat=True)[: MOST_NAMES + 1])
    more = f" and {apis.count() - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    if not names:
        return [f"Nothing at present: {key.alias} ({key.masked}) opens no API."]
    return [f"Every request with {key.alias} ({key.masked}) to {', '.join(names[:MOST_NAMES])}{more} is refused."]


def who_notices() -> list[str]:
    return ["Whoever calls with this key: a gateway may take some seconds to know."]


def curl(key: Key, token: str, *, gateway: str = "https://your-gateway") -> str:
    """Return a line for a shell that calls an API that the key opens; empty where none is active."""
    apis: QuerySet[Api] = _opened(key).filter(is_active=True).exclude(authentication="keyless")
    api = apis.annotate(header=At("auth", "auth_header_name")).values_list("domain", "listen_path", "header").first()
    if api is None:
        return ""
    domain, listen_path, header = api
    words = [
        "curl",
        "-H",
        f"{header or 'Authorization'}: {token}",
        f"{f'https://{domain}' if domain else gateway}{listen_path}",
    ]
    return shlex.join(words)


def last_change(key: Key) -> tuple[str, str]:
    """Return who changed the key last, and when."""
    entry = AuditEntry.objects.filter(kind=KIND, object_id=key.pk).first()
    return (entry.actor if entry else "somebody"), when(key.updated_at)
