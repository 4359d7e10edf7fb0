"""What concerns all gateways at once, for who holds the admin secret."""

from typing import Any

import msgspec

from gateways.models import Lane
from gateways.outbox import FEEDS
from orgs import scope
from orgs.machines import Access, Call, operation


class Reloaded(msgspec.Struct):
    status: str


@operation("GET", "/admin/system/reload", "Ask all gateways to reload", access=Access.ADMIN_SECRET, answers=Reloaded)
def reload(call: Call[Any, Any]) -> Reloaded:
    """The worker tells them, as after a change."""
    with scope.opened(scope.INSTALLATION):
        Lane.objects.exclude(pk=FEEDS).update(wants_reload=True)
    return Reloaded(status="ok")
