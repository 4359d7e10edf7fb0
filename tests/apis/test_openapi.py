import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from apis import definition, openapi
from apis.definition import Authentication
from apis.openapi import OpenAPIError

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "openapi"
MINIMAL: dict[str, Any] = {"openapi": "3.0.3", "info": {"title": "Weather", "version": "1"}, "paths": {}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KEYWORDS = st.sampled_from(["info", "paths", "servers", "components", "webhooks", "security", "tags", "x-a", "$ref"])


class PlainDumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def real_documents() -> list[Path]:
    found = sorted(REAL.glob("*.json"))
    if len(found) < 20:
        pytest.skip(f"the 20 real OpenAPI documents are not in {REAL}")
    return found


def text(**changes: Any) -> str:
    return json.dumps(MINIMAL | changes)


def schemas(**named: Any) -> str:
    return text(components={"schemas": named})


def refusal(data: bytes | str) -> str:
    with pytest.raises(OpenAPIError) as caught:
        openapi.read(data)
    return str(caught.value)


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def _no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("3.0.0", "3.1.0"):
        openapi.read(text(openapi=version))  # the published schemas are files themselves, read once
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)


def refuse(*args: object, **kwargs: object) -> None:
    pytest.fail(f"something was opened: {args}")


@pytest.mark.usefixtures("_no_network")
def test_all_real_documents_become_valid_definitions_at_paths_of_their_own() -> None:
    paths = set()
    for file in real_documents():
        document = openapi.read(file.read_bytes())
        made = openapi.to_definition(document, slug_prefix="acme")
        assert definition.validate(made) == [], file.name
        assert made["active"] == (not document.warnings), file.name
        assert json.loads(document.text) == document.raw == json.loads(file.read_text())
        paths.add(made["proxy"]["listen_path"])
    assert len(paths) == 20


def test_large_real_document_is_read_within_two_seconds_as_json_and_as_yaml() -> None:
    data = next(file for file in real_documents() if file.name == "digitalocean.com.json").read_bytes()
    as_yaml = yaml.dump(json.loads(data), Dumper=PlainDumper, sort_keys=False)
    started = time.process_time()
    from_json = openapi.read(data)
    middle = time.process_time()
    from_yaml = openapi.read(as_yaml)
    ended = time.process_time()
    assert from_yaml == from_json
    assert max(middle - started, ended - middle) < 2


def test_document_tells_what_it_holds() -> None:
    document = openapi.read(
        text(
            info={"title": " Weather ", "version": "1", "description": "Rain."},
            servers=[
                {"url": "/v1"},
                {"url": "https://{zone}.weather.example/", "variables": {"zone": {"default": "eu"}}},
            ],
            paths={
                "/rain": {
                    "parameters": [],
                    "get": {"responses": {"200": {"description": "ok"}}},
                    "post": {"responses": {"default": {"description": "ok"}}},
                }
            },
        )
    )
    assert (document.openapi, document.title, document.version, document.description) == (
        "3.0.3",
        "Weather",
        "1",
        "Rain.",
    )
    assert document.servers == ("/v1", "https://eu.weather.example/")
    assert (document.target, document.operations, document.warnings) == ("https://eu.weather.example/", 2, ())


def test_document_without_a_server_becomes_an_inactive_api_with_a_warning() -> None:
    document = openapi.read(text(servers=[{"url": "/v1"}]))
    made = openapi.to_definition(document, slug_prefix="acme")
    assert document.warnings == (openapi.NO_SERVER,)
    assert (made["active"], made["proxy"]["target_url"]) == (False, "http://upstream.invalid/")
    assert definition.validate(made) == []


def test_given_target_wins_over_the_servers() -> None:
    document = openapi.read(text(servers=[{"url": "https://weather.example"}]))
    made = openapi.to_definition(document, slug_prefix="acme", target_url="https://inner.example/")
    assert (made["active"], made["proxy"]["target_url"]) == (True, "https://inner.example/")


@pytest.mark.parametrize(
    ("schemes", "kind"),
    [
        ([], Authentication.TOKEN),
        ([{"type": "http", "scheme": "Basic"}], Authentication.BASIC),
        ([{"type": "http", "scheme": "bearer"}], Authentication.TOKEN),
        ([{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}], Authentication.JWT),
        ([{"type": "oauth2", "flows": {}}], Authentication.OAUTH2),
        ([{"type": "openIdConnect", "openIdConnectUrl": "https://x.example"}], Authentication.OPENID),
        ([{"type": "http", "scheme": "basic"}, {"type": "oauth2", "flows": {}}], Authentication.TOKEN),
    ],
)
def test_authentication_is_taken_from_schemes_that_agree(schemes: list[Any], kind: Authentication) -> None:
    named = {f"s{at}": scheme for at, scheme in enumerate(schemes)}
    made = openapi.to_definition(openapi.read(text(components={"securitySchemes": named})), slug_prefix="acme")
    assert definition.authentication_of(made) is kind


