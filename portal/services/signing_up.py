"""How one becomes a developer: a link that is mailed, by which one chooses a name and a password.

The password is chosen by whoever reads the mail, so nobody prepares an account for somebody else's address. Whether an
address is known here is told to nobody but it.
"""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from orgs import audit
from orgs.http import address
from orgs.unique import unless_taken
from portal.addresses import Places, places_of
from portal.http import PortalRequest
from portal.mails import tell
from portal.models import Developer, Portal, SignUp
from portal.names import distinct
from portal.services import attempts
from users.services.errors import EmailTaken, InvitationGone, Refused, WeakPassword

KIND = "developers"
VALID_FOR = timedelta(hours=72)
GONE = "This link has been used or revoked, or is too old. Sign up again, or ask for another invitation."
TERMS = "Accept the terms: without them there is no account."


class SignUpClosed(Refused):
    """The portal takes nobody, or not this address; which depends on the portal's rule alone."""


def ask(*, request: PortalRequest, email: str, name: str) -> None:
    """Mail a link to this address; to a developer's, that they have an account already. Nobody is told which."""
    portal = request.portal
    if reason := refusal(portal, email):
        raise SignUpClosed(reason)
    may_mail = attempts.note("sign up", email=email, visitor=address(request))
    places = places_of(request)
    if not may_mail:
        return  # for whoever asks too often, whoever exists
    if Developer.objects.filter(email=email).exists():
        _tell(places, "developer_known", email, "You have an account already", places.page())
        return
    _, link = _create(places, email=email, name=name)
    _tell(places, "sign_up", email, "Confirm your e-mail address", link)


def refusal(portal: Portal, email: str) -> str:
    """Return why the portal does not take this address by itself; nothing where it does."""
    match portal.sign_up:
        case Portal.OPEN:
            return ""
        case Portal.DOMAIN if email.rpartition("@")[2] in portal.email_domains:
            return ""
        case Portal.DOMAIN:
            return f"Only addresses of {', '.join(portal.email_domains)} can sign up here."
        case Portal.INVITATION:
            return "This portal is for those who are invited. Ask whoever runs it for an invitation."
    return "This portal takes no sign-ups."


@transaction.atomic
def invite(*, places: Places, email: str, name: str = "", groups: Iterable[str] = (), by: str) -> tuple[SignUp, str]:
    """Return the invitation and its link, which is shown this once and mailed."""
    if Developer.objects.filter(email=email).exists():
        raise taken(email)
    sign_up, link = _create(places, email=email, name=name, groups=groups, by=by)
    audit.record("invited", kind=KIND, obj=sign_up)
    _tell(places, "developer_invitation", email, "You are invited", link)
    return sign_up, link


@transaction.atomic
def revoke(*, sign_up: SignUp) -> None:
    audit.record("revoked the invitation of", kind=KIND, obj=sign_up)
    sign_up.delete()


def find(token: str) -> SignUp | None:
    return SignUp.objects.filter(digest=_digest(token), expires_at__gt=timezone.now()).first()


@transaction.atomic
def accept(*, request: PortalRequest, token: str, name: str, password: str, accepts_terms: bool) -> Developer:
    """Make the developer. Every other link that was mailed to this address dies by it."""
    sign_up = SignUp.objects.select_for_update().filter(pk=getattr(find(token), "pk", "")).first()
    if sign_up is None:
        raise InvitationGone(GONE)
    if not sign_up.invited_by and (reason := refusal(request.portal, sign_up.email)):
        raise SignUpClosed(reason)  # since the link was mailed
    if request.portal.terms_revision and not accepts_terms:
        raise Refused(TERMS)
    developer = Developer(email=sign_up.email, name=name, groups=sign_up.groups)
    developer.terms_revision = request.portal.terms_revision
    with audit.acting(audit.Actor(id="", name=sign_up.email, address=address(request) or None)):
        return create(developer, password=password, how="signed up")


@transaction.atomic
def create(developer: Developer, *, password: str | None, how: str = "created") -> Developer:
    """Write a new developer, with a password or without one: then they sign in after a reset."""
    developer.email, developer.groups = developer.email.strip().lower(), distinct(developer.groups)
    if password is not None:
        check_strength(password, developer)
    developer.set_password(password)
    with unless_taken(taken(developer.email), "developers_email"):
        developer.save(force_insert=True)
    SignUp.objects.filter(email=developer.email).delete()
    audit.record(how, kind=KIND, obj=developer)
    return developer


def taken(email: str) -> EmailTaken:
    return EmailTaken(f"There is already a developer with the e-mail address {email} here.")


def check_strength(password: str, developer: Developer) -> None:
    try:
        password_validation.validate_password(password, developer)  # type: ignore[arg-type]  # of no user's kind
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages)) from error


def _create(places: Places, *, email: str, name: str, groups: Iterable[str] = (), by: str = "") -> tuple[SignUp, str]:
    now, token = timezone.now(), token_urlsafe(32)
    SignUp.objects.filter(expires_at__lt=now).delete()
    sign_up = SignUp.objects.create(
        email=email,
        name=name,
        groups=distinct(groups),
        invited_by=by,
        digest=_digest(token),
        expires_at=now + VALID_FOR,
    )
    return sign_up, places.page("portal:join", token=token)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _tell(places: Places, kind: str, email: str, subject: str, link: str) -> None:
    tell(places, kind, to=email, subject=subject, link=link, expires_at=timezone.now() + VALID_FOR)
