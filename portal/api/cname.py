"""The portal's own domain, as clients ask for it."""

from typing import Any

import msgspec

from orgs.domains import services as domains
from orgs.machines import Answer, Call, Refusal, ok, operation
from orgs.machines.answers import Envelope
from orgs.models import Domain
from orgs.permissions import Level, ObjectKind

OTHER_PURPOSE = "cname: this organisation has the domain already, for another purpose: change that first."


class Cname(msgspec.Struct):
    cname: str | None = None


@operation(
    "PUT", "/api/portal/cname", "Claim a domain for the portal", access=(ObjectKind.PORTAL, Level.WRITE), body=Cname,
    answers=Envelope, refusals=(409,),
)  # fmt: skip
def update_cname(call: Call[Any, Cname]) -> Answer:
    """The portal stands there once the domain is proven. Without a `cname` nothing is changed."""
    wanted = (call.body.cname or "").strip()
    if not wanted:
        return ok("Data updated")
    host = domains.host_of(wanted)
    known = Domain.objects.filter(host=host).first()
    if known and known.purpose != Domain.Purpose.PORTAL:
        raise Refusal(409, OTHER_PURPOSE)
    if known is None:
        domains.claim_domain(host=host, purpose=Domain.Purpose.PORTAL)
    return ok("Data updated")
