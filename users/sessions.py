"""Sessions in the database: each is of one site, found by a digest of what the cookie holds."""

from hashlib import sha256
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from orgs import scope
from users.models import Session


def stored_key(session_key: str | None) -> str:
    return sha256((session_key or "").encode()).hexdigest()


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:  # type: ignore[override]
        return Session

    def _get_session_from_db(self) -> Session | None:
        row = Session.objects.filter(
            session_key=stored_key(self.session_key), expire_date__gt=timezone.now()
        ).first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=stored_key(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:  # type: ignore[override]
        is_unbounded = scope.current().writes == scope.NO_ORGANISATION
        return Session(
            session_key=stored_key(self._get_or_create_session_key()),
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            organisation_id=None if is_unbounded else scope.current_organisation_id(),
            user_id=data.get(SESSION_KEY),
        )

    def delete(self, session_key: str | None = None) -> None:
        Session.objects.filter(session_key=stored_key(session_key or self.session_key)).delete()
