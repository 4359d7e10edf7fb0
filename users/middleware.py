"""Who a request's user is."""

from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from users.models import User


class SessionUserMiddleware(AuthenticationMiddleware):
    """As Django's, but the user has come with the session: row-level security held both to the site's scope."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: user_of(request))  # type: ignore[assignment]


def user_of(request: HttpRequest) -> User | AnonymousUser:
    """Return the session's user, unless their password is another one since."""
    proof = request.session.get(auth.HASH_SESSION_KEY, "")
    user: User | None = request.session.user  # type: ignore[attr-defined]  # users.sessions
    return user if user and constant_time_compare(proof, user.get_session_auth_hash()) else AnonymousUser()
