"""Sessions in the database: each is of one site, found by a digest of what the cookie holds."""

import json
from hashlib import sha256
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from orgs.hot import ask, columns_of, take
from users.models import Session, User, owner_id

# The session and its user with what their groups permit: two questions of every page, asked as one.
UNEXPIRED = f"""
SELECT {columns_of(Session)}, {columns_of(User)}, array(
    SELECT permissions FROM users_group
    JOIN users_membership AS membership
        ON membership.organisation_id = users_group.organisation_id AND membership.group_id = users_group.id
    WHERE membership.organisation_id = users_user.organisation_id AND membership.user_id = users_user.id
)
FROM users_session LEFT JOIN users_user ON users_user.id = users_session.user_id AND is_active
WHERE session_key = %s AND expire_date > %s
"""  # noqa: S608 - made of names in this code


def stored_key(session_key: str | None) -> str:
    return sha256((session_key or "").encode()).hexdigest()


class SessionStore(DatabaseStore):
    """`user` is the active user that the session, once it has been read, belongs to."""

    user: User | None = None

    @classmethod
    def get_model_class(cls) -> Any:
        return Session

    def _get_session_from_db(self) -> Any:
        (rows,) = ask((UNEXPIRED, [stored_key(self.session_key), timezone.now()]))
        if not rows:
            self._session_key = None
            return None
        values = iter(rows[0])
        session, self.user = take(Session, values), take(User, values)
        if self.user:
            self.user.group_permissions = [json.loads(text) for text in next(values)]
        return session

    def encode(self, session_dict: dict[str, Any]) -> str:
        """As plain JSON: what stands in our own table needs no signature, and checking one took time on every page."""
        return json.dumps(session_dict)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(session_data)
        return decoded

    def exists(self, session_key: str) -> bool:
        return bool(self.get_model_class().objects.filter(session_key=stored_key(session_key)).exists())

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        return Session(
            session_key=stored_key(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            organisation_id=owner_id(),
            user_id=data.get(SESSION_KEY),
        )

    def delete(self, session_key: str | None = None) -> None:
        self.get_model_class().objects.filter(session_key=stored_key(session_key or self.session_key)).delete()
