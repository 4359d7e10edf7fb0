"""Looks up the proofs of domains, as the worker does over and over.

What is due is looked for in EVERYTHING; each domain is taken and written in its organisation's scope. While a name
server or a host is asked nothing is held open in PostgreSQL, and one that does not answer delays nobody else.
"""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import random

from django.db import IntegrityError, transaction
from django.utils import timezone

from orgs import audit, scope
from orgs.domains import proving, schedule
from orgs.domains.proving import Look
from orgs.domains.services import KIND
from orgs.models import Domain
from orgs.turns import Turns

log = logging.getLogger(__name__)
SIDE_BY_SIDE, SIDE_BY_SIDE_OF_ONE = 16, 2
LEASE = timedelta(minutes=2)  # longer than any look takes: what a worker that died had taken is due again after it
DNS, FILE, OPERATOR = Domain.ProvenBy.DNS, Domain.ProvenBy.FILE, Domain.ProvenBy.OPERATOR
TAKEN = "The proof is there, but this host cannot be used: is another record of Commonhold's beside it?"
NEWER_PROOF = "Somebody else has proven this host, and the record in DNS that would keep it yours is not there."


@dataclass(frozen=True)
class Claimed:
    """A domain to be looked at, without a row of the database; `leased_until` is what was written down for it."""

    id: str
    organisation_id: str
    host: str
    token: str
    with_file: bool
    leased_until: datetime


class Checks:
    """Of one worker. Organisations take turns, with few at once."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="domains")
        self.running: dict[Future[Look], tuple[Claimed, Callable[[Look], None]]] = {}

    def work(self) -> int:
        """Write down what was found since, and begin with what is due; return how much it was."""
        ended = [future for future in self.running if future.done()]
        for future in ended:
            _, then = self.running.pop(future)
            then(future.result())
        return len(ended) + self._begin_due()

    def _begin_due(self) -> int:
        free = SIDE_BY_SIDE - len(self.running)
        if free <= 0:
            return 0
        busy = Counter(claimed.organisation_id for claimed, _ in self.running.values())
        waiting = [id for id in organisations_due() if busy[id] < SIDE_BY_SIDE_OF_ONE]
        turn = self.turns.take(waiting, most=free)
        claimed = [found for organisation_id in turn if (found := claim_due(organisation_id))]
        for one in claimed:
            self._look(one, partial(self._note, one))
        return len(claimed)

    def _look(self, claimed: Claimed, then: Callable[[Look], None]) -> None:
        self.running[self.pool.submit(look_up, claimed)] = claimed, then

    def _note(self, claimed: Claimed, look: Look) -> None:
        if note(claimed, look):
            return
        # The proof is there, and another organisation has the host: is its own there still?
        holder = claim_holder(claimed.host)
        if holder is None:
            settle(claimed, look)
        else:
            self._look(holder, partial(_decide, claimed, look, holder))


def _decide(claimed: Claimed, look: Look, holder: Claimed, look_of_holder: Look) -> None:
    """Give the host to who has proven it now, where who had it no longer does.

    The record outranks the file: it is of who owns the name, the file of whoever answers there.
    """
    is_gone = look_of_holder.by != DNS and look_of_holder.has_no_record
    if is_gone and (look.by == DNS or look_of_holder.has_no_file):
        with scope.opened(scope.of(holder.organisation_id)):
            domain = _locked(holder)
            if domain is not None:
                lapse(domain, timezone.now(), NEWER_PROOF)
    else:
        note(holder, look_of_holder)
    settle(claimed, look)


def look_up(claimed: Claimed) -> Look:
    try:
        return proving.look(claimed.host, claimed.token, with_file=claimed.with_file)
    except Exception as error:  # whatever a server answers, the next domain is looked at
        log.exception("The proof of a domain could not be looked up.")
        return Look(fault=f"It could not be looked up: {type(error).__name__}.")


def organisations_due() -> list[str]:
    with scope.opened(scope.EVERYTHING):
        due = Domain.objects.filter(check_due_at__lte=timezone.now()).order_by()
        return sorted(due.values_list("organisation_id", flat=True).distinct())


def claim_due(organisation_id: str) -> Claimed | None:
    """Take the domain that has been due longest, unless another worker has it."""
    with scope.opened(scope.of(organisation_id)):
        due = Domain.objects.filter(check_due_at__lte=timezone.now()).select_for_update(skip_locked=True)
        domain = due.order_by("check_due_at", "id").first()
        return _claim(domain) if domain else None


def claim_holder(host: str) -> Claimed | None:
    """Take the domain that is proven to have the host; None where that is not to be looked up, or is no more."""
    with scope.opened(scope.EVERYTHING):
        found = Domain.objects.filter(host=host, proven_at__isnull=False).order_by()
        holder = found.values_list("organisation_id", flat=True).first()
    if holder is None:
        return None
    with scope.opened(scope.of(holder)):
        proven = Domain.objects.filter(host=host, proven_at__isnull=False).exclude(proven_by=OPERATOR)
        domain = proven.select_for_update().order_by().first()
        return _claim(domain) if domain else None


def _claim(domain: Domain) -> Claimed:
    domain.check_due_at = timezone.now() + LEASE
    domain.save(update_fields=["check_due_at"])
    with_file = domain.purpose != Domain.Purpose.APIS
    return Claimed(domain.pk, str(domain.organisation_id), domain.host, domain.token, with_file, domain.check_due_at)


def note(claimed: Claimed, look: Look) -> bool:
    """Write down what was found; False where the host is proven, but another organisation's."""
    with scope.opened(scope.of(claimed.organisation_id)):
        domain = _locked(claimed)
        if domain is None:
            return True
        now = timezone.now()
        if not _proves(look, domain):
            _not_found(domain, look.fault, now)
        elif not _found(domain, look, now):
            return False
        _checked(domain, claimed, now)
        return True


