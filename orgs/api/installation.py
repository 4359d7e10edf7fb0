"""What concerns the tokens that gateways store, for who holds the admin secret."""

from typing import Any

import msgspec

from orgs.machines import Access, Answer, Call, Refusal, ok, operation
from orgs.machines.answers import Envelope


class TokenQuery(msgspec.Struct):
    """`scope` says which tokens: lapsed ones."""

    scope: str = ""


@operation(
    "DELETE",
    "/admin/oauth/tokens",
    "Remove OAuth tokens that have lapsed",
    access=Access.ADMIN_SECRET,
    query=TokenQuery,
    answers=Envelope,
    refusals=(400, 422),
)
def purge_tokens(call: Call[TokenQuery, Any]) -> Answer:
    """Gateways store the tokens, with the time at which they vanish; here there are none."""
    if not call.query.scope:
        raise Refusal(422, "scope parameter is required")
    if call.query.scope != "lapsed":
        raise Refusal(400, "unknown scope")
    return ok("success")
