"""APIs that are an OpenAPI document with `x-tyk-api-gateway`. Each is found by either of its ids."""

from typing import Any

import msgspec
from django.db import transaction

from apis import oas, openapi, services
from apis.api.beside import NOT_FOUND, Categories
from apis.api.classic import NO_DEFINITION, READ, WRITE, delete
from apis.api.finding import MISSING, clients_words, find_api, require_own
from apis.models import Api
from apis.oas import EXTENSION, Choices
from apis.rules import get
from orgs.machines import Answer, Call, Everything, ok, operation
from orgs.machines.answers import Envelope, EnvelopeWithId, etag_of

DOCUMENT = {
    "type": "object",
    "required": ["openapi", "info"],
    "properties": {
        "openapi": {"type": "string"},
        "info": {"type": "object"},
        "paths": {"type": "object"},
        EXTENSION: {"type": "object"},
    },
}
PLAIN = {**DOCUMENT, "description": "A document without the gateway's extension, or with some of it."}
FORMS = ("application/json", "application/x-yaml")


class Wishes(msgspec.Struct, rename="camel"):
    """What is said of an API beside its document; what is left out follows from the document."""

    listen_path: str = ""
    upstream_url: str = msgspec.field(default="", name="upstreamURL")
    custom_domain: str = ""
    api_id: str = msgspec.field(default="", name="apiID")
    authentication: bool | None = None
    allow_list: bool | None = None
    validate_request: bool | None = None
    mock_response: bool | None = None

    def choices(self) -> Choices:
        return Choices(**msgspec.structs.asdict(self))


class Export(msgspec.Struct):
    """With the mode public it is without the gateway's extension."""

    mode: str = ""


class Version(msgspec.Struct, rename="camel"):
    id: str
    name: str
    version_name: str
    internal: bool
    is_default_version: bool
    expiration_date: str


class Versions(msgspec.Struct):
    apis: list[Version]
    pages: int


def document_of(call: Call[Any, bytes]) -> dict[str, Any]:
    """Read JSON or YAML, whichever it is; a key that stands twice is refused."""
    document = openapi.load(call.body)
    require_own(call, get(document, EXTENSION, "info", "orgId"))
    return document


def found(call: Call[Any, Any], id: str, missing: str = MISSING) -> Api:
    return find_api(call, id, missing, is_oas=True)


@operation(
    "POST", "/api/apis/oas", "Create an API of an OpenAPI document with the gateway's extension", access=WRITE,
    body=DOCUMENT, body_types=FORMS, answers=EnvelopeWithId, refusals=(409,),
)  # fmt: skip
def create_oas_api(call: Call[Any, bytes]) -> Answer:
    """Ids in the document that are free are kept."""
    with clients_words():
        api = services.create_oas_api(document=document_of(call))
    return ok("API created", api.pk, id=api.api_id, etag=api.revision)


@operation(
    "POST", "/api/apis/oas/import", "Create an API of a plain OpenAPI document", access=WRITE, query=Wishes,
    body=PLAIN, body_types=FORMS, answers=EnvelopeWithId, refusals=(409,),
)  # fmt: skip
def import_oas(call: Call[Wishes, bytes]) -> Answer:
    with clients_words():
        api = services.import_oas(document=document_of(call), choices=call.query.choices())
    return ok("API created", api.pk, id=api.api_id, etag=api.revision)


@operation(
    "POST", "/api/apis/oas/dry-run", "What an import would make", access=WRITE, query=Wishes, body=PLAIN,
    body_types=FORMS, answers=DOCUMENT, refusals=(409,),
)  # fmt: skip
def try_oas(call: Call[Wishes, bytes]) -> Answer:
    """The API is made and undone: what an import would refuse is refused here. Its ids are not kept for it."""
    with clients_words(), transaction.atomic():
        api = services.import_oas(document=document_of(call), choices=call.query.choices())
        transaction.set_rollback(True)
    return Answer(api.openapi.encode())


