"""Sessions of developers: as those of users, in a table of their own, so that neither is ever taken for the other."""

from typing import Any

from django.utils import timezone
from django.utils.crypto import constant_time_compare

import users.sessions
from orgs import scope
from orgs.hot import ask, columns_of, take
from portal.models import Developer, DeveloperSession
from users.sessions import stored_key

WHO, PROOF = "developer", "proof"
UNEXPIRED = f"""
SELECT {columns_of(DeveloperSession)}, {columns_of(Developer)}
FROM portal_developersession LEFT JOIN portal_developer
    ON portal_developer.organisation_id = portal_developersession.organisation_id
    AND portal_developer.id = portal_developersession.developer_id AND is_active
WHERE session_key = %s AND expire_date > %s
"""  # noqa: S608 - made of names in this code


class SessionStore(users.sessions.SessionStore):
    """`developer` is the active developer that the session, once it has been read, belongs to."""

    developer: Developer | None = None

    @classmethod
    def get_model_class(cls) -> Any:
        return DeveloperSession

    def _get_session_from_db(self) -> Any:
        (rows,) = ask((UNEXPIRED, [stored_key(self.session_key), timezone.now()]))
        if not rows:
            self._session_key = None
            return None
        values = iter(rows[0])
        session, self.developer = take(DeveloperSession, values), take(Developer, values)
        return session

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        return DeveloperSession(
            session_key=stored_key(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            organisation_id=scope.current_organisation_id(),
            developer_id=data.get(WHO),
        )


def developer_of(session: SessionStore) -> Developer | None:
    """Return whose session it is, unless their password is another one since."""
    proof = session.get(PROOF, "")  # reading it finds the developer
    found = session.developer
    return found if found and constant_time_compare(proof, found.get_session_auth_hash()) else None


def belongs_to(session: SessionStore, developer: Developer) -> None:
    """Make it this developer's: nothing of what was before stays, and never the same session key."""
    session.flush()
    session[WHO], session[PROOF] = developer.pk, developer.get_session_auth_hash()
