"""Classic definitions: created, replaced, read from an editor."""

from typing import Unpack

from django.db import transaction

from apis import definition as definitions
from apis import jsontext
from apis.definition import DefinitionError
from apis.jsontext import Problem
from apis.models import Api
from apis.rules import RawDefinition
from apis.services import storing
from apis.services.beside import set_beside
from apis.services.errors import OtherKind
from apis.wire import Settings
from orgs import audit


@transaction.atomic
def create_api(*, definition: RawDefinition, openapi_text: str = "", **settings: Unpack[Settings]) -> Api:
    """Create an API of the organisation in scope; its ids are kept where they are free.

    Raises DefinitionError, ListenPathTaken, SameApiId or UnknownOwner.
    """
    storing.require_valid(definition)
    return set_beside(storing.create(definition, openapi_text=openapi_text), since=0, **settings)


@transaction.atomic
def update_api(*, api: Api, definition: RawDefinition, revision: int, **settings: Unpack[Settings]) -> Api:
    """Replace the definition; `revision` is the one that the change was made from.

    Raises ChangedMeanwhile, OtherKind, DefinitionError, ListenPathTaken, SameApiId, ApiIdTaken or UnknownOwner.
    """
    saved = storing.locked(api, revision=revision)
    if saved.is_oas:
        raise OtherKind(saved)
    before = definitions.parse(saved.definition)
    storing.require_valid(definition, api_id=saved.api_id, before=before)
    after = storing.replace(saved, definition)
    if saved.revision != revision:
        audit.record("changed", kind=storing.KIND, obj=saved, changes=storing.changes(before, after))
    return set_beside(saved, since=revision, **settings)


def read_definition(text: str, *, api: Api) -> RawDefinition:
    """Read what was typed as this API's definition, and return it with its ids.

    Raises DefinitionError, each problem with its line.
    """
    definition = definitions.load(text, **storing.walls())
    own = {"id": api.id, "api_id": api.api_id, "org_id": api.organisation_id}
    problems = [
        Problem(f"{field} cannot be changed: leave it at “{value}”, or leave it out.", (field,))
        for field, value in own.items()
        if definition.get(field) not in (None, "", value)
    ]
    if problems:
        raise DefinitionError(jsontext.locate(text, problems))
    return definitions.seal(definition, **own)
