"""Signing in and out on one site, in the scope that the middleware has opened for it."""

from django.contrib import auth
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from orgs import audit
from orgs.http import OrgRequest, address
from orgs.models import Organisation
from users.models import Session, SignInFailure, User, owner_id
from users.services import lockout
from users.services.errors import SignInRefused

WRONG = "The e-mail address or the password is wrong."
BACKEND = "users.backends.SiteBackend"
KIND = "users"


def sign_in(*, request: OrgRequest, email: str, password: str) -> User:
    """Sign the visitor in to the request's site, or raise SignInRefused; commit then too, failures count."""
    email = email.strip().lower()
    counter = lockout.counter(email, address(request))
    if lockout.is_locked(counter):
        raise SignInRefused(lockout.SENTENCE)
    user = User.objects.filter(email=email, organisation_id=owner_id()).first()
    if not is_right(password, user) or user is None:
        fail(counter, user)
        raise SignInRefused(lockout.SENTENCE if lockout.is_locked(counter) else WRONG)
    counter.delete()
    if reason := refusal(user, request.site.organisation):
        raise SignInRefused(reason)
    _begin_session(request, user)
    return user


def is_right(password: str, user: User | None) -> bool:
    """Takes as long for a user that does not exist."""
    if user is None:
        make_password(password)
        return False
    return user.check_password(password)


def fail(counter: SignInFailure, user: User | None) -> None:
    """Count a failure, and tell the audit trail where there is a user whom it concerns."""
    lockout.count_failure(counter)
    if user is not None:
        audit.record("failed to sign in as", kind=KIND, obj=user)
        if lockout.is_locked(counter):
            audit.record("locked out", kind=KIND, obj=user)


def refusal(user: User, organisation: Organisation | None) -> str:
    """Why a user with the right password may not come in; empty if they may."""
    if not user.is_active:
        return "This user is disabled. Whoever manages the users can enable it again."
    if organisation and organisation.is_suspended:
        reason = f": {organisation.suspension_reason}" if organisation.suspension_reason else "."
        return f"{organisation.name} is suspended{reason}"
    return ""


def _begin_session(request: OrgRequest, user: User) -> None:
    request.session.flush()  # nothing of what was before, and never the same session key
    auth.login(request, user, backend=BACKEND)
    lockout.forget_stale()
    Session.objects.filter(organisation_id=owner_id(), expire_date__lt=timezone.now()).delete()
    record_as(user, request, "signed in")


def record_as(user: User, request: OrgRequest, action: str) -> None:
    """Write an audit line about `user` in their own name: the middleware does not know them yet."""
    with audit.acting(audit.Actor(id=user.pk, name=user.email, address=address(request) or None)):
        audit.record(action, kind=KIND, obj=user)


def sign_out(*, request: OrgRequest) -> None:
    """End the visitor's session; one who is not signed in stays so."""
    if isinstance(request.user, User):
        audit.record("signed out", kind=KIND, obj=request.user)
    auth.logout(request)
