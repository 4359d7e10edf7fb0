"""Mail leaves in the background: a mail server neither holds up a page nor tells who is a user."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string

from orgs.sites import Site

TIMEOUT_S = 10
REAL_BACKENDS = (
    "django.core.mail.backends.smtp.EmailBackend",
    "django.core.mail.backends.locmem.EmailBackend",
)
logger = logging.getLogger(__name__)
_background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def is_real() -> bool:
    """Whether mail reaches people; otherwise a link is shown to be copied."""
    return settings.EMAIL_BACKEND in REAL_BACKENDS


def send(template: str, *, to: str, subject: str, link: str, site: Site) -> "Future[None]":
    where = site.organisation.name if site.organisation else "Commonhold"
    body = render_to_string(f"mail/{template}.txt", {"link": link, "where": where})
    message = EmailMessage(subject=f"{where}: {subject}", body=body, to=[to])
    return _background.submit(_deliver, message)


def _deliver(message: EmailMessage) -> None:
    """Log what went wrong without the message, which holds a secret link."""
    try:
        message.connection = get_connection(timeout=TIMEOUT_S)
        message.send()
    except Exception as error:  # whatever the mail server does, nobody waits for this
        logger.warning("A mail could not be sent: %s", type(error).__name__)


def send_text(*, to: str, subject: str, body: str, id: str) -> None:
    """Send a mail now, and raise what goes wrong. One that is sent twice has the same id."""
    headers = {"Message-ID": f"<{id}@commonhold>", "Auto-Submitted": "auto-generated"}
    message = EmailMessage(subject=subject, body=body, to=[to], headers=headers)
    message.connection = get_connection(timeout=TIMEOUT_S)
    message.send()
