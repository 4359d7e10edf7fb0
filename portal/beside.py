"""What pages that lie below the portal, and do not know of it, show of it."""

from typing import NamedTuple

from portal.models import Entry, KeyRequest

MOST_WAITING = 99


class Owner(NamedTuple):
    developer_id: str
    email: str
    application: str


def owner_of(key_id: str) -> Owner | None:
    """Return whose a key is, where it is a developer's."""
    asked = KeyRequest.objects.filter(key=key_id).order_by()
    columns = ("application__developer_id", "application__developer__email", "application__name")
    found = asked.values_list(*columns).first()
    return Owner(*found) if found else None


def entry_of(api_id: str) -> str:
    """Return the id of the first catalogue entry of this API; nothing where it has none."""
    return Entry.objects.filter(api=api_id).values_list("id", flat=True).first() or ""


def waiting() -> str:
    """Return how many requests for keys wait, nothing for none. Every page asks: it counts no further than it shows."""
    found = KeyRequest.objects.filter(state=KeyRequest.PENDING).order_by()[: MOST_WAITING + 1].count()
    return f"{MOST_WAITING}+" if found > MOST_WAITING else str(found or "")
