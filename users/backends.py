"""Who a session's user is. Row-level security holds this to the site's scope: another's user is not found."""

import json

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from orgs.hot import columns_of, fetch
from users.models import User

WITH_GROUPS = f"""
SELECT {columns_of(User)}, array(
    SELECT permissions FROM users_group
    JOIN users_membership
      ON users_membership.organisation_id = users_group.organisation_id AND group_id = users_group.id
    WHERE users_membership.organisation_id = users_user.organisation_id AND user_id = users_user.id
) AS group_permissions
FROM users_user WHERE id = %s AND is_active
"""  # noqa: S608 - made of names in this code


class SiteBackend(BaseBackend):
    def get_user(self, user_id: str) -> User | None:
        """Return the active user with what their groups permit."""
        user = fetch(User, WITH_GROUPS, [user_id], "group_permissions")
        if user is not None:
            user.group_permissions = [json.loads(text) for text in user.group_permissions]
        return user

    def authenticate(self, request: HttpRequest | None, **credentials: object) -> None:
        """People sign in through `users.services.sign_in`, which knows the site and counts failures."""
