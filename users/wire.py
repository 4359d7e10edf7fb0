"""Users and groups as clients of the JSON API know them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from orgs.ids import is_id
from orgs.machines import Refusal
from orgs.permissions import Permissions, parse, within
from orgs.wire import NO_TIME, is_empty, refuse_to_keep_more, unknown_fields
from users import wire_permissions
from users.models import ALL_READ, Group, User
from users.services.errors import BeyondRights, EmailTaken

LONGEST_NAME, LONGEST_EMAIL = 80, 254
FOREIGN = "org_id is not this organisation's: leave it out."
NEVER_GIVEN = ("is_superuser", "is_unbounded", "is_administrator", "is_staff")


class UserBody(msgspec.Struct):
    """What a client may say of a user. What is left out stays; dates and history are not taken."""

    first_name: str | None = None
    last_name: str | None = None
    email_address: str | None = None
    password: str | None = None
    org_id: str | None = None
    active: bool | None = None
    access_key: str | None = None
    group_id: str | None = None
    user_group_ids: list[str] | None = None
    user_permissions: dict[str, str] | None = None
    password_max_days: int | None = None
    id: str | None = None
    password_updated: Any = None
    last_login_date: Any = None
    created_at: Any = None
    PWHistory: list[Any] | None = None
    api_model: Any = None


class UserDocument(msgspec.Struct):
    """`access_key` is empty but in the answer that made the key: of others there is only a digest."""

    id: str
    first_name: str
    last_name: str
    email_address: str
    org_id: str
    active: bool
    access_key: str
    group_id: str
    user_group_ids: list[str]
    user_permissions: dict[str, str]
    password_max_days: int
    password_updated: str
    last_login_date: str
    created_at: str
    PWHistory: list[Any]
    api_model: dict[str, Any]


class GroupBody(msgspec.Struct):
    """What a client may say of a group. What is left out stays."""

    id: str | None = None
    name: str | None = None
    description: str | None = None
    active: bool | None = None
    user_permissions: dict[str, str] | None = None
    password_max_days: int | None = None
    org_id: str | None = None


class GroupDocument(msgspec.Struct):
    id: str
    name: str
    description: str
    active: bool
    user_permissions: dict[str, str]
    password_max_days: int
    org_id: str


@dataclass
class Wanted:
    """What a body says, in the words of the services."""

    email: str
    name: str
    is_active: bool
    is_administrator: bool
    may_reset_passwords: bool | None
    permissions: Permissions
    groups: list[Group]
    extra: dict[str, Any]

    @property
    def identity(self) -> dict[str, Any]:
        return {"email": self.email, "name": self.name, "extra": self.extra}

    @property
    def rights(self) -> dict[str, Any]:
        return {
            "is_administrator": self.is_administrator,
            "permissions": self.permissions,
            "groups": self.groups,
        }


def moment(value: datetime | None) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else NO_TIME


def names_of(user: User) -> tuple[str, str]:
    """Return first and last name, as a client wrote them if the name is still that."""
    first, last = user.extra.get("first_name", ""), user.extra.get("last_name", "")
    if _joined(first, last) == user.name:
        return first, last
    first, _, last = user.name.partition(" ")
    return first, last


def _joined(first: str, last: str) -> str:
    return " ".join(part for part in (first.strip(), last.strip()) if part)


def user_document(user: User, group_ids: list[str], access_key: str = "") -> dict[str, Any]:
    first, last = names_of(user)
    permissions = ALL_READ if user.is_unbounded else parse(user.permissions)
    document = UserDocument(
        id=user.pk,
        first_name=first,
        last_name=last,
        email_address=user.email,
        org_id=user.organisation_id or "",
        active=user.is_active,
        access_key=access_key,
        group_id=group_ids[0] if group_ids else "",
        user_group_ids=group_ids,
        user_permissions=wire_permissions.written(
            permissions,
            user.extra.get("user_permissions", {}),
            is_administrator=user.is_administrator,
            may_reset_passwords=user.may_reset_passwords,
        ),
        password_max_days=user.extra.get("password_max_days", 0),
        password_updated=NO_TIME,
        last_login_date=moment(user.last_login),
        created_at=moment(user.created_at),
        PWHistory=[],
        api_model={},
    )
    return _beside(document, user.extra)


def _beside(document: msgspec.Struct, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document, then what clients keep there."""
    known: dict[str, Any] = msgspec.to_builtins(document)
    return known | {name: value for name, value in extra.items() if name not in known}


