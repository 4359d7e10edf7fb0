"""Who a session's user is. The scope is the site's, so a user of another organisation is not found."""

from django.contrib.auth.backends import BaseBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import HttpRequest

from users.models import Group, User


class SiteBackend(BaseBackend):
    def get_user(self, user_id: str) -> User | None:  # type: ignore[override]
        """Return the active user with what their groups permit, in one query."""
        of_groups = Group.objects.filter(membership__user=OuterRef("pk")).values("permissions")
        return User.objects.filter(pk=user_id, is_active=True).annotate(group_permissions=ArraySubquery(of_groups)).first()

    def authenticate(self, request: HttpRequest | None, **credentials: object) -> None:
        """People sign in through `users.services.sign_in`, which knows the site and counts failures."""
        return None
