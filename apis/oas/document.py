"""The document: its ids and state, and the extension that a plain OpenAPI document gets when it is imported."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from apis.definition import slugify
from apis.oas.fields import EXTENSION
from apis.oas.parts import Part, on, part
from apis.openapi import METHODS, PLACEHOLDER, Document
from apis.rules import MAX_NAME

IDS = ("dbId", "id", "orgId")


@dataclass(frozen=True)
class Choices:
    """What an importer says of an API beside its document; what is empty or None is left to the document."""

    listen_path: str = ""
    upstream_url: str = ""
    custom_domain: str = ""
    api_id: str = ""
    authentication: bool | None = None
    allow_list: bool | None = None
    validate_request: bool | None = None
    mock_response: bool | None = None
    tags: tuple[str, ...] = ()


def is_oas_document(raw: object) -> bool:
    return isinstance(raw, dict) and "openapi" in raw and EXTENSION in raw


def without_extension(document: Part) -> Part:
    return {key: value for key, value in document.items() if key != EXTENSION}


def ids_of(document: Part) -> dict[str, Any]:
    info = part(document, EXTENSION, "info")
    return {name: info.get(name) for name in IDS}


def seal_oas(document: Part, *, id: str, api_id: str, org_id: str) -> Part:
    """Return a copy with these ids, whatever it said before: in any case, since gateways ignore case."""
    ours = {name.casefold() for name in IDS}
    kept = {key: value for key, value in part(document, EXTENSION, "info").items() if key.casefold() not in ours}
    return _with_info(document, {"id": api_id, "dbId": id, "orgId": org_id} | kept)


def activate(document: Part, *, is_active: bool) -> Part:
    """Return a copy that is active, or not."""
    info = part(document, EXTENSION, "info")
    return _with_info(document, info | {"state": part(info, "state") | {"active": is_active}})


def _with_info(document: Part, info: Part) -> Part:
    return document | {EXTENSION: part(document, EXTENSION) | {"info": info}}


def extended(document: Document, choices: Choices, *, slug_prefix: str) -> Part:
    """Return a copy with an extension: what it had of one, what it lacked of it, and what was chosen.

    Where neither the caller nor the document names a target, it is inactive and points to a placeholder. A caller must
    show something, unless the chosen authentication says otherwise: a key where the document asks for nothing.
    """
    made = deepcopy(document.raw)
    is_new = EXTENSION not in made
    extension = _within(made, EXTENSION)
    target = choices.upstream_url or part(extension, "upstream").get("url") or document.target
    info, server = _within(extension, "info"), _within(extension, "server")
    info["name"] = info.get("name") or document.title[:MAX_NAME]
    if choices.api_id:
        info["id"] = choices.api_id
    if is_new:
        info["state"] = {"active": target is not None}
        shared = _within(extension, "middleware", "global")
        shared |= {"contextVariables": {"enabled": True}, "trafficLogs": {"enabled": True}}
    _within(extension, "upstream")["url"] = target or PLACEHOLDER
    _serve(server, choices, f"/{slug_prefix}/{slugify(document.title)}/")
    if choices.authentication is not None or not server.get("authentication"):
        _authenticate(made, _within(server, "authentication"), is_on=choices.authentication is not False)
    _choose_middleware(made, extension, choices)
    return made


def _within(parent: Part, *path: str) -> Part:
    """Return the object at the path for changing, made where it is missing or null."""
    for name in path:
        if not parent.get(name):
            parent[name] = {}
        parent = parent[name]
    return parent


def _serve(server: Part, choices: Choices, listen_path: str) -> None:
    if not part(server, "listenPath").get("value"):
        server["listenPath"] = {"value": listen_path, "strip": True}
    if choices.listen_path:
        server["listenPath"]["value"] = choices.listen_path
    if choices.custom_domain:
        server["customDomain"] = part(server, "customDomain") | {"enabled": True, "name": choices.custom_domain}
    if choices.tags:
        own = on(server, "gatewayTags").get("tags") or []
        server["gatewayTags"] = {"enabled": True, "tags": [*own, *(tag for tag in choices.tags if tag not in own)]}


def _authenticate(document: Part, authentication: Part, *, is_on: bool) -> None:
    authentication["enabled"] = is_on
    known, settings = part(document, "components", "securitySchemes"), part(authentication, "securitySchemes")
    for name in dict.fromkeys(name for requirement in document.get("security", []) for name in requirement):
        if name in known and (source := _source_of(known[name])):
            settings[name] = {**source, **part(settings, name), "enabled": is_on}
    if settings:
        authentication["securitySchemes"] = settings


def _source_of(scheme: Part) -> Part:
    """Return where gateways look for what the scheme asks for, nothing where they do not know the scheme."""
    match scheme.get("type"), scheme.get("scheme"), scheme.get("bearerFormat"):
        case ("apiKey", _, _):
            return {scheme.get("in") or "header": {"enabled": True, "name": scheme.get("name") or ""}}
        case ("http", "basic", _) | ("http", "bearer", "JWT") | ("oauth2", _, _):
            return {"header": {"enabled": True, "name": "Authorization"}}
        case _:
            return {}


def _choose_middleware(document: Part, extension: Part, choices: Choices) -> None:
    if choices.allow_list is choices.validate_request is choices.mock_response is None:
        return
    operations = _within(extension, "middleware", "operations")
    for item, path, method, operation in _operations(document):
        id = operation.setdefault("operationId", f"{path.removeprefix('/')}{method}")
        chosen: Part = {}
        if choices.allow_list is not None:
            chosen["allow"] = {"enabled": choices.allow_list}
        if choices.validate_request is not None and (_takes_input(operation) or item.get("parameters")):
            chosen["validateRequest"] = {"enabled": choices.validate_request, "errorResponseCode": 422}
        if choices.mock_response is not None and _has_examples(operation):
            examples = {"enabled": choices.mock_response}
            chosen["mockResponse"] = {"enabled": choices.mock_response, "fromOASExamples": examples}
        if chosen:
            operations[id] = part(operations, id) | chosen


def _operations(document: Part) -> Iterator[tuple[Part, str, str, Part]]:
    for path, item in part(document, "paths").items():
        if path.startswith("/"):
            yield from ((item, path, method.upper(), item[method]) for method in sorted(METHODS & item.keys()))


def _takes_input(operation: Part) -> bool:
    return bool(operation.get("parameters") or "application/json" in part(operation, "requestBody", "content"))


def _has_examples(operation: Part) -> bool:
    contents = (
        content for response in part(operation, "responses").values() for content in part(response, "content").values()
    )
    return any({"example", "examples", "schema"} & content.keys() for content in contents)
