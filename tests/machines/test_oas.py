"""APIs that are an OpenAPI document, over the wire."""

import json
from typing import Any

import pytest
import yaml

from apis.models import Api
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World
from tests.machines.client import Machine, content, machine_of, read
from tests.machines.objects import oas_document
from tests.machines.test_apis import DETAIL, SAME, create

PATH = "/api/apis/oas"
EXTENSION = "x-tyk-api-gateway"


def document(listen_path: str = "/orders/", **info: Any) -> dict[str, Any]:
    made: dict[str, Any] = oas_document(listen_path)
    made[EXTENSION]["info"] |= info
    return made


def plain() -> dict[str, Any]:
    made = document()
    del made[EXTENSION]
    return made | {"servers": [{"url": "https://orders.example/v1"}]}


def create_oas(machine: Machine, *args: Any, **info: Any) -> str:
    created = read(machine.post(PATH, document(*args, **info)))
    assert created["Status"] == "OK", created
    return f"{PATH}/{created['Meta']}"


def info_of(machine: Machine, path: str) -> dict[str, Any]:
    info: dict[str, Any] = read(machine.get(path))[EXTENSION]["info"]
    return info


def lines(world: World) -> list[tuple[str, str]]:
    with scope.opened(scope.of(world.acme.id)):
        found = AuditEntry.objects.filter(kind="apis").order_by("at", "id")
        return [(line.actor, line.action) for line in found]


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


@pytest.fixture
def gus(world: World) -> Machine:
    return machine_of(world.gus)


def test_document_is_created_read_replaced_and_deleted(world: World, ann: Machine) -> None:
    created = read(ann.post(f"{PATH}/", document()))
    id, api_id = created["Meta"], created["ID"]
    assert created == {"Status": "OK", "Message": "API created", "Meta": id, "ID": api_id}
    got = read(ann.get(f"{PATH}/{id}"))
    assert got == document(dbId=id, id=api_id, orgId=world.acme.id)
    assert read(ann.get(f"{PATH}/{api_id}")) == got
    got["info"]["title"] = "Sales"
    assert read(ann.put(f"{PATH}/{id}", got)) == {"Status": "OK", "Message": "API updated", "Meta": None}
    assert read(ann.get(f"{PATH}/{id}")) == got
    wrapper = read(ann.get(f"/api/apis/{id}"))
    assert wrapper["oas"] == got
    assert wrapper["api_definition"]["proxy"]["listen_path"] == "/orders/"
    assert read(ann.delete(f"{PATH}/{id}"))["Message"] == "API deleted"
    assert read(ann.get(f"{PATH}/{id}")) == DETAIL
    assert lines(world) == [(world.ann.email, action) for action in ("created", "changed", "deleted")]


def test_yaml_is_as_good_as_json(ann: Machine) -> None:
    created = read(ann.post(PATH, yaml.safe_dump(document())))
    assert read(ann.get(f"{PATH}/{created['ID']}"))["paths"] == document()["paths"]


def test_the_same_again_changes_nothing_and_old_revisions_are_refused(world: World, ann: Machine) -> None:
    path = create_oas(ann)
    got = ann.get(path)
    assert ann.put(path, content(got)).headers["ETag"] == got.headers["ETag"] == '"1"'
    assert lines(world) == [(world.ann.email, "created")]
    assert ann.get(path, **{"If-None-Match": '"1"'}).status_code == 304
    assert ann.put(path, document(name="Sales"), **{"If-Match": '"1"'}).headers["ETag"] == '"2"'
    for method in ("PUT", "PATCH", "DELETE"):
        assert ann.call(method, path, document(), **{"If-Match": '"1"'}).status_code == 412
    assert info_of(ann, path)["name"] == "Sales"


