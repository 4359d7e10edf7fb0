"""What people do about mail that does not arrive."""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from orgs import audit
from users.models import Mail
from users.services.errors import MailRefused

KIND = "mail"


def can_be_sent_again() -> "QuerySet[Mail]":
    """Those that were given up, and whose links still work: what others said is gone."""
    is_alive = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return Mail.objects.filter(is_alive, state=Mail.GIVEN_UP).exclude(sealed="")


@transaction.atomic
def send_again(*, mail: Mail) -> None:
    """Queue one that was given up, as if it were new."""
    now = timezone.now()
    mails = can_be_sent_again().filter(pk=mail.pk)
    if not mails.update(state=Mail.QUEUED, attempts=0, fault="", queued_at=now, due_at=now):
        raise MailRefused("Only mail that was given up, and whose link is still valid, can be sent again.")
    audit.record("queued again", kind=KIND, obj=mail)


@transaction.atomic
def send_now(*, mail: Mail) -> None:
    """Try one that waits at once; who is sending it just now goes on."""
    if not Mail.objects.filter(pk=mail.pk, state=Mail.QUEUED).update(due_at=timezone.now()):
        raise MailRefused("This mail does not wait any more.")
    audit.record("hurried", kind=KIND, obj=mail)
