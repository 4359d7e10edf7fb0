"""Definitions, OpenAPI documents and policies as clients write them, and as servers hold them."""

import json
from pathlib import Path
from typing import Any

from dashboard.cli.documents import Document, document_of

Body = dict[str, Any]


def definition(name: str, api_id: str = "", **fields: Any) -> Body:
    body: Body = {"name": name, "active": True, "use_keyless": True, "proxy": proxy(f"/{name.lower()}/")}
    body |= {"version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}}}
    return body | ({"api_id": api_id} if api_id else {}) | fields


def proxy(listen_path: str) -> Body:
    return {"listen_path": listen_path, "target_url": "https://target.example/", "strip_listen_path": True}


def openapi(name: str, api_id: str = "", **info: Any) -> Body:
    gateway = {
        "info": {"name": name, "state": {"active": True}, **({"id": api_id} if api_id else {}), **info},
        "server": {"listenPath": {"value": f"/{name.lower()}/", "strip": True}},
        "upstream": {"url": "https://target.example/"},
    }
    head = {"openapi": "3.0.3", "info": {"title": name, "version": "1"}}
    return {**head, "paths": {}, "x-tyk-api-gateway": gateway}


def policy(name: str, *api_ids: str, id: str = "", **fields: Any) -> Body:
    rights = {api_id: {"api_id": api_id, "api_name": "x", "versions": []} for api_id in api_ids}
    return {"name": name, "rate": 10, "per": 60, "access_rights": rights} | ({"_id": id} if id else {}) | fields


def file(body: Body, name: str = "file.json") -> Document:
    found = document_of(body, name)
    assert found is not None
    return found


def saved_api(body: Body, **beside: Any) -> Document:
    """As the list of a server has it."""
    kept = {"id": "1" * 24, "api_id": "a" * 32, "org_id": "0" * 24, **body}
    return file({"api_definition": kept, "hook_references": [], "categories": [], **beside, "created_at": "now"}, "")


def saved_policy(body: Body) -> Document:
    kept = {"_id": "2" * 24, "id": "", "org_id": "0" * 24, "active": True, "is_inactive": False, "tags": [], **body}
    return file(kept | {"last_updated": "1700000000"}, "")


def put(folder: Path, name: str, body: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return path
