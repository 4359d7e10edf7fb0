"""Changing a password, and resetting a forgotten one by mail."""

from datetime import timedelta

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from orgs import audit
from orgs.http import OrgRequest, address
from orgs.models import AuditEntry
from users import mail
from users.models import Session, User, owner_id
from users.services import lockout, rank
from users.services.errors import BeyondRights, InvitationGone, WrongPassword
from users.services.people import check_strength, end_sessions
from users.services.signing_in import KIND, record_as
from users.sessions import stored_key

MAIL_AGAIN_AFTER = timedelta(minutes=2)
ASKED = "asked for a new password"
LINK_GONE = "This link has been used or is too old. Ask for another one."


def change_password(*, request: OrgRequest, user: User, old: str, new: str) -> User:
    """Set one's own password; the sessions elsewhere end, this one gets a new key.

    Wrong guesses at the present one count as failed sign-ins: whoever found a browser open shall not try for long.
    """
    require_present(user, old, address(request))
    return _change(request, user, new)


def require_present(user: User, password: str, visitor: str) -> None:
    """Refuse unless this is the user's present password; commit then too, failures count."""
    counter = lockout.counter(user.email, visitor)
    if lockout.is_locked(counter):
        raise WrongPassword(lockout.SENTENCE)
    if not user.check_password(password):
        lockout.count_failure(counter)
        raise WrongPassword("This is not your present password.")
    counter.delete()


@transaction.atomic
def _change(request: OrgRequest, user: User, new: str) -> User:
    _set(user, new)
    auth.update_session_auth_hash(request, user)
    here = stored_key(request.session.session_key)
    Session.objects.filter(user=user).exclude(session_key=here).delete()
    audit.record("changed the password", kind=KIND, obj=user)
    return user


def _set(user: User, password: str) -> None:
    check_strength(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])


def set_own_password(*, user: User, present: str, new: str, visitor: str) -> User:
    """Set one's own password without a browser's session. Who has none yet needs not say it.

    To set the present one again says it as well. Commit also where this refuses, failures count.
    """
    if user.has_usable_password():
        require_present(user, present or new, visitor)
    return _replace(user, new, "changed the password")


@transaction.atomic
def set_password(*, user: User, new: str, by: User | None) -> User:
    """Set the password of a user whom one ranks above, where one is allowed to."""
    rank.require_rank(by, user)
    if by and not (by.may_reset_passwords or by.is_administrator or by.is_unbounded):
        raise BeyondRights("Setting the passwords of others has to be allowed by who holds the admin secret.")
    return _replace(user, new, "set the password")


@transaction.atomic
def _replace(user: User, password: str, action: str) -> User:
    _set(user, password)
    end_sessions(user)
    audit.record(action, kind=KIND, obj=user)
    return user


@transaction.atomic
def sign_out_everywhere(*, request: OrgRequest, user: User) -> None:
    end_sessions(user)
    audit.record("signed out everywhere", kind=KIND, obj=user)
    auth.logout(request)


def ask_for_reset(*, request: OrgRequest, email: str) -> None:
    """Mail a link to the user of this site with this address, if there is one; nobody can tell which.

    A mail is made for nobody too, so that it takes as long. A second one within two minutes is not sent: no filling of
    mailboxes.
    """
    found = User.objects.filter(email=email, organisation_id=owner_id(), is_active=True).first()
    user = found or User(email=email, organisation_id=owner_id())
    is_meant = not _has_just_asked(user) and found is not None
    if is_meant:
        record_as(user, request, ASKED)
    token = default_token_generator.make_token(user)
    mail.queue(
        "reset",
        to=user.email,
        subject="A new password",
        organisation=request.site.organisation,
        context={"link": request.build_absolute_uri(reverse("users:reset_password", args=[user.pk, token]))},
        expires_at=timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
        pretend=not is_meant,
    )


def _has_just_asked(user: User) -> bool:
    lines = AuditEntry.objects.filter(organisation_id=user.organisation_id, kind=KIND, object_id=user.pk, action=ASKED)
    return lines.filter(at__gt=timezone.now() - MAIL_AGAIN_AFTER).exists()


def find_by_reset_link(*, user_id: str, token: str) -> User | None:
    user = User.objects.filter(pk=user_id, organisation_id=owner_id(), is_active=True).first()
    return user if user and default_token_generator.check_token(user, token) else None


@transaction.atomic
def reset_password(*, request: OrgRequest, user_id: str, token: str, password: str) -> User:
    """Set the password of whom the link was mailed to. The link dies by it, and so do the user's sessions."""
    user = find_by_reset_link(user_id=user_id, token=token)
    if user is None:
        raise InvitationGone(LINK_GONE)
    _set(user, password)
    end_sessions(user)
    record_as(user, request, "reset the password")
    return user
