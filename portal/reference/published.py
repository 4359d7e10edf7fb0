"""What of an OpenAPI document may be published: nothing that tells where an organisation's own servers are.

The reference and the viewer are both made of this, so that neither ever sees an address behind the gateway.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from apis.openapi import DATA, METHODS, NAMED, server_address
from portal.reference.addresses import Replace, replacement

# Addresses, how to sign in to what is behind the gateway, and what would have a viewer look for schemas elsewhere.
UNPUBLISHED = {
    *("servers", "server", "security", "securitySchemes", "externalValue"),
    *("$id", "$schema", "jsonSchemaDialect"),
}
LINKS = {"url", "termsOfService"}
AMONG_EXTENSIONS = {"paths", "responses", "callbacks"}  # names of the author's choice, where extensions may stand too


def published(document: dict[str, Any], *, server_url: str, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """Return the document without servers, security and extensions.

    Where a text names one of its servers, or an address of `hidden`, it names `server_url` instead. Keys stay,
    unless they are addresses themselves.
    """
    cleaned: dict[str, Any] = _object(document, "")
    text = msgspec.json.encode(cleaned).decode().lower()
    replace = replacement({*_upstreams(document), *hidden}, server_url, text)
    return _replaced(cleaned, replace) if replace else cleaned


def _object(item: Any, within: str) -> Any:
    """Clean an object of the specification, or a list of them; `within` is the key that it stands below."""
    if isinstance(item, list):
        return [_object(inner, within) for inner in item]
    if not isinstance(item, dict):
        return item
    if isinstance(reference := item.get("$ref"), str) and reference.startswith("#/x-"):
        return {}
    return {key: _below(key, inner, within) for key, inner in item.items() if _is_kept(key, inner)}


def _is_kept(key: str, inner: object) -> bool:
    if key in UNPUBLISHED or key.startswith("x-"):
        return False
    if key == "externalDocs":
        return isinstance(inner, dict) and _is_link(inner.get("url"))
    return key not in LINKS or _is_link(inner)


def _is_link(url: object) -> bool:
    return isinstance(url, str) and url.lower().startswith("https://")


def _below(key: str, inner: Any, within: str) -> Any:
    if key in DATA or (key == "examples" and isinstance(inner, list)):
        return inner
    if key in NAMED and isinstance(inner, dict):
        return _named(key, inner, within)
    return _object(inner, key)


def _named(key: str, inner: dict[str, Any], within: str) -> dict[str, Any]:
    if key in AMONG_EXTENSIONS and within != "components":
        inner = {name: one for name, one in inner.items() if not name.startswith("x-")}
    if key == "callbacks":
        return {name: _named("paths", one, "") if isinstance(one, dict) else one for name, one in inner.items()}
    return {name: _object(one, name) for name, one in inner.items()}


def _upstreams(document: dict[str, Any]) -> Iterator[str]:
    """Yield each address that the document has of a server, as it stands and with the defaults put in."""
    items = [item for key in ("paths", "webhooks") for item in _dicts(document.get(key))]
    operations = [item[method] for item in items for method in METHODS & item.keys()]
    for holder in (document, *items, *operations):
        servers = holder.get("servers") if isinstance(holder, dict) else None
        for server in servers if isinstance(servers, list) else []:
            yield server["url"]
            yield server_address(server)
    extension = document.get("x-tyk-api-gateway")
    if isinstance(extension, dict):
        yield from _addresses(extension.get("upstream"))


def _dicts(item: object) -> list[dict[str, Any]]:
    return [inner for inner in item.values() if isinstance(inner, dict)] if isinstance(item, dict) else []


def _addresses(item: object) -> Iterator[str]:
    if isinstance(item, str) and "://" in item:
        yield item
    elif isinstance(item, dict | list):
        for inner in item.values() if isinstance(item, dict) else item:
            yield from _addresses(inner)


def _replaced(item: Any, replace: Replace) -> Any:
    if isinstance(item, str):
        return replace(item)
    if isinstance(item, list):
        return [_replaced(inner, replace) for inner in item]
    if isinstance(item, dict):
        return {replace(key) if "://" in key else key: _replaced(inner, replace) for key, inner in item.items()}
    return item
