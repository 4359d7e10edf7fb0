"""The catalogue, which clients read and replace as a whole."""

from typing import Any

from apis.api.finding import require_own
from orgs.machines import Answer, Call, Refusal, ok, operation
from orgs.machines.answers import Envelope
from orgs.permissions import Level, ObjectKind
from orgs.wire import refuse_to_keep_more, unknown_fields
from portal.models import Entry, Portal
from portal.services.configuring import CONFIGURATION
from portal.services.replacing import entries_there, replace_catalogue
from portal.services.settings import keep, locked_portal
from portal.wire import catalogue as wire
from portal.wire.catalogue import CatalogueBody, CatalogueDocument

READ, WRITE = (ObjectKind.PORTAL, Level.READ), (ObjectKind.PORTAL, Level.WRITE)
CATALOGUE = "catalogue"


@operation("GET", "/api/portal/catalogue", "The catalogue", access=READ, answers=CatalogueDocument)
def get_catalogue(call: Call[Any, None]) -> dict[str, Any]:
    """It is an organisation's: unbounded users see an empty one."""
    organisation = call.organisation_or_none
    if organisation is None:
        return {"id": "", "org_id": "", "email": "", "apis": []}
    portal = Portal.objects.only("extra").first()
    kept: dict[str, Any] = portal.extra.get(CATALOGUE, {}) if portal else {}
    apis = [wire.entry_document(each) for each in entries_there()]
    own = {"id": portal.pk if portal else "", "org_id": organisation.pk, "apis": apis}
    return {"email": ""} | kept | own


@operation(
    "POST", "/api/portal/catalogue", "Begin the catalogue", access=WRITE, body=CatalogueBody, answers=Envelope
)  # fmt: skip
def create_catalogue(call: Call[Any, CatalogueBody]) -> Answer:
    """`Message` is its id. There is one in each organisation: where it has begun already, nothing is changed."""
    require_own(call, call.body.org_id)
    if call.body.apis:
        raise Refusal(400, "apis: publish them with PUT, with all entries that there are to be.")
    return ok(locked_portal().pk)


@operation("PUT", "/api/portal/catalogue", "Replace the catalogue", access=WRITE, body=CatalogueBody, answers=Envelope,
           refusals=(404,))  # fmt: skip
def update_catalogue(call: Call[Any, CatalogueBody]) -> Answer:
    """An entry is found by its id, its policy, its API or its name; what is not sent is removed.

    A policy that takes the place of another is the entry's first plan then; further plans stay.
    """
    sent = call.body
    require_own(call, sent.org_id)
    if "apis" not in call.document:
        raise Refusal(400, "apis: send all entries; an empty list removes them.")
    portal = locked_portal()
    if sent.id not in (None, "", portal.pk):
        raise Refusal(400, f"id: the catalogue of this organisation is “{portal.pk}”.")
    configuration = portal.extra.get(CONFIGURATION, {})
    replace_catalogue(
        wanted=wire.read(sent.apis or [], call.document["apis"] or [], configuration),
        audience=Entry.SIGNED_IN if configuration.get("catalogue_login_only") else Entry.EVERYONE,
    )
    kept = unknown_fields(call.document, CatalogueBody) | ({"email": sent.email} if sent.email else {})
    refuse_to_keep_more(keep(part=CATALOGUE, fields=kept).extra)
    return ok("Data updated")
