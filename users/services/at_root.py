"""Signing in at `/`: which sites a password opens, and a session on one of them.

The e-mail address is tried at every site that has a user of it, each with its own count of failures, as if
the visitor had gone there: so the users that somebody makes in an organisation of theirs do not help to guess
the password of a namesake elsewhere. What is told depends on the password and on the count of `/` alone.
"""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from orgs import scope
from orgs.http import OrgRequest, address
from users.models import SignInFailure, User
from users.services import lockout
from users.services.errors import SignInRefused
from users.services.signing_in import BACKEND, WRONG, fail, is_right, record_as, refusal

MOST_SITES = 10
CHOICE_VALID_S = 120
SALT = "users.chooser"


def find_proven(*, request: OrgRequest, email: str, password: str) -> list[User]:
    """Return the users whose password it is, with their organisations; SignInRefused if there is none."""
    email = email.strip().lower()
    with scope.opened(scope.INSTALLATION):
        counter = lockout.counter(email, address(request), place=SignInFailure.ROOT)
    if lockout.is_locked(counter):
        raise SignInRefused(lockout.SENTENCE)
    with scope.opened(scope.EVERYTHING):
        # The oldest first: nobody can push others out by making more.
        namesakes = list(User.objects.filter(email=email).select_related("organisation").order_by("id")[:MOST_SITES])
    if not namesakes:
        is_right(password, None)
    proven = [user for user in namesakes if _opens(user, password, address(request))]
    with scope.opened(scope.INSTALLATION):
        if proven:
            counter.delete()
        else:
            lockout.count_failure(counter)
    if not proven:
        raise SignInRefused(lockout.SENTENCE if lockout.is_locked(counter) else WRONG)
    return proven


def _opens(user: User, password: str, visitor: str) -> bool:
    """Whether it is this user's password, counted at their site; a site that is locked says no, as slowly."""
    with scope.opened(scope.of_owner(user.organisation_id)):
        counter = lockout.counter(user.email, visitor)
        right = is_right(password, user)
        if lockout.is_locked(counter):
            return False
        if right:
            counter.delete()
        else:
            fail(counter, user)
        return right


def choices(proven: list[User]) -> str:
    """Return a signed text that stands for the password in the chooser's form, for two minutes.

    It names the users and is bound to their password hashes; it holds neither password nor hash.
    """
    return signing.dumps([[user.pk, user.organisation_id, _bond(user)] for user in proven], salt=SALT)


def _bond(user: User) -> str:
    return salted_hmac(SALT, user.password, algorithm="sha256").hexdigest()


def find_chosen(*, text: str, user_id: str) -> User:
    """Return the user whom the visitor chose from `choices`, or raise SignInRefused."""
    too_old = SignInRefused("That took too long. Sign in again.")
    try:
        offered = {pk: (organisation_id, bond) for pk, organisation_id, bond in _read(text)}
    except signing.BadSignature as error:
        raise too_old from error
    if user_id not in offered:
        raise too_old
    organisation_id, bond = offered[user_id]
    with scope.opened(scope.of_owner(organisation_id)):
        user = User.objects.filter(pk=user_id).select_related("organisation").first()
    if user is None or not constant_time_compare(bond, _bond(user)):
        raise too_old
    return user


def _read(text: str) -> list[tuple[str, str | None, str]]:
    offered: list[tuple[str, str | None, str]] = signing.loads(text, salt=SALT, max_age=CHOICE_VALID_S)
    return offered


def start_session(*, request: OrgRequest, user: User) -> SessionBase:
    """Make a session on the site of a proven user; the view hands its key over under that site's name."""
    if reason := refusal(user, user.organisation):
        raise SignInRefused(reason)
    with scope.opened(scope.of_owner(user.organisation_id)):
        session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = user.pk, BACKEND
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        user_logged_in.send(sender=User, request=request, user=user)  # Django notes the time
        lockout.forget_stale()
        record_as(user, request, "signed in")
    return session
