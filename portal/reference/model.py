"""What a reference shows of an API. Descriptions are the Markdown of the document's author, all other texts plain."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a type's text; `anchor` is the id of the named schema that it is."""

    text: str
    anchor: str = ""


Shape = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    shape: Shape
    required: bool
    deprecated: bool
    description: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """`place` is path, query, header or cookie."""

    name: str
    place: str
    shape: Shape
    required: bool
    deprecated: bool
    description: str


@dataclass(frozen=True, slots=True)
class Content:
    """`properties` are those of an object that has no name, and so no section of its own."""

    media_type: str
    shape: Shape
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Body:
    required: bool
    description: str
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class Response:
    status: str
    description: str
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` is the name of a webhook, which the API calls itself."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    deprecated: bool
    parameters: tuple[Parameter, ...]
    body: Body | None
    responses: tuple[Response, ...]


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    anchor: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    name: str
    anchor: str
    shape: Shape
    description: str
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """`is_cut` says that the document is too large to be shown whole."""

    title: str
    version: str
    description: str
    groups: tuple[Group, ...]
    schemas: tuple[Schema, ...]
    is_cut: bool


def plain(shape: Shape) -> str:
    return "".join(part.text for part in shape)
