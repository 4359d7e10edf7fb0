"""The document of the JSON API, the pages made of it, and the commands on the other pages."""

import json
import shlex
from collections.abc import Callable, Iterable
from html import unescape
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.db.models import Model
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from apis.lists import SORTS as api_sorts
from apis.models import Api
from apis.services import import_text
from dashboard import curl, reference
from dashboard.api import described
from dashboard.document import document, operation_id
from dashboard.schemas import Field, Schemas
from keys.lists import SORTS as key_sorts
from keys.models import Key, Policy
from keys.policies.lists import SORTS as policy_sorts
from keys.policies.services import create_policy
from keys.services import create_key
from orgs import scope
from orgs.domains.services import vouch
from orgs.machines import Access, Operation, Paged
from orgs.machines.answers import Envelope
from orgs.machines.operations import ROUTES
from orgs.models import Domain
from orgs.permissions import Level, ObjectKind
from portal.managing.developers import SORTS as developer_sorts
from portal.models import Developer
from tests.conftest import World, signed_in
from tests.machines.client import Machine, machine_of, read
from tests.portal.shared import make_developer
from tests.walls.walk import DOCUMENT, Objects, fill, urls
from users.listing import SORTS as user_sorts
from users.models import User
from users.services.people import create_user

ORGANISATION = "dashboard.urls.organisation"


class Colour(msgspec.Struct):
    """How it looks."""

    name: str
    shade: int | None = None


def change(call: Any, id: str) -> None:
    """Paints it anew."""


def declared(method: str, **more: Any) -> Operation:
    fields = {"access": Access.PERMITTED, "kind": ObjectKind.APIS, "level": Level.WRITE} | more
    return Operation(method, "/api/walls/{id}", "Paint a wall", change, **fields)


def described_as(*operations: Operation) -> dict[str, Any]:
    methods: dict[str, Any] = document(operations, version="1")["paths"]["/api/walls/{id}"]
    return methods


def test_document_is_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(described()).iter_errors()) == []


def test_every_operation_is_in_the_document() -> None:
    found = {(path, method.upper()) for path, methods in described()["paths"].items() for method in methods}
    assert found == {(each.path, each.method) for each in ROUTES.operations}


def test_operations_have_names_of_their_own() -> None:
    names = [operation_id(each) for each in ROUTES.operations]
    assert sorted(set(names)) == sorted(names)


def test_document_needs_no_credential_and_is_sent_once(db: None) -> None:
    first = Machine().get("/api/openapi.json")
    again = Machine().get("/api/openapi.json", **{"if-none-match": first.headers["ETag"]})
    assert (first.status_code, read(first)["openapi"]) == (200, "3.1.0")
    assert (again.status_code, again.content) == (304, b"")
    assert Machine().get("/api/openapi.json", **{"if-none-match": '"old"'}).content == first.content


def test_document_says_who_may_call() -> None:
    names = {Access.PUBLIC: [], Access.ADMIN_SECRET: ["adminSecret"]}
    for operation in ROUTES.operations:
        security = described()["paths"][operation.path][operation.method.lower()]["security"]
        assert [name for scheme in security for name in scheme] == names.get(operation.access, ["accessKey"])


def test_declaration_brings_its_refusals() -> None:
    put = described_as(declared("PUT", body=Colour, answers=Envelope, refusals=(409,)))["put"]
    assert set(put["responses"]) == {"200", "400", "401", "403", "404", "409", "413", "429"}
    assert put["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Colour"}
    assert "Paints it anew." in put["description"]
    assert "permission to write APIs" in put["description"]


def test_public_operation_without_input_refuses_nothing() -> None:
    assert set(described_as(declared("GET", access=Access.PUBLIC, kind=None))["get"]["responses"]) == {"200", "404"}


