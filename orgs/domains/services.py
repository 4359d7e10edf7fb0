"""What changes the domains of an organisation. Each function is one transaction with its audit line, in the open scope.

Claiming a host tells nobody whether another organisation has it: what is unique is a proof.
"""

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from orgs import audit
from orgs.domains import names, schedule
from orgs.domains.names import NotAHost
from orgs.models import Domain

KIND = "domains"
MOST_DOMAINS = 100
CHECKS_APART = timedelta(seconds=10)
IN_THE_LIST = "This domain is in the list already."
NEEDS_RECORD = (
    "For APIs the record in DNS is needed, and the file is not enough: create it, check now, then change the purpose."
)


class DomainRefused(Exception):
    """The text is a sentence for whoever asked; nothing was changed. `field` is the form's, empty for all of it."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


@transaction.atomic
def claim_domain(*, host: str, purpose: str) -> Domain:
    """Claim a host, which is proven later. Raises DomainRefused."""
    stored = host_of(host)
    if names.is_below(stored, settings.SITE_HOSTS):
        raise DomainRefused("This host is the installation's: whoever runs that can give it to you.", "host")
    _refuse_another(stored)
    now = timezone.now()
    domain = Domain(host=stored, purpose=purpose, check_due_at=now + schedule.AFTER_CLAIM[0])
    try:
        with transaction.atomic():
            domain.save(force_insert=True)
    except IntegrityError:
        raise DomainRefused(IN_THE_LIST, "host") from None
    audit.record("created", kind=KIND, obj=domain, changes={"purpose": [None, purpose]})
    return domain


def host_of(typed: str) -> str:
    """Return a host as it is stored. Raises DomainRefused."""
    try:
        return names.host_of(typed, ours=settings.SITE_HOSTS)
    except NotAHost as error:
        raise DomainRefused(str(error), "host") from None


def _refuse_another(host: str) -> None:
    if Domain.objects.filter(host=host).exists():
        raise DomainRefused(IN_THE_LIST, "host")
    if Domain.objects.count() >= MOST_DOMAINS:
        raise DomainRefused(f"There are {MOST_DOMAINS} domains: delete those that are not used.", "host")


@transaction.atomic
def check_now(*, domain: Domain) -> None:
    """Have the worker look at once, or a little later where it has just looked."""
    saved = Domain.objects.select_for_update().get(pk=domain.pk)
    if saved.proven_by == Domain.ProvenBy.OPERATOR:
        return
    now = timezone.now()
    saved.check_due_at = max(now, saved.checked_at + CHECKS_APART) if saved.checked_at else now
    saved.save(update_fields=["check_due_at"])


@transaction.atomic
def change_purpose(*, domain: Domain, purpose: str) -> Domain:
    """Raises DomainRefused."""
    saved = Domain.objects.select_for_update().get(pk=domain.pk)
    if purpose == saved.purpose:
        return saved
    if purpose == Domain.Purpose.APIS and saved.proven_by == Domain.ProvenBy.FILE:
        raise DomainRefused(NEEDS_RECORD, "purpose")
    before, saved.purpose = saved.purpose, purpose
    saved.save(update_fields=["purpose"])
    audit.record("changed", kind=KIND, obj=saved, changes={"purpose": [before, purpose]})
    return saved


@transaction.atomic
def delete_domain(*, domain: Domain) -> None:
    audit.record("deleted", kind=KIND, obj=domain)
    domain.delete()


@transaction.atomic
def vouch(*, host: str, purpose: str) -> Domain:
    """Give the open organisation a host without a proof: whoever runs the installation may. Raises DomainRefused."""
    stored, now = host_of(host), timezone.now()
    domain = Domain.objects.select_for_update().filter(host=stored).first() or Domain(host=stored)
    before = {"purpose": domain.purpose or None, "proven_by": domain.proven_by or None}
    domain.purpose, domain.proven_by = purpose, Domain.ProvenBy.OPERATOR
    domain.proven_at = domain.proven_at or now
    domain.check_due_at, domain.failing_since, domain.fault = None, None, ""
    try:
        with transaction.atomic():
            domain.save()
    except IntegrityError:
        raise DomainRefused(f"The domain {stored} cannot be used.", "host") from None
    changes = audit.differences(before, {"purpose": purpose, "proven_by": domain.proven_by})
    if changes:
        audit.record("proven", kind=KIND, obj=domain, changes=changes)
    return domain


@transaction.atomic
def withdraw(*, host: str) -> None:
    """Take back what was given by `vouch`. Raises DomainRefused."""
    domain = Domain.objects.filter(host=host_of(host), proven_by=Domain.ProvenBy.OPERATOR).first()
    if domain is None:
        raise DomainRefused(f"The domain {host} was not given to this organisation.", "host")
    delete_domain(domain=domain)


def given(purpose: str) -> "models.QuerySet[Domain]":
    """The domains that were given by `vouch` for this, the oldest last: it is the one that clients know."""
    found = Domain.objects.filter(purpose=purpose, proven_by=Domain.ProvenBy.OPERATOR)
    return found.order_by("-created_at", "-id")
