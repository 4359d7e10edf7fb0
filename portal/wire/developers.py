"""Developers as clients of the JSON API know them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from orgs.machines import Refusal
from orgs.wire import NO_TIME, is_empty, refuse_to_keep_more, unknown_fields
from portal.models import Developer
from users.wire import checked_email, moment

LONGEST_NAME, LONGEST_GROUP, MOST_GROUPS = 80, 60, 50
# Under which of the fields that they make up clients keep a developer's name.
NAMES = ("Name", "name")
DIGEST = re.compile(r"\$2[abxy]?\$\d\d\$.{53}")


class DeveloperBody(msgspec.Struct):
    """What is left out of a change stays. Keys, dates and history are not taken: they are what they are."""

    email: str | None = None
    password: str | None = None
    inactive: bool | None = None
    fields: dict[str, Any] | None = None
    groups: list[str] | None = None
    sso_key: str | None = None
    password_max_days: int | None = None
    id: str | None = None
    org_id: str | None = None
    keys: dict[str, Any] | None = None
    api_keys: dict[str, Any] | None = None
    subscriptions: dict[str, Any] | None = None
    oauth_clients: dict[str, Any] | None = None
    nonce: str | None = None
    date_created: Any = None
    password_updated: Any = None
    last_login_date: Any = None
    PWHistory: list[Any] | None = None


class DeveloperDocument(msgspec.Struct):
    """`keys` are the policies of each key by its hash, `subscriptions` the newest key of each policy."""

    id: str
    email: str
    org_id: str
    inactive: bool
    fields: dict[str, Any]
    groups: list[str]
    keys: dict[str, list[str]]
    subscriptions: dict[str, str]
    oauth_clients: dict[str, Any]
    date_created: str
    password_updated: str
    last_login_date: str
    password_max_days: int
    PWHistory: list[Any]
    nonce: str
    sso_key: str


class Owned(NamedTuple):
    """A key of a developer's."""

    hash: str
    policies: list[str]


@dataclass
class Wanted:
    """What a body says, in the words of the services."""

    email: str
    name: str
    groups: list[str]
    is_active: bool
    extra: dict[str, Any]


def document(developer: Developer, keys: Sequence[Owned]) -> dict[str, Any]:
    known: dict[str, Any] = msgspec.to_builtins(
        DeveloperDocument(
            id=developer.pk,
            email=developer.email,
            org_id=developer.organisation_id,
            inactive=not developer.is_active,
            fields=fields_of(developer),
            groups=developer.groups,
            keys={key.hash: key.policies for key in keys},
            subscriptions=subscriptions(keys),
            oauth_clients={},
            date_created=moment(developer.created_at),
            password_updated=NO_TIME,
            last_login_date=moment(developer.last_login),
            password_max_days=developer.extra.get("password_max_days", 0),
            PWHistory=[],
            nonce="",
            sso_key=developer.extra.get("sso_key", ""),
        )
    )
    return known | {name: value for name, value in developer.extra.items() if name not in known}


def subscriptions(keys: Sequence[Owned]) -> dict[str, str]:
    return {policy: key.hash for key in keys for policy in key.policies}


def fields_of(developer: Developer) -> dict[str, Any]:
    """Return the fields as a client wrote them, with the name as it is by now."""
    fields: dict[str, Any] = developer.extra.get("fields", {})
    told = name_of(fields) or developer.email[:LONGEST_NAME]
    return fields if told == developer.name else fields | {_name_in(fields) or NAMES[0]: developer.name}


def read(sent: DeveloperBody, document: Mapping[str, Any], developer: Developer | None = None) -> Wanted:
    """Read what a body says of a new developer, or of this one."""
    kept = dict(developer.extra) if developer else {}
    kept |= unknown_fields(document, DeveloperBody)
    fields = None if developer and sent.fields == fields_of(developer) else sent.fields
    said = {"fields": fields, "sso_key": sent.sso_key, "password_max_days": sent.password_max_days}
    kept |= {name: value for name, value in said.items() if value or (value is not None and name in kept)}
    refuse_to_keep_more(kept)
    email = checked_email(developer.email if developer and sent.email is None else sent.email or "", "email")
    name = name_of(sent.fields or {}) or (developer.name if developer else email[:LONGEST_NAME])
    groups = (developer.groups if developer else []) if sent.groups is None else sent.groups
    if len(groups) > MOST_GROUPS or any(len(group) > LONGEST_GROUP for group in groups):
        raise Refusal(400, f"groups: give at most {MOST_GROUPS}, each of at most {LONGEST_GROUP} characters.")
    is_active = (developer is None or developer.is_active) if sent.inactive is None else not sent.inactive
    return Wanted(email, name, groups, is_active, kept)


def refuse_beginnings(sent: DeveloperBody) -> None:
    """Refuse what a developer cannot begin with."""
    if any(not is_empty(given) for given in (sent.keys, sent.api_keys, sent.subscriptions, sent.oauth_clients)):
        raise Refusal(400, "keys: they are given by /api/portal/requests: leave keys and subscriptions out.")
    if sent.password and DIGEST.fullmatch(sent.password):
        raise Refusal(400, "password: this is the digest of one. Leave it out; the developer then sets a new one.")


def name_of(fields: Mapping[str, Any]) -> str:
    """Return the developer's name as the fields have it, or nothing."""
    named = _name_in(fields)
    return fields[named].strip()[:LONGEST_NAME].strip() if named else ""


def _name_in(fields: Mapping[str, Any]) -> str:
    return next((name for name in NAMES if isinstance(fields.get(name), str) and fields[name].strip()), "")
