"""Sends the mail that is queued, at least once: whoever takes one says for how long it is theirs before they send it.

So what dies on the way is sent again, under the same id. Nothing is held open in PostgreSQL meanwhile.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Least
from django.utils import timezone

from orgs import scope
from orgs.sealing import unseal
from orgs.turns import GIVEN_UP_AFTER, Turns, wait_after
from users.mail import NotSent, send_text
from users.models import Mail

log = logging.getLogger(__name__)
SIDE_BY_SIDE = 4
LEASE = timedelta(minutes=2)
KEPT = timedelta(days=30)
TIDIES_EVERY_S = 3600.0
EXPIRED = "It was not sent in time: its link is no longer valid."
UNREADABLE = "What it says can no longer be read: this installation's SEALING_KEY has changed."


@dataclass(frozen=True)
class Claimed:
    """A mail as it is sent, without a row of the database. `owner` is an organisation's id, empty for none."""

    id: str
    owner: str
    attempt: int
    to: str
    sender: str
    subject: str
    sealed: str
    queued_at: datetime


class Sender:
    """Of one worker. Organisations take turns, with one mail each, and so does the installation."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="mail")
        self.tidied_at = float("-inf")

    def send_next(self, *, now: datetime | None = None) -> int:
        """Send one mail of each owner whose turn it is; return how many were tried."""
        now = now or timezone.now()
        self._tidy_now_and_then(now)
        turn = self.turns.take(owners(waiting(now)), most=SIDE_BY_SIDE)
        claimed = [found for owner in turn if (found := claim(owner, now))]
        for one, fault in zip(claimed, self.pool.map(fault_of, claimed), strict=True):
            note(one, fault, now)
        return len(claimed)

    def _tidy_now_and_then(self, now: datetime) -> None:
        if time.monotonic() - self.tidied_at >= TIDIES_EVERY_S:
            self.tidied_at = time.monotonic()
            tidy(now)


def waiting(now: datetime) -> "QuerySet[Mail]":
    """What is due and is nobody else's to send."""
    return Mail.objects.filter(Q(taken_until=None) | Q(taken_until__lte=now), state=Mail.QUEUED, due_at__lte=now)


def owners(mails: "QuerySet[Mail]") -> list[str]:
    """Whose they are: ids of organisations in their order, first the empty one of the installation."""
    with scope.opened(scope.EVERYTHING):
        found = mails.order_by().values_list("organisation_id", flat=True).distinct()
        return sorted(owner or "" for owner in found)


def claim(owner: str, now: datetime) -> Claimed | None:
    """Take the mail that has waited longest, unless another worker has it; give up those whose link is dead."""
    with scope.opened(scope.of_owner(owner)):
        dead = waiting(now).filter(expires_at__lte=now).select_for_update(skip_locked=True)
        Mail.objects.filter(pk__in=dead.values("pk")).update(state=Mail.GIVEN_UP, fault=EXPIRED, sealed="")
        found = waiting(now).select_for_update(skip_locked=True).order_by("due_at", "id").first()
        if found is None:
            return None
        Mail.objects.filter(pk=found.pk).update(attempts=F("attempts") + 1, taken_until=now + LEASE)
        return Claimed(
            found.pk, owner, found.attempts + 1, found.to, found.sender, found.subject, found.sealed, found.queued_at
        )


def fault_of(claimed: Claimed) -> str:
    """Send it; return what went wrong, as a sentence, or nothing. No log gets what it says."""
    try:
        body = unseal(claimed.sealed)
        send_text(to=claimed.to, subject=claimed.subject, body=body, id=claimed.id, sender=claimed.sender)
    except InvalidToken:
        return UNREADABLE
    except NotSent as error:
        return str(error)
    except Exception as error:  # whatever a mail server does, the next mail is sent
        log.warning("A mail could not be sent: %s", type(error).__name__)
        return f"It could not be sent: {type(error).__name__}."
    return ""


def note(claimed: Claimed, fault: str, now: datetime) -> None:
    """Write down how it went. A worker that was so slow that another one has taken it since says nothing."""
    with scope.opened(scope.of_owner(claimed.owner)):
        mine = Mail.objects.filter(pk=claimed.id, attempts=claimed.attempt, state=Mail.QUEUED).order_by()
        if not fault:
            mine.update(state=Mail.SENT, sent_at=now, fault="", sealed="", taken_until=None)
            return
        is_over = now - claimed.queued_at >= GIVEN_UP_AFTER
        mine.update(
            state=Mail.GIVEN_UP if is_over else Mail.QUEUED,
            fault=fault[:300],
            due_at=Least(Value(now + wait_after(claimed.attempt)), "expires_at"),
            taken_until=None,
        )


def tidy(now: datetime) -> None:
    """Forget what is over for long, and what those say that were given up once their links are dead."""
    over = Mail.objects.exclude(state=Mail.QUEUED)
    old = over.filter(queued_at__lt=now - KEPT)
    dead = over.filter(expires_at__lte=now).exclude(sealed="")
    for owner in owners(old | dead):
        with scope.opened(scope.of_owner(owner)):
            old.delete()
            dead.update(sealed="")
