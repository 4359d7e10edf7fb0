"""Importing through the service and the page, also what is hostile."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from pytest_django import DjangoDbBlocker

from apis import services
from apis.definition import DefinitionError
from apis.models import Api
from apis.openapi import NO_SERVER, OpenAPIError
from orgs import scope
from orgs.models import AuditEntry, Organisation
from orgs.services import delete_organisation
from tests.apis.test_services import definition, taken
from tests.conftest import World, organisation, signed_in
from tests.walls.conftest import SUPERUSER, connect


def document(**changes: Any) -> dict[str, Any]:
    return {
        "openapi": "3.0.3",
        "info": {"title": "Orders", "version": "1"},
        "servers": [{"url": "https://orders.example/v1"}],
        "paths": {"/orders": {"get": {"responses": {"200": {"description": "All of them"}}}}},
    } | changes


TEXT = json.dumps(document())
YAML = """
openapi: 3.1.0
info: {title: Orders, version: "1"}
servers: [{url: https://orders.example/v1}]
paths: {}
"""
LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nopenapi: 3.0.3\n"
REFERENCE = {"/a": {"get": {"responses": {"200": {"$ref": "https://evil.example/a.json"}}}}}
FILE_REFERENCE = {"/a": {"$ref": "file:///etc/passwd"}}
HOSTILE: dict[str, tuple[str, str]] = {
    "nothing": ("  \n", "The document is empty."),
    "prose": ("hello", "This is not an OpenAPI document: it must be an object with “openapi” and “info”."),
    "half of JSON": (TEXT[:-1], "Line 1: This is not JSON: Expecting ',' delimiter."),
    "NUL": (TEXT.replace("Orders", "Or\x00ders"), "Line 1: A NUL or half a surrogate pair cannot be stored."),
    "escaped NUL": (
        TEXT.replace("Orders", "Or\\u0000ders"),
        "info.title holds a NUL or half a surrogate pair, which cannot be stored.",
    ),
    "deep JSON": ("[" * 100_000, "The document is nested more than 64 levels deep."),
    "deep YAML": ("- " * 100, "Line 1: The document is nested more than 64 levels deep."),
    "aliases": (LAUGHS, "Line 1: YAML anchors and aliases are not taken: write the value out."),
    "tags": ("a: !!python/object:os.system x", "Line 1: YAML tags (“!…”) are not taken."),
    "duplicate path": (
        TEXT.replace('"paths": {', '"paths": {"/orders": {},\n'),
        "Line 2: The key “/orders” stands twice in one object.",
    ),
    "reference to a host": (
        json.dumps(document(paths=REFERENCE)),
        "At /paths/~1a/get/responses/200/$ref: only references within the document are taken, "
        "not “https://evil.example/a.json”.",
    ),
    "reference to a file": (
        json.dumps(document(paths=FILE_REFERENCE)),
        "At /paths/~1a/$ref: only references within the document are taken, not “file:///etc/passwd”.",
    ),
    "metadata server": (
        json.dumps(document(servers=[{"url": "http://169.254.169.254/latest"}])),
        "proxy.target_url must not be a link-local or metadata address (169.254.169.254).",
    ),
    "crowd": (f'{{"a": [{"0," * 300_001}0]}}', "The document holds more than 300,000 values."),
    "Swagger 2": ('{"swagger": "2.0"}', "This is Swagger 2.0: convert it to OpenAPI 3.0 or 3.1 first."),
    "bad Tyk definition": (
        json.dumps({"api_definition": definition() | {"active": "yes"}}),
        'active must be true or false, not "yes".',
    ),
}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise AssertionError(f"an outgoing request: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def stored(world: World) -> list[tuple[str, str, str, bool]]:
    with scope.opened(scope.of(world.acme.id)):
        return list(Api.objects.order_by("name").values_list("name", "listen_path", "target_url", "is_active"))


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


ORDERS = ("Orders", "/acme/orders/", "https://orders.example/v1", True)


@pytest.mark.parametrize("text", [TEXT, YAML])
def test_import_text_takes_json_and_yaml(world: World, text: str) -> None:
    with scope.opened(scope.of(world.acme.id)):
        assert json.loads(services.import_text(text).openapi)["info"]["title"] == "Orders"
    assert stored(world) == [ORDERS]


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_import_text_keeps_every_field_of_a_tyk_definition(in_acme: World, is_wrapped: bool) -> None:
    ids = {"id": "0123456789abcdef01234567", "api_id": "orders-1", "org_id": in_acme.globex.id}
    odd = definition() | ids | {"config_data": {"x": [None, 1.5]}, "x_unknown": "kept"}
    api = services.import_text(json.dumps({"api_definition": odd} if is_wrapped else odd))
    assert json.loads(api.definition) == odd | {"org_id": in_acme.acme.id}
    assert api.openapi == ""


@pytest.mark.parametrize("text", [TEXT, json.dumps(definition())])
def test_import_text_leads_where_the_importer_says(in_acme: World, text: str) -> None:
    api = services.import_text(text, target_url="https://mine.example/", listen_path="/elsewhere/")
    assert (api.target_url, api.listen_path) == ("https://mine.example/", "/elsewhere/")


def test_import_text_without_a_server_waits_for_a_target(in_acme: World) -> None:
    api = services.import_text(json.dumps(document(servers=[])))
    assert (api.is_active, services.has_target(api)) == (False, False)


@pytest.mark.parametrize("case", HOSTILE)
def test_import_text_refuses_what_is_hostile_and_stores_nothing(world: World, no_network: None, case: str) -> None:
    text, sentence = HOSTILE[case]
    with scope.opened(scope.of(world.acme.id)):
        with pytest.raises((OpenAPIError, DefinitionError)) as refused:
            services.import_text(text)
        assert str(refused.value) == sentence
        assert AuditEntry.objects.count() == 0
    assert stored(world) == []


def test_import_text_refuses_fifty_megabytes_at_once(in_acme: World) -> None:
    begun = time.monotonic()
    with pytest.raises(OpenAPIError, match=r"^The document is larger than 20 MB\.$"):
        services.import_text(b" " * 50_000_000)
    assert time.monotonic() - begun < 1


def test_import_text_refuses_the_same_document_twice(in_acme: World) -> None:
    services.import_text(TEXT)
    with pytest.raises(services.ListenPathTaken, match="“Orders” listens there already"):
        services.import_text(TEXT)
    assert Api.objects.count() == 1


def test_the_page_imports_one_document_and_shows_it(world: World) -> None:
    response = signed_in(world.ann).post("/apis/import/", {"text": TEXT}, follow=True)
    with scope.opened(scope.of(world.acme.id)):
        id = Api.objects.get().pk
    assert response.redirect_chain == [(f"/o/acme/apis/{id}/", 302)]
    assert said(response) == ["Orders is imported."]
    assert stored(world) == [ORDERS]


def test_the_page_says_what_an_import_still_needs(world: World) -> None:
    text = json.dumps(document(servers=[{"url": "/v1"}]))
    response = signed_in(world.ann).post("/apis/import/", {"text": text}, follow=True)
    assert said(response) == ["Orders is imported.", NO_SERVER]
    assert stored(world) == [("Orders", "/acme/orders/", "http://upstream.invalid/", False)]


def test_the_page_takes_target_and_listen_path(world: World) -> None:
    typed = {"text": TEXT, "target_url": "https://mine.example/", "listen_path": "/mine/"}
    signed_in(world.ann).post("/apis/import/", typed)
    assert stored(world) == [("Orders", "/mine/", "https://mine.example/", True)]


def test_the_page_goes_on_after_a_bad_file(world: World) -> None:
    files = [
        SimpleUploadedFile("a.yaml", YAML.encode()),
        SimpleUploadedFile("b.json", b"\xff{}"),
        SimpleUploadedFile(
            "c.json", json.dumps(document(info={"title": "Other", "version": "1"}, servers=[])).encode()
        ),
    ]
    response = signed_in(world.ann).post("/apis/import/", {"file": files, "text": TEXT})
    assert [row[1:] for row in response.context["rows"]] == [
        ("Orders", "/acme/orders/", "active", ""),
        ("Other", "/acme/other/", "inactive", NO_SERVER),
    ]
    form = response.context["form"]
    assert form.errors == {
        "file": ["b.json: The document is not UTF-8: byte 1 cannot be read."],
        "text": [taken("/acme/orders/")],
    }
    assert form["text"].value() == TEXT
    assert [name for name, *_ in stored(world)] == ["Orders", "Other"]


def test_the_page_empties_the_box_of_what_it_has_imported(world: World) -> None:
    file = SimpleUploadedFile("b.json", b"{")
    response = signed_in(world.ann).post("/apis/import/", {"file": file, "text": TEXT})
    assert response.context["form"]["text"].value() == ""
    assert stored(world) == [ORDERS]


@pytest.mark.parametrize("case", [case for case in HOSTILE if case not in ("nothing", "NUL")])
def test_the_page_says_what_is_wrong_and_keeps_the_text(world: World, no_network: None, case: str) -> None:
    text, sentence = HOSTILE[case]
    response = signed_in(world.ann).post("/apis/import/", {"text": text})
    form = response.context["form"]
    assert (response.status_code, form.errors, form["text"].value()) == (200, {"text": [sentence]}, text)
    assert stored(world) == []


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({}, {"file": ["Choose a file, or paste a document below."]}),
        ({"text": " "}, {"file": ["Choose a file, or paste a document below."]}),
        ({"text": "a\x00"}, {"text": ["Null characters are not allowed."]}),
        ({"text": TEXT, "listen_path": "orders"}, {"listen_path": ["Must begin with “/”."]}),
        (
            {"text": TEXT, "target_url": "orders.example"},
            {"target_url": ["Must be an absolute address with a host, beginning with http or https://."]},
        ),
        (
            {"text": TEXT, "file": SimpleUploadedFile("a.json", b"{}"), "listen_path": "/a/"},
            {"listen_path": ["Only one document can listen there: import this one alone."]},
        ),
        ({"file": SimpleUploadedFile("a.json", b"")}, {"file": ["The submitted file is empty."]}),
    ],
)  # fmt: skip
def test_the_page_says_at_the_field_what_is_wrong(
    world: World, typed: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    response = signed_in(world.ann).post("/apis/import/", typed)
    assert response.context["form"].errors == errors
    assert stored(world) == []


def test_the_page_refuses_large_uploads_before_reading_them(world: World) -> None:
    ann = signed_in(world.ann)
    large = ann.post("/apis/import/", {"file": SimpleUploadedFile("large.json", b" " * 50_000_000)})
    assert large.context["form"].errors == {"file": ["large.json is larger than 20 MB."]}
    two = [SimpleUploadedFile(name, b" " * 13_000_000) for name in ("a.json", "b.json")]
    together = ann.post("/apis/import/", {"file": two})
    assert together.context["form"].errors == {"file": ["Together the files are larger than 25 MB."]}
    assert ann.post("/apis/import/", {"text": " " * 26_000_000}).status_code == 413
    assert stored(world) == []


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Organisation]:
    """An organisation that other connections see as well; everything of it goes afterwards."""
    with django_db_blocker.unblock():
        made = organisation("race")
        yield made
        delete_organisation(organisation=made, cascade=True)
        with connect(SUPERUSER, autocommit=True) as server:
            server.execute("DELETE FROM orgs_auditentry")  # the installation's line of it


def test_of_two_imports_at_once_the_second_is_told(committed: Organisation) -> None:
    is_written = threading.Event()

    def first() -> str:
        with scope.opened(scope.of(committed.id)):
            name = services.import_text(TEXT).name
            is_written.set()
            time.sleep(0.3)  # the second waits in the index for this transaction to end
        connection.close()
        return str(name)

    def second() -> str:
        is_written.wait(10)
        with scope.opened(scope.of(committed.id)), pytest.raises(services.ListenPathTaken) as told:
            services.import_text(TEXT)
        connection.close()
        return str(told.value)

    with ThreadPoolExecutor() as pool:
        both = [pool.submit(each) for each in (first, second)]
        assert [each.result(20) for each in both] == [
            "Orders",
            taken("/race/orders/"),
        ]
    with scope.opened(scope.of(committed.id)):
        assert Api.objects.count() == 1
