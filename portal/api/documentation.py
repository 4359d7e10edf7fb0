"""OpenAPI documents for entries of the catalogue. Those of APIs are shown without."""

import binascii
from base64 import b64decode, b64encode
from typing import Any

import msgspec

from apis import openapi
from apis.api.finding import require_new
from orgs.machines import Answer, Call, Refusal, find, ok, operation
from orgs.machines.answers import Envelope
from orgs.permissions import Level, ObjectKind
from portal.models import Documentation
from portal.services import documentation as services

READ, WRITE = (ObjectKind.PORTAL, Level.READ), (ObjectKind.PORTAL, Level.WRITE)
MISSING = "Could not retrieve documentation detail."
SWAGGER = "swagger"  # clients' word for OpenAPI


class DocumentationBody(msgspec.Struct):
    """`documentation` is OpenAPI 3.0 or 3.1, JSON or YAML, in base64. `api_id` means nothing: entries name it."""

    documentation: str
    doc_type: str | None = None
    api_id: str | None = None
    id: str | None = None
    org_id: str | None = None


class DocumentationDocument(msgspec.Struct):
    id: str
    org_id: str
    api_id: str
    doc_type: str
    documentation: str


def found(call: Call[Any, Any], id: str) -> Documentation:
    return find(call, Documentation.objects.all(), MISSING, pk=id)


@operation(
    "GET", "/api/portal/documentation/{id}", "A document of the catalogue", access=READ, answers=DocumentationDocument,
    refusals=(404,),
)  # fmt: skip
def get_documentation(call: Call[Any, None], id: str) -> DocumentationDocument:
    documentation = found(call, id)
    text = b64encode(documentation.text.encode()).decode()
    return DocumentationDocument(documentation.pk, documentation.organisation_id, "", SWAGGER, text)


@operation(
    "POST", "/api/portal/documentation", "Send a document for the catalogue", access=WRITE, body=DocumentationBody,
    answers=Envelope,
)  # fmt: skip
def create_documentation(call: Call[Any, DocumentationBody]) -> Answer:
    """`Message` is its id, by which an entry of the catalogue names it."""
    sent = call.body
    require_new(call)
    if sent.doc_type not in (None, "", SWAGGER):
        raise Refusal(400, "doc_type: only swagger, which is an OpenAPI document in base64.")
    return ok(services.create_documentation(text=openapi.read(_decoded(sent.documentation)).text).pk)


@operation(
    "DELETE", "/api/portal/documentation/{id}", "Delete a document of the catalogue", access=WRITE, answers=Envelope,
    refusals=(404,),
)  # fmt: skip
def delete_documentation(call: Call[Any, None], id: str) -> Answer:
    services.delete_documentation(documentation=found(call, id))
    return ok("Data deleted")


def _decoded(text: str) -> bytes:
    """Lines may be broken: command line tools do so."""
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(400, "documentation: it is not base64.") from error
