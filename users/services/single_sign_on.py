"""Signing in whom the holder of the admin secret vouches for: a nonce, good for one browser, once, for a minute."""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from orgs import audit, scope
from orgs.http import OrgRequest, address
from orgs.models import Organisation
from users.models import Group, SignInNonce, User
from users.services.at_root import start_session
from users.services.errors import SignInRefused
from users.services.people import create_user
from users.services.signing_in import refusal

KIND = "users"
DASHBOARD, PORTAL = "dashboard", "portal"
VALID_FOR = timedelta(seconds=60)
GONE = "This sign-in link has been used, is too old or never was. Sign in again where you came from."
STRANGER = "There is no user with your e-mail address here."


def digest(nonce: str) -> str:
    return sha256(nonce.encode()).hexdigest()


@transaction.atomic
def create_nonce(
    *,
    email: str,
    display_name: str,
    is_for_registered_users: bool,
    groups: Iterable[Group] = (),
    section: str = DASHBOARD,
) -> str:
    """Return a nonce for the open scope's organisation, in this section alone.

    Whom there is no user for gets one, with these groups alone; in the portal's section a developer.
    """
    now, nonce = timezone.now(), token_urlsafe(32)
    SignInNonce.objects.filter(expires_at__lt=now).delete()
    SignInNonce.objects.create(
        organisation_id=scope.current_organisation_id(),
        digest=digest(nonce),
        section=section,
        email=email,
        display_name=display_name,
        group_ids=[group.pk for group in groups],
        is_for_registered_users=is_for_registered_users,
        expires_at=now + VALID_FOR,
    )
    audit.record("vouched for", kind=KIND, name=email)
    return nonce


def sign_in_with_nonce(*, request: OrgRequest, nonce: str) -> tuple[User, SessionBase]:
    """Return the user and a session on their site, or raise SignInRefused. Commit then too: the nonce is used up."""
    found = _use_up(nonce)
    if found is None or found.organisation is None:
        raise SignInRefused(GONE)
    with transaction.atomic(), scope.opened(scope.of(found.organisation.id)):
        user = _user_of(found, found.organisation, address(request))
        return user, start_session(request=request, user=user)


def _use_up(nonce: str) -> SignInNonce | None:
    """Return the nonce, which is gone by this. Every organisation is asked: the nonce says whose it is."""
    with scope.opened(scope.EVERYTHING):
        found = find(nonce, DASHBOARD)
    if found is None or found.organisation is None:
        return None
    with scope.opened(scope.of(found.organisation.id)):
        return found if take(found) else None


def find(nonce: str, section: str) -> SignInNonce | None:
    """Return the nonce that is of this section, in the open scope."""
    wanted = digest(nonce)
    found = SignInNonce.objects.filter(digest=wanted, section=section).select_related("organisation").first()
    return found if found and constant_time_compare(found.digest, wanted) else None


def take(found: SignInNonce) -> bool:
    """Use it up; return whether it was still good. Of two browsers that come with it at once, one deletes the row."""
    used, _ = SignInNonce.objects.filter(pk=found.pk).delete()
    return bool(used) and found.expires_at > timezone.now()


def _user_of(nonce: SignInNonce, organisation: Organisation, visitor: str) -> User:
    """Return the user, who keeps the permissions that they have, or make one."""
    user = User.objects.filter(email=nonce.email).select_related("organisation").first()
    if user:
        return user
    if nonce.is_for_registered_users:
        raise SignInRefused(STRANGER)
    if reason := refusal(User(email=nonce.email), organisation):
        raise SignInRefused(reason)
    with audit.acting(audit.Actor(id="", name="single sign-on", address=visitor or None)):
        made = create_user(
            email=nonce.email,
            name=nonce.display_name or nonce.email[:80],
            groups=Group.objects.filter(pk__in=nonce.group_ids),
        )
    made.organisation = organisation
    return made
