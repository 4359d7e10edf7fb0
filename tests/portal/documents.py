"""OpenAPI documents to make a reference of, small, real and hostile."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils.html import format_html
from django.utils.safestring import SafeString

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "openapi"
GATEWAY = "https://gateway.example/pets"
UPSTREAM = "https://pets.inner.example:8443/v2"

PET = {
    "type": "object",
    "required": ["id"],
    "description": "A *pet*.",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "parent": {"$ref": "#/components/schemas/Pet"},
        "born": {"type": "string", "format": "date", "nullable": True},
        "tags": {"type": "array", "items": {"enum": ["cat", "dog"]}},
    },
}
PETS: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Pets", "version": "2", "description": "All **pets**."},
    "servers": [{"url": UPSTREAM}],
    "tags": [{"name": "shop", "description": "The shop."}, {"name": "pets"}, {"name": "unused"}],
    "paths": {
        "/health": {"get": {"responses": {"200": {"description": "Fine"}}}},
        "/pets/{id}": {
            "parameters": [
                {"$ref": "#/components/parameters/Id"},
                {"name": "page", "in": "query", "schema": {"type": "integer", "default": 1}},
            ],
            "get": {
                "tags": ["pets", "shop"],
                "operationId": "getPet",
                "summary": "One pet",
                "parameters": [{"name": "page", "in": "query", "schema": {"type": "string"}, "deprecated": True}],
                "responses": {
                    "200": {
                        "description": "The pet",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                    },
                    "404": {"$ref": "#/components/responses/Missing"},
                },
            },
            "put": {
                "tags": ["shop"],
                "deprecated": True,
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"properties": {"name": {"type": "string"}}}}},
                },
                "responses": {"204": {"description": "Done"}},
            },
        },
    },
    "components": {
        "schemas": {"Pet": PET, "Pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}},
        "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}},
        "responses": {
            "Missing": {
                "description": "No such pet",
                "content": {"application/json": {"schema": {"properties": {"error": {}}}}},
            }
        },
    },
}


def with_paths(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths, **more}


def answering(schema: object) -> dict[str, Any]:
    return {"responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}}


def in_paragraph(text: str) -> SafeString:
    return format_html("<p>{}</p>", text)


def real(name: str) -> str:
    file = REAL / name
    if not file.exists():
        pytest.skip(f"There is no {name} in {REAL}.")
    return file.read_text()


def real_names() -> list[str]:
    return [file.name for file in sorted(REAL.glob("*.json"))]


def text_of(document: dict[str, Any]) -> str:
    return json.dumps(document)
