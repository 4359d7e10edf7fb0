"""Import of APIs by the holder of the admin secret."""

from typing import Any

import msgspec

from apis import wire
from apis.api.classic import create
from apis.api.finding import clients_words
from orgs import scope
from orgs.ids import is_id
from orgs.machines import Access, Answer, Call, not_found, ok, operation
from orgs.machines.answers import Envelope
from orgs.models import Organisation


class Import(msgspec.Struct):
    """Each API with its definition, in which `org_id` says whose it becomes."""

    apis: list[dict[str, Any]]


@operation(
    "POST", "/admin/apis/import", "Import APIs into their organisations", access=Access.ADMIN_SECRET, body=Import,
    answers=Envelope, refusals=(404, 409),
)  # fmt: skip
def import_apis(call: Call[Any, Import]) -> Answer:
    """Ids that are free are kept. All or none."""
    made = {}
    for document in call.body.apis:
        sent = wire.unwrap_body(document)
        organisation_id = sent.definition.get("org_id")
        known = isinstance(organisation_id, str) and is_id(organisation_id)
        if not known or not Organisation.objects.filter(pk=organisation_id).exists():
            raise not_found("org_id: there is no such organisation.")
        with scope.opened(scope.of(str(organisation_id))), clients_words():
            made[create(sent).api_id] = True
    return ok("APIs imported", made)
