"""The page of a catalogue entry, as a developer sees it, and as the editor previews it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from apis.definition import Authentication
from apis.models import Api
from keys.policies.settings import limit_of, limit_texts
from keys.settings import period
from portal import catalogue, documents
from portal.markdown import html
from portal.models import Developer, Entry, KeyRequest, Plan, Portal

MOST_APIS = 20


def context(
    entry: Entry, portal: Portal, *, developer: Developer | None, root: str, is_preview: bool = False
) -> dict[str, Any]:
    """Return the context of `portal/api.html`. `root` is the portal's address, with a slash at its end."""
    plans = list(catalogue.plans_of([entry]).select_related("policy"))
    here = f"{root}apis/{entry.slug}/"
    call = documents.call_of(entry, portal)
    reference = documents.rendered(entry, call)
    return {
        "page_title": entry.title,
        "entry": {
            "title": entry.title,
            "summary": entry.summary,
            "description_html": html(entry.description),
            "categories": entry.categories,
            "address": call.address,
            "authentication": call.authentication.label if entry.api else "",
            "header": call.header if call.authentication == Authentication.TOKEN else "",
        },
        "apis": _also_open(plans, entry),
        "plans": _shown(plans, developer, here, is_preview=is_preview),
        "sign_in_url": f"{root}sign-in/?next={here}" if developer is None and not is_preview else "",
        "reference": reference,
        "console_url": f"{here}console/" if reference is not None and not is_preview else "",
        "download_url": f"{here}openapi.json?download" if reference is not None and not is_preview else "",
    }


def _shown(plans: Sequence[Plan], developer: Developer | None, here: str, *, is_preview: bool) -> list[dict[str, Any]]:
    had = _had(plans, developer)
    return [
        {
            "name": plan.name,
            "description": plan.description,
            "limits": limits(plan),
            "approval_text": plan.get_approval_display(),
            "state_text": had.get(plan.pk, ""),
            "action_url": "" if is_preview else f"{here}plans/{plan.pk}/",
            "action_label": "Get a key" if plan.approval == Plan.AUTOMATIC else "Ask for a key",
        }
        for plan in plans
    ]


def limits(plan: Plan) -> list[tuple[str, str]]:
    policy = plan.policy
    if policy is None:
        return []
    rate, quota = limit_texts(
        limit_of(
            {
                "rate": policy.rate,
                "per_s": policy.per_s,
                "quota_max": policy.quota_max,
                "quota_window_s": policy.quota_window_s,
            }
        )
    )
    lives = [("Keys live", period(policy.key_expires_in_s))] if policy.key_expires_in_s > 0 else []
    return [("Rate", rate), ("Quota", quota), *lives]


def _had(plans: Iterable[Plan], developer: Developer | None) -> dict[str, str]:
    """Return what the developer has of these plans, in words: a second application may ask all the same."""
    if developer is None:
        return {}
    asked = KeyRequest.objects.filter(
        Q(state=KeyRequest.PENDING) | Q(state=KeyRequest.APPROVED),
        application__developer=developer,
        plan__in=[plan.pk for plan in plans],
    )
    names: dict[str, list[str]] = {}
    for plan_id, state, name in asked.values_list("plan_id", "state", "application__name").order_by("created_at"):
        word = "has a key" if state == KeyRequest.APPROVED else "waits for one"
        names.setdefault(str(plan_id), []).append(f"{name} {word}")
    return {plan: "; ".join(texts) for plan, texts in names.items()}


def _also_open(plans: Sequence[Plan], entry: Entry) -> list[str]:
    """Return the names of the active APIs that the plans of an entry without an API open."""
    if entry.api_id:
        return []
    opened = Api.objects.filter(policy_accesses__policy__in=[plan.policy_id for plan in plans], is_active=True)
    return list(opened.order_by("sort_name").values_list("name", flat=True).distinct()[:MOST_APIS])
