"""What is told of a rule: a delivery for each place, written in the transaction of what has happened."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from analytics.alerts import measuring
from analytics.alerts.kinds import Kind, reading
from analytics.alerts.models import AlertDelivery, AlertFiring, AlertRule
from orgs import scope
from orgs.display import when
from orgs.ids import new_id
from orgs.models import Organisation

LISTED = 20  # alerts in one mail
TITLES = {AlertDelivery.BEGUN: "", AlertDelivery.OVER: "Over: ", AlertDelivery.TEST: "Test: "}


def tell(rule: AlertRule, event: str, firings: Sequence[AlertFiring] = ()) -> int:
    """Queue what is to be told of these firings; return at how many places."""
    organisation = Organisation.objects.get(pk=scope.current_organisation_id())
    subject = line(f"{organisation.name}: {TITLES[event]}{rule.name}", 200)
    made = timezone.now()
    places = [(AlertDelivery.MAIL, address) for address in rule.emails]
    places += [(AlertDelivery.WEBHOOK, rule.url)] if rule.url else []
    deliveries = []
    for channel, target in places:
        id = new_id()
        if channel == AlertDelivery.MAIL:
            body = mail_body(rule, event, firings, organisation)
        else:
            body = json.dumps(message(id, rule, event, firings, organisation, made), ensure_ascii=False)
        deliveries.append(
            AlertDelivery(id=id, rule=rule, event=event, channel=channel, target=target, subject=subject, body=body)
        )
    AlertDelivery.objects.bulk_create(deliveries)
    return len(deliveries)


def mail_body(rule: AlertRule, event: str, firings: Sequence[AlertFiring], organisation: Organisation) -> str:
    context = {
        "rule": line(rule.name, 120),
        "organisation": organisation.name,
        "condition": rule.condition,
        "about": line(measuring.subject_of(rule), 300),
        "event": event,
        "firings": [sentence(rule, firing) for firing in firings[:LISTED]],
        "more": max(0, len(firings) - LISTED),
    }
    return render_to_string("mail/alert.txt", context)


def sentence(rule: AlertRule, firing: AlertFiring) -> str:
    value = value_in_words(rule, firing.value)
    if firing.ended_at is None:
        return line(f"{firing.concerns}: {value}, since {when(firing.begun_at)} UTC", 600)
    span = f"from {when(firing.begun_at)} to {when(firing.ended_at)} UTC"
    return line(f"{firing.concerns}: at worst {value}, {span}. {firing.ending}", 900)


def value_in_words(rule: AlertRule, value: float) -> str:
    return reading(Kind(rule.kind), value, percentile=rule.percentile)


def message(
    id: str, rule: AlertRule, event: str, firings: Sequence[AlertFiring], organisation: Organisation, made: datetime
) -> dict[str, Any]:
    """Return what a webhook is sent."""
    return {
        "id": id,
        "type": f"alert.{event}",
        "at": made.isoformat(),
        "organisation": organisation.slug,
        "rule": {"id": rule.pk, "name": rule.name, "kind": rule.kind, "condition": rule.condition},
        "alerts": [
            {
                "id": firing.pk,
                "concerns": firing.concerns,
                "value": round(firing.value, 3),
                "begun_at": firing.begun_at.isoformat(),
                "ended_at": firing.ended_at.isoformat() if firing.ended_at else None,
                "text": sentence(rule, firing),
            }
            for firing in firings
        ],
    }


def line(text: str, most: int) -> str:
    """Return the text as one line: names of APIs and nodes come from elsewhere, and a header is one line."""
    plain = "".join(char if char.isprintable() else " " for char in text).strip()
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
