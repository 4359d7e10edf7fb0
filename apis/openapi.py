"""Import of OpenAPI 3.0 and 3.1: a gate for hostile documents, then the specification's own schema.

Of openapi-spec-validator only the published schemas are used, not its second pass. That pass follows `$ref`
to files and hosts; it tries a document's `pattern`s on its `default`s, so that one document can hang a
process; and it refuses real documents for a default of the wrong type, which no gateway reads. 1 MB takes
0.5 s with the schema alone, 1 s with both. Schemas inside a 3.1 document stay unchecked, as published,
until the document itself is served.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import unquote

from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from openapi_spec_validator.schemas import schema_v30, schema_v31

from apis import jsontext, yamltext
from apis.definition import Authentication, RawDefinition, build, slugify
from apis.jsontext import Path, TextError, shorten
from apis.openapi_types import SCHEMA_TYPES, is_whole
from apis.rules import MAX_NAME
from orgs.addresses import MAX_TARGET, target_fault

MAX_BYTES = 20_000_000
MAX_DEPTH = 64
MAX_VALUES = 300_000  # 1 MB of a real document holds 30,000 to 60,000; checking takes 15 s a million
PLACEHOLDER = "http://upstream.invalid/"
NO_SERVER = "The document names no absolute server address: the API is inactive until you give it a target."
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

# Below these keys come names of the author's choice; below the others, keywords of the specification.
NAMED = {
    *("paths", "webhooks", "pathItems", "responses", "callbacks", "content", "encoding", "headers", "links"),
    *(
        "parameters",
        "requestBodies",
        "securitySchemes",
        "schemas",
        "examples",
        "variables",
        "mapping",
        "scopes",
    ),
    *("properties", "patternProperties", "dependentSchemas", "definitions", "$defs"),
}
DATA = {"example", "default", "enum", "const", "value"}


class OpenAPIError(ValueError):
    """The document cannot be imported; the text is one sentence that names the place."""


@dataclass(frozen=True)
class Document:
    raw: dict[str, Any]
    text: str
    openapi: str
    title: str
    version: str
    description: str
    servers: tuple[str, ...]
    operations: int

    @property
    def target(self) -> str | None:
        """The first server that a gateway could call as it stands."""
        return next((server for server in self.servers if not target_fault(server)), None)

    @property
    def warnings(self) -> tuple[str, ...]:
        return () if self.target else (NO_SERVER,)


def read(data: bytes | str, *, limit: int = MAX_BYTES) -> Document:
    """Read and check a document, JSON or YAML; `limit` in bytes. Raises OpenAPIError."""
    return document_of(load(data, limit=limit))


def load(data: bytes | str, *, limit: int = MAX_BYTES) -> dict[str, Any]:
    """Read JSON or YAML, whatever it describes. Raises OpenAPIError."""
    text = _decode(data, limit)
    loads = jsontext.loads if text.lstrip()[:1] in ("{", "[") else yamltext.loads
    try:
        raw = loads(text, max_depth=MAX_DEPTH, max_values=MAX_VALUES)
    except TextError as error:
        raise OpenAPIError(str(error)) from None
    if not isinstance(raw, dict):
        raise OpenAPIError("This is not an OpenAPI document: it must be an object with “openapi” and “info”.")
    return raw


def document_of(raw: dict[str, Any], *, is_served: bool = False) -> Document:
    """Check what `load` has read. Raises OpenAPIError.

    What is served to gateways must hold no wrong type anywhere: one would make them refuse every organisation's APIs.
    """
    _refuse_other_kinds(raw)
    _refuse_outer_references(raw)
    _refuse_by_schema(raw, is_served=is_served)
    _refuse_unusable(raw)
    info = raw["info"]
    return Document(
        raw=raw,
        text=jsontext.dumps(raw),
        openapi=raw["openapi"],
        title=info["title"].strip(),
        version=info["version"],
        description=info.get("description", ""),
        servers=tuple(map(server_address, raw.get("servers", []))),
        operations=_count_operations(raw),
    )


def to_definition(document: Document, *, slug_prefix: str, target_url: str | None = None) -> RawDefinition:
    """Make the classic definition at `/<slug_prefix>/<title>/`, without ids.

    Where neither the caller nor the document names a target, it is inactive and points to a placeholder.
    """
    target = target_url or document.target
    return build(
        name=document.title[:MAX_NAME],
        listen_path=f"/{slug_prefix}/{slugify(document.title)}/",
        target_url=target or PLACEHOLDER,
        authentication=_authentication(document.raw),
        rate=0,
        per=0,
        tags=[],
        active=target is not None,
    )


def _decode(data: bytes | str, limit: int) -> str:
    size = len(data) if isinstance(data, bytes) else len(data.encode(errors="surrogatepass"))
    if size > limit:
        raise OpenAPIError(f"The document is larger than {limit / 1_000_000:g} MB.")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise OpenAPIError(f"The document is not UTF-8: byte {error.start + 1} cannot be read.") from None
    if not text.strip():
        raise OpenAPIError("The document is empty.")
    return text


def _refuse_other_kinds(raw: dict[str, Any]) -> None:
    if "swagger" in raw:
        raise OpenAPIError("This is Swagger 2.0: convert it to OpenAPI 3.0 or 3.1 first.")
    version = raw.get("openapi")
    if version is None:
        raise OpenAPIError("This is not an OpenAPI document: it has no “openapi” field.")
    if not str(version).startswith(("3.0.", "3.1.")):
        shown = shorten(str(version), 40)
        raise OpenAPIError(f"OpenAPI 3.0.x and 3.1.x can be imported, and this document says “{shown}”.")


def _refuse_outer_references(raw: dict[str, Any]) -> None:
    for path, reference in _references(raw):
        if not isinstance(reference, str) or not reference.startswith("#/"):
            shown = shorten(str(reference), 80)
            raise OpenAPIError(f"At {pointer(path)}: only references within the document are taken, not “{shown}”.")
        if not _resolves(raw, reference):
            raise OpenAPIError(f"At {pointer(path)}: “{shorten(reference, 80)}” is not in the document.")


def _references(raw: dict[str, Any]) -> Iterator[tuple[Path, object]]:
    """Yield each `$ref` that is a reference: not a property of that name, and not part of an example."""
    waiting: list[tuple[Path, object, bool]] = [((), raw, False)]
    while waiting:
        path, item, is_named = waiting.pop()
        if isinstance(item, list):
            waiting.extend(((*path, at), inner, False) for at, inner in enumerate(item))
        elif isinstance(item, dict):
            if not is_named and "$ref" in item:
                yield (*path, "$ref"), item["$ref"]
            waiting.extend(
                ((*path, key), inner, not is_named and key in NAMED)
                for key, inner in item.items()
                if is_named or not _is_data(key, inner)
            )


def _is_data(key: str, inner: object) -> bool:
    return key in DATA or key.startswith("x-") or (key == "examples" and isinstance(inner, list))


def _resolves(raw: dict[str, Any], reference: str) -> bool:
    found: Any = raw
    for part in unquote(reference[2:]).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and re.fullmatch("[0-9]{1,6}", key, re.ASCII) and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            return False
    return True


def _refuse_by_schema(raw: dict[str, Any], *, is_served: bool) -> None:
    try:
        error = best_match(islice(_validator(raw["openapi"][:3], is_served).iter_errors(raw), 1))
    except RecursionError:
        raise OpenAPIError("The document is nested too deep to be checked.") from None
    if error is not None:
        raise OpenAPIError(f"At {pointer(tuple(error.absolute_path))}: {shorten(error.message)}.")


def _refuse_unusable(raw: dict[str, Any]) -> None:
    if not raw["info"]["title"].strip():
        raise OpenAPIError("At /info/title: the title must not be empty.")
    if "paths" not in raw and "webhooks" not in raw:
        raise OpenAPIError("The document has neither paths nor webhooks.")


def _unique_items(validator: Validator, wanted: bool, items: object, schema: object) -> Iterator[ValidationError]:
    """Stand in for jsonschema's own, which compares each object with each other one."""
    if wanted and isinstance(items, list) and len(items) > 1:
        seen = {jsontext.dumps(item) for item in items}
        if len(seen) < len(items):
            yield ValidationError("the list holds the same entry twice")


