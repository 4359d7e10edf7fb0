"""What the pages of alerts show: rules with their state, what fired, and what was sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from analytics.alerts import telling
from analytics.alerts.kinds import HELP, Kind
from analytics.alerts.measuring import subjects_of
from analytics.alerts.models import AlertDelivery, AlertFiring, AlertRule
from analytics.board.groups import EXPIRING, QUOTA
from analytics.pages.tables import is_plain
from apis.models import Api
from apis.webhooks.checking import without_path
from keys.models import Key
from orgs import paging
from orgs.display import when
from orgs.http import OrgRequest
from orgs.ids import is_id
from orgs.listing import Column, Select, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may

SHOWN = 10
NEWEST = {"newest": Sort("-created_at", is_moment=True), "oldest": Sort("created_at", is_moment=True)}
RULE_COLUMNS = (Column("Alert"), Column("Tells"), Column("State"), Column("Looked at"))
RULE_FIELDS = (
    "id", "name", "kind", "threshold", "window_min", "least_requests", "percentile", "only_server", "api", "key",
    "emails", "url", "is_enabled", "silent_until", "checked_at", "fault",
)  # fmt: skip
HISTORY_SORTS = {"newest": Sort("-begun_at", is_moment=True), "oldest": Sort("begun_at", is_moment=True)}
HISTORY_COLUMNS = (
    Column("Began", "oldest", "newest"),
    Column("Alert"),
    Column("What it concerns"),
    Column("At worst"),
    Column("Ended"),
)
DELIVERY_COLUMNS = (Column("Queued", "oldest", "newest"), Column("What"), Column("Where"), Column("State"))
EVENTS = {AlertDelivery.BEGUN: "fires", AlertDelivery.OVER: "is over", AlertDelivery.TEST: "test"}
# The class of a badge for each state of a delivery.
BADGES = {AlertDelivery.QUEUED: "waiting", AlertDelivery.SENT: "current", AlertDelivery.GIVEN_UP: "faulty"}

# The group of the key board that shows what a rule of each kind is about.
BOARDS: dict[str, str] = {Kind.QUOTA: QUOTA.name, Kind.EXPIRY: EXPIRING.name}


def tabs(request: OrgRequest, here: str) -> list[tuple[str, str, bool]]:
    prefix = f"{request.site.prefix}/alerts/"
    places = (("Alerts", ""), ("History", "history/"), ("Deliveries", "deliveries/"))
    return [(label, f"{prefix}{path}", label == here) for label, path in places]


def shared(request: OrgRequest, here: str) -> dict[str, Any]:
    return {
        "tabs": tabs(request, here),
        "prefix": f"{request.site.prefix}/alerts/",
        "may_write": may(request, ObjectKind.ANALYTICS, Level.WRITE),
    }


def state_of(rule: AlertRule, *, is_firing: bool, now: datetime) -> tuple[str, str]:
    """Return (class of the badge, its text)."""
    if not rule.is_enabled:
        return "off", "off"
    if rule.silent_until and rule.silent_until > now:
        return "waiting", "firing, silenced" if is_firing else "silenced"
    if is_firing:
        return "faulty", "firing"
    return ("behind", "unknown") if rule.fault else ("current", "quiet")


def places_of(rule: AlertRule) -> str:
    return ", ".join((*rule.emails, *([without_path(rule.url)] if rule.url else []))) or "nobody"


def rules(request: OrgRequest) -> dict[str, Any]:
    """Return the context of `alerts/list.html`."""
    firing = Exists(AlertFiring.objects.filter(rule=OuterRef("pk"), ended_at=None))
    name, sort = paging.sort_of(request.GET, NEWEST)
    found = AlertRule.objects.annotate(is_firing=firing)
    page = paging.page(found, query=request.GET, sort=sort, fields=(*RULE_FIELDS, "is_firing"))
    context = shared(request, "Alerts")
    empty = {
        "icon": "alert-triangle",
        "title": "No alerts yet",
        "text": "An alert tells people or machines when requests fail, are slow, a quota or a key runs out, "
        "or a gateway has gone.",
    }
    if context["may_write"]:
        empty |= {"action_url": f"{context['prefix']}create/", "action_label": "Create an alert"}
    shown = listing(request, page, label="Alerts", columns=RULE_COLUMNS, sort=name, empty=empty)
    made = [(AlertRule(**dict(zip(RULE_FIELDS, row, strict=False))), row[-1]) for row in page.rows]
    subjects, now = subjects_of([rule for rule, _ in made]), timezone.now()
    rows = [
        {
            "href": f"{context['prefix']}{rule.pk}/",
            "name": rule.name,
            "condition": f"{subject}: {rule.condition}",
            "tells": places_of(rule),
            "state": state_of(rule, is_firing=is_firing, now=now),
            "checked": when(rule.checked_at),
        }
        for (rule, is_firing), subject in zip(made, subjects, strict=True)
    ]
    return shown | context | {"rows": rows}


def kinds(request: OrgRequest) -> list[dict[str, str]]:
    return [{"href": f"?kind={kind.value}", "label": kind.label, "text": HELP[kind]} for kind in Kind]


def detail(request: OrgRequest, rule: AlertRule) -> dict[str, Any]:
    """Return the context of `alerts/detail.html`."""
    now = timezone.now()
    newest = list(AlertFiring.objects.filter(rule=rule).order_by("-begun_at", "-id")[:SHOWN])
    is_firing = AlertFiring.objects.filter(rule=rule, ended_at=None).exists()
    state, label = state_of(rule, is_firing=is_firing, now=now)
    is_silent = rule.silent_until is not None and rule.silent_until > now
    facts = [
        {"label": "What", "value": Kind(rule.kind).label},
        {"label": "Of", "value": subjects_of([rule])[0], "url": where_to_look(request, rule)},
        {"label": "When", "value": rule.condition},
        {"label": "Tells", "value": places_of(rule)},
        {"label": "State", "value": label, "state": state},
        {"label": "Looked at", "value": f"{when(rule.checked_at)} UTC" if rule.checked_at else "not yet"},
    ]
    return {
        **shared(request, "Alerts"),
        "page_title": rule.name,
        "rule": rule,
        "facts": facts,
        "silent_until": f"{when(rule.silent_until)} UTC" if is_silent else "",
        "history": [history_row(firing, rule) for firing in newest],
        "here": f"{request.site.prefix}/alerts/{rule.pk}/",
        "history_url": f"{request.site.prefix}/alerts/history/?rule={rule.pk}",
        "deliveries_url": f"{request.site.prefix}/alerts/deliveries/?rule={rule.pk}",
    }


def where_to_look(request: OrgRequest, rule: AlertRule) -> str:
    """Return where one sees what a rule looks at; empty where that is gone, or where one may not look."""
    prefix = f"{request.site.prefix}/analytics/"
    if rule.kind == Kind.NODE:
        return f"{request.site.prefix}/gateways/" if may(request, ObjectKind.SYSTEM, Level.READ) else ""
    if rule.key:
        return f"{prefix}keys/{rule.key}/" if Key.objects.filter(pk=rule.key).exists() else ""
    if rule.kind in BOARDS:
        return f"{prefix}keys/board/?group={BOARDS[rule.kind]}" if may(request, ObjectKind.KEYS, Level.READ) else ""
    if not rule.api:
        return f"{prefix}errors/" if rule.kind == Kind.ERRORS else prefix
    api_id = Api.objects.filter(pk=rule.api).values_list("api_id", flat=True).first()
    if not api_id or not is_plain(api_id):
        return ""
    return f"{prefix}errors/?api={api_id}" if rule.kind == Kind.ERRORS else f"{prefix}apis/{api_id}/"


def history_row(firing: AlertFiring, rule: AlertRule) -> dict[str, str]:
    return {
        "begun": when(firing.begun_at),
        "concerns": firing.concerns,
        "value": telling.value_in_words(rule, firing.value),
        "ended": when(firing.ended_at, never=""),
        "ending": firing.ending,
        "note": "" if firing.told_at else "told nobody: silenced",
    }


def history(request: OrgRequest) -> dict[str, Any]:
    """Return the context of `alerts/history.html`."""
    firings = of_rule(AlertFiring.objects.select_related("rule"), request)
    if request.GET.get("state") == "firing":
        firings = firings.filter(ended_at=None)
    elif request.GET.get("state") == "over":
        firings = firings.filter(ended_at__isnull=False)
    name, sort = paging.sort_of(request.GET, HISTORY_SORTS)
    fields = ("rule__id", "rule__name", "rule__kind", "rule__percentile", *FIRING_FIELDS)
    page = paging.page(firings, query=request.GET, sort=sort, fields=fields)
    selects = (
        rule_select(),
        Select("state", "State", (("", "Firing or over"), ("firing", "Firing"), ("over", "Over"))),
    )
    empty = {"icon": "history", "title": "Nothing has fired yet", "text": "What fires is kept here for a year."}
    shown = listing(
        request, page, label="History of alerts", columns=HISTORY_COLUMNS, sort=name, selects=selects, empty=empty
    )
    context = shared(request, "History")
    rows = [_history_row(context["prefix"], *row) for row in page.rows]
    return shown | context | {"rows": rows}


FIRING_FIELDS = ("concerns", "value", "begun_at", "ended_at", "ending", "told_at")


def _history_row(prefix: str, id: str, name: str, kind: str, percentile: int, *values: Any) -> dict[str, str]:
    firing = AlertFiring(**dict(zip(FIRING_FIELDS, values, strict=True)))
    rule = AlertRule(kind=kind, percentile=percentile)
    return history_row(firing, rule) | {"href": f"{prefix}{id}/", "name": name}


DELIVERY_FIELDS = (
    "rule__id", "rule__name", "event", "channel", "target", "state", "attempts", "fault", "created_at", "due_at",
    "sent_at",
)  # fmt: skip


def deliveries(request: OrgRequest) -> dict[str, Any]:
    """Return the context of `alerts/deliveries.html`."""
    found = of_rule(AlertDelivery.objects.all(), request)
    if request.GET.get("state") in BADGES:
        found = found.filter(state=request.GET["state"])
    name, sort = paging.sort_of(request.GET, NEWEST)
    page = paging.page(found, query=request.GET, sort=sort, fields=DELIVERY_FIELDS)
    states = (("", "Any state"), *((state, state.capitalize()) for state in BADGES))
    empty = {
        "icon": "mail",
        "title": "Nothing has been sent yet",
        "text": "Mails and webhooks of the last 30 days are here, with what went wrong.",
    }
    shown = listing(
        request, page, label="Deliveries of alerts", columns=DELIVERY_COLUMNS, sort=name,
        selects=(rule_select(), Select("state", "State", states)), empty=empty,
    )  # fmt: skip
    context = shared(request, "Deliveries")
    return shown | context | {"rows": [_delivery_row(context["prefix"], *row) for row in page.rows]}


def _delivery_row(
    prefix: str, id: str, name: str, event: str, channel: str, target: str, state: str, attempts: int, fault: str,
    created_at: datetime, due_at: datetime, sent_at: datetime | None,
) -> dict[str, str]:  # fmt: skip
    next_try = f"next try {when(due_at)}" if state == AlertDelivery.QUEUED and attempts else ""
    tries = f"{attempts} {'try' if attempts == 1 else 'tries'}" if attempts else ""
    return {
        "href": f"{prefix}{id}/",
        "name": name,
        "created": when(created_at),
        "event": EVENTS[event],
        "where": target if channel == AlertDelivery.MAIL else without_path(target),
        "state": state,
        "badge": BADGES[state],
        "fault": fault,
        "tries": ", ".join(part for part in (tries, next_try, f"sent {when(sent_at)}" if sent_at else "") if part),
    }


def of_rule(rows: "QuerySet[Any]", request: OrgRequest) -> "QuerySet[Any]":
    """Narrow to the rule that the address names; what is no id names none."""
    id = request.GET.get("rule", "")
    if not id:
        return rows
    return rows.filter(rule_id=id) if is_id(id) else rows.none()


def rule_select() -> Select:
    rules: Sequence[tuple[str, str]] = list(AlertRule.objects.order_by("name", "id").values_list("id", "name"))
    return Select("rule", "Alert", (("", "Any alert"), *rules))
