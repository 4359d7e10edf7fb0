"""What a client's configuration of the portal changes. Nothing is opened by it, or switched on: that a person does."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from portal.models import Entry, Portal
from portal.services import publishing
from portal.services.settings import keep, update_portal

CONFIGURATION = "configuration"


@transaction.atomic
def configure(
    *, kept: Mapping[str, Any], told: str = "", closes_sign_up: bool = False, hides_catalogue: bool = False
) -> Portal:
    """Keep the configuration. `told` is the first of those who are told of requests.

    With `closes_sign_up` nobody signs up by themselves any more, with `hides_catalogue` no visitor sees an entry.
    """
    portal = keep(part=CONFIGURATION, fields=kept)
    settings: dict[str, Any] = {}
    if told and told != next(iter(portal.notified), ""):
        settings["notified"] = [told, *(each for each in portal.notified[1:] if each != told)]
    if closes_sign_up and portal.takes_sign_ups:
        settings["sign_up"] = Portal.INVITATION
    if hides_catalogue:
        for entry in Entry.objects.filter(audience=Entry.EVERYONE):
            publishing.update_entry(entry=entry, revision=entry.revision, audience=Entry.SIGNED_IN)
    return update_portal(**settings)
