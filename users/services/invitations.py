"""Invitations: a link that makes one user, once, within 72 hours."""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from orgs import audit
from orgs.http import OrgRequest, address
from orgs.permissions import NO_PERMISSIONS, Level, ObjectKind, Permissions, parse, stored
from users import mail
from users.models import Group, Invitation, User, owner_id
from users.services import rank
from users.services.errors import BeyondRights, EmailTaken, InvitationGone
from users.services.people import create_unbounded_user, create_user

KIND = "invitations"
VALID_FOR = timedelta(hours=72)
GONE = "This invitation has been used or revoked, or is too old. Ask for another one."


@transaction.atomic
def invite(
    *,
    request: OrgRequest,
    by: User,
    email: str,
    name: str = "",
    is_administrator: bool = False,
    permissions: Permissions = NO_PERMISSIONS,
    groups: Iterable[Group] = (),
) -> tuple[Invitation, str]:
    """Return the invitation and its link, which is shown this once and mailed where mail reaches people."""
    groups, email = list(groups), email.strip().lower()
    rank.require_grant(by, rank.total(permissions, groups), is_administrator=is_administrator)
    if User.objects.filter(email=email, organisation_id=owner_id()).exists():
        raise EmailTaken(f"There is already a user with the e-mail address {email} here.")
    token = token_urlsafe(32)
    invitation = Invitation.objects.create(
        organisation_id=owner_id(),
        email=email,
        name=name,
        is_administrator=is_administrator,
        permissions=stored(permissions),
        group_ids=[group.pk for group in groups],
        digest=_digest(token),
        invited_by=by.pk,
        expires_at=timezone.now() + VALID_FOR,
    )
    audit.record("invited", kind=KIND, obj=invitation, changes=_facts(invitation, groups))
    link = request.build_absolute_uri(reverse("users:accept_invitation", args=[token]))
    if mail.is_real():
        mail.queue(
            "invitation",
            to=email,
            subject="You are invited",
            organisation=request.site.organisation,
            context={"link": link},
            expires_at=invitation.expires_at,
        )
    return invitation, link


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _facts(invitation: Invitation, groups: list[Group]) -> dict[str, list[object]]:
    after = {
        "is_administrator": invitation.is_administrator,
        "permissions": invitation.permissions,
        "groups": sorted(group.name for group in groups),
    }
    return audit.differences({"is_administrator": False, "permissions": {}, "groups": []}, after)


def find_invitation(token: str) -> Invitation | None:
    return Invitation.objects.filter(
        digest=_digest(token), organisation_id=owner_id(), expires_at__gt=timezone.now()
    ).first()


@transaction.atomic
def accept(*, request: OrgRequest, token: str, name: str, password: str) -> User:
    """Make the user. Refused where it would grant what whoever invited could not grant today."""
    invitation = Invitation.objects.select_for_update().filter(pk=getattr(find_invitation(token), "pk", "")).first()
    if invitation is None or (request.site.organisation and request.site.organisation.is_suspended):
        raise InvitationGone(GONE)
    inviter = _inviter(invitation)
    with audit.acting(audit.Actor(id="", name=invitation.email, address=address(request) or None)):
        user = _create(invitation, inviter, name, password)
        invitation.delete()
        audit.record("accepted the invitation", kind=KIND, obj=user)
    return user


def _inviter(invitation: Invitation) -> User:
    inviter = User.objects.filter(
        pk=invitation.invited_by, organisation_id=invitation.organisation_id, is_active=True
    ).first()
    if inviter is None or not (inviter.is_unbounded or inviter.level(ObjectKind.USERS) >= Level.WRITE):
        raise InvitationGone("Whoever invited you no longer manages the users here. Ask for another invitation.")
    return inviter


def _create(invitation: Invitation, inviter: User, name: str, password: str) -> User:
    if inviter.is_unbounded:
        return create_unbounded_user(email=invitation.email, name=name, password=password)
    try:
        return create_user(
            email=invitation.email,
            name=name,
            password=password,
            is_administrator=invitation.is_administrator,
            permissions=parse(invitation.permissions),
            groups=Group.objects.filter(pk__in=invitation.group_ids),
            by=inviter,
        )
    except BeyondRights as error:
        raise InvitationGone("Whoever invited you no longer holds these permissions. Ask for another one.") from error


@transaction.atomic
def revoke(*, invitation: Invitation, by: User) -> None:
    groups = Group.objects.filter(pk__in=invitation.group_ids)
    held = rank.total(parse(invitation.permissions), groups)
    rank.require_grant(by, held, is_administrator=invitation.is_administrator)
    audit.record("revoked", kind=KIND, obj=invitation)
    invitation.delete()
