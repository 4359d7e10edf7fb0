"""The two database roles: the web's, behind the walls, and the owner's, which builds them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection


def web_role() -> str:
    """The role of the connection, outside `as_owner`."""
    return str(connection.settings_dict["USER"])


@contextmanager
def as_owner() -> Iterator[None]:
    """Run the block on a connection of the tables' owner, to the same database."""
    if settings.DATABASE_OWNER is None:
        raise ImproperlyConfigured("DATABASE_OWNER_URL is not set: the role of the web may not change tables.")
    web = dict(connection.settings_dict)
    owner = settings.DATABASE_OWNER | {"NAME": web["NAME"]}
    _log_in({**web, **{name: owner[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}, "OPTIONS": {}})
    try:
        yield
    finally:
        _log_in(web)


def _log_in(settings_dict: dict[str, object]) -> None:
    connection.close()
    connection.settings_dict.clear()
    connection.settings_dict.update(settings_dict)