@pytest.mark.usefixtures("_no_network", "_no_files")
@pytest.mark.parametrize("outside", ["http://127.0.0.1:1/x", "file:///etc/passwd", "../secret.json"])
def test_address_that_is_no_reference_is_kept_and_not_opened(outside: str) -> None:
    mapping = {"propertyName": "a", "mapping": {"a": outside}}
    schema = {"$schema": outside, "$id": outside, "$dynamicRef": outside, "discriminator": mapping}
    response = {"description": "ok", "links": {"a": {"operationRef": outside}}}
    data = text(
        openapi="3.1.0",
        jsonSchemaDialect=outside,
        components={"schemas": {"A": schema}, "examples": {"a": {"externalValue": outside}}},
        paths={"/x": {"get": {"responses": {"200": response}}}},
    )
    assert openapi.read(data).raw == json.loads(data)


ONE_TO_GO = "only references within the document are taken, not"


@pytest.mark.usefixtures("_no_network", "_no_files")
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("", "The document is empty."),
        ("hello", "This is not an OpenAPI document: it must be an object with “openapi” and “info”."),
        ("{}", "This is not an OpenAPI document: it has no “openapi” field."),
        ('{"swagger": "2.0"}', "This is Swagger 2.0: convert it to OpenAPI 3.0 or 3.1 first."),
        ("openapi: 3.1\n", "OpenAPI 3.0.x and 3.1.x can be imported, and this document says “3.1”."),
        ('{"openapi": "3.2.0"}', "OpenAPI 3.0.x and 3.1.x can be imported, and this document says “3.2.0”."),
        ('{"openapi": "3.0.0"}', "At the top: 'info' is a required property."),
        (text(info={"title": " ", "version": "1"}), "At /info/title: the title must not be empty."),
        (text(info={"title": 5, "version": "1"}), "At /info/title: 5 is not of type 'string'."),
        (text(paths={"/x": {"get": {}}}), "At /paths/~1x/get: 'responses' is a required property."),
        (
            json.dumps({"openapi": "3.1.0", "info": MINIMAL["info"], "components": {}}),
            "The document has neither paths nor webhooks.",
        ),
        (
            schemas(A={"$ref": "file:///etc/passwd"}),
            f"At /components/schemas/A/$ref: {ONE_TO_GO} “file:///etc/passwd”.",
        ),
        (schemas(A={"$ref": "http://x/"}), f"At /components/schemas/A/$ref: {ONE_TO_GO} “http://x/”."),
        (schemas(A={"$ref": ["#/"]}), f"At /components/schemas/A/$ref: {ONE_TO_GO} “['#/']”."),
        (
            schemas(A={"$ref": "#/nowhere"}),
            "At /components/schemas/A/$ref: “#/nowhere” is not in the document.",
        ),
        (
            text(paths={"/x": {"get": {"responses": {"default": {"$ref": "other.json"}}}}}),
            f"At /paths/~1x/get/responses/default/$ref: {ONE_TO_GO} “other.json”.",
        ),
        (
            schemas(A={"properties": {"example": {"$ref": "other.json"}}}),
            f"At /components/schemas/A/properties/example/$ref: {ONE_TO_GO} “other.json”.",
        ),
        (
            '{"openapi": "3.0.0",\n"paths": {"/a": {},\n"/a": {}}}',
            "Line 3: The key “/a” stands twice in one object.",
        ),
        ("paths:\n  /a: {}\n  /a: {}\n", "Line 3: The key “/a” stands twice in one mapping."),
        ("a: &a [x]\nb: [*a, *a]\n", "Line 1: YAML anchors and aliases are not taken: write the value out."),
        ("a: *b\n", "Line 1: YAML anchors and aliases are not taken: write the value out."),
        ("a: !!python/object:os.system x\n", "Line 1: YAML tags (“!…”) are not taken."),
        ("? [a]\n: b\n", "Line 1: A key must be a text."),
        ("a: 1\n---\nb: 2\n", "Line 2: Only one YAML document can be read at a time."),
        ("%TAG !a! x\n" * 1_000_000, "Line 1: YAML directives (“%…”) are not taken."),
        ("a: b\n@: d\n", "Line 2: This is not YAML: found character that cannot start any token."),
        ('a: "\\0"\n', "a holds a NUL or half a surrogate pair, which cannot be stored."),
        (b'{"a": \x00}', "Line 1: A NUL or half a surrogate pair cannot be stored."),
        (b'{"a": "\xff"}', "The document is not UTF-8: byte 8 cannot be read."),
        ("{}".encode("utf-16"), "The document is not UTF-8: byte 1 cannot be read."),
        (b" " * 50_000_000, "The document is larger than 20 MB."),
        ("[" * 100_000, "The document is nested more than 64 levels deep."),
        ('{"a":' * 100_000, "The document is nested more than 64 levels deep."),
        ("a: " + "[" * 100_000, "Line 1: The document is nested more than 64 levels deep."),
        ("[" + "{}," * 6_000_000 + "{}]", "The document holds more than 300,000 values."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_hostile_or_wrong_document_gets_a_sentence_quickly(data: bytes | str, sentence: str) -> None:
    started = time.process_time()
    assert refusal(data) == sentence
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"$ref": {"type": "string"}}},
        {"properties": {"properties": {"properties": {"$ref": {"type": "string"}}}}},
        {"example": {"$ref": "http://x.example/"}},
        {"default": {"$ref": 5}},
        {"enum": [{"$ref": "file:///etc/passwd"}]},
        {"x-note": {"$ref": "other.json"}},
    ],
)
def test_ref_that_is_no_reference_is_left_alone(schema: dict[str, Any]) -> None:
    assert openapi.read(schemas(A=schema)).raw["components"]["schemas"]["A"] == schema