@operation(
    "GET", "/api/apis/oas/{id}", "The OpenAPI document of an API", access=READ, answers=DOCUMENT, refusals=(404,)
)
def get_oas_api(call: Call[Any, None], id: str) -> Answer:
    api = found(call, id)
    if call.has(api.revision):
        return Answer(b"", 304, etag_of(api.revision))
    return Answer(api.openapi.encode(), headers=etag_of(api.revision))


@operation(
    "PUT", "/api/apis/oas/{id}", "Replace the OpenAPI document of an API", access=WRITE, body=DOCUMENT,
    body_types=FORMS, answers=Envelope, refusals=(404, 409, 412),
)  # fmt: skip
def update_oas_api(call: Call[Any, bytes], id: str) -> Answer:
    """A document's `id` becomes the API's where it is free; what is equal to what is there changes nothing."""
    api = found(call, id, NO_DEFINITION)
    revision = api.revision if call.if_match is None else call.if_match
    with clients_words():
        saved = services.update_oas_api(api=api, document=document_of(call), revision=revision)
    return ok("API updated", etag=saved.revision)


@operation(
    "PATCH", "/api/apis/oas/{id}", "Replace the OpenAPI part of an API", access=WRITE, query=Wishes, body=PLAIN,
    body_types=FORMS, answers=Envelope, refusals=(404, 409, 412),
)  # fmt: skip
def patch_oas_api(call: Call[Wishes, bytes], id: str) -> Answer:
    """The gateway's extension stays, but for what the document or the query says of it."""
    api = found(call, id, NO_DEFINITION)
    revision = api.revision if call.if_match is None else call.if_match
    with clients_words():
        saved = services.patch_oas_api(
            api=api, document=document_of(call), revision=revision, choices=call.query.choices()
        )
    return ok("API updated", etag=saved.revision)


@operation(
    "DELETE", "/api/apis/oas/{id}", "Delete an API with its document", access=WRITE, answers=Envelope,
    refusals=(404, 409, 412),
)  # fmt: skip
def delete_oas_api(call: Call[Any, None], id: str) -> Answer:
    return delete(call, found(call, id))


@operation(
    "GET", "/api/apis/oas/{id}/export", "The OpenAPI document of an API, as a file", access=READ, query=Export,
    answers=DOCUMENT, refusals=(404,),
)  # fmt: skip
def export_oas_api(call: Call[Export, None], id: str) -> Answer:
    api = found(call, id)
    headers = {"Content-Disposition": f'attachment; filename="{api.api_id}.json"'}
    if call.query.mode != "public":
        return Answer(api.openapi.encode(), headers=headers)
    return Answer(oas.without_extension(openapi.load(api.openapi)), headers=headers)


@operation(
    "GET", "/api/apis/oas/{id}/categories", "The categories of an API with a document", access=READ,
    answers=Categories, refusals=(404,),
)  # fmt: skip
def get_oas_categories(call: Call[Any, None], id: str) -> Categories:
    return Categories(found(call, id, NOT_FOUND).categories)


@operation(
    "PUT", "/api/apis/oas/{id}/categories", "Replace the categories of an API with a document", access=WRITE,
    body=Categories, answers=Envelope, refusals=(404,),
)  # fmt: skip
def set_oas_categories(call: Call[Any, Categories], id: str) -> Answer:
    services.set_categories(api=found(call, id, NOT_FOUND), categories=call.body.categories or [])
    return ok("API categories updated.")


@operation(
    "GET", "/api/apis/oas/{id}/versions", "The versions of an API: itself", access=READ, answers=Versions,
    refusals=(404,),
)  # fmt: skip
def list_versions(call: Call[Everything, None], id: str) -> Versions:
    api = found(call, id)
    info = get(openapi.load(api.openapi), EXTENSION, "info")
    own = Version(
        id=api.api_id,
        name=api.name,
        version_name=get(info, "versioning", "name") or "",
        internal=bool(get(info, "state", "internal")),
        is_default_version=True,
        expiration_date=get(info, "expiration") or "",
    )
    return Versions([own], 1)
