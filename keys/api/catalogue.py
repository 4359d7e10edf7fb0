"""What the developer portal offers, which is nothing: clients look whether it offers a policy before they delete it."""

from typing import Any

from orgs.machines import Call, operation
from orgs.permissions import Level, ObjectKind


@operation(
    "GET", "/api/portal/catalogue", "What the developer portal offers: nothing",
    access=(ObjectKind.POLICIES, Level.READ),
    answers={
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "org_id": {"type": "string"},
            "email": {"type": "string"},
            "apis": {"type": "array", "maxItems": 0},
        },
        "required": ["id", "org_id", "email", "apis"],
    },
)  # fmt: skip
def get_catalogue(call: Call[Any, None]) -> dict[str, Any]:
    organisation = call.organisation_or_none
    return {"id": "", "org_id": organisation.pk if organisation else "", "email": "", "apis": []}
