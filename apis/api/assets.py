"""API templates, of which there are none here: clients ask for the list before they do anything else."""

from typing import Any

from orgs.machines import Call, operation
from orgs.permissions import Level, ObjectKind


@operation(
    "GET", "/api/assets", "The templates of APIs: none", access=(ObjectKind.APIS, Level.READ),
    answers={"type": "array", "maxItems": 0},
)  # fmt: skip
def list_assets(call: Call[Any, None]) -> list[Any]:
    return []
