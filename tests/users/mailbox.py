"""What the worker does with mail, and what is in the queue."""

from typing import Any

from django.core import mail as outbox
from django.core.mail import EmailMessage

from orgs import scope
from orgs.models import Organisation
from users import mail
from users.mailing import Sender
from users.models import Mail

LINK = "http://testserver/o/acme/password-reset/S3CRET/"
DOWN = "The mail server could not be reached."
ARGUMENTS = ("subject", "sender", "expires_at")


def queue(of: Organisation | None, to: str = "ann@acme.example", **fields: Any) -> Mail:
    """Queue a mail as a service does, then change what else of it is named; return its row."""
    given = {name: fields.pop(name) for name in ARGUMENTS if name in fields}
    with scope.opened(scope.of_owner(of.id if of else None)):
        before = set(Mail.objects.values_list("pk", flat=True))
        mail.queue("reset", to=to, organisation=of, context={"link": LINK}, **{"subject": "A new password"} | given)
        [made] = Mail.objects.exclude(pk__in=before)
        Mail.objects.filter(pk=made.pk).update(**{"state": made.state} | fields)
        return Mail.objects.get(pk=made.pk)


def given_up(of: Organisation | None, to: str = "ann@acme.example", **fields: Any) -> Mail:
    return queue(of, to, **{"state": Mail.GIVEN_UP, "fault": DOWN, "attempts": 14} | fields)


def delivered() -> list[EmailMessage]:
    """Send all that is due; return what has reached people by now."""
    sender = Sender()
    while sender.send_next():
        pass
    return outbox.outbox


def mails(of: Organisation | None) -> list[Mail]:
    with scope.opened(scope.of_owner(of.id if of else None)):
        return list(Mail.objects.order_by("queued_at", "id"))


def states(of: Organisation | None) -> list[tuple[str, int, str]]:
    return [(one.state, one.attempts, one.fault) for one in mails(of)]
