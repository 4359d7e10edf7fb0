"""The first organisation with its administrator, made over HTTP while there is nothing yet."""

from django.db import connection, transaction

from orgs import scope
from orgs.models import Organisation
from orgs.services import create_with_free_slug
from users.models import User
from users.services.errors import BegunAlready
from users.services.people import create_user

LOCK = 0x636F6D6D6F6E  # of PostgreSQL's advisory locks: any number that nothing else takes


@transaction.atomic
def require_beginning() -> None:
    """Refuse unless there is no organisation and no user, and keep it so until this transaction ends."""
    with scope.opened(scope.EVERYTHING):
        if not _is_empty():
            raise BegunAlready("This installation is in use already.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        if not _is_empty():
            raise BegunAlready("This installation is in use already.")


def _is_empty() -> bool:
    return not (Organisation.objects.exists() or User.objects.exists())


@transaction.atomic
def begin(*, slug: str, organisation_name: str, email: str, name: str, password: str) -> User:
    """Make the first organisation and its administrator."""
    require_beginning()
    organisation = create_with_free_slug(slug=slug, name=organisation_name, extra={})
    with scope.opened(scope.of(organisation.id)):
        return create_user(email=email, name=name, password=password, is_administrator=True)
