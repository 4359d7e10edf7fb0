"""The JSON types of schemas in OpenAPI 3.1, whose published schema leaves them to other dialects.

They are those that gateways decode, tried with release 5.14, which takes true and false for a schema in one place.
"""

from typing import Any

TEXT = {"type": "string"}
BOOL = {"type": "boolean"}
NUMBER = {"type": "number"}
SIZE = {"type": "integer", "minimum": 0}
TEXTS = {"type": "array", "items": TEXT}
LIST = {"type": "array"}
SCHEMA = {"$ref": "#/$defs/schema"}
SCHEMAS = {"type": "array", "items": SCHEMA}
SCHEMA_MAP = {"type": "object", "additionalProperties": SCHEMA}

_TEXTS = (
    *("title", "description", "format", "pattern", "$ref", "$id", "$schema", "$anchor", "$comment", "$dynamicRef"),
    *("$dynamicAnchor", "contentEncoding", "contentMediaType"),
)
_SIZES = (
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains"),
    "maxContains",
)
_SCHEMAS = (
    *("not", "if", "then", "else", "items", "contains", "propertyNames", "contentSchema"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
SCHEMA_TYPES: dict[str, Any] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(_TEXTS, TEXT),
        **dict.fromkeys(_SIZES, SIZE),
        **dict.fromkeys(_SCHEMAS, SCHEMA),
        **dict.fromkeys(("nullable", "readOnly", "writeOnly", "deprecated", "uniqueItems"), BOOL),
        **dict.fromkeys(("minimum", "maximum", "multipleOf"), NUMBER),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), SCHEMAS),
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas", "$defs"), SCHEMA_MAP),
        **dict.fromkeys(("enum", "examples"), LIST),
        "required": TEXTS,
        "additionalProperties": {"anyOf": [BOOL, SCHEMA]},
        "type": {"anyOf": [TEXT, TEXTS]},
        "exclusiveMinimum": {"type": ["number", "boolean"]},
        "exclusiveMaximum": {"type": ["number", "boolean"]},
        "dependentRequired": {"type": "object", "additionalProperties": TEXTS},
        "discriminator": {
            "type": "object",
            "properties": {"propertyName": TEXT, "mapping": {"type": "object", "additionalProperties": TEXT}},
        },
        "xml": {
            "type": "object",
            "properties": {"name": TEXT, "namespace": TEXT, "prefix": TEXT, "attribute": BOOL, "wrapped": BOOL},
        },
        "externalDocs": {"type": "object", "properties": {"url": TEXT, "description": TEXT}},
    },
}


def is_whole(checker: object, value: object) -> bool:
    """Gateways take no 5.0 for a whole number, and nothing that 63 bits do not hold."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
