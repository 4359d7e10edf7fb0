"""What changes alert rules. Each function is one transaction with its audit line, in the open scope.

A secret leaves here once, beside the rule that `create_rule`, `update_rule` and `new_secret` return.
"""

from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from analytics.alerts import evaluating, signing, telling
from analytics.alerts.kinds import BOUNDS, OF_KEYS, OF_REQUESTS, PERCENTILES, WINDOWS, Kind, number
from analytics.alerts.measuring import subject_of
from analytics.alerts.models import AlertDelivery, AlertRule
from apis.models import Api
from apis.webhooks.checking import without_path
from keys.models import Key
from orgs import audit, guard
from orgs.display import when
from orgs.ids import is_id
from orgs.sealing import seal
from orgs.unique import unless_taken

KIND = "alerts"
MAX_NAME, MOST_RULES, MOST_EMAILS, MOST_REQUESTS = 120, 100, 10, 1_000_000_000
SILENCES = (1, 24)
# Nobody fills mailboxes with tests: each alert has one a minute, and the organisation so many.
TESTS_APART, MOST_TESTS = timedelta(minutes=1), 20
# What a rule measures: what fires of the old is over when one of these changes.
MEASURED = ("kind", "api", "key", "is_enabled")


class AlertError(ValueError):
    """Why a rule is not taken, as a sentence, and the field that it is about; empty is none."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class RuleFields(TypedDict, total=False):
    """What is left out stays as it is; a new rule needs `name`, `kind` and `threshold`. `api` and `key` are ids."""

    name: str
    kind: str
    threshold: float
    window_min: int
    least_requests: int
    percentile: int
    only_server: bool
    api: str
    key: str
    emails: Sequence[str]
    url: str
    is_enabled: bool


def create_rule(**fields: Unpack[RuleFields]) -> tuple[AlertRule, str]:
    """Return the rule, and the secret of its webhook where it has one. Raises AlertError."""
    rule = AlertRule()
    _fill(rule, fields)
    with transaction.atomic():
        if AlertRule.objects.count() >= MOST_RULES:
            raise AlertError(f"There are already {MOST_RULES} alerts, which is as many as there may be.")
        secret = _secret_for(rule)
        _save(rule, force_insert=True)
        audit.record("created", kind=KIND, obj=rule, changes=audit.differences({}, _public(rule)))
    return rule, secret


def candidate(rule: AlertRule | None, **fields: Unpack[RuleFields]) -> AlertRule:
    """Return the rule as it would be, unsaved. Raises AlertError."""
    made = copy(rule) if rule else AlertRule()
    _fill(made, fields)
    return made


@transaction.atomic
def update_rule(*, rule: AlertRule, **fields: Unpack[RuleFields]) -> tuple[AlertRule, str]:
    """Change what is named; return the rule, and a secret where it has a webhook now. Raises AlertError."""
    saved = _locked(rule)
    before, measured = _public(saved), _measured(saved)
    _fill(saved, fields)
    secret = _secret_for(saved)
    _save(saved)
    if _measured(saved) != measured:
        evaluating.end_all(saved, "The alert was switched off." if not saved.is_enabled else "The alert was changed.")
    if changes := audit.differences(before, _public(saved)):
        audit.record("changed", kind=KIND, obj=saved, changes=changes)
    return saved, secret


@transaction.atomic
def new_secret(*, rule: AlertRule) -> tuple[AlertRule, str]:
    """Give the rule's webhook another secret; the old one signs nothing more. Raises AlertError without a webhook."""
    saved = _locked(rule)
    if not saved.url:
        raise AlertError("This alert has no webhook.", "url")
    saved.sealed = ""
    secret = _secret_for(saved)
    saved.save(update_fields=["sealed"])
    audit.record("rotated the secret of", kind=KIND, obj=saved)
    return saved, secret


@transaction.atomic
def silence(*, rule: AlertRule, hours: int, now: datetime | None = None) -> AlertRule:
    """Tell nothing that begins for so many hours, which 0 ends. Raises AlertError."""
    if hours not in (0, *SILENCES):
        raise AlertError("An alert is silenced for 1 hour or for 24 hours.")
    saved, now = _locked(rule), now or timezone.now()
    before, saved.silent_until = saved.silent_until, now + timedelta(hours=hours) if hours else None
    saved.save(update_fields=["silent_until"])
    changes = {"silent_until": [when(before, never="") or None, when(saved.silent_until, never="") or None]}
    audit.record("silenced" if hours else "ended the silence of", kind=KIND, obj=saved, changes=changes)
    return saved