@cache
def _validator(version: str, is_served: bool) -> Validator:
    schema = _without_dynamic_references(schema_v31) if version == "3.1" else dict(schema_v30)
    kind = validator_for(schema)
    types = kind.TYPE_CHECKER
    if is_served:
        types = types.redefine("integer", is_whole)
        if version == "3.1":
            schema["$defs"]["schema"] = SCHEMA_TYPES
    checks = extend(kind, {"uniqueItems": _unique_items}, type_checker=types)  # type: ignore[no-untyped-call]
    validator: Validator = checks(schema)
    return validator


def _without_dynamic_references(schema: Any) -> Any:
    """Write out what `#meta` means without a dialect: looking it up each time is six times slower."""
    text = jsontext.dumps(dict(schema))
    return json.loads(text.replace('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"'))


def pointer(path: Path) -> str:
    """Return the JSON pointer, `the top` for the whole document."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return shorten("".join(f"/{part}" for part in parts)) or "the top"


def server_address(server: dict[str, Any]) -> str:
    """Put the defaults in, once: variables that name each other could grow without end."""
    url: str = server["url"]
    variables = server.get("variables", {})
    if len(url) > MAX_TARGET or any(len(str(variable["default"])) > MAX_TARGET for variable in variables.values()):
        return url  # too long to be a target

    def default(match: re.Match[str]) -> str:
        return str(variables[match[1]]["default"]) if match[1] in variables else match[0]

    return re.sub(r"\{([^{}]*)\}", default, url)[: MAX_TARGET + 1]


def _count_operations(raw: dict[str, Any]) -> int:
    items = [*raw.get("paths", {}).values(), *raw.get("webhooks", {}).values()]
    return sum(len(METHODS & item.keys()) for item in items if isinstance(item, dict))


def _authentication(raw: dict[str, Any]) -> Authentication:
    """Take what the document's security schemes agree on, a token where they say nothing or differ."""
    schemes = raw.get("components", {}).get("securitySchemes", {}).values()
    kinds = {_kind(scheme) for scheme in schemes}
    return kinds.pop() if len(kinds) == 1 else Authentication.TOKEN


def _kind(scheme: dict[str, Any]) -> Authentication:
    how = (scheme.get("type"), str(scheme.get("scheme", "")).lower(), scheme.get("bearerFormat"))
    match how:
        case ("http", "basic", _):
            return Authentication.BASIC
        case ("http", "bearer", "JWT" | "jwt"):
            return Authentication.JWT
        case ("oauth2", _, _):
            return Authentication.OAUTH2
        case ("openIdConnect", _, _):
            return Authentication.OPENID
        case ("mutualTLS", _, _):
            return Authentication.MUTUAL_TLS
        case _:
            return Authentication.TOKEN
