"""Sends what is queued, at least once: who takes a delivery says when it may be tried again before it is tried.

So what dies on the way is sent again, under the same id, and nothing waits for a slow receiver but the next of the
same organisation. Nothing is held open in PostgreSQL meanwhile.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.db.models import F
from django.utils import timezone

from analytics.alerts import signing
from analytics.alerts.models import AlertDelivery
from orgs import guard, scope
from orgs.sealing import unseal
from orgs.turns import GIVEN_UP_AFTER, Turns, wait_after
from users import mail
from users.mail import NotSent

log = logging.getLogger(__name__)
SIDE_BY_SIDE = 8
LEASE = timedelta(minutes=2)
NO_MAIL = "This installation sends no mail: whoever runs it has to set EMAIL_URL."


@dataclass(frozen=True)
class Claimed:
    """A delivery as it is sent, without a row of the database. `secret` is of webhooks; empty is lost."""

    id: str
    organisation_id: str
    attempt: int
    channel: str
    target: str
    subject: str
    body: str
    secret: str


Send = Callable[[Claimed], None]


class Sender:
    """Of one pump. Organisations take turns, with one delivery each."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="alerts")

    def send_next(self, *, now: datetime | None = None) -> int:
        """Send one delivery of each organisation whose turn it is; return how many were tried."""
        now = now or timezone.now()
        with scope.opened(scope.EVERYTHING):
            due = AlertDelivery.objects.filter(state=AlertDelivery.QUEUED, due_at__lte=now)
            waiting = sorted(due.order_by().values_list("organisation_id", flat=True).distinct())
        turn = self.turns.take(waiting, most=SIDE_BY_SIDE)
        claimed = [found for organisation_id in turn if (found := claim(organisation_id, now))]
        for one, fault in zip(claimed, self.pool.map(fault_of, claimed), strict=True):
            note(one, fault, now)
        return len(claimed)


def claim(organisation_id: str, now: datetime) -> Claimed | None:
    """Take the delivery that has waited longest, unless another pump has it."""
    with scope.opened(scope.of(organisation_id)):
        due = AlertDelivery.objects.filter(state=AlertDelivery.QUEUED, due_at__lte=now).select_related("rule")
        found = due.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "id").first()
        if found is None:
            return None
        AlertDelivery.objects.filter(pk=found.pk).update(attempts=F("attempts") + 1, due_at=now + LEASE)
        return Claimed(
            found.pk, organisation_id, found.attempts + 1, found.channel, found.target, found.subject, found.body,
            _secret(found) if found.channel == AlertDelivery.WEBHOOK else "",
        )  # fmt: skip


def _secret(delivery: AlertDelivery) -> str:
    try:
        return unseal(delivery.rule.sealed) if delivery.rule.sealed else ""
    except InvalidToken:
        return ""


def fault_of(claimed: Claimed) -> str:
    """Send it; return what went wrong, as a sentence, or nothing."""
    try:
        send_mail(claimed) if claimed.channel == AlertDelivery.MAIL else call(claimed)
    except (guard.Refused, guard.Failed, NotSent) as error:
        return str(error)
    except Exception as error:  # whatever a server does, the next delivery is sent
        log.warning("An alert could not be sent: %s", type(error).__name__)
        return f"It could not be sent: {type(error).__name__}."
    return ""


def send_mail(claimed: Claimed) -> None:
    if not mail.is_real():
        raise NotSent(NO_MAIL)
    mail.send_text(to=claimed.target, subject=claimed.subject, body=claimed.body, id=claimed.id)


def call(claimed: Claimed) -> None:
    if not claimed.secret:
        raise NotSent("The secret that signs it cannot be read: make a new one.")
    body = claimed.body.encode()
    signed = signing.headers(secret=claimed.secret, id=claimed.id, seconds=int(time.time()), body=body)
    fixed = {"Content-Type": "application/json", "User-Agent": "Commonhold-Alerts", "Accept": "*/*"}
    status = guard.post(claimed.target, body, fixed | signed)
    if not 200 <= status < 300:
        moved = " Alerts follow no redirect: write the address that it leads to." if 300 <= status < 400 else ""
        raise NotSent(f"It answered {status}.{moved}")


def note(claimed: Claimed, fault: str, now: datetime) -> None:
    """Write down how it went. A pump that was so slow that another one has taken it since says nothing."""
    with scope.opened(scope.of(claimed.organisation_id)):
        mine = AlertDelivery.objects.filter(
            pk=claimed.id, attempts=claimed.attempt, state=AlertDelivery.QUEUED
        ).order_by()
        if not fault:
            mine.update(state=AlertDelivery.SENT, sent_at=now, fault="")
            return
        delivery = mine.first()
        if delivery is None:
            return
        is_over = now - delivery.created_at >= GIVEN_UP_AFTER
        mine.update(
            state=AlertDelivery.GIVEN_UP if is_over else AlertDelivery.QUEUED,
            fault=fault[:300],
            due_at=now + wait_after(claimed.attempt),
        )