@transaction.atomic
def send_test(*, rule: AlertRule) -> int:
    """Queue a test at each place that the rule tells; return how many. Raises AlertError."""
    saved = _locked(rule)
    if not saved.emails and not saved.url:
        raise AlertError("This alert tells nobody yet: add an e-mail address or a webhook.")
    tests = AlertDelivery.objects.filter(event=AlertDelivery.TEST, created_at__gt=timezone.now() - TESTS_APART)
    if tests.filter(rule=saved).exists() or tests.count() >= MOST_TESTS:
        raise AlertError("A test was sent less than a minute ago: wait for it.")
    audit.record("tested", kind=KIND, obj=saved)
    return telling.tell(saved, AlertDelivery.TEST)


@transaction.atomic
def delete_rule(*, rule: AlertRule) -> None:
    saved = _locked(rule)
    audit.record("deleted", kind=KIND, obj=saved)
    saved.delete()


def _locked(rule: AlertRule) -> AlertRule:
    return AlertRule.objects.select_for_update().get(pk=rule.pk)


def _measured(rule: AlertRule) -> tuple[Any, ...]:
    return tuple(getattr(rule, name) for name in MEASURED)


def _fill(rule: AlertRule, fields: RuleFields) -> None:
    """Set what is named, once it is seen to be right."""
    for name, value in fields.items():
        setattr(rule, name, value.strip() if isinstance(value, str) else value)
    _check_name(rule.name)
    if rule.kind not in Kind.values:
        raise AlertError("An alert is of one of the kinds that there are.", "kind")
    _check_threshold(Kind(rule.kind), rule.threshold)
    _check_window(rule)
    if "api" in fields or "key" in fields:
        _check_subject(rule)
    if "emails" in fields:
        rule.emails = _checked_emails(fields["emails"])
    if rule.url and "url" in fields:
        try:
            guard.check(rule.url)
        except guard.Refused as refused:
            raise AlertError(str(refused), "url") from None


def _check_name(name: str) -> None:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise AlertError(f"An alert's name has 1 to {MAX_NAME} printable characters.", "name")


def _check_threshold(kind: Kind, threshold: object) -> None:
    least, most = BOUNDS[kind]
    if not isinstance(threshold, int | float) or not least <= threshold <= most:
        raise AlertError(f"Write a number from {number(least)} to {most:,}.", "threshold")


def _check_window(rule: AlertRule) -> None:
    if rule.window_min not in WINDOWS:
        raise AlertError(f"The window is {', '.join(map(str, WINDOWS))} minutes.", "window_min")
    if rule.percentile not in PERCENTILES:
        raise AlertError("The percentile is 95 or 99.", "percentile")
    if not 1 <= rule.least_requests <= MOST_REQUESTS:
        raise AlertError(f"Write a whole number from 1 to {MOST_REQUESTS:,}.", "least_requests")


def _check_subject(rule: AlertRule) -> None:
    """Another organisation's API or key is as one that never was."""
    if rule.api and (rule.kind not in OF_REQUESTS or not (is_id(rule.api) and _exists(Api, rule.api))):
        raise AlertError("The API must be one of this organisation.", "api")
    if rule.key and (rule.kind not in OF_KEYS or not (is_id(rule.key) and _exists(Key, rule.key))):
        raise AlertError("The key must be one of this organisation.", "key")


def _exists(model: type[Api] | type[Key], id: str) -> bool:
    return model.objects.filter(pk=id).exists()


def _checked_emails(emails: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(email.strip() for email in emails if email.strip()))
    if len(found) > MOST_EMAILS:
        raise AlertError(f"An alert tells at most {MOST_EMAILS} e-mail addresses.", "emails")
    for email in found:
        try:
            validate_email(email)
        except ValidationError:
            raise AlertError(f"“{email[:80]}” is no e-mail address.", "emails") from None
        if len(email) > 254:
            raise AlertError("An e-mail address has at most 254 characters.", "emails")
    return found


def _secret_for(rule: AlertRule) -> str:
    """Make a secret for a webhook that has none, and forget that of one that is gone."""
    if not rule.url:
        rule.sealed = ""
    if not rule.url or rule.sealed:
        return ""
    secret = signing.new_secret()
    rule.sealed = seal(secret)
    return secret


def _save(rule: AlertRule, *, force_insert: bool = False) -> None:
    with unless_taken(AlertError(f"There is already an alert named {rule.name}.", "name"), "alert_rules_name"):
        rule.save(force_insert=force_insert)


def _public(rule: AlertRule) -> dict[str, Any]:
    """Return what the audit trail may know: a webhook's path is often a credential."""
    return {
        "name": rule.name,
        "condition": rule.condition,
        "about": subject_of(rule),
        "emails": list(rule.emails),
        "webhook": without_path(rule.url) if rule.url else "",
        "is_enabled": rule.is_enabled,
    }
