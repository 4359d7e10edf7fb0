"""Signing in to a portal and out of it, and changing the password, by the developer alone."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.middleware.csrf import rotate_token
from django.utils import timezone

from orgs import audit
from orgs.http import address
from orgs.ids import new_id
from portal.addresses import places_of
from portal.http import PortalRequest
from portal.mails import tell
from portal.models import Developer, DeveloperSession
from portal.services import attempts
from portal.services.signing_up import KIND, check_strength
from portal.sessions import SessionStore, belongs_to
from users.models import SignInFailure
from users.services import lockout
from users.services.errors import InvitationGone, SignInRefused, WrongPassword
from users.services.passwords import LINK_GONE
from users.services.signing_in import WRONG

DISABLED = "This account is disabled. Whoever runs this portal can enable it again."


class ResetTokens(PasswordResetTokenGenerator):
    key_salt = "portal.services.signing_in.ResetTokens"


RESETS = ResetTokens()


def sign_in(*, request: PortalRequest, email: str, password: str) -> Developer:
    """Sign the visitor in to this portal, or raise SignInRefused; commit then too, failures count."""
    developer = prove(email=email, password=password, visitor=address(request))
    begin_session(request=request, developer=developer)
    return developer


def prove(*, email: str, password: str, visitor: str) -> Developer:
    """Return the active developer whose password it is, or raise SignInRefused; commit then too, failures count."""
    counter = lockout.counter(email, visitor, place=SignInFailure.PORTAL)
    if lockout.is_locked(counter):
        raise SignInRefused(lockout.SENTENCE)
    developer = Developer.objects.filter(email=email).first()
    if developer is None:
        make_password(password)  # as long as for one that exists
    if developer is None or not developer.check_password(password):
        lockout.count_failure(counter)
        if developer:
            _record(developer, visitor, "failed to sign in as")
        raise SignInRefused(lockout.SENTENCE if lockout.is_locked(counter) else WRONG)
    counter.delete()
    if not developer.is_active:
        raise SignInRefused(DISABLED)
    return developer


def begin_session(*, request: PortalRequest, developer: Developer) -> None:
    now = timezone.now()
    DeveloperSession.objects.filter(expire_date__lt=now).delete()
    developer.last_login = now
    developer.save(update_fields=["last_login"])
    belongs_to(_session(request), developer)
    rotate_token(request)
    _record(developer, address(request), "signed in")


def sign_out(*, request: PortalRequest) -> None:
    if request.developer:
        audit.record("signed out", kind=KIND, obj=request.developer)
    forget(request=request)


def forget(*, request: PortalRequest) -> None:
    """End this browser's session."""
    _session(request).flush()


def end_sessions(developer: Developer) -> None:
    DeveloperSession.objects.filter(developer=developer).delete()


def change_password(*, request: PortalRequest, developer: Developer, old: str, new: str) -> None:
    """Set one's own password; every other session ends. Commit where it is refused too, wrong guesses count."""
    counter = lockout.counter(developer.email, address(request), place=SignInFailure.PORTAL)
    if lockout.is_locked(counter):
        raise WrongPassword(lockout.SENTENCE)
    if not developer.check_password(old):
        lockout.count_failure(counter)
        raise WrongPassword("This is not your present password.")
    counter.delete()
    with transaction.atomic():
        set_password(developer=developer, password=new)
        belongs_to(_session(request), developer)


@transaction.atomic
def set_password(*, developer: Developer, password: str, action: str = "changed the password") -> None:
    check_strength(password, developer)
    developer.set_password(password)
    developer.save(update_fields=["password"])
    end_sessions(developer)
    audit.record(action, kind=KIND, obj=developer)


def ask_for_reset(*, request: PortalRequest, email: str) -> None:
    """Mail a link to the developer with this address, if there is one; nobody can tell. Raises Refused for a flood."""
    may_mail = attempts.note("reset", email=email, visitor=address(request))
    developer = Developer.objects.filter(email=email, is_active=True).first()
    token = RESETS.make_token(developer or Developer(email=email))  # type: ignore[arg-type]  # of no user's kind
    places = places_of(request)
    link = places.page("portal:reset_password", id=developer.pk if developer else new_id(), token=token)
    dies_at = timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    is_meant = developer is not None and may_mail
    tell(places, "reset", to=email, subject="A new password", link=link, expires_at=dies_at, pretend=not is_meant)


def find_by_reset_link(*, developer_id: str, token: str) -> Developer | None:
    found = Developer.objects.filter(pk=developer_id, is_active=True).first()
    return found if found and RESETS.check_token(found, token) else None  # type: ignore[arg-type]


def reset_password(*, request: PortalRequest, developer_id: str, token: str, password: str) -> Developer:
    """Set the password of whom the link was mailed to. The link dies by it, and so do the sessions."""
    developer = find_by_reset_link(developer_id=developer_id, token=token)
    if developer is None:
        raise InvitationGone(LINK_GONE)
    with audit.acting(_actor(developer, address(request))):
        set_password(developer=developer, password=password, action="reset the password")
    return developer


def _record(developer: Developer, visitor: str, action: str) -> None:
    with audit.acting(_actor(developer, visitor)):
        audit.record(action, kind=KIND, obj=developer)


def _actor(developer: Developer, visitor: str) -> audit.Actor:
    """The middleware does not know them yet."""
    return audit.Actor(id=developer.pk, name=developer.email, address=visitor or None)


def _session(request: PortalRequest) -> SessionStore:
    session = request.session
    assert isinstance(session, SessionStore)  # noqa: S101 - portal.middleware
    return session
