"""Mail is queued in the transaction of the change that it tells of; the worker sends it (`users.mailing`).

So none leaves for what was rolled back, and a mail server neither holds up a page nor tells who is a user.
"""

import smtplib
from collections.abc import Mapping
from datetime import datetime
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string

from orgs.models import Organisation
from orgs.sealing import seal
from users.models import Mail, owner_id

TIMEOUT_S = 10
REAL_BACKENDS = (
    "django.core.mail.backends.smtp.EmailBackend",
    "django.core.mail.backends.locmem.EmailBackend",
)


class NotSent(Exception):
    """Why something was not sent, as a sentence."""


def is_real() -> bool:
    """Whether mail reaches people; otherwise a link is shown to be copied."""
    return settings.EMAIL_BACKEND in REAL_BACKENDS


def queue(
    kind: str,
    *,
    to: str,
    subject: str,
    organisation: Organisation | None,
    context: Mapping[str, Any],
    sender: str = "",
    expires_at: datetime | None = None,
    pretend: bool = False,
) -> None:
    """Queue a mail of the open scope, whose organisation this is, made of the template `mail/<kind>.txt`.

    It is from `sender`; without one from the installation, and then its subject begins with the organisation's name.
    What is not sent by `expires_at` is given up: a link that is dead is not worth a mail.
    With `pretend` as much is done and nothing is queued: where nobody may learn by time who exists.
    """
    where = organisation.name if organisation else "Commonhold"
    body = render_to_string(f"mail/{kind}.txt", {"where": where, **context})
    mail = Mail(
        organisation_id=owner_id(),
        kind=kind,
        to=to,
        sender=_line(sender),
        subject=_line(subject if sender else f"{where}: {subject}")[:300],
        sealed=seal(body),
        expires_at=expires_at,
    )
    if pretend:
        Mail.objects.filter(pk=mail.pk).delete()
    else:
        mail.save(force_insert=True)


def _line(text: str) -> str:
    """A header is one line: one with a break in it would be refused whenever it is tried."""
    return " ".join(text.split())


def send_text(*, to: str, subject: str, body: str, id: str, sender: str = "") -> None:
    """Send a mail now, or raise NotSent. One that is sent twice has the same id."""
    message = EmailMessage(
        subject=subject,
        body=body,
        from_email=formataddr((sender, parseaddr(settings.DEFAULT_FROM_EMAIL)[1])) if sender else None,
        to=[to],
        headers={"Message-ID": f"<{id}@commonhold>", "Auto-Submitted": "auto-generated"},
    )
    message.connection = get_connection(timeout=TIMEOUT_S)
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused:
        raise NotSent("The mail server refuses this address.") from None
    except smtplib.SMTPException as error:
        raise NotSent(f"The mail server refused it: {type(error).__name__}.") from None
    except OSError:
        raise NotSent("The mail server could not be reached.") from None
