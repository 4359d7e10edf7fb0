"""Names the user of a session to Django's own parts; pages take theirs from users.middleware."""

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from users.models import User


class SiteBackend(BaseBackend):
    def get_user(self, user_id: str) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()

    def authenticate(self, request: HttpRequest | None, **credentials: object) -> None:
        """People sign in through `users.services.sign_in`, which knows the site and counts failures."""