def settle(claimed: Claimed, look: Look) -> None:
    """As `note`, for the last time: who does not get the host is told so, and nothing of who has it."""
    if note(claimed, look):
        return
    with scope.opened(scope.of(claimed.organisation_id)):
        domain = _locked(claimed)
        if domain is not None:
            domain.fault = TAKEN
            _checked(domain, claimed, timezone.now())


def _locked(claimed: Claimed) -> Domain | None:
    """The domain as it is by now; None where there is nothing to write down any more."""
    found = Domain.objects.select_for_update().filter(pk=claimed.id).exclude(proven_by=OPERATOR)
    return found.order_by().first()


def _proves(look: Look, domain: Domain) -> bool:
    return look.by == DNS or (look.by == FILE and domain.purpose != Domain.Purpose.APIS)


def _found(domain: Domain, look: Look, now: datetime) -> bool:
    """Let it be proven; False where another organisation's is."""
    is_news = domain.proven_at is None or domain.failing_since is not None
    domain.proven_at, domain.proven_by = domain.proven_at or now, look.by
    domain.failing_since, domain.fault = None, ""
    try:
        with transaction.atomic():
            domain.save()
    except IntegrityError:
        return False
    if is_news:
        audit.record("proven", kind=KIND, obj=domain, changes={"proven_by": [None, look.by]})
    return True


def _not_found(domain: Domain, fault: str, now: datetime) -> None:
    if domain.proven_at is None:
        domain.fault = fault
    elif domain.failing_since is None:
        domain.failing_since, domain.fault = now, fault
        audit.record("failing", kind=KIND, obj=domain, changes={"fault": [None, fault]})
    elif schedule.has_lapsed(now - domain.failing_since):
        lapse(domain, now, fault)
    else:
        domain.fault = fault


def lapse(domain: Domain, now: datetime, fault: str) -> None:
    """Take the host away; the claim stays, and can be proven again."""
    before, domain.proven_at, domain.proven_by = domain.proven_by, None, ""
    domain.failing_since, domain.fault = domain.failing_since or now, fault
    domain.save()
    audit.record("lapsed", kind=KIND, obj=domain, changes={"proven_by": [before, None], "fault": [None, fault]})


def _checked(domain: Domain, claimed: Claimed, now: datetime) -> None:
    """Write down that it was looked at, and when it is again, unless somebody has asked for that meanwhile."""
    domain.checked_at, domain.fault = now, domain.fault[:300]
    if domain.check_due_at == claimed.leased_until:
        wait = _wait(domain, now)
        domain.check_due_at = now + wait if wait else None
    domain.save()


def _wait(domain: Domain, now: datetime) -> timedelta | None:
    if domain.proven_at:
        return schedule.wait_of_proven(is_failing=domain.failing_since is not None, share=random())  # noqa: S311
    return schedule.wait_for_proof(now - (domain.failing_since or domain.created_at))
