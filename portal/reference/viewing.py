"""The document as a viewer gets it: it knows the gateway alone, and what the gateway asks for."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from apis.definition import Authentication
from portal.reference.published import published
from portal.reference.source import items, table

SCHEME = "gateway"
BEARER = {Authentication.JWT, Authentication.OAUTH2, Authentication.OPENID}
NOTHING_TO_FILL_IN = {Authentication.KEYLESS, Authentication.MUTUAL_TLS}
# Swagger UI fails for operations with such an id, and does not show those with such a tag.
NAMES_IN_JAVASCRIPT = {
    *("__proto__", "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString"),
    *("toString", "valueOf", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
}


def for_viewer(
    document_text: str,
    *,
    server_url: str,
    header_name: str,
    authentication: Authentication,
    hidden: Iterable[str] = (),
) -> str:
    """Return JSON. `server_url` is the API's address at the gateway, which reads keys from the header `header_name`."""
    document = published(msgspec.json.decode(document_text), server_url=server_url, hidden=hidden)
    for operation in _operations(document):
        _without_names_in_javascript(operation)
    document["servers"] = [{"url": server_url}]
    scheme = _scheme(authentication, header_name)
    if scheme:
        document["components"] = {**table(document.get("components")), "securitySchemes": {SCHEME: scheme}}
        document["security"] = [{SCHEME: []}]
    return msgspec.json.encode(document).decode()


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    named = table(document.get("components")).get("pathItems")
    for item in (*table(document.get("paths")).values(), *table(named).values()):
        yield from (operation for operation in table(item).values() if isinstance(operation, dict))


def _without_names_in_javascript(operation: dict[str, Any]) -> None:
    if operation.get("operationId") in NAMES_IN_JAVASCRIPT:
        del operation["operationId"]
    if not NAMES_IN_JAVASCRIPT.isdisjoint(tags := items(operation.get("tags"))):
        operation["tags"] = [tag for tag in tags if tag not in NAMES_IN_JAVASCRIPT]


def _scheme(authentication: Authentication, header_name: str) -> dict[str, Any]:
    if authentication in NOTHING_TO_FILL_IN:
        return {}
    if authentication == Authentication.BASIC:
        return {"type": "http", "scheme": "basic"}
    if authentication in BEARER and header_name.lower() == "authorization":
        return {"type": "http", "scheme": "bearer"}
    return {"type": "apiKey", "in": "header", "name": header_name}
