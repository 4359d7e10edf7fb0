"""What a reference shows of a published document: its operations by tag, and its named schemas."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from portal.reference.model import Body, Content, Group, Operation, Parameter, Property, Reference, Response, Schema
from portal.reference.shapes import Shapes, is_named
from portal.reference.source import Allowance, Anchors, items, line, resolved, table

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
MOST_CONTENTS = 10
LONGEST_SUMMARY = 400
OPERATIONS = "Operations"
UNTAGGED = "Other operations"
WEBHOOKS = "Webhooks"


def outline(document: dict[str, Any]) -> Reference:
    """Take in what `published` has left; the time is bounded, whatever the document holds."""
    return _Outline(document).whole()


class _Outline:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.allowance = Allowance()
        self.anchors = Anchors()
        self.shapes = Shapes(document, self.anchors, self.allowance)

    def whole(self) -> Reference:
        info = table(self.document.get("info"))
        return Reference(
            title=line(info.get("title", "")),
            version=line(info.get("version", "")),
            description=self.allowance.markdown(info.get("description")),
            groups=tuple(self._groups()),
            schemas=tuple(self._schemas()),
            is_cut=self.allowance.is_spent,
        )

    def _groups(self) -> Iterator[Group]:
        """Yield the document's tags in its order, then those that only operations name, then what has none."""
        tags = {line(tag["name"]): tag for tag in items(self.document.get("tags")) if "name" in table(tag)}
        members: dict[str, list[Operation]] = {name: [] for name in tags}
        untagged: list[Operation] = []
        for operation, raw in self._operations("paths"):
            names = [line(name) for name in items(raw.get("tags"))[:1]]
            (members.setdefault(names[0], []) if names else untagged).append(operation)
        webhooks = [operation for operation, _ in self._operations("webhooks")]
        rest = (UNTAGGED if members else OPERATIONS, untagged)
        for name, operations in (*members.items(), rest, (WEBHOOKS, webhooks)):
            if operations:
                described = self.allowance.markdown(tags.get(name, {}).get("description"))
                yield Group(name, self.anchors.give("tag", name), described, tuple(operations))

    def _operations(self, key: str) -> Iterator[tuple[Operation, dict[str, Any]]]:
        for path, item in table(self.document.get(key)).items():
            shared = resolved(self.document, item)
            for method in METHODS:
                if isinstance(raw := shared.get(method), dict):
                    if not self.allowance.step():
                        return
                    yield self._operation(method, path, raw, shared), raw

    def _operation(self, method: str, path: str, raw: dict[str, Any], shared: dict[str, Any]) -> Operation:
        identity = raw.get("operationId")
        name = identity if isinstance(identity, str) and identity.strip() else f"{method} {path}"
        return Operation(
            anchor=self.anchors.give("operation", name),
            method=method,
            path=line(path),
            summary=line(raw.get("summary", shared.get("summary", "")), LONGEST_SUMMARY),
            description=self.allowance.markdown(raw.get("description", shared.get("description"))),
            deprecated=raw.get("deprecated") is True,
            parameters=tuple(self._parameters(items(shared.get("parameters")), items(raw.get("parameters")))),
            body=self._body(raw["requestBody"]) if "requestBody" in raw else None,
            responses=tuple(self._responses(table(raw.get("responses")))),
        )

    def _parameters(self, shared: list[Any], own: list[Any]) -> Iterator[Parameter]:
        """Those of the path are overridden by those of the operation that have the same name and place."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for item in (*shared, *own):
            if not self.allowance.step():
                break
            raw = resolved(self.document, item)
            found[str(raw.get("name", "")), str(raw.get("in", ""))] = raw
        for (name, place), raw in found.items():
            contents = list(islice(table(raw.get("content")).values(), 1))
            schema = table(contents[0]).get("schema") if contents else raw.get("schema")
            yield Parameter(
                name=line(name),
                place=line(place),
                shape=self.shapes.of(schema),
                required=raw.get("required") is True,
                deprecated=raw.get("deprecated") is True,
                description=self.allowance.markdown(raw.get("description")),
            )

    def _body(self, item: object) -> Body:
        raw = resolved(self.document, item)
        described = self.allowance.markdown(raw.get("description"))
        return Body(raw.get("required") is True, described, tuple(self._contents(raw, in_full=True)))

    def _responses(self, raw: dict[str, Any]) -> Iterator[Response]:
        for status, item in raw.items():
            if not self.allowance.step():
                return
            response = resolved(self.document, item)
            described = self.allowance.markdown(response.get("description"))
            contents = tuple(self._contents(response, in_full=status.startswith("2")))
            yield Response(line(status), described, contents)

    def _contents(self, raw: dict[str, Any], *, in_full: bool) -> Iterator[Content]:
        """Of an error, which is mostly the same everywhere, the type says enough."""
        for media_type, item in islice(table(raw.get("content")).items(), MOST_CONTENTS):
            if not self.allowance.step():
                return
            schema = table(item).get("schema")
            yield Content(line(media_type), self.shapes.of(schema), self._nameless(schema) if in_full else ())

    def _nameless(self, schema: object) -> tuple[Property, ...]:
        """Return the properties of a schema without a name, or of what a list without a name is of."""
        inner = table(schema)
        if inner.get("type") == "array":
            inner = table(inner.get("items"))
        return () if is_named(inner) else self.shapes.properties(resolved(self.document, inner))

    def _schemas(self) -> Iterator[Schema]:
        named = table(table(self.document.get("components")).get("schemas"))
        for name, anchor in self.shapes.anchors.items():
            if not self.allowance.step():
                return
            schema = table(named[name])
            yield Schema(
                name=line(name),
                anchor=anchor,
                shape=self.shapes.of(named[name]),
                description=self.allowance.markdown(schema.get("description")),
                properties=self.shapes.properties(schema),
            )
