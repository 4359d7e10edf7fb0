"""Making, changing and removing users."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, transaction

from orgs import audit, scope
from orgs.permissions import NO_PERMISSIONS, Permissions, stored
from orgs.unique import unless_taken
from users.models import AccessKey, Group, Membership, Session, User
from users.services import rank
from users.services.errors import EmailTaken, WeakPassword

KIND = "users"


def generate_password() -> str:
    """Return 120 random bits as text that can be read aloud and typed."""
    return "-".join(secrets.token_hex(3) for _ in range(5))


def check_strength(password: str, user: User) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages)) from error


@transaction.atomic
def create_user(
    *,
    email: str,
    name: str,
    password: str | None = None,
    is_administrator: bool = False,
    permissions: Permissions = NO_PERMISSIONS,
    groups: Iterable[Group] = (),
    is_active: bool = True,
    extra: Mapping[str, Any] | None = None,
    by: User | None = None,
) -> User:
    """Make a user of the open scope's organisation. Without a password they sign in only after a reset.

    `extra` is what clients of the JSON API keep with a user.
    """
    groups = list(groups)
    rank.require_grant(by, rank.total(permissions, groups), is_administrator=is_administrator)
    user = User(email=email, name=name, is_administrator=is_administrator, permissions=stored(permissions))
    user.is_active, user.extra = is_active, dict(extra or {})
    user.organisation_id = scope.current_organisation_id()
    _insert(user, password)
    _put_in_groups(user, groups)
    audit.record("created", kind=KIND, obj=user, changes=audit.differences({}, _facts(user, groups)))
    return user


@transaction.atomic
def create_unbounded_user(
    *,
    email: str,
    name: str,
    password: str | None = None,
    is_active: bool = True,
    extra: Mapping[str, Any] | None = None,
) -> User:
    """Make a user of no organisation, who sees all of them.

    Only their like, the command line and who holds the admin secret get here.
    """
    user = User(email=email, name=name, is_unbounded=True, is_active=is_active, extra=dict(extra or {}))
    _insert(user, password)
    audit.record("created", kind=KIND, obj=user, changes={"is_unbounded": [None, True]})
    return user


def _insert(user: User, password: str | None) -> None:
    user.email = user.email.strip().lower()
    if password is not None:
        check_strength(password, user)
    user.set_password(password)
    _save(user, force_insert=True)


def _save(user: User, **how: Any) -> None:
    taken = EmailTaken(f"There is already a user with the e-mail address {user.email} here.")
    with unless_taken(taken, "users_email"):
        user.save(**how)


@transaction.atomic
def update_user(
    *,
    user: User,
    email: str,
    name: str,
    is_administrator: bool = False,
    permissions: Permissions = NO_PERMISSIONS,
    groups: Iterable[Group] = (),
    extra: Mapping[str, Any] | None = None,
    by: User | None = None,
) -> User:
    """Change a user; the permissions and groups given replace those that were. `by` must rank above both."""
    groups = list(groups)
    rank.require_rank(by, user)
    rank.require_grant(by, rank.total(permissions, groups), is_administrator=is_administrator)
    if not is_administrator and not user.is_unbounded:
        rank.keep_one_administrator(user)
    before = _facts(user, user.groups.all())
    user.email, user.name, user.is_administrator = email.strip().lower(), name, is_administrator
    user.permissions = stored(permissions)
    user.extra = user.extra if extra is None else dict(extra)
    _save(user, update_fields=["email", "name", "is_administrator", "permissions", "extra"])
    if not user.is_unbounded:
        _put_in_groups(user, groups)
    audit.record("changed", kind=KIND, obj=user, changes=audit.differences(before, _facts(user, groups)))
    return user


@transaction.atomic
def allow_resets(*, user: User, allowed: bool) -> User:
    """Let a user set the passwords of those whom they rank above, or no longer; for who holds the admin secret."""
    if user.may_reset_passwords != allowed:
        user.may_reset_passwords = allowed
        user.save(update_fields=["may_reset_passwords"])
        audit.record("changed", kind=KIND, obj=user, changes={"may_reset_passwords": [not allowed, allowed]})
    return user


def _put_in_groups(user: User, groups: list[Group]) -> None:
    Membership.objects.filter(user=user).exclude(group__in=groups).delete()
    there = set(Membership.objects.filter(user=user).values_list("group_id", flat=True))
    Membership.objects.bulk_create(Membership(user=user, group=group) for group in groups if group.pk not in there)
    user.__dict__.pop("held_permissions", None)


def _facts(user: User, groups: Iterable[Group]) -> dict[str, Any]:
    """What the audit trail compares: never the password."""
    return {
        "email": user.email,
        "name": user.name,
        "is_administrator": user.is_administrator,
        "permissions": dict(user.permissions),
        "groups": sorted(group.name for group in groups),
    }


@transaction.atomic
def disable_user(*, user: User, by: User | None) -> User:
    """Shut a user out, now: their sessions end and their access keys stop."""
    rank.require_rank(by, user)
    rank.keep_one_administrator(user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_sessions(user)
    audit.record("disabled", kind=KIND, obj=user)
    return user


@transaction.atomic
def enable_user(*, user: User, by: User | None) -> User:
    rank.require_rank(by, user)
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit.record("enabled", kind=KIND, obj=user)
    return user


@transaction.atomic
def delete_user(*, user: User, by: User | None) -> None:
    """Remove a user with their sessions, memberships and access keys; the audit trail keeps their lines."""
    rank.require_rank(by, user)
    rank.keep_one_administrator(user)
    audit.record("deleted", kind=KIND, obj=user)
    if not user.is_unbounded:
        Membership.objects.filter(user=user).delete()
    end_sessions(user)
    AccessKey.objects.filter(user=user).delete()
    # Not `delete`: it would also ask the log of Django's admin, which the web may not touch.
    User.objects.filter(pk=user.pk)._raw_delete(using=DEFAULT_DB_ALIAS)


@transaction.atomic
def give_new_password(*, user: User, by: User | None) -> str:
    """Return a generated password that replaces the user's, for where no mail arrives. Their sessions end."""
    rank.require_rank(by, user)
    password = generate_password()
    user.set_password(password)
    user.save(update_fields=["password"])
    end_sessions(user)
    audit.record("gave a new password", kind=KIND, obj=user)
    return password


def end_sessions(user: User) -> None:
    Session.objects.filter(user=user).delete()
