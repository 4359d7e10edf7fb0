"""Whose a key is, where it is a developer's."""

from typing import NamedTuple

from portal.models import KeyRequest


class Owner(NamedTuple):
    developer_id: str
    email: str
    application: str


def owner_of(key_id: str) -> Owner | None:
    asked = KeyRequest.objects.filter(key=key_id).order_by()
    columns = ("application__developer_id", "application__developer__email", "application__name")
    found = asked.values_list(*columns).first()
    return Owner(*found) if found else None
