"""Vouching for people, by the admin secret: users sign in to the dashboard then, developers to the portal."""

from typing import Any

import msgspec

from orgs import scope
from orgs.machines import Access, Answer, Call, Refusal, ok, operation
from orgs.machines.answers import Envelope
from portal.models import Portal
from users import wire
from users.api.administration import NO_ORGANISATION, scope_of_payload
from users.services import single_sign_on
from users.services.single_sign_on import DASHBOARD, PORTAL

PORTAL_IS_OFF = "ForSection: the portal of this organisation is off."


class SignOn(msgspec.Struct, rename="pascal"):
    """Whom the caller vouches for. Groups count for those who are no user yet; developers have none of them."""

    for_section: str
    org_id: str = msgspec.field(name="OrgID")
    email_address: str
    group_id: str | None = msgspec.field(name="GroupID", default=None)
    groups_ids: list[str] | None = msgspec.field(name="GroupsIDs", default=None)
    display_name: str | None = None
    sso_only_for_registered_users: bool | None = msgspec.field(name="SSOOnlyForRegisteredUsers", default=None)
    user_not_allowed: bool | None = None


@operation(
    "POST",
    "/admin/sso",
    "Vouch for somebody, who then signs in at /tap",
    access=Access.ADMIN_SECRET,
    body=SignOn,
    answers=Envelope,
)
def create_sign_on(call: Call[Any, SignOn]) -> Answer:
    """`Meta` is the nonce: within a minute the browser is sent to `/tap?nonce=…`.

    For the section portal that is `tap` at the portal's own address: `/o/…/portal/tap?nonce=…`.
    """
    sent = call.body
    if sent.for_section not in (DASHBOARD, PORTAL):
        raise Refusal(400, "ForSection: dashboard or portal.")
    if sent.user_not_allowed:
        raise Refusal(403, "UserNotAllowed: who is not allowed gets no nonce.")
    if not sent.org_id:
        raise Refusal(400, NO_ORGANISATION)
    named = [id for id in [sent.group_id, *(sent.groups_ids or [])] if id]
    with scope.opened(scope_of_payload(call, sent.org_id)):
        is_portal = sent.for_section == PORTAL
        if is_portal and not Portal.objects.filter(is_on=True).exists():
            raise Refusal(400, PORTAL_IS_OFF)
        nonce = single_sign_on.create_nonce(
            section=sent.for_section,
            email=wire.checked_email(sent.email_address, "EmailAddress"),
            display_name=(sent.display_name or "").strip()[: wire.LONGEST_NAME],
            groups=() if is_portal else wire.find_groups(named, "GroupID"),
            is_for_registered_users=bool(sent.sso_only_for_registered_users),
        )
    return ok("SSO Nonce created", nonce)