def test_paths_whose_changes_may_come_too_late_have_tags_of_revisions() -> None:
    methods = described_as(declared("GET", answers=Colour), declared("PUT", body=Colour, refusals=(412,)))
    assert [each["name"] for each in methods["get"]["parameters"]] == ["id", "If-None-Match"]
    assert [each["name"] for each in methods["put"]["parameters"]] == ["id", "If-Match"]
    assert "ETag" in methods["get"]["responses"]["200"]["headers"]
    assert "304" in methods["get"]["responses"]
    alone = described_as(declared("GET", answers=Colour))
    assert "304" not in alone["get"]["responses"]


def test_query_becomes_parameters() -> None:
    parameters = described_as(declared("GET", query=Paged))["get"]["parameters"]
    assert [(each["name"], each["in"], each["required"]) for each in parameters] == [
        ("id", "path", True),
        ("p", "query", False),
        ("page_size", "query", False),
        ("sort", "query", False),
        ("q", "query", False),
    ]


def test_schema_becomes_a_table_and_an_example() -> None:
    colour = document([declared("PUT", body=Colour)], version="1")["components"]["schemas"]["Colour"]
    listed = {"type": "array", "items": {"$ref": "#/components/schemas/Colour"}}
    schemas = Schemas({"Colour": colour})
    assert list(schemas.fields({"properties": {"walls": listed}, "required": ["walls"]})) == [
        Field("walls", "list of object", True, ""),
        Field("walls[].name", "string", True, ""),
        Field("walls[].shade", "integer or null", False, ""),
    ]
    assert schemas.example(listed) == [{"name": "", "shade": 0}]


