"""What the schemas of the API's document say, for people: tables of fields, and examples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DEEPEST = 6
MOST_FIELDS = 300
BY_TYPE = {"string": "", "integer": 0, "number": 0, "boolean": False, "null": None}
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One line of a table: `access_rights.*.limit` is a limit below each name, `keys[]` each of a list."""

    name: str
    type: str
    is_required: bool
    note: str


class Schemas:
    """Reads schemas in which `#/components/schemas/…` are those of one document."""

    def __init__(self, named: Mapping[str, Schema]) -> None:
        self.named = named

    def resolved(self, schema: Schema) -> Schema:
        while reference := schema.get("$ref"):
            schema = self.named[reference.rpartition("/")[2]]
        return schema

    def fields(self, schema: Schema, before: str = "", depth: int = 0) -> Iterator[Field]:
        """Yield each field and what lies below it, down to where it gets too deep to be read."""
        schema = self._inner(schema)
        if depth == DEEPEST:
            return
        if items := schema.get("items"):
            yield from self.fields(items, f"{before}[]", depth + 1)
        for name, inner in schema.get("properties", {}).items():
            place = f"{before}.{name}" if before else name
            yield Field(place, self.type_of(inner), name in schema.get("required", ()), self.note_of(inner))
            yield from self.fields(inner, place, depth + 1)
        if isinstance(others := schema.get("additionalProperties"), Mapping) and others:
            place = f"{before}.*" if before else "*"
            yield Field(place, self.type_of(others), False, self.note_of(others))
            yield from self.fields(others, place, depth + 1)

    def type_of(self, schema: Schema) -> str:
        """Say it in a word or two: `string`, `list of integer`, `object or null`."""
        schema = self.resolved(schema)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return " or ".join(dict.fromkeys(map(self.type_of, choices)))
        if "const" in schema or "enum" in schema:
            return " or ".join(f"“{value}”" for value in schema.get("enum", [schema.get("const")]))
        kinds = schema.get("type", "anything")
        return " or ".join(
            self._list_of(schema["items"]) if kind == "array" and schema.get("items") else str(kind)
            for kind in ([kinds] if isinstance(kinds, str) else kinds)
        )

    def _list_of(self, items: Schema) -> str:
        inner = self.type_of(items)
        return f"list of ({inner})" if " or " in inner else f"list of {inner}"

    def note_of(self, schema: Schema) -> str:
        """What is said of it, and its bounds."""
        inner = self.resolved(schema)
        bounds = [f"{word} {inner[key]}" for key, word in BOUNDS.items() if key in inner]
        if inner.get("default") not in (None, "", [], {}):
            bounds.append(f"default {inner['default']}")
        return " ".join(filter(None, (schema.get("description", ""), ", ".join(bounds))))

    def example(self, schema: Schema, depth: int = 0) -> Any:
        """Return a value that the schema allows, with its own examples where it has some."""
        inner = self._inner(schema)
        for said in ("example", "default", "const"):
            if said in inner:
                return inner[said]
        if several := inner.get("examples") or inner.get("enum"):
            return several[0]
        kinds = inner.get("type", "object" if "properties" in inner else "null")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        if kind == "object":
            below = inner.get("properties", {}) if depth < DEEPEST else {}
            return {name: self.example(each, depth + 1) for name, each in below.items()}
        if kind == "array":
            items = inner.get("items")
            return [self.example(items, depth + 1)] if items and depth < DEEPEST else []
        return BY_TYPE[kind]

    def _inner(self, schema: Schema) -> Schema:
        """Resolve a reference and, of several choices, take the first that says more than null."""
        schema = self.resolved(schema)
        choices = schema.get("anyOf") or schema.get("oneOf") or ()
        return next((self._inner(each) for each in choices if each.get("type") != "null"), schema)


BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "minLength": "length at least",
    "maxLength": "length at most",
    "maxItems": "entries at most",
    "pattern": "like",
}