def group_document(group: Group) -> dict[str, Any]:
    document = GroupDocument(
        id=group.pk,
        name=group.name,
        description=group.description,
        active=True,
        user_permissions=wire_permissions.written(parse(group.permissions), group.extra.get("user_permissions", {})),
        password_max_days=group.extra.get("password_max_days", 0),
        org_id=group.organisation_id,
    )
    return _beside(document, group.extra)


def read_user(sent: UserBody, document: Mapping[str, Any], user: User | None = None) -> Wanted:
    """Read what a body says of a new user, or of this one, in the open scope."""
    refuse_powers(document)
    first, last = names_of(user) if user else ("", "")
    first = first if sent.first_name is None else sent.first_name.strip()
    last = last if sent.last_name is None else sent.last_name.strip()
    email = checked_email(user.email if user and sent.email_address is None else sent.email_address or "")
    kept = dict(user.extra) if user else {}
    kept |= unknown_fields(document, UserBody) | {"first_name": first, "last_name": last}
    if sent.password_max_days is not None:
        kept["password_max_days"] = sent.password_max_days
    wanted = Wanted(
        email=email,
        name=checked_name(_joined(first, last) or email),
        is_active=sent.active if sent.active is not None else user is None or user.is_active,
        is_administrator=user is not None and user.is_administrator,
        may_reset_passwords=None,
        permissions=parse(user.permissions if user else {}),
        groups=read_groups(sent, user),
        extra=kept,
    )
    if sent.user_permissions is not None:
        said = wire_permissions.read(sent.user_permissions)
        wanted.is_administrator, wanted.may_reset_passwords = said.is_administrator, said.may_reset_passwords
        wanted.permissions = said.permissions
        kept["user_permissions"] = said.kept
    refuse_to_keep_more(kept)
    return wanted


def refuse_powers(document: Mapping[str, Any]) -> None:
    # In any case of letters: a client that wrote it so meant the same.
    if powers := [name for name, value in document.items() if name.casefold() in NEVER_GIVEN and not is_empty(value)]:
        raise Refusal(403, f"{powers[0]} is not given here: leave it out.")


def require_unbounded(wanted: Wanted) -> None:
    """Refuse what an unbounded user cannot have."""
    if wanted.is_administrator or wanted.may_reset_passwords or not within(wanted.permissions, ALL_READ):
        raise BeyondRights("An unbounded user reads everything and changes nothing: give no permissions.")
    if wanted.groups:
        raise Refusal(400, "group_id: there is no such group.")
    wanted.extra.pop("user_permissions", None)


def read_groups(sent: UserBody, user: User | None) -> list[Group]:
    """Return the groups that a body names, by one id or by all of them."""
    if sent.user_group_ids is None and sent.group_id is None:
        return list(user.groups.all()) if user and not user.is_unbounded else []
    several = sent.user_group_ids
    if several is not None and sent.group_id is not None and sent.group_id not in (several or [""]):
        raise Refusal(400, "group_id is none of user_group_ids: send one of the two.")
    return find_groups([sent.group_id] if several is None and sent.group_id else several or [])


MOST_GROUPS = 100


def find_groups(ids: Iterable[str], field: str = "group_id") -> list[Group]:
    wanted = set(ids)
    if len(wanted) > MOST_GROUPS:
        raise Refusal(400, f"{field}: name at most {MOST_GROUPS} groups.")
    groups = list(Group.objects.filter(pk__in=wanted)) if all(map(is_id, wanted)) else []
    if len(groups) != len(wanted):
        raise Refusal(400, f"{field}: there is no such group.")
    return groups


def checked_email(text: str, field: str = "email_address") -> str:
    """Return the address in lower case, as it is stored: some letters become longer by it."""
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refusal(400, f"{field} is not an e-mail address.") from error
    if len(email) > LONGEST_EMAIL:
        raise Refusal(400, f"{field} is longer than {LONGEST_EMAIL} characters.")
    return email


def checked_name(text: str) -> str:
    if not text or len(text) > LONGEST_NAME:
        raise Refusal(400, f"A name has 1 to {LONGEST_NAME} characters.")
    return text


@contextmanager
def taken_as(text: str) -> Iterator[None]:
    """Say that an e-mail address is taken in the words that clients know."""
    try:
        yield
    except EmailTaken as error:
        raise Refusal(403, text) from error