def test_schema_that_holds_itself_comes_to_an_end() -> None:
    tree = {
        "type": "object",
        "properties": {"below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
    }
    schemas = Schemas({"Tree": tree})
    assert len(list(schemas.fields(tree))) < 10
    assert schemas.example(tree)["below"]


@pytest.fixture
def reader(world: World) -> Client:
    return signed_in(world.al)


@pytest.mark.parametrize("who", ["al", "uma"])
def test_reference_lists_every_operation(world: World, who: str) -> None:
    page = signed_in(getattr(world, who)).get("/reference/").content.decode()
    assert [name for name in reference.operations() if f"/reference/{name}/" not in page] == []


def test_reference_is_searched_by_words(reader: Client) -> None:
    found = reader.get("/reference/", {"q": "user ME"}).content.decode()
    assert "/reference/get_users_me/" in found
    assert "/reference/get_hello/" not in found
    assert "Nothing matches" in reader.get("/reference/", {"q": "no such words"}).content.decode()


def test_every_operation_has_a_page(reader: Client) -> None:
    for name, operation in reference.operations().items():
        answer = reader.get(f"/reference/{name}/")
        assert answer.status_code == 200, name
        assert unescape(answer.content.decode()).count(operation["path"]) >= 1


def test_unknown_operation_has_no_page(reader: Client) -> None:
    assert reader.get("/reference/get_nothing/").status_code == 404


def test_reference_needs_a_session(world: World) -> None:
    assert Client().get("/o/acme/reference/").status_code == 302


def command_on(client: Client, path: str, query: dict[str, str] | None = None) -> list[str]:
    """Return the words that a shell makes of the page's command."""
    page = unescape(client.get(path, query).content.decode())
    _, _, rest = page.partition('aria-label="Command">')
    return shlex.split(rest.partition("</textarea>")[0])


def run(words: list[str], machine: Machine) -> Any:
    """Do what curl does with these words."""
    program, option, header, address = words
    assert (program, option, header) == ("curl", "-H", "authorization: $COMMONHOLD_KEY")
    answer = machine.get(address.removeprefix("http://testserver"))
    assert answer.status_code == 200, (address, answer.content)
    return read(answer)


@pytest.fixture
def objects(world: World) -> Objects:
    return fill(world.acme, world.ann)


def path_of(name: str, objects: Objects) -> str:
    (url,) = (url for url in urls(ORGANISATION) if url.name == name)
    return url.path(objects)


@pytest.mark.parametrize("name", curl.COUNTERPARTS)
def test_command_of_a_page_answers_with_what_the_page_shows(world: World, objects: Objects, name: str) -> None:
    words = command_on(signed_in(world.ann), path_of(name, objects))
    assert run(words, machine_of(world.ann))


@pytest.mark.parametrize("name", [name for name, one in curl.COUNTERPARTS.items() if "q" in one.query])
def test_command_of_a_list_keeps_the_search(world: World, objects: Objects, name: str) -> None:
    query = {"q": "no such thing"}
    words = command_on(signed_in(world.ann), path_of(name, objects), query)
    assert "q=no+such+thing" in words[-1]
    found = [value for value in run(words, machine_of(world.ann)).values() if isinstance(value, list)]
    assert found == [[]]


WORDS = ("Beta", "alpha", "Gamma")
SORTED: dict[str, tuple[type[Model], Callable[[str], object], Iterable[str]]] = {
    "apis": (Api, lambda word: import_text(DOCUMENT.replace("Orders", word), listen_path=f"/{word[::-1]}/"), api_sorts),
    "keys": (Key, lambda word: create_key(alias=word, has_all_apis=True), key_sorts),
    "policies": (Policy, lambda word: create_policy(name=word), policy_sorts),
    "developers": (Developer, lambda word: make_developer(f"{word}@acme.example"), developer_sorts),
    "users": (User, lambda word: create_user(email=f"{word}@acme.example", name=word), user_sorts),
}


@pytest.mark.parametrize(("of", "sort"), [(of, sort) for of, (*_, sorts) in SORTED.items() for sort in sorts])
def test_command_of_a_list_keeps_the_order(world: World, of: str, sort: str) -> None:
    model, make, _ = SORTED[of]
    with scope.opened(scope.of(world.acme.id)):
        for day, word in enumerate(WORDS, 1):
            known = {*model._default_manager.values_list("pk", flat=True)}
            make(word)
            model._default_manager.exclude(pk__in=known).update(created_at=f"2026-01-{day:02}T00:00Z")
    client = signed_in(world.ann)
    page = client.get(f"/{of}/", {"sort": sort}).content.decode().lower()
    answer = json.dumps(run(command_on(client, f"/{of}/", {"sort": sort}), machine_of(world.ann))).lower()
    places = {word: (page.index(word.lower()), answer.index(word.lower())) for word in WORDS}
    assert sorted(WORDS, key=lambda word: places[word][0]) == sorted(WORDS, key=lambda word: places[word][1])


@pytest.mark.parametrize("query", [{"tag": "shop"}, {"q": "orders", "tag": "shop"}])
def test_filter_that_the_operation_lacks_has_no_command(world: World, query: dict[str, str]) -> None:
    assert command_on(signed_in(world.ann), "/apis/", query) == []


def test_filter_is_called_as_the_operation_calls_it(world: World) -> None:
    words = command_on(signed_in(world.ann), "/apis/", {"state": "inactive", "authentication": "jwt"})
    assert words[-1] == "http://testserver/api/apis?active=0&auth_type=jwt"


def test_nothing_that_one_searched_for_reaches_the_shell(world: World) -> None:
    evil = """$(id)`id`"; id; '\\ !! #{a,b}[1] \n"""
    words = command_on(signed_in(world.ann), "/apis/", {"q": evil})
    assert len(words) == 4
    assert not set(words[-1].partition("?")[2]) & set("$`\"';\\!#{}[]\n ")


def test_command_at_an_organisations_domain_asks_for_the_address(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        vouch(host="gateway.acme.example", purpose=Domain.Purpose.DASHBOARD)
    client = signed_in(world.ann)
    (session,) = (morsel.value for morsel in client.cookies.values())
    host = "gateway.acme.example"
    page = Client(HTTP_HOST=host, HTTP_COOKIE=f"{settings.SESSION_COOKIE_NAME}_organisation={session}").get("/apis/")
    assert f"{curl.KEY}&quot; &quot;$COMMONHOLD_URL/api/apis&quot;" in page.content.decode()


def test_visits_have_no_commands(world: World, objects: Objects) -> None:
    assert command_on(signed_in(world.uma, prefix="/all/o/acme"), "/apis/") == []
