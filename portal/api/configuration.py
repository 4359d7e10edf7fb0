"""The portal's configuration, menus and style sheets, of which there is one in each organisation."""

from collections.abc import Mapping
from typing import Any

from apis.api.finding import require_own
from orgs.machines import Answer, Call, Refusal, ok, operation
from orgs.machines.answers import Envelope
from orgs.permissions import Level, ObjectKind
from orgs.wire import refuse_to_keep_more
from portal.models import Portal
from portal.services.configuring import CONFIGURATION, configure
from portal.services.settings import keep, locked_portal
from portal.wire import configuration as wire
from portal.wire.configuration import (
    ConfigurationBody,
    ConfigurationDocument,
    CssBody,
    CssDocument,
    MenusBody,
    MenusDocument,
)
from users.wire import checked_email

READ, WRITE = (ObjectKind.PORTAL, Level.READ), (ObjectKind.PORTAL, Level.WRITE)
MENUS, CSS = "menus", "css"
NO_LOGIN = "disable_login: a portal has developers who sign in. Leave it off, or leave this out."
Kept = Mapping[str, Any]


def stored(call: Call[Any, Any]) -> Portal | None:
    """Return the organisation's portal; none is an unbounded user's."""
    return Portal.objects.defer("logo", "terms").first() if call.organisation_or_none else None


def organisation_id(call: Call[Any, Any]) -> str:
    return call.organisation_or_none.pk if call.organisation_or_none else ""


def kept_in(portal: Portal | None, part: str) -> dict[str, Any]:
    kept: dict[str, Any] = portal.extra.get(part, {}) if portal else {}
    return kept


@operation("GET", "/api/portal/configuration", "The portal's configuration", access=READ, answers=ConfigurationDocument)
def get_configuration(call: Call[Any, None]) -> dict[str, Any]:
    portal = stored(call)
    return wire.configuration_document(portal, kept_in(portal, CONFIGURATION), organisation_id(call))


@operation(
    "POST", "/api/portal/configuration", "Begin the portal's configuration", access=WRITE, body=ConfigurationBody,
    body_is_optional=True, answers=Envelope,
)  # fmt: skip
def create_configuration(call: Call[Any, ConfigurationBody]) -> Answer:
    """`Message` is its id. The portal is not switched on by it."""
    return ok(configured(call).pk)


@operation(
    "PUT", "/api/portal/configuration", "Change the portal's configuration", access=WRITE, body=ConfigurationBody,
    body_is_optional=True, answers=Envelope,
)  # fmt: skip
def update_configuration(call: Call[Any, ConfigurationBody]) -> Answer:
    """The portal is neither switched on nor opened by it."""
    configured(call)
    return ok("Data updated")


def configured(call: Call[Any, ConfigurationBody]) -> Portal:
    sent, portal = call.body, checked(call)
    if sent.disable_login:
        raise Refusal(400, NO_LOGIN)
    saved = configure(
        kept=wire.kept_of(call.document, kept_in(portal, CONFIGURATION)),
        told=checked_email(sent.email, "email") if sent.email else "",
        closes_sign_up=bool(sent.disable_signup),
        hides_catalogue=bool(sent.catalogue_login_only),
    )
    refuse_to_keep_more(saved.extra)
    return saved


def checked(call: Call[Any, Any]) -> Portal:
    """Return the organisation's portal, which the body must not name wrongly."""
    require_own(call, call.body.org_id)
    portal = locked_portal()
    if call.body.id not in (None, "", portal.pk):
        raise Refusal(400, f"id: of this organisation's portal it is “{portal.pk}”.")
    return portal


def kept_document(call: Call[Any, Any], part: str, unset: Kept) -> dict[str, Any]:
    portal = stored(call)
    kept = kept_in(portal, part)
    return {**unset, **kept, "id": portal.pk if portal and kept else "", "org_id": organisation_id(call)}


def keep_document(call: Call[Any, Any], part: str) -> Portal:
    """Keep the fields of the body beside those that were kept before."""
    portal = checked(call)
    said = {name: value for name, value in call.document.items() if name not in ("id", "org_id") and value is not None}
    saved = keep(part=part, fields=kept_in(portal, part) | said)
    refuse_to_keep_more(saved.extra)
    return saved


@operation("GET", "/api/portal/menus", "The portal's menus", access=READ, answers=MenusDocument)
def get_menus(call: Call[Any, None]) -> dict[str, Any]:
    return kept_document(call, MENUS, {"menus": {}, "is_active": False})


@operation("POST", "/api/portal/menus", "Keep menus for the portal", access=WRITE, body=MenusBody, answers=Envelope)
def create_menus(call: Call[Any, MenusBody]) -> Answer:
    """`Message` is their id."""
    return ok(keep_document(call, MENUS).pk)


@operation("PUT", "/api/portal/menus", "Keep other menus for the portal", access=WRITE, body=MenusBody,
           answers=Envelope)  # fmt: skip
def update_menus(call: Call[Any, MenusBody]) -> Answer:
    keep_document(call, MENUS)
    return ok("Data updated")


@operation("GET", "/api/portal/css", "The portal's style sheets", access=READ, answers=CssDocument)
def get_css(call: Call[Any, None]) -> dict[str, Any]:
    return kept_document(call, CSS, {"page_css": "", "email_css": ""})


@operation("POST", "/api/portal/css", "Keep style sheets for the portal", access=WRITE, body=CssBody, answers=Envelope)
def create_css(call: Call[Any, CssBody]) -> Answer:
    """`Message` is their id."""
    return ok(keep_document(call, CSS).pk)


@operation("PUT", "/api/portal/css", "Keep other style sheets for the portal", access=WRITE, body=CssBody,
           answers=Envelope)  # fmt: skip
def update_css(call: Call[Any, CssBody]) -> Answer:
    keep_document(call, CSS)
    return ok("Data updated")
