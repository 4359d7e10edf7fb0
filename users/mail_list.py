"""The list of mail, and whether some of it waits for too long."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from orgs import paging
from orgs.display import when
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may
from users.models import Mail

TOO_LONG = timedelta(minutes=10)
NO_WORKER = "No worker has sent it yet: whoever runs this installation has to start one."
SORTS = {"newest": Sort("-queued_at", is_moment=True), "oldest": Sort("queued_at", is_moment=True)}
COLUMNS = (
    Column("To"),
    Column("What"),
    Column("State"),
    Column("Queued", "oldest", "newest"),
    Column("Sent, or next try"),
)
ACTIONS = Column("Action", kind="actions")
# What is stored as a mail's kind, and the words for it.
KINDS = {
    "reset": "New password",
    "invitation": "Invitation",
    "sign_up": "Portal: sign-up",
    "developer_invitation": "Portal: invitation",
    "developer_known": "Portal: account exists",
    "key_asked": "Portal: request for a key",
    "key_approved": "Portal: request approved",
    "key_refused": "Portal: request refused",
}
# The class of a badge for each state.
BADGES = {Mail.QUEUED: "waiting", Mail.SENT: "current", Mail.GIVEN_UP: "faulty"}
STATE = Select("state", "State", (("", "Any state"), *((state, state.capitalize()) for state in BADGES)))
FIELDS = (
    "id", "to", "kind", "subject", "state", "attempts", "fault", "queued_at", "due_at", "sent_at", "expires_at"
)  # fmt: skip


def waiting_too_long(*, now: datetime) -> str:
    """Say since when mail of the open scope's organisation waits, and why; nothing where none does for long."""
    late = Mail.objects.filter(state=Mail.QUEUED, queued_at__lt=now - TOO_LONG).order_by("queued_at")
    first = late.values_list("queued_at", "fault").first()
    return f"Mail has been waiting since {when(first[0])} UTC. {first[1] or NO_WORKER}" if first else ""


def mail_list(request: OrgRequest, *, now: datetime) -> dict[str, Any]:
    """Return the context of `users/mail.html`."""
    mails = Mail.objects.annotate(is_kept=~Q(sealed=""))
    if request.GET.get("state") in BADGES:
        mails = mails.filter(state=request.GET["state"])
    name, sort = paging.sort_of(request.GET, SORTS)
    page = paging.page(mails, query=request.GET, sort=sort, fields=(*FIELDS, "is_kept"))
    may_write = may(request, ObjectKind.SYSTEM, Level.WRITE)
    empty = {
        "icon": "mail",
        "title": "No mail has been sent yet",
        "text": "Invitations and links for new passwords of the last 30 days are here, with what went wrong.",
    }
    columns = (*COLUMNS, ACTIONS) if may_write else COLUMNS
    shown = listing(request, page, label="Mail", columns=columns, sort=name, selects=(STATE,), empty=empty)
    prefix = f"{request.site.prefix}/mail/"
    rows = [_row(Mail(**dict(zip(FIELDS, row, strict=False))), prefix, now, is_kept=row[-1]) for row in page.rows]
    return shown | {"may_write": may_write, "rows": rows}


def _row(mail: Mail, prefix: str, now: datetime, *, is_kept: bool) -> dict[str, str]:
    action, path = _action(mail, now, is_kept=is_kept)
    tries = f"{mail.attempts} {'try' if mail.attempts == 1 else 'tries'}" if mail.attempts else ""
    return {
        "to": mail.to,
        "what": KINDS.get(mail.kind, mail.kind),
        "subject": mail.subject,
        "state": mail.state,
        "badge": BADGES[mail.state],
        "fault": mail.fault,
        "tries": tries if mail.state != Mail.SENT else "",
        "queued": when(mail.queued_at),
        "next": _sent_or_next(mail, now),
        "action": action,
        "action_url": f"{prefix}{mail.pk}/{path}/",
    }


def _sent_or_next(mail: Mail, now: datetime) -> str:
    if mail.state == Mail.GIVEN_UP:
        return "—"
    if mail.state == Mail.SENT:
        return when(mail.sent_at)
    return when(mail.due_at) if mail.due_at > now else "now"


def _action(mail: Mail, now: datetime, *, is_kept: bool) -> tuple[str, str]:
    """Return the label of what one can do about it, and the end of its address; no label where that is nothing."""
    is_alive = mail.expires_at is None or mail.expires_at > now
    if mail.state == Mail.GIVEN_UP and is_kept and is_alive:
        return "Send again", "send-again"
    if mail.state == Mail.QUEUED and mail.due_at > now:
        return "Send now", "send-now"
    return "", ""
