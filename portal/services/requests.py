"""Requests for keys: asked for by a developer, decided by an administrator or at once, and taken by the developer.

The key of an approved request is made when the developer takes it, so that its secret is shown once, to them alone.
"""

from collections.abc import Mapping
from textwrap import indent
from typing import Any

from django.db import transaction
from django.utils import timezone

from keys import services as keys
from keys.errors import KeyRefused
from keys.models import Key
from keys.session import SessionError
from orgs import audit
from orgs.unique import unless_taken
from portal.addresses import Places
from portal.mails import tell
from portal.models import Application, Developer, KeyRequest, Plan, Portal
from portal.services.applications import held, in_words, locked
from users.services.errors import Refused

KIND = "key_requests"
AT_ONCE = "this portal"
MOST_WAITING = 20


class AskedAlready(Refused):
    """The application has a key of this plan, or waits for one."""


class DecidedAlready(Refused):
    """Somebody else was quicker."""


class HasKey(Refused):
    pass


@transaction.atomic
def ask(
    *, places: Places, application: Application, plan: Plan, purpose: str = "", extra: Mapping[str, Any] | None = None
) -> KeyRequest:
    """Ask for a key; where the plan is given at once, it is approved by this. `extra` is what clients keep with it."""
    waiting = KeyRequest.objects.filter(application__developer=application.developer_id, state=KeyRequest.PENDING)
    if waiting.count() >= MOST_WAITING:
        raise Refused(f"{MOST_WAITING} of your requests wait to be decided: wait for these.")
    asked = KeyRequest(
        application=application, plan=plan, policy=plan.policy, purpose=purpose.strip(),
        entry_title=plan.entry.title, plan_name=plan.name, extra=extra or {},
    )  # fmt: skip
    # One whose key an administrator has revoked stands in nobody's way.
    ended = KeyRequest.objects.filter(application=application, plan=plan, key__revoked_at__isnull=False)
    ended.filter(state=KeyRequest.APPROVED).update(state=KeyRequest.ENDED)
    is_automatic = plan.approval == Plan.AUTOMATIC
    if is_automatic:
        asked.state, asked.decided_by, asked.decided_at = KeyRequest.APPROVED, AT_ONCE, timezone.now()
    there = AskedAlready(f"{application.name} has a key of this plan already, or waits for one.")
    with unless_taken(there, "key_requests_one"):
        asked.save(force_insert=True)
    audit.record("asked for", kind=KIND, obj=asked, name=in_words(asked))
    if not is_automatic:
        _tell_who_decides(places, asked)
    return asked


@transaction.atomic
def withdraw(*, asked: KeyRequest) -> None:
    saved = _pending(asked)
    saved.state = KeyRequest.WITHDRAWN
    saved.save(update_fields=["state"])
    audit.record("withdrew", kind=KIND, obj=saved, name=in_words(saved))


@transaction.atomic
def approve(*, places: Places, asked: KeyRequest, by: str, reason: str = "", tells: bool = True) -> KeyRequest:
    """Let the developer take the key, and tell them by mail: not where whoever approves takes it for them."""
    saved = _pending(asked)
    if not saved.application.developer.is_active:
        raise Refused("The developer is disabled: enable them first, or refuse the request.")
    if saved.plan is None or saved.policy is None:
        raise Refused("Its plan or policy is gone: refuse the request, and say which plan to ask for instead.")
    _decide(saved, KeyRequest.APPROVED, by, reason)
    audit.record("approved", kind=KIND, obj=saved, name=in_words(saved))
    if tells:
        _tell_developer(places, saved, "key_approved", f"Your key for {saved.entry_title} is ready")
    return saved


@transaction.atomic
def refuse(*, places: Places, asked: KeyRequest, by: str, reason: str) -> KeyRequest:
    saved = _pending(asked)
    _decide(saved, KeyRequest.REFUSED, by, reason)
    audit.record("refused", kind=KIND, obj=saved, name=in_words(saved), changes={"reason": [None, reason]})
    _tell_developer(places, saved, "key_refused", f"Your request for {saved.entry_title}")
    return saved


@transaction.atomic
def delete_request(*, asked: KeyRequest) -> None:
    """Forget a request. One whose key works is what says whose key it is, and stays."""
    saved = locked(asked)
    if saved.key and not saved.key.revoked_at:
        raise HasKey("Its key works: revoke that first.")
    audit.record("deleted", kind=KIND, obj=saved, name=in_words(saved))
    saved.delete()


@transaction.atomic
def take_key(*, asked: KeyRequest) -> tuple[Key, str]:
    """Make the key of an approved request; return it with its token, which is nowhere else. Once."""
    developer = held(asked.application.developer_id)
    if developer is None or not developer.is_active:
        raise Refused("The account is disabled: it gets no keys.")
    saved = locked(asked)
    if saved.state != KeyRequest.APPROVED or saved.key_id:
        raise Refused("This key has been taken already. Rotate it to get a new secret.")
    if saved.policy_id is None:
        raise Refused("What this plan opened is gone: ask for another plan.")
    application = saved.application
    try:
        key, token = keys.create_key(
            alias=f"{application.name} · {saved.plan_name}"[:120],
            policies=[saved.policy_id],
            metadata={"developer_id": application.developer_id, "application_id": application.pk},
        )
    except (KeyRefused, SessionError) as refused:
        raise Refused(str(refused)) from refused
    saved.key = key
    saved.save(update_fields=["key"])
    return key, token


def _pending(asked: KeyRequest) -> KeyRequest:
    saved = locked(asked)
    if saved.state != KeyRequest.PENDING:
        raise DecidedAlready(f"This request is {saved.get_state_display().lower()} already.")
    return saved


def _decide(asked: KeyRequest, state: str, by: str, reason: str) -> None:
    asked.state, asked.decided_by, asked.reason, asked.decided_at = state, by, reason.strip(), timezone.now()
    asked.save(update_fields=["state", "decided_by", "reason", "decided_at"])


def _tell_developer(places: Places, asked: KeyRequest, kind: str, subject: str) -> None:
    developer: Developer = asked.application.developer
    link = places.page("portal:application", id=asked.application_id)
    tell(places, kind, to=developer.email, subject=subject, link=link, asked=asked)


def _tell_who_decides(places: Places, asked: KeyRequest) -> None:
    portal = Portal.objects.only("notified").first()
    for to in portal.notified if portal else ():
        link = f"{places.dashboard}/key-requests/{asked.pk}/"
        # What a developer has typed is marked as such, line by line: it shall not look like the rest of the mail.
        purpose = indent(asked.purpose, "> ", lambda line: True)
        tell(places, "key_asked", to=to, subject="A developer asks for a key", link=link, asked=asked, purpose=purpose)
