"""APIs that are an OpenAPI document with `x-tyk-api-gateway`: the document is stored whole, the definition follows."""

from typing import Any, Unpack

from django.db import transaction

from apis import definition as definitions
from apis import jsontext, oas, openapi
from apis.definition import DefinitionError
from apis.jsontext import Problem, dotted
from apis.models import Api
from apis.oas import EXTENSION, Choices
from apis.rules import RawDefinition
from apis.services import storing
from apis.services.beside import set_beside
from apis.services.errors import OtherKind
from apis.wire import Settings
from orgs import audit

Raw = dict[str, Any]


@transaction.atomic
def create_oas_api(*, document: Raw, **settings: Unpack[Settings]) -> Api:
    """Create an API of the organisation in scope; the document's ids are kept where they are free.

    Raises OpenAPIError, DefinitionError, ListenPathTaken, SameApiId or UnknownOwner.
    """
    definition = require_valid(document)
    return set_beside(storing.create(definition, document=document), since=0, **settings)


@transaction.atomic
def update_oas_api(*, api: Api, document: Raw, revision: int, **settings: Unpack[Settings]) -> Api:
    """Replace the document; `revision` is the one that the change was made from.

    Raises ChangedMeanwhile, OtherKind, OpenAPIError, DefinitionError, ListenPathTaken, SameApiId, ApiIdTaken or
    UnknownOwner.
    """
    saved = _locked(api, revision)
    return set_beside(_replace(saved, document), since=revision, **settings)


def import_oas(*, document: Raw, choices: Choices) -> Api:
    """Create an API of a plain OpenAPI document, whose extension follows from its servers and security.

    Raises OpenAPIError, DefinitionError, ListenPathTaken or SameApiId.
    """
    return create_oas_api(document=_extended(document, choices))


@transaction.atomic
def patch_oas_api(*, api: Api, document: Raw, revision: int, choices: Choices) -> Api:
    """Replace the OpenAPI part; the extension stays, but for what the document or the choices say of it.

    Raises ChangedMeanwhile, OtherKind, OpenAPIError, DefinitionError or ListenPathTaken.
    """
    saved = _locked(api, revision)
    kept = {EXTENSION: storing.document_of(saved)[EXTENSION]}
    return _replace(saved, _extended(document if EXTENSION in document else document | kept, choices))


def read_document(text: str, *, api: Api) -> Raw:
    """Read what was typed as this API's document, and return it with its ids.

    Raises OpenAPIError or DefinitionError, each problem with its line.
    """
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        raise DefinitionError([Problem("The document must be a JSON object, in braces.", (), 1, 1)])
    document = openapi.load(text)
    own = {"dbId": api.id, "id": api.api_id, "orgId": str(api.organisation_id)}
    try:
        require_valid(document, api_id=api.api_id, before=definitions.parse(api.definition))
    except DefinitionError as error:
        raise DefinitionError(jsontext.locate(text, error.problems)) from None
    problems = [
        _cannot_change((EXTENSION, "info", name), own[name])
        for name, value in oas.ids_of(document).items()
        if value not in (None, "", own[name])
    ]
    if problems:
        raise DefinitionError(jsontext.locate(text, problems))
    return oas.seal_oas(document, id=api.id, api_id=api.api_id, org_id=own["orgId"])


def _cannot_change(path: jsontext.Path, value: str) -> Problem:
    return Problem(f"{dotted(path)} cannot be changed: leave it at “{value}”, or leave it out.", path)


def require_valid(document: Raw, *, api_id: str = "", before: RawDefinition | None = None) -> RawDefinition:
    """Return the definition that follows from the document. Raises OpenAPIError or DefinitionError."""
    openapi.document_of(document, is_served=True)
    if problems := oas.problems(document, **storing.walls()):
        raise DefinitionError(problems)
    definition = oas.to_classic(document)
    try:
        storing.require_valid(definition, api_id=api_id, before=before)
    except DefinitionError as error:
        raise DefinitionError([oas.at_origin(problem) for problem in error.problems]) from None
    return definition


def _locked(api: Api, revision: int) -> Api:
    saved = storing.locked(api, revision=revision)
    if not saved.is_oas:
        raise OtherKind(saved)
    return saved


def _replace(saved: Api, document: Raw) -> Api:
    before, was = definitions.parse(saved.definition), oas.without_extension(storing.document_of(saved))
    definition = require_valid(document, api_id=saved.api_id, before=before)
    revision = saved.revision
    after = storing.replace(saved, definition, document=document)
    if saved.revision == revision:
        return saved
    changes = storing.changes(before, after)
    if was != oas.without_extension(document):
        changes["openapi"] = ["…", "…"]
    audit.record("changed", kind=storing.KIND, obj=saved, changes=changes)
    return saved


def _extended(document: Raw, choices: Choices) -> Raw:
    checked = openapi.document_of(document, is_served=True)
    if EXTENSION in document and (problems := oas.shape_problems(document[EXTENSION])):
        raise DefinitionError(problems)
    return oas.extended(checked, choices, slug_prefix=storing.organisation_slug())
