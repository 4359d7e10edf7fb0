"""The document as a viewer gets it: it knows the gateway, and nothing behind it."""

import json
import time
from copy import deepcopy
from typing import Any

import pytest

from apis import openapi
from apis.definition import Authentication
from portal.reference import for_viewer
from portal.reference.addresses import MOST_PATTERNS, MOST_REPLACED
from tests.portal.documents import GATEWAY, PETS, UPSTREAM, real, real_names, text_of, with_paths


def viewed(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    options = {"server_url": GATEWAY, "header_name": "X-Key", "authentication": Authentication.TOKEN, **more}
    made: dict[str, Any] = json.loads(for_viewer(text_of(document), **options))
    return made


def described(text: str, *servers: str, **more: Any) -> str:
    """Return what becomes of a description in a document with these servers."""
    document = with_paths({}, servers=[{"url": server} for server in servers])
    document["info"]["description"] = text
    made: str = viewed(document, **more)["info"]["description"]
    return made


def test_servers_are_the_gateway_alone() -> None:
    document = deepcopy(PETS)
    inner = [{"url": "http://10.0.0.7:9000/"}]
    document["paths"]["/health"]["servers"] = inner
    document["paths"]["/health"]["get"]["servers"] = inner
    document["paths"]["/health"]["get"]["responses"]["200"]["links"] = {
        "next": {"operationId": "getPet", "server": inner[0]}
    }
    made = viewed(document)
    assert made["servers"] == [{"url": GATEWAY}]
    assert "inner" not in json.dumps(made)
    assert "10.0.0.7" not in json.dumps(made)
    assert json.dumps(made).count('"servers"') == 1


@pytest.mark.parametrize(
    ("authentication", "header", "scheme"),
    [
        (Authentication.TOKEN, "Authorization", {"type": "apiKey", "in": "header", "name": "Authorization"}),
        (Authentication.TOKEN, "X-Key", {"type": "apiKey", "in": "header", "name": "X-Key"}),
        (Authentication.BASIC, "Authorization", {"type": "http", "scheme": "basic"}),
        (Authentication.JWT, "authorization", {"type": "http", "scheme": "bearer"}),
        (Authentication.OAUTH2, "Authorization", {"type": "http", "scheme": "bearer"}),
        (Authentication.OPENID, "Authorization", {"type": "http", "scheme": "bearer"}),
        (Authentication.JWT, "X-Token", {"type": "apiKey", "in": "header", "name": "X-Token"}),
        (Authentication.KEYLESS, "Authorization", None),
        (Authentication.MUTUAL_TLS, "Authorization", None),
    ],
)
def test_gateway_says_what_to_show_it(
    authentication: Authentication, header: str, scheme: dict[str, str] | None
) -> None:
    document = deepcopy(PETS)
    document["security"] = [{"old": []}]
    document["paths"]["/health"]["get"]["security"] = []
    document["components"]["securitySchemes"] = {
        "old": {"type": "openIdConnect", "openIdConnectUrl": "https://login.example/"}
    }
    made = viewed(document, authentication=authentication, header_name=header)
    assert "security" not in made["paths"]["/health"]["get"]
    assert made.get("security") == (None if scheme is None else [{"gateway": []}])
    assert made["components"].get("securitySchemes") == (None if scheme is None else {"gateway": scheme})


def test_extensions_are_left_out_and_names_that_look_like_them_stay() -> None:
    document = with_paths(
        {
            "x-routes": {"get": {}},
            "/a": {
                "x-internal": True,
                "get": {
                    "x-amazon-apigateway-integration": {"uri": "http://lambda"},
                    "responses": {
                        "x-hidden": {"description": ""},
                        "200": {"description": "", "headers": {"x-rate": {"schema": {"type": "string", "x-go": 1}}}},
                    },
                },
            },
        },
        components={
            "schemas": {"x-Pet": {"properties": {"x-name": {"example": {"x-kept": 1}, "x-go": "Name"}}, "x-db": "pets"}}
        },
    )
    document["x-tyk-api-gateway"] = {"upstream": {"url": "http://target.example"}}
    made = viewed(document)
    assert made["paths"] == {
        "/a": {
            "get": {"responses": {"200": {"description": "", "headers": {"x-rate": {"schema": {"type": "string"}}}}}}
        }
    }
    assert made["components"]["schemas"] == {"x-Pet": {"properties": {"x-name": {"example": {"x-kept": 1}}}}}
    assert "x-tyk-api-gateway" not in made


def test_only_links_to_https_stay() -> None:
    document = deepcopy(PETS) | {"externalDocs": {"url": "https://docs.example/"}}
    document["paths"]["/health"]["get"]["externalDocs"] = {"url": "javascript:alert(1)"}
    document["paths"]["/health"]["get"]["tags"] = ["shop"]
    document["info"] |= {
        "termsOfService": "http://plain.example/",
        "contact": {"name": "Ann", "url": "javascript:alert(1)"},
        "license": {"name": "MIT", "url": "https://mit.example/"},
    }
    made = viewed(document)
    assert made["externalDocs"] == {"url": "https://docs.example/"}
    assert "externalDocs" not in made["paths"]["/health"]["get"]
    assert "termsOfService" not in made["info"]
    assert made["info"]["contact"] == {"name": "Ann"}
    assert made["info"]["license"] == {"name": "MIT", "url": "https://mit.example/"}


def test_operation_is_not_called_like_what_every_object_of_javascript_has() -> None:
    operation = {"operationId": "toString", "tags": ["a", "__proto__"], "responses": {}}
    assert viewed(with_paths({"/a": {"get": operation}}))["paths"]["/a"]["get"] == {"tags": ["a"], "responses": {}}


def test_property_may_be_called_like_what_is_left_out() -> None:
    names = ("servers", "security", "url", "$id", "x-a", "externalDocs")
    schema = {"properties": {name: {"type": "string"} for name in names}}
    made = viewed(with_paths({}, components={"schemas": {"A": schema}}))
    assert made["components"]["schemas"]["A"] == schema


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://pets.inner.example:8443/v2/pets", f"{GATEWAY}/pets"),
        ("HTTPS://Pets.Inner.Example:8443/v2.", f"{GATEWAY}."),
        ("https://pets.inner.example:8443/v22", f"{GATEWAY}/v22"),
        ("http://ann:secret@pets.inner.example/admin", f"{GATEWAY}/admin"),
        ("Host: pets.inner.example", "Host: gateway.example"),
        ("`pets.inner.example:8443`", "`gateway.example`"),
        ("other.pets.inner.example", "other.pets.inner.example"),
        ("pets.inner.example.org", "pets.inner.example.org"),
        ("support@pets.inner.example", "support@pets.inner.example"),
    ],
)
def test_texts_name_the_gateway_in_the_place_of_a_server(text: str, shown: str) -> None:
    assert described(text, UPSTREAM) == shown


