"""The portal's configuration as clients of the JSON API know it; most of it has no counterpart here, and is kept."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orgs.wire import unknown_fields
from portal.models import Portal

# What a portal has without a client's having said so.
UNSET: dict[str, Any] = {
    "signup_fields": [],
    "key_request_fields": [],
    "secure_key_approval": False,
    "redirect_on_key_request": False,
    "redirect_to": "",
    "enable_multi_selection": False,
    "disable_login": False,
    "disable_auto_login": False,
    "catalogue_login_only": False,
    "oauth_usage_limit": 0,
    "mail_options": {},
    "enable_dcr": False,
    "override": False,
}

# Fields that mean something and are kept nevertheless.
KEPT = ("require_key_approval", "catalogue_login_only")


class ConfigurationBody(msgspec.Struct):
    """What is left out stays.

    `email` is told of requests for keys; `require_key_approval` counts for what clients publish from then on;
    `disable_signup` leaves invitations; `catalogue_login_only` hides the catalogue from visitors.
    """

    id: str | None = None
    org_id: str | None = None
    email: str | None = None
    require_key_approval: bool | None = None
    disable_signup: bool | None = None
    disable_login: bool | None = None
    catalogue_login_only: bool | None = None


class ConfigurationDocument(msgspec.Struct, kw_only=True):
    """`require_key_approval` is there once a client has said it."""

    id: str
    org_id: str
    email: str
    signup_fields: list[Any]
    key_request_fields: list[Any]
    require_key_approval: bool = False
    disable_signup: bool
    disable_login: bool
    catalogue_login_only: bool


class MenusBody(msgspec.Struct):
    """Kept and given back. The portal's own navigation is made of its pages."""

    id: str | None = None
    org_id: str | None = None
    menus: dict[str, Any] | None = None
    is_active: bool | None = None


class MenusDocument(msgspec.Struct):
    id: str
    org_id: str
    menus: dict[str, Any]
    is_active: bool


class CssBody(msgspec.Struct):
    """Kept and given back. The portal's own look is a theme of variables."""

    id: str | None = None
    org_id: str | None = None
    page_css: str | None = None
    email_css: str | None = None


class CssDocument(msgspec.Struct):
    id: str
    org_id: str
    page_css: str
    email_css: str


def configuration_document(portal: Portal | None, kept: Mapping[str, Any], organisation_id: str) -> dict[str, Any]:
    known = {
        "id": portal.pk if portal else "",
        "org_id": organisation_id,
        "email": next(iter(portal.notified), "") if portal else "",
        "disable_signup": portal is None or not portal.takes_sign_ups,
    }
    return UNSET | dict(kept) | known


def kept_of(document: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration as it is to be kept, without what is given back where nothing is kept."""
    said = unknown_fields(document, ConfigurationBody) | {name: document[name] for name in KEPT if name in document}
    new = {name: value for name, value in said.items() if name in before or value != UNSET.get(name)}
    return {**before, **{name: value for name, value in new.items() if value is not None}}
