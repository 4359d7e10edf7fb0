"""Sessions in the database: each is of one site, found by a digest of what the cookie holds."""

import json
from hashlib import sha256
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from orgs.hot import columns_of, fetch
from users.models import Session, owner_id

UNEXPIRED = f"SELECT {columns_of(Session)} FROM users_session WHERE session_key = %s AND expire_date > %s"  # noqa: S608


def stored_key(session_key: str | None) -> str:
    return sha256((session_key or "").encode()).hexdigest()


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        row = fetch(Session, UNEXPIRED, [stored_key(self.session_key), timezone.now()])
        if row is None:
            self._session_key = None
        return row

    def encode(self, session_dict: dict[str, Any]) -> str:
        """As plain JSON: what stands in our own table needs no signature, and checking one took time on every page."""
        return json.dumps(session_dict)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(session_data)
        return decoded

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=stored_key(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return Session(
            session_key=stored_key(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            organisation_id=owner_id(),
            user_id=data.get(SESSION_KEY),
        )

    def delete(self, session_key: str | None = None) -> None:
        Session.objects.filter(session_key=stored_key(session_key or self.session_key)).delete()