def test_ids_are_kept_where_they_are_free(world: World, ann: Machine, gus: Machine) -> None:
    path = create_oas(ann, id="orders-1", dbId="a" * 24)
    assert path.endswith("a" * 24)
    same = ann.post(PATH, document("/other/", id="orders-1"))
    assert (same.status_code, read(same)) == (409, SAME)
    theirs = create_oas(gus, "/theirs/", id="orders-1", dbId="a" * 24)
    assert info_of(gus, theirs)["id"] != "orders-1"
    assert ann.put(path, document(id="orders-2")).status_code == 200
    assert info_of(ann, f"{PATH}/orders-2")["dbId"] == "a" * 24
    taken = ann.put(path, document(id=info_of(gus, theirs)["id"]))
    assert taken.status_code == 400
    assert "It is not available" in read(taken)["Message"]


def test_any_organisation_but_ones_own_is_refused_alike(world: World, ann: Machine) -> None:
    path = create_oas(ann)
    calls = [("POST", PATH), ("POST", f"{PATH}/import"), ("POST", f"{PATH}/dry-run"), ("PUT", path), ("PATCH", path)]
    for method, to in calls:
        answers = [ann.call(method, to, document("/x/", orgId=id)) for id in (world.globex.id, "a" * 24, 7)]
        assert {(answer.status_code, answer.content) for answer in answers} == {(400, answers[0].content)}
        assert "org_id" in read(answers[0])["Message"]


def test_another_organisations_document_is_as_one_that_never_was(ann: Machine, gus: Machine) -> None:
    path = create_oas(ann, id="orders-1")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = document("/mine/") if method[0] == "P" else None
        never = gus.call(method, f"{PATH}/{'0' * 24}", body)
        for known in (path, f"{PATH}/orders-1"):
            foreign = gus.call(method, known, body)
            assert (foreign.status_code, foreign.content) == (404, never.content)
    for below in ("export", "versions"):
        assert gus.get(f"{path}/{below}").content == gus.get(f"{PATH}/never/{below}").content
    assert read(ann.get(path))["info"]["title"] == "Orders"


def test_classic_definition_is_not_found_here(ann: Machine) -> None:
    path = create(ann, "Classic", api_id="classic")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert ann.call(method, f"{PATH}/classic", document("/x/")).status_code == 404
    assert ann.get(path).status_code == 200


def test_reader_changes_nothing(world: World, ann: Machine) -> None:
    path, al = create_oas(ann), machine_of(world.al)
    assert al.get(path).status_code == 200
    calls = [("POST", PATH), ("POST", f"{PATH}/import"), ("POST", f"{PATH}/dry-run"), ("PUT", path), ("PATCH", path)]
    assert {al.call(method, to, document("/x/")).status_code for method, to in calls} == {403}
    assert al.delete(path).status_code == 403


def test_plain_document_is_imported_with_what_the_query_says(ann: Machine) -> None:
    query = "listenPath=/shop/&upstreamURL=https://shop.example&apiID=shop&authentication=false&validateRequest=true"
    created = read(ann.post(f"{PATH}/import?{query}&allowList=true&mockResponse=false", plain()))
    assert (created["Message"], created["ID"]) == ("API created", "shop")
    extension = read(ann.get(f"{PATH}/shop"))[EXTENSION]
    assert extension["server"]["listenPath"]["value"] == "/shop/"
    assert extension["upstream"]["url"] == "https://shop.example"
    assert extension["server"]["authentication"]["enabled"] is False
    same = ann.post(f"{PATH}/import?apiID=shop&listenPath=/x/", plain())
    assert (same.status_code, read(same)) == (409, SAME)
    assert ann.post(f"{PATH}/import?authentication=perhaps", plain()).status_code == 400


def test_dry_run_says_what_an_import_would_make_and_makes_nothing(world: World, ann: Machine) -> None:
    made = read(ann.post(f"{PATH}/dry-run?listenPath=/shop/", plain()))
    assert made[EXTENSION]["server"]["listenPath"]["value"] == "/shop/"
    assert made[EXTENSION]["upstream"]["url"] == "https://orders.example/v1"
    assert lines(world) == []
    assert read(ann.get("/api/apis"))["apis"] == []
    create_oas(ann, "/shop/")
    assert ann.post(f"{PATH}/dry-run?listenPath=/shop/", plain()).status_code == 400
    assert ann.post(f"{PATH}/dry-run", {"openapi": "3.0.3"}).status_code == 400


