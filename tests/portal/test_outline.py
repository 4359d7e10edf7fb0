"""What a reference shows of a document, and that no document takes long or fails."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.reference.model import Operation, Reference, Shape, plain
from portal.reference.outline import outline
from portal.reference.source import MOST_STEPS, MOST_TEXT
from tests.portal.documents import PET, PETS, answering, with_paths

SECONDS = 5  # of hostile documents; other tests have the processors too


def operations(reference: Reference) -> list[Operation]:
    return [operation for group in reference.groups for operation in group.operations]


def shape_of(schema: object, **more: Any) -> str:
    return plain(shape(schema, **more))


def shape(schema: object, **more: Any) -> Shape:
    made = outline(with_paths({"/a": {"get": answering(schema)}}, **more))
    return operations(made)[0].responses[0].contents[0].shape


def test_operations_are_grouped_by_their_first_tag_in_the_order_of_the_document() -> None:
    groups = outline(PETS).groups
    assert [(group.name, group.description, len(group.operations)) for group in groups] == [
        ("shop", "The shop.", 1),
        ("pets", "", 1),
        ("Other operations", "", 1),
    ]


def test_parameters_of_the_path_are_merged_with_those_of_the_operation() -> None:
    operation = outline(PETS).groups[1].operations[0]
    assert (operation.method, operation.path, operation.summary) == ("get", "/pets/{id}", "One pet")
    assert [(one.name, one.place, plain(one.shape), one.required, one.deprecated) for one in operation.parameters] == [
        ("id", "path", "string", True, False),
        ("page", "query", "string", False, True),
    ]


def test_answers_name_their_schemas_and_errors_show_no_properties() -> None:
    found, missing = outline(PETS).groups[1].operations[0].responses
    assert (found.status, found.description, plain(found.contents[0].shape)) == ("200", "The pet", "Pet")
    assert found.contents[0].shape[0].anchor == "schema-Pet"
    assert (missing.status, missing.description) == ("404", "No such pet")
    assert (plain(missing.contents[0].shape), missing.contents[0].properties) == ("object {error}", ())


def test_body_without_a_name_shows_its_properties() -> None:
    operation = outline(PETS).groups[0].operations[0]
    assert operation.deprecated
    assert operation.body is not None
    assert operation.body.required
    assert [one.name for one in operation.body.contents[0].properties] == ["name"]


def test_named_schemas_have_sections_with_their_properties() -> None:
    pet, pets = outline(PETS).schemas
    assert [(one.name, plain(one.shape), one.required) for one in pet.properties] == [
        ("id", "string (uuid)", True),
        ("parent", "Pet", False),
        ("born", "string (date) or null", False),
        ("tags", "array of cat | dog", False),
    ]
    assert (pets.name, plain(pets.shape), pets.properties) == ("Pets", "array of Pet", ())


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "any"),
        (True, "any"),
        (False, "nothing"),
        ({"type": "string"}, "string"),
        ({"type": ["integer", "null"], "format": "int64"}, "integer (int64) or null"),
        ({"type": "string", "enum": ["a", "b", None], "default": "b"}, "a | b | null, default b"),
        ({"enum": list(range(9))}, "0 | 1 | 2 | 3 | 4 | 5 | …"),
        ({"const": "x"}, "x"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "map of number"),
        ({"properties": {name: {} for name in "abcdefg"}}, "object {a, b, c, d, e, …}"),
        ({"items": {"$ref": "#/components/schemas/Pet"}}, "array of Pet"),
        ({"oneOf": [{"$ref": "#/components/schemas/Pet"}, {"type": "string"}]}, "Pet or string"),
        ({"allOf": [{"$ref": "#/components/schemas/Pet"}, {"properties": {"n": {}}}]}, "Pet and object {n}"),
        ({"$ref": "#/components/schemas/Absent"}, "any"),
        ({"type": 5, "properties": [], "enum": 3, "format": {}}, "object"),
    ],
)
def test_types_are_short_texts(schema: object, text: str) -> None:
    assert shape_of(schema, components={"schemas": {"Pet": PET}}) == text


def test_ids_are_unique_and_stay_when_operations_are_added() -> None:
    one = {"responses": {}, "operationId": "do it"}
    paths = {"/a": {"get": one, "put": one}, "/b": {"get": {"responses": {}}}, "/b-": {"get": {"responses": {}}}}
    before = [operation.anchor for operation in operations(outline(with_paths(paths)))]
    assert before == ["operation-do-it", "operation-do-it-2", "operation-get-b", "operation-get-b-2"]
    after = [operation.anchor for operation in operations(outline(with_paths({**paths, "/c": {"get": one}})))]
    assert after[:4] == before


def test_names_that_mean_something_to_javascript_are_names_like_others() -> None:
    names = ("__proto__", "constructor", "toString")
    properties: dict[str, Any] = {name: {} for name in names}
    made = outline(
        with_paths(
            {"/a": {"get": {"tags": ["__proto__"], "operationId": "constructor", "responses": {}}}},
            components={"schemas": {name: {"properties": properties} for name in names}},
        )
    )
    assert made.groups[0].name == "__proto__"
    assert [schema.name for schema in made.schemas] == [*names]
    assert [one.name for one in made.schemas[0].properties] == [*names]


def test_webhooks_are_a_group_of_their_own() -> None:
    made = outline({"openapi": "3.1.0", "info": {}, "webhooks": {"born": {"post": {"responses": {}}}}})
    assert [(group.name, group.operations[0].path) for group in made.groups] == [("Webhooks", "born")]


CIRCLES: dict[str, dict[str, Any]] = {
    "schema": with_paths(
        {"/a": {"get": answering({"$ref": "#/components/schemas/A"})}},
        components={
            "schemas": {"A": {"$ref": "#/components/schemas/B"}, "B": {"allOf": [{"$ref": "#/components/schemas/A"}]}}
        },
    ),
    "nameless schema": with_paths(
        {
            "/a": {
                "get": answering({"items": {"$ref": "#/paths/~1a/get/responses/200/content/application~1json/schema"}})
            }
        }
    ),
    "path": with_paths({"/a": {"$ref": "#/paths/~1b"}, "/b": {"$ref": "#/paths/~1a"}}),
    "parameter": with_paths(
        {"/a": {"get": {"parameters": [{"$ref": "#/components/parameters/P"}], "responses": {}}}},
        components={"parameters": {"P": {"$ref": "#/components/parameters/P"}}},
    ),
}


@pytest.mark.parametrize("name", CIRCLES)
def test_circles_end(name: str) -> None:
    assert not outline(CIRCLES[name]).is_cut


def many(count: int, item: object) -> dict[str, Any]:
    return {f"/{number}": item for number in range(count)}


BRANCHES = [{"$ref": f"#/x/{number % 6}"} for number in range(6)]
WIDE = {"get": {"parameters": [{"name": f"p{number}", "in": "query"} for number in range(10_000)], "responses": {}}}
HOSTILE: dict[str, dict[str, Any]] = {
    "one long description that all share": with_paths(
        many(10_000, {"get": {"parameters": [{"$ref": "#/components/parameters/P"}], "responses": {}}}),
        components={"parameters": {"P": {"name": "p", "in": "query", "description": "long " * 200_000}}},
    ),
    "one wide path that all share": with_paths(
        many(10_000, {"$ref": "#/components/pathItems/W"}), components={"pathItems": {"W": WIDE}}
    ),
    "schemas that branch into each other": with_paths(
        many(2_000, {"get": answering({"anyOf": BRANCHES})}), x=[{"anyOf": BRANCHES} for _ in range(6)]
    ),
    "one long name that all share": with_paths(
        many(10_000, {"$ref": "#/components/pathItems/N"}),
        components={"pathItems": {"N": {"get": {"operationId": "n" * 5_000_000, "responses": {}}}}},
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_references_make_no_document_endless(name: str) -> None:
    began = time.monotonic()
    made = outline(HOSTILE[name])
    assert time.monotonic() - began < SECONDS
    assert len(operations(made)) <= MOST_STEPS
    texts = [one.description for operation in operations(made) for one in operation.parameters]
    assert sum(map(len, texts)) <= MOST_TEXT


def test_ten_thousand_operations_are_shown_whole() -> None:
    made = outline(with_paths(many(10_000, {"get": {"summary": "One", "responses": {"200": {"description": "Ok"}}}})))
    assert (len(operations(made)), made.is_cut) == (10_000, False)


def test_what_is_too_large_to_be_shown_whole_says_so() -> None:
    assert outline(with_paths(many(MOST_STEPS, {"get": {"responses": {}}}))).is_cut


anything = st.recursive(
    st.sampled_from([None, True, 0, 2**70, 0.5, "", "string", "null", "#/components/schemas/A", "#/paths/~1a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "$ref", "a"]), inner),
    max_leaves=5,
)
KEYWORDS = (
    *("type", "properties", "items", "required", "enum", "const", "default", "format", "nullable", "allOf", "oneOf"),
    *("additionalProperties", "description", "deprecated", "$ref"),
)


@given(st.dictionaries(st.sampled_from(KEYWORDS), anything))
def test_no_schema_of_wrong_types_fails(schema: dict[str, Any]) -> None:
    """OpenAPI 3.1 leaves schemas unchecked."""
    made = outline(with_paths({"/a": {"get": answering(schema)}}, components={"schemas": {"A": schema}}))
    assert len(made.schemas) == 1
