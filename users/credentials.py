"""Who an access key is: the key says whose it is, so every organisation is asked, in one statement."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import constant_time_compare

from orgs import scope
from orgs.hot import columns_of, take
from orgs.models import Organisation
from users.models import AccessKey, User
from users.services.access_keys import TOKEN, VISIBLE, digest

NOTED_EVERY = timedelta(minutes=10)

# The answer makes the scope PostgreSQL's as well: from its first row on, only that organisation is there.
WHOSE = f"""
SELECT {columns_of(AccessKey)}, {columns_of(User)}, {columns_of(Organisation)}, array(
    SELECT users_group.permissions FROM users_group
    JOIN users_membership AS membership
        ON membership.organisation_id = users_group.organisation_id AND membership.group_id = users_group.id
    WHERE membership.organisation_id = users_user.organisation_id AND membership.user_id = users_user.id
),
CASE WHEN NOT users_user.is_unbounded THEN set_config('commonhold.reads', users_user.organisation_id, true) END,
CASE WHEN NOT users_user.is_unbounded THEN set_config('commonhold.writes', users_user.organisation_id, true) END,
CASE WHEN NOT users_user.is_unbounded THEN set_config('role', 'none', true) END
FROM users_accesskey
JOIN users_user ON users_user.id = users_accesskey.user_id AND users_user.is_active
    AND users_user.organisation_id IS NOT DISTINCT FROM users_accesskey.organisation_id
LEFT JOIN orgs_organisation ON orgs_organisation.id = users_user.organisation_id
WHERE users_accesskey.digest = %s AND users_accesskey.visible = %s
"""  # noqa: S608 - made of names in this code


@dataclass(frozen=True)
class Caller:
    """The user of an access key, and the scope that is open for them."""

    user: User
    organisation: Organisation | None
    scope: scope.Scope


@contextmanager
def caller_of(token: str) -> Iterator[Caller | None]:
    """Run the block as the active user of this access key, in their scope; None (and no scope) if there is none."""
    if not TOKEN.fullmatch(token):
        yield None
        return
    wanted = digest(token)
    with scope.opened(scope.EVERYTHING, WHOSE, [wanted, token[:VISIBLE]], savepoint=True) as rows:
        if len(rows) != 1:
            yield None
            return
        values = iter(rows[0])
        key, user, organisation = take(AccessKey, values), take(User, values), take(Organisation, values)
        if key is None or user is None or not constant_time_compare(key.digest, wanted):
            yield None
            return
        user.group_permissions = [json.loads(text) for text in next(values)]
        if organisation is None:
            if not user.is_unbounded:
                yield None
                return
            opened = scope.EVERYTHING
        else:
            opened = scope.of(organisation.id)
            scope.narrow_to(organisation.id)
        _note_use(key)
        yield Caller(user, organisation, opened)


def _note_use(key: AccessKey) -> None:
    """Say when the key was last used, to ten minutes: not every call shall write."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - NOTED_EVERY:
        AccessKey.objects.filter(pk=key.pk).update(last_used_at=now)
