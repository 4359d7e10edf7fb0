"""Organisations as clients of the JSON API know them, and the fields that clients keep beside ours."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from orgs.machines import Refusal
from orgs.models import Organisation

MOST_KEPT = 20_000  # characters; a row is read where only its name is wanted, too
MOST_FIELDS = 100
NO_TIME = "0001-01-01T00:00:00Z"  # how clients say "never"


class ApiInBrief(msgspec.Struct):
    api_human_name: str | None = ""
    api_id: str | None = ""


class OrganisationBody(msgspec.Struct):
    """What a client may say of an organisation; of `apis` nothing is taken, what has no meaning here is kept."""

    id: str | None = None
    owner_name: str | None = None
    owner_slug: str | None = None
    cname: str | None = None
    cname_enabled: bool | None = None
    apis: list[ApiInBrief] | None = None
    developer_quota: int | None = None
    developer_count: int | None = None
    hybrid_enabled: bool | None = None
    event_options: dict[str, Any] | None = None
    ui: dict[str, Any] | None = None
    org_options_meta: dict[str, Any] | None = None
    open_policy: dict[str, Any] | None = None
    additional_permissions: dict[str, str] | None = None
    sso_enabled: bool | None = None

    @property
    def name(self) -> str:
        return (self.owner_name or self.owner_slug or "").strip()


class OrganisationList(msgspec.Struct):
    organisations: list[OrganisationBody]
    pages: int


OURS = ("id", "owner_name", "owner_slug", "cname_enabled", "apis")
UNSET: dict[str, Any] = {
    "developer_quota": 0,
    "developer_count": 0,
    "hybrid_enabled": False,
    "event_options": {},
    "ui": {},
    "org_options_meta": {},
    "open_policy": {"enabled": False, "rules": ""},
    "additional_permissions": {},
    "sso_enabled": False,
}


def organisation_document(
    organisation: Organisation, apis: Iterable[tuple[str, str]], domain: str | None
) -> dict[str, Any]:
    """`apis` are (name, api_id). `cname_enabled` says whether the site really stands at that host, its `domain`."""
    known = {
        "id": organisation.id,
        "owner_name": organisation.name,
        "owner_slug": organisation.slug,
        "cname": domain or organisation.extra.get("cname", ""),
        "cname_enabled": domain is not None,
        "apis": [{"api_human_name": name, "api_id": api_id} for name, api_id in apis],
    }
    return known | UNSET | {name: value for name, value in organisation.extra.items() if name not in known}


def kept_of_organisation(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in OURS and value is not None}


def unknown_fields(document: Mapping[str, Any], known: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the fields that have no meaning here, to be kept and given back."""
    return {name: value for name, value in document.items() if name not in known.__struct_fields__}


def refuse_to_keep_more(kept: Mapping[str, Any]) -> None:
    """Refuse what is too much together with what was kept before."""
    if kept and len(msgspec.json.encode(kept)) > MOST_KEPT:
        raise Refusal(400, f"The fields that are only kept here have more than {MOST_KEPT:,} characters.")


def is_empty(value: Any) -> bool:
    """Whether it says nothing: clients send every field of their types, also those that they did not fill."""
    if isinstance(value, dict):
        return all(map(is_empty, value.values()))
    return not value


def form_of(raw: bytes) -> dict[str, str]:
    """Read a body that is a form, in which each name stands once."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Refusal(400, "Request body malformed: this is not a form.") from error
    if any("\0" in value for _, value in pairs):
        raise Refusal(400, "Request body malformed: a NUL character is nowhere allowed.")
    return dict(pairs)
