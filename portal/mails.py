"""What a portal mails: from its organisation's name, and with a link."""

from datetime import datetime
from typing import Any

from portal.addresses import Places
from users import mail


def tell(
    places: Places,
    kind: str,
    *,
    to: str,
    subject: str,
    link: str,
    expires_at: datetime | None = None,
    pretend: bool = False,
    **context: Any,
) -> None:
    """Queue a mail, as `users.mail.queue` does."""
    mail.queue(
        kind,
        to=to,
        subject=subject,
        organisation=places.organisation,
        context={"link": link, **context},
        sender=places.organisation.name,
        expires_at=expires_at,
        pretend=pretend,
    )
