"""Who may act on whom: nobody grants what they do not hold, and nobody acts on somebody who holds more.

`by` is the user who acts; None is the command line, which is above everybody.
"""

from collections.abc import Iterable

from django.db.models import Q

from orgs.permissions import Permissions, highest, parse, within
from users.models import ALL_WRITE, Group, User
from users.services.errors import BeyondRights, Gone, LastAdministrator


def may_act_on(by: User | None, user: User) -> bool:
    if by is None:
        return True
    if by.organisation_id != user.organisation_id or by.is_unbounded != user.is_unbounded:
        return False
    if user.may_reset_passwords and not (by.may_reset_passwords or by.is_administrator):
        return False  # who gives them a password, or their mails an address, would be allowed what they are
    return by.is_unbounded or holds(by, user.held_permissions, is_administrator=user.is_administrator)


def holds(by: User, permissions: Permissions, *, is_administrator: bool = False) -> bool:
    """Whether `by` has all of it. An administrator is more than every permission together."""
    return by.is_administrator or (not is_administrator and within(permissions, by.effective_permissions))


def require_rank(by: User | None, user: User) -> None:
    """Refuse unless `by` may act on the user as they are now, whom this locks."""
    lock(user)
    if not may_act_on(by, user):
        raise BeyondRights(f"{user.email} holds more permissions than you do, so you cannot change this user.")


def require_grant(by: User | None, permissions: Permissions, *, is_administrator: bool = False) -> None:
    if by is None or holds(by, permissions, is_administrator=is_administrator):
        return
    if is_administrator:
        raise BeyondRights("Only administrators can make somebody an administrator.")
    too_much = [kind.label for kind, level in permissions.items() if level > by.effective_permissions[kind]]
    raise BeyondRights(f"You cannot grant more than you hold yourself: {', '.join(too_much)}.")


def total(permissions: Permissions, groups: Iterable[Group], *, is_administrator: bool = False) -> Permissions:
    """What somebody holds with these permissions in these groups."""
    return ALL_WRITE if is_administrator else highest([permissions, *(parse(group.permissions) for group in groups)])


def lock(user: User) -> None:
    """Bring `user` up to date, for this transaction alone: somebody may have promoted them since the page was read.

    Administrators are locked as well, always in one order, so that two who act on each other do not wait for ever.
    """
    peers = User.objects.filter(organisation_id=user.organisation_id, is_unbounded=user.is_unbounded)
    wanted = Q(pk=user.pk) | Q(is_administrator=True) | Q(is_unbounded=True)
    locked = peers.filter(wanted).select_for_update().order_by("id").values_list("pk", flat=True)
    if user.pk not in list(locked):
        raise Gone("This user has been deleted meanwhile.")
    user.refresh_from_db()
    for name in ("held_permissions", "effective_permissions", "group_permissions"):
        user.__dict__.pop(name, None)


def keep_one_administrator(user: User) -> None:
    """Refuse to lose the last active administrator (or unbounded user); `lock` has locked them all."""
    if not user.is_active or not (user.is_administrator or user.is_unbounded):
        return
    peers = User.objects.filter(organisation_id=user.organisation_id, is_unbounded=user.is_unbounded, is_active=True)
    if not user.is_unbounded:
        peers = peers.filter(is_administrator=True)
    if not peers.exclude(pk=user.pk).exists():
        who = "unbounded user" if user.is_unbounded else "administrator"
        raise LastAdministrator(f"{user.email} is the last active {who}: make another one first.")