def test_patch_replaces_the_document_and_leaves_the_extension(ann: Machine) -> None:
    path = create_oas(ann, "/shop/", name="Shop")
    changed = plain() | {"info": {"title": "Sales", "version": "2"}}
    assert read(ann.call("PATCH", path, changed)) == {"Status": "OK", "Message": "API updated", "Meta": None}
    got = read(ann.get(path))
    assert (got["info"], got[EXTENSION]["info"]["name"]) == (changed["info"], "Shop")
    assert got[EXTENSION]["server"]["listenPath"]["value"] == "/shop/"
    ann.call("PATCH", f"{path}?listenPath=/sales/", changed)
    assert read(ann.get(path))[EXTENSION]["server"]["listenPath"]["value"] == "/sales/"


def test_export_is_a_file_with_the_extension_or_without(ann: Machine) -> None:
    path = create_oas(ann, id="orders-1")
    whole, public = ann.get(f"{path}/export"), ann.get(f"{path}/export?mode=public")
    assert whole.headers["Content-Disposition"] == 'attachment; filename="orders-1.json"'
    assert content(whole) == content(ann.get(path))
    expected = document()
    del expected[EXTENSION]
    assert read(public) == expected


def test_versions_and_categories_are_those_of_the_api(ann: Machine) -> None:
    path = create_oas(ann, id="orders-1")
    assert read(ann.get(f"{path}/versions")) == {
        "apis": [
            {
                "id": "orders-1", "name": "Orders", "versionName": "", "internal": False, "isDefaultVersion": True,
                "expirationDate": "",
            }
        ],
        "pages": 1,
    }  # fmt: skip
    assert read(ann.put(f"{path}/categories", {"categories": ["shop"]}))["Message"] == "API categories updated."
    assert read(ann.get(f"{path}/categories")) == {"categories": ["shop"]}
    create(ann, "Classic", api_id="classic")
    assert ann.get(f"{PATH}/classic/categories").status_code == 404


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ({"openapi": 3}, "openapi"),
        ({"info": []}, "info"),
        ({"paths": None}, "paths"),
        ({EXTENSION: 1}, EXTENSION),
        ({EXTENSION: {"info": {"name": 1}}}, "info.name"),
        ({EXTENSION: {"info": {"name": "x", "state": {"active": "yes"}}}}, "info.state.active"),
        ({EXTENSION: {"server": {"listenPath": {"value": "no slash"}}}}, "listenPath"),
    ],
)
def test_wrong_field_is_refused_with_its_place(ann: Machine, fault: dict[str, Any], place: str) -> None:
    for path in (PATH, f"{PATH}/import"):
        refused = ann.post(path, document() | fault)
        if path == PATH or refused.status_code != 200:
            assert refused.status_code == 400
            assert place.lower() in read(refused)["Message"].lower()


def test_hostile_bodies_are_refused(ann: Machine) -> None:
    text = json.dumps(document()).encode()
    hostile = [
        *(b"", b"[]", b"null", b"1", b"{", b"\xff", b"\0", b"a: &a [*a]", b"!!python/object:os.system x"),
        text.replace(b'"3.0.3"', b'"3.0.3", "openapi": "3.0.3"'),
        *(text.replace(b'"Orders"', value) for value in (b'"\\u0000"', b'"\\ud800"', b"1e400", b"NaN")),
        *(text.replace(b'"paths"', b'"x-deep": ' + b"[" * d + b"]" * d + b', "paths"') for d in (900, 10_000)),
        *(b"- " * depth for depth in (900, 10_000)),
    ]
    path = create_oas(ann, "/mine/")
    calls = [("POST", PATH), ("POST", f"{PATH}/import"), ("POST", f"{PATH}/dry-run"), ("PUT", path), ("PATCH", path)]
    for method, to in calls:
        statuses = [ann.call(method, to, body).status_code for body in hostile]
        assert statuses == [400] * len(hostile), (method, to)
    with scope.opened(scope.EVERYTHING):
        assert Api.objects.count() == 1