def test_host_of_one_word_is_a_word_elsewhere() -> None:
    text = "orders at http://orders:8080/all, that is orders:8080"
    assert described(text, "http://orders:8080") == f"orders at {GATEWAY}/all, that is gateway.example"


def test_default_of_a_variable_is_part_of_an_address() -> None:
    document = with_paths(
        {}, servers=[{"url": "https://{zone}.inner.example", "variables": {"zone": {"default": "eu"}}}]
    )
    document["info"]["description"] = "https://eu.inner.example/a"
    assert viewed(document)["info"]["description"] == f"{GATEWAY}/a"


def test_other_targets_are_hidden_too() -> None:
    assert described("http://target.example/a", hidden=["http://target.example"]) == f"{GATEWAY}/a"
    document = with_paths({})
    document["x-tyk-api-gateway"] = {"upstream": {"loadBalancing": {"targets": [{"url": "http://third.example"}]}}}
    document["info"]["description"] = "third.example"
    assert viewed(document)["info"]["description"] == "gateway.example"


def test_gateway_itself_may_be_named() -> None:
    assert described("https://gateway.example/other", "https://gateway.example/pets") == "https://gateway.example/other"


def test_with_very_many_servers_every_host_is_hidden() -> None:
    servers = [f"https://s{number}.inner.example" for number in range(MOST_PATTERNS + 1)]
    text = described(" ".join([*servers, "http://docs.example/a"]), *servers)
    assert text == " ".join([GATEWAY] * len(servers) + [f"{GATEWAY}/a"])


@pytest.mark.parametrize("piece", ["a-", "a.", "a.-", "ab://", "ab://a@", "s1.inner.example-"])
def test_long_word_is_looked_through_once_also_with_very_many_servers(piece: str) -> None:
    servers = [f"https://s{number}.inner.example" for number in range(MOST_PATTERNS + 1)]
    began = time.monotonic()
    described(piece * 100_000 + "! s1.inner.example", *servers)
    assert time.monotonic() - began < 5


def test_address_of_millions_of_letters_is_no_pattern() -> None:
    """Its host is replaced nevertheless."""
    servers = [f"https://s{number}.inner.example/{'p' * 200_000}" for number in range(10)]
    began = time.monotonic()
    assert described("https://s1.inner.example/ppp", *servers) == f"{GATEWAY}/ppp"
    assert described("Nothing is there.", f"https://{'h' * 2_000_000}.example") == "Nothing is there."
    assert time.monotonic() - began < 5


def test_short_address_cannot_make_a_document_grow_without_end() -> None:
    text = described("a.b " * (MOST_REPLACED + 1), "http://a.b", server_url="https://gateway.example/" + "long" * 50)
    assert text == "…"


def test_address_cannot_break_out_of_its_text() -> None:
    assert described("a.b/c", "http://a.b", server_url='https://g.example/","x":"') == "g.example/c"


@pytest.mark.parametrize("name", real_names() or ["any document"])
def test_real_document_stays_a_valid_one(name: str) -> None:
    text = real(name)
    made = for_viewer(text, server_url=GATEWAY, header_name="Authorization", authentication=Authentication.TOKEN)
    servers = {server["url"] for server in json.loads(text).get("servers", [])}
    assert openapi.read(made).servers == (GATEWAY,)
    assert openapi.read(made).operations == openapi.read(text).operations
    assert [server for server in servers if server in made] == []
