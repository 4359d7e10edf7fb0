"""The document of the JSON API: OpenAPI 3.1, made from the declarations that check the requests.

What the declarations imply is written out here, so that nobody has to repeat it: who may call, the refusals that this
brings, and the tags of revisions wherever a change can be refused because somebody else made one meanwhile.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from orgs.machines.answers import JSON, Envelope
from orgs.machines.operations import EXAMPLE_ID, Access, Operation, Schema
from orgs.permissions import ObjectKind

SCHEMAS = "#/components/schemas/"
# Of parameters of paths that are no ids, by how their names end.
EXAMPLES = {"Day": "28", "Month": "11", "Year": "2026", "facet": "apis", "email": "dev@example.com"}
ABOUT = """An access key opens `/api/`, for what its user may do in their organisation; the admin secret `/admin/`.
Bodies are JSON, whatever the content type says; a slash at the end of a path means nothing; other methods than those of
a path are answered with 405."""
SECURITY = {
    "accessKey": {
        "type": "apiKey",
        "in": "header",
        "name": "authorization",
        "description": "An access key of a user, bare or after `Bearer`.",
    },
    "adminSecret": {
        "type": "apiKey",
        "in": "header",
        "name": "admin-auth",
        "description": "The installation's ADMIN_SECRET.",
    },
}
REFUSALS = {
    400: "What was sent is wrong; the message says where.",
    401: "The credential is missing or wrong.",
    403: "The caller may not do this.",
    404: "There is nothing of this name in the caller's organisation.",
    409: "There is one already.",
    410: "It is over.",
    412: "Somebody else has changed it meanwhile.",
    413: "The body is too large.",
    429: "Too many calls: wait for as long as Retry-After says.",
}
TAG = {"description": "The revision, as ETag gives it.", "schema": {"type": "string"}}
IF_MATCH = {"name": "If-Match", "in": "header", **TAG}
IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", **TAG}


def document(operations: Sequence[Operation], *, version: str) -> dict[str, Any]:
    """Return the whole document, the operations in their order."""
    schemas_of = [schema for each in operations for schema in (each.body, each.answers)]
    in_order = sorted({Envelope, *(schema for schema in schemas_of if isinstance(schema, type))}, key=str)
    references, schemas = msgspec.json.schema_components(in_order, ref_template=SCHEMAS + "{name}")
    named = dict(zip(in_order, references, strict=True))
    revised = {each.path for each in operations if 412 in each.refusals}
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, named, each.path in revised)
    statuses = {status for each in operations for status in refusals_of(each)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Commonhold", "version": version, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(map(tag_of, operations))],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {_name(status): _refusal(status, named[Envelope]) for status in sorted(statuses)},
            "securitySchemes": SECURITY,
        },
    }


def operation_id(operation: Operation) -> str:
    """Say `get_apis_id` for GET `/api/apis/{id}`: it stays while the path does."""
    words = re.findall(r"[A-Za-z0-9]+", operation.path.removeprefix("/api/"))
    return "_".join([operation.method.lower(), *words])


def tag_of(operation: Operation) -> str:
    match operation.access:
        case Access.ADMIN_SECRET:
            return "Admin API"
        case Access.PUBLIC:
            return "For everybody"
    return operation.kind.label if operation.kind else "For every user"


def needs(operation: Operation) -> str:
    """Say who may call."""
    match operation.access:
        case Access.ADMIN_SECRET:
            return "Needs the admin secret."
        case Access.PUBLIC:
            return "Needs no credential."
    if operation.kind is None:
        return "Needs the access key of any user."
    return f"Needs the permission to {operation.level.name.lower()} {_in_sentence(operation.kind)}."


def refusals_of(operation: Operation) -> list[int]:
    """Return the statuses of refusals: those that were declared, and those that come with what was."""
    found = set(operation.refusals)
    if operation.access != Access.PUBLIC:
        found |= {401, 403, 429}
    if operation.query or operation.body is not None:
        found.add(400)
    if operation.body is not None:
        found.add(413)
    if "{" in operation.path:
        found.add(404)
    return sorted(found)


def _operation(operation: Operation, named: dict[Any, Any], is_revised: bool) -> dict[str, Any]:
    described = (inspect.getdoc(operation.handler), _query_schema(operation).get("description"), needs(operation))
    made: dict[str, Any] = {
        "operationId": operation_id(operation),
        "tags": [tag_of(operation)],
        "summary": operation.summary,
        "description": "\n\n".join(filter(None, described)),
        "security": _security(operation),
        "parameters": [*_parameters(operation), *_conditions(operation, is_revised)],
    }
    if operation.body is not None:
        made["requestBody"] = {
            "required": not operation.body_is_optional,
            "content": {kind: {"schema": _schema(operation.body, named)} for kind in operation.body_types},
        }
    return made | {"responses": _responses(operation, named, is_revised)}


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    match operation.access:
        case Access.PUBLIC:
            return []
        case Access.ADMIN_SECRET:
            return [{"adminSecret": []}]
    return [{"accessKey": []}]


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", operation.path):
        schema = {"type": "string", "minLength": 1}
        example = next((example for ending, example in EXAMPLES.items() if name.endswith(ending)), EXAMPLE_ID)
        yield {"name": name, "in": "path", "required": True, "schema": schema, "example": example}
    struct = _query_schema(operation)
    for name, schema in struct.get("properties", {}).items():
        yield {"name": name, "in": "query", "required": name in struct["required"], "schema": schema}


def _query_schema(operation: Operation) -> dict[str, Any]:
    if operation.query is None:
        return {}
    schema: dict[str, Any] = msgspec.json.schema(operation.query)["$defs"][operation.query.__name__]
    return schema


def _conditions(operation: Operation, is_revised: bool) -> list[dict[str, Any]]:
    if is_revised and not operation.changes:
        return [IF_NONE_MATCH]
    return [IF_MATCH] if 412 in operation.refusals else []


def _schema(schema: Schema, named: dict[Any, Any]) -> Any:
    return named[schema] if isinstance(schema, type) else dict(schema)


def _responses(operation: Operation, named: dict[Any, Any], is_revised: bool) -> dict[str, Any]:
    done: dict[str, Any] = {"description": operation.summary + ".", "content": {JSON: {}}}
    if schema := _schema(operation.answers, named):
        done["content"][JSON]["schema"] = schema
    found: dict[str, Any] = {str(operation.status): done}
    if is_revised and not operation.changes:
        done["headers"] = {"ETag": {**TAG, "required": True}}
        found["304"] = {"description": "The client has this revision already."}
    return found | {
        str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in refusals_of(operation)
    }


def _refusal(status: int, envelope: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"description": REFUSALS.get(status, HTTPStatus(status).phrase)}
    made["content"] = {JSON: {"schema": envelope}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        made["headers"] = {"Retry-After": {"required": True, "schema": {"type": "string"}, "description": "Seconds."}}
    return made


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")


def _in_sentence(kind: ObjectKind) -> str:
    return kind.label if kind.label[1].isupper() else kind.label.lower()