def test_escaped_reference_resolves() -> None:
    paths = {
        "/a b": {"get": {"responses": {"200": {"description": "ok"}}}},
        "/c": {"$ref": "#/paths/~1a%20b"},
    }
    assert openapi.read(text(paths=paths)).operations == 1


def test_pattern_that_would_hang_a_process_is_not_tried() -> None:
    schema = {"type": "string", "pattern": "^(a+)+$", "default": "a" * 40 + "!"}
    assert openapi.read(schemas(A=schema)).title == "Weather"


def test_long_list_that_must_not_repeat_itself_is_judged_quickly() -> None:
    parameters = [{"name": f"p{at}", "in": "query", "schema": {}} for at in range(5_000)]
    started = time.process_time()
    assert openapi.read(text(paths={"/x": {"parameters": parameters}})).title == "Weather"
    assert refusal(text(paths={"/x": {"parameters": [parameters[0], *parameters]}})) == (
        "At /paths/~1x/parameters: the list holds the same entry twice."
    )
    assert time.process_time() - started < 8


def test_yaml_is_read_as_json_would_say_it() -> None:
    data = (
        "\ufeff# weather\nopenapi: 3.0.3\ninfo: {title: Weather, version: '1'}\npaths: {}\n"
        "x-a: [2026-01-31, no, yes, true, ~, 012, 1.5, .inf, 0x1F, 1e3, '5', 1:30]\n"
        "x-b: {200: ok, null: none}\n"
    )
    raw = openapi.read(data).raw
    assert raw["x-a"] == ["2026-01-31", "no", "yes", True, None, 12, 1.5, ".inf", "0x1F", 1000.0, "5", "1:30"]
    assert raw["x-b"] == {"200": "ok", "null": "none"}


def test_load_takes_a_tyk_definition_from_the_same_box() -> None:
    wrapped = {"api_definition": {"name": "x", "proxy": {"listen_path": "/x/"}}}
    raw = openapi.load(json.dumps(wrapped))
    assert definition.is_tyk_definition(raw)
    assert definition.unwrap(raw) == wrapped["api_definition"]


def said(data: bytes | str) -> str:
    try:
        openapi.to_definition(openapi.read(data), slug_prefix="acme")
    except OpenAPIError as error:
        return str(error)
    return "Taken."


@given(st.text() | st.binary())
def test_any_text_or_bytes_raise_nothing_but_our_error(data: bytes | str) -> None:
    assert said(data).endswith(".")


@given(st.sampled_from(["3.0.0", "3.1.0"]), st.dictionaries(KEYWORDS, JSON))
def test_any_keyword_values_raise_nothing_but_our_error(version: str, changes: dict[str, Any]) -> None:
    assert said(text(openapi=version, **changes)).endswith(".")
