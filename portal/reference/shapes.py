"""Types of schemas as short texts: “array of Pet”, “string (date-time)”, “object {id, name, …}”.

A reference to a named schema is its name, which links to its section, so that no circle is ever walked.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from portal.reference.model import Part, Property, Shape
from portal.reference.source import LONGEST_REFERENCE, Allowance, Anchors, items, line, resolved, table

PREFIX = "#/components/schemas/"
DEEPEST = 4
MOST_NAMES = 5
MOST_CHOICES = 6
LONGEST_VALUE = 40
ANY = (Part("any"),)
KINDS = {"allOf": " and ", "oneOf": " or ", "anyOf": " or "}


class Shapes:
    def __init__(self, document: dict[str, Any], anchors: Anchors, allowance: Allowance) -> None:
        self.document = document
        self.allowance = allowance
        named = table(table(document.get("components")).get("schemas"))
        self.anchors = {name: anchors.give("schema", name) for name in islice(named, allowance.steps)}

    def of(self, schema: object, depth: int = 0) -> Shape:
        if schema is False:
            return (Part("nothing"),)
        if not isinstance(schema, dict) or depth > DEEPEST or not self.allowance.step():
            return ANY
        if isinstance(reference := schema.get("$ref"), str):
            return self._referred(reference, depth)
        return (*self._kind(schema, depth), *_notes(schema))

    def _referred(self, reference: str, depth: int) -> Shape:
        if len(reference) > LONGEST_REFERENCE:
            return ANY
        name = unquote(reference.removeprefix(PREFIX)).replace("~1", "/").replace("~0", "~")
        if reference.startswith(PREFIX) and name in self.anchors:
            return (Part(line(name), self.anchors[name]),)
        return self.of(resolved(self.document, {"$ref": reference}), depth + 1)

    def _kind(self, schema: dict[str, Any], depth: int) -> Shape:
        types = [line(one) for one in items(schema.get("type"))[:MOST_CHOICES]] or [_type(schema)]
        if "array" in types:
            kind = (Part("array of "), *self.of(schema.get("items"), depth + 1))
        elif "object" in types:
            kind = self._object(schema, depth)
        else:
            kind = self._simple(schema, [one for one in types if one != "null"], depth)
        may_be_null = schema.get("nullable") is True or ("null" in types and len(types) > 1)
        return (*kind, Part(" or null")) if may_be_null else kind

    def _object(self, schema: dict[str, Any], depth: int) -> Shape:
        names = list(islice(table(schema.get("properties")), MOST_NAMES + 1))
        if names:
            shown = [line(name, LONGEST_VALUE) for name in names[:MOST_NAMES]]
            return (Part(f"object {{{', '.join([*shown, '…'][: len(names)])}}}"),)
        if isinstance(values := schema.get("additionalProperties"), dict) and values:
            return (Part("map of "), *self.of(values, depth + 1))
        return self._combined(schema, depth) or (Part("object"),)

    def _simple(self, schema: dict[str, Any], types: list[str], depth: int) -> Shape:
        combined = () if any(types) else self._combined(schema, depth)
        if combined:
            return combined
        if "enum" in schema or "const" in schema:
            values = items(schema.get("enum")) if "enum" in schema else [schema["const"]]
            shown = [_value(value) for value in values[: MOST_CHOICES + 1]]
            return (Part(" | ".join([*shown[:MOST_CHOICES], "…"][: len(shown)]) or "nothing"),)
        kind = " or ".join(line(one) for one in types if one) or "any"
        written = line(schema.get("format"))
        return (Part(f"{kind} ({written})" if written else kind),)

    def _combined(self, schema: dict[str, Any], depth: int) -> Shape:
        for key, word in KINDS.items():
            if parts := items(schema.get(key)):
                return self._joined(parts, word, depth)
        return ()

    def _joined(self, parts: list[Any], word: str, depth: int) -> Shape:
        """Each kind once: that what a choice is of is told, not how its schemas differ."""
        shapes = list(dict.fromkeys(self.of(part, depth + 1) for part in parts[:MOST_CHOICES]))
        shapes = [shape for shape in shapes if shape != ANY] or [ANY]
        if len(parts) > MOST_CHOICES:
            shapes.append((Part("…"),))
        return tuple(part for at, shape in enumerate(shapes) for part in ((Part(word),) if at else ()) + shape)

    def properties(self, schema: object) -> tuple[Property, ...]:
        """Return an object's own properties, one level of them, with those of the nameless parts that it is made of."""
        return tuple(self._properties(table(schema)))

    def _properties(self, schema: dict[str, Any]) -> Iterator[Property]:
        parts = [schema, *(part for part in items(schema.get("allOf")) if not is_named(part))]
        for part in parts:
            part = resolved(self.document, part)
            listed = items(part.get("required"))
            if not self.allowance.step(1 + len(listed)):
                return
            required = {name for name in listed if isinstance(name, str)}
            for name, inner in table(part.get("properties")).items():
                if not self.allowance.step():
                    return
                yield self._property(name, inner, name in required)

    def _property(self, name: str, schema: object, required: bool) -> Property:
        about = table(schema)
        return Property(
            name=line(name),
            shape=self.of(schema),
            required=required,
            deprecated=about.get("deprecated") is True,
            description=self.allowance.markdown(about.get("description")),
        )


def _type(schema: dict[str, Any]) -> str:
    if isinstance(kind := schema.get("type"), str):
        return kind
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema else ""


def is_named(schema: object) -> bool:
    return str(table(schema).get("$ref", "")).startswith(PREFIX)


def _notes(schema: dict[str, Any]) -> Shape:
    default = schema.get("default")
    return () if default is None or default in ([], {}) else (Part(f", default {_value(default)}"),)


def _value(value: object) -> str:
    """Write a value that a schema gives: only what is short is worth reading."""
    if isinstance(value, dict | list):
        return "{…}" if value and isinstance(value, dict) else "[…]" if value else "{}" if value == {} else "[]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return line(value, LONGEST_VALUE) if value != "" else '""'
