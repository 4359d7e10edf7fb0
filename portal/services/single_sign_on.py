"""Signing in a developer whom the holder of the admin secret vouches for, at the portal of their organisation alone."""

from orgs import audit
from orgs.http import address
from portal.http import PortalRequest
from portal.models import Developer
from portal.services.signing_in import DISABLED, begin_session
from portal.services.signing_up import create
from users.models import SignInNonce
from users.services import single_sign_on
from users.services.errors import SignInRefused

STRANGER = "There is no developer with your e-mail address here."


def sign_in_with_nonce(*, request: PortalRequest, nonce: str) -> Developer:
    """Sign the developer in, or raise SignInRefused. Commit then too: the nonce is used up."""
    found = single_sign_on.find(nonce, single_sign_on.PORTAL)
    if found is None or not single_sign_on.take(found):
        raise SignInRefused(single_sign_on.GONE)
    developer = _developer_of(found, address(request))
    begin_session(request=request, developer=developer)
    return developer


def _developer_of(nonce: SignInNonce, visitor: str) -> Developer:
    """Return the developer, or make one: whoever vouches for somebody vouches for the address."""
    developer = Developer.objects.filter(email=nonce.email).first()
    if developer and not developer.is_active:
        raise SignInRefused(DISABLED)
    if developer:
        return developer
    if nonce.is_for_registered_users:
        raise SignInRefused(STRANGER)
    with audit.acting(audit.Actor(id="", name="single sign-on", address=visitor or None)):
        return create(Developer(email=nonce.email, name=nonce.display_name or nonce.email[:80]), password=None)
