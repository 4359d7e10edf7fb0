"""Classic API definitions over the wire."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import Api
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World
from tests.machines.client import Machine, admin, content, machine_of, read
from tests.machines.objects import oas_document
from users.models import Group

PATH = "/api/apis"
DETAIL = {"Status": "Error", "Message": "Could not retrieve API detail", "Meta": None}
SAME = {"Status": "Error", "Message": "Found API with the same ID", "Meta": None}


def definition(name: str = "Orders", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "active": True,
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": f"/{name.lower()}/", "target_url": "https://orders.example/"},
    } | fields


def wrapper(name: str = "Orders", **fields: Any) -> dict[str, Any]:
    return {"api_definition": definition(name), "hook_references": [], "is_site": False, "sort_by": 0} | fields


def create(machine: Machine, name: str = "Orders", **fields: Any) -> str:
    """Return the path of a new API."""
    created = read(machine.post(PATH, definition(name, **fields)))
    assert created["Status"] == "OK", created
    return f"{PATH}/{created['Meta']}"


def trail(world: World) -> list[tuple[str, str]]:
    with scope.opened(scope.of(world.acme.id)):
        lines = AuditEntry.objects.filter(kind="apis").order_by("at", "id")
        return [(line.actor, line.action) for line in lines]


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


@pytest.fixture
def gus(world: World) -> Machine:
    return machine_of(world.gus)


def test_api_is_created_read_replaced_and_deleted(world: World, ann: Machine) -> None:
    created = ann.post(f"{PATH}/", wrapper(categories=["shop"], user_owners=None, user_group_owners=None))
    answer = read(created)
    id, api_id = answer["Meta"], answer["ID"]
    assert content(created).decode() == f'{{"Status":"OK","Message":"API created","Meta":"{id}","ID":"{api_id}"}}'
    got = read(ann.get(f"{PATH}/{id}"))
    assert list(got) == [
        "api_definition", "hook_references", "is_site", "sort_by", "user_owners", "user_group_owners", "categories",
        "created_at", "updated_at",
    ]  # fmt: skip
    assert got["api_definition"] == definition() | {"id": id, "api_id": api_id, "org_id": world.acme.id}
    assert got["categories"] == ["shop"]
    assert got["created_at"].endswith("Z")
    assert read(ann.get(f"{PATH}/{api_id}/")) == got
    got["api_definition"]["name"] = "Sales"
    assert read(ann.put(f"{PATH}/{api_id}", got)) == {"Status": "OK", "Message": "API updated", "Meta": None}
    assert read(ann.get(f"{PATH}/{id}"))["api_definition"]["name"] == "Sales"
    assert read(ann.delete(f"{PATH}/{api_id}")) == {"Status": "OK", "Message": "API deleted", "Meta": None}
    assert read(ann.get(f"{PATH}/{id}")) == DETAIL
    assert trail(world) == [(world.ann.email, action) for action in ("created", "changed", "changed", "deleted")]


def test_what_is_sent_beside_a_definition_is_kept_until_something_else_is_sent(world: World, ann: Machine) -> None:
    hooks = [{"event_name": "QuotaExceeded", "event_timeout": 60, "hook": {"name": "Alerts", "shade": [1]}}]
    beside: dict[str, Any] = {"hook_references": hooks, "categories": ["shop"], "user_owners": [world.al.pk]}
    path = f"{PATH}/{read(ann.post(PATH, wrapper(**beside)))['Meta']}"
    ann.put(path, definition())
    got = read(ann.get(path))
    assert {name: got[name] for name in beside} == beside
    ann.put(path, {"api_definition": definition(), "hook_references": [], "user_owners": [], "categories": None})
    got = read(ann.get(path))
    assert (got["hook_references"], got["user_owners"], got["categories"]) == ([], [], ["shop"])


def test_the_same_again_changes_nothing(world: World, ann: Machine) -> None:
    path = create(ann)
    before = ann.get(path)
    for body in (read(before), read(before)["api_definition"]):
        assert ann.put(path, body).headers["ETag"] == before.headers["ETag"] == '"1"'
    assert content(ann.get(path)) == content(before)
    assert trail(world) == [(world.ann.email, "created")]


def test_change_from_an_old_revision_is_refused(ann: Machine) -> None:
    created = ann.post(PATH, definition())
    path, tag = f"{PATH}/{read(created)['ID']}", created.headers["ETag"]
    unchanged = ann.get(path, **{"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", tag)
    changed = ann.put(path, definition(x_note="first"), **{"If-Match": tag})
    assert changed.headers["ETag"] == ann.get(path).headers["ETag"] == '"2"'
    assert ann.put(path, definition(x_note="second"), **{"If-Match": tag}).status_code == 412
    assert ann.delete(path, **{"If-Match": tag}).status_code == 412
    assert read(ann.get(path))["api_definition"]["x_note"] == "first"
    ann.put(f"{path}/categories", {"categories": ["shop"]})
    assert ann.get(path, **{"If-None-Match": '"2"'}).status_code == 200
    assert ann.delete(path, **{"If-Match": '"3"'}).status_code == 200


def test_clients_ids_are_kept_where_they_are_free(world: World, ann: Machine, gus: Machine) -> None:
    ids = {"id": "a" * 24, "api_id": "orders-1"}
    assert read(ann.post(PATH, definition(**ids))) == {
        "Status": "OK", "Message": "API created", "Meta": "a" * 24, "ID": "orders-1",
    }  # fmt: skip
    again = ann.post(PATH, definition("Other", **ids))
    assert (again.status_code, read(again)) == (409, SAME)
    theirs = read(gus.post(PATH, definition("Theirs", **ids)))
    assert theirs["Status"] == "OK"
    assert not {"a" * 24, "orders-1"} & set(theirs.values())
    one_of_two = read(gus.post(PATH, definition("More", id="a" * 24, api_id="more")))
    assert (one_of_two["Meta"] != "a" * 24, one_of_two["ID"]) == (True, "more")


def test_api_id_is_changed_to_one_that_is_free(world: World, ann: Machine, gus: Machine) -> None:
    """So do clients that create first and say the id then."""
    path = create(ann)
    create(ann, "Sales", api_id="sales")
    create(gus, "Theirs", api_id="theirs")
    assert ann.put(path, definition(api_id="orders-1")).status_code == 200
    assert read(ann.get(f"{PATH}/orders-1"))["api_definition"]["id"] == path.rpartition("/")[2]
    same = ann.put(path, definition(api_id="sales"))
    assert (same.status_code, read(same)) == (409, SAME)
    taken = ann.put(path, definition(api_id="theirs"))
    assert taken.status_code == 400
    assert "It is not available" in read(taken)["Message"]
    assert read(ann.get(path))["api_definition"]["api_id"] == "orders-1"
    ann.put(path, definition())
    assert read(ann.get(path))["api_definition"]["api_id"] == "orders-1"


def test_any_organisation_but_ones_own_is_refused_alike(world: World, ann: Machine) -> None:
    path = create(ann)
    for send, to in ((ann.post, PATH), (ann.put, path)):
        answers = [send(to, definition("Sales", org_id=id)) for id in (world.globex.id, "a" * 24, 7)]
        assert {(answer.status_code, answer.content) for answer in answers} == {(400, answers[0].content)}
        assert "org_id is not this organisation's" in read(answers[0])["Message"]
    assert send(path, definition(org_id=world.acme.id)).status_code == 200


@pytest.mark.parametrize("below", ["", "/url", "/access", "/categories"])
def test_another_organisations_api_is_as_one_that_never_was(
    world: World, ann: Machine, gus: Machine, below: str
) -> None:
    path = create(ann, api_id="orders-1")
    for method in ("GET", "PUT", "DELETE"):
        body = {"categories": ["x"], **definition("Mine")} if method == "PUT" else None
        never = gus.call(method, f"{PATH}/{'0' * 24}{below}", body)
        for known in (path, f"{PATH}/orders-1"):
            foreign = gus.call(method, f"{known}{below}", body)
            assert (foreign.status_code, foreign.content) == (never.status_code, never.content)
        assert never.status_code == (405 if below and (method == "DELETE" or ("url" in below and body)) else 404)
    assert read(ann.get(path))["api_definition"]["name"] == "Orders"


def test_who_may_not_is_refused(world: World, ann: Machine) -> None:
    path, al = create(ann), machine_of(world.al)
    assert al.get(path).status_code == al.get(PATH).status_code == 200
    refused = [al.post(PATH, definition("X")), al.put(path, definition("X")), al.delete(path)]
    refused += [al.put(f"{path}/categories", {"categories": []}), al.put(f"{path}/access", {})]
    assert {answer.status_code for answer in refused} == {403}
    message = read(refused[0])["Message"]
    assert message == "access denied: You do not have permission to access  /api/apis"


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ({"active": "yes"}, "active"),
        ({"session_lifetime": "60"}, "session_lifetime"),
        ({"tags": [1]}, "tags.0"),
        ({"tags": {}}, "tags"),
        ({"proxy": []}, "proxy"),
        ({"proxy": None}, "proxy.listen_path"),
        ({"version_data": {"versions": {"v1": 1}}}, "version_data.versions.v1"),
        ({"global_rate_limit": {"rate": "x"}}, "global_rate_limit.rate"),
        ({"name": ""}, "name"),
        ({"id": "x"}, "id"),
        ({"api_id": "a b"}, "api_id"),
        ({"api_id": 5}, "api_id"),
        ({"Proxy": {}}, "Proxy"),
        ({"is_oas": True}, "is_oas"),
        ({"certificates": ["0" * 88]}, "certificates"),
    ],
)
def test_wrong_field_is_refused_with_its_place(ann: Machine, fault: dict[str, Any], place: str) -> None:
    for body in (definition() | fault, {"api_definition": definition() | fault}):
        refused = ann.post(PATH, body)
        assert refused.status_code == 400
        assert place in read(refused)["Message"]
    assert read(ann.get(PATH)) == {"apis": [], "pages": 1}


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ({"api_definition": None}, "api_definition"),
        ({"api_definition": []}, "api_definition"),
        ({"oas": []}, "oas"),
        ({"oas": {"openapi": 3}}, "OpenAPI"),
        ({"hook_references": {}}, "hook_references"),
        ({"hook_references": ["x"] * 20_000}, "hook_references"),
        ({"categories": "shop"}, "categories"),
        ({"categories": [None]}, "categories.0"),
        ({"categories": [""]}, "categories.0"),
        ({"user_owners": [1]}, "user_owners.0"),
        ({"user_group_owners": {}}, "user_group_owners"),
    ],
)
def test_wrong_wrapper_is_refused_with_its_place(ann: Machine, fault: dict[str, Any], place: str) -> None:
    refused = ann.post(PATH, wrapper() | fault)
    assert refused.status_code == 400
    assert place in read(refused)["Message"]


DEEP = [65, 500, 900, 1_200, 10_000]
HOSTILE = [
    *(b"\0", b'"\\u0000"', b'"\\ud800"', b'"\xed\xa0\x80"', b"1e400", b"-1e400", b"NaN", b"9" * 5_000, b"'x'", b","),
    *(b"[" * depth + b"]" * depth for depth in DEEP),
    *(b'{"a":' * depth + b"1" + b"}" * depth for depth in DEEP),
]


@pytest.mark.parametrize("beside", [False, True])
def test_values_that_gateways_or_the_database_would_not_take_are_refused(ann: Machine, beside: bool) -> None:
    """The value stands in a definition, or beside it."""
    if beside:
        bodies = [wrapper(hook_references=["?"]), wrapper(hook_references=[{"x_note": "?"}])]
    else:
        bodies = [definition(x_note="?"), definition(config_data={"a": ["?"]}), wrapper(api_definition={"a": "?"})]
    texts = [json.dumps(body).encode().replace(b'"?"', value) for body in bodies for value in HOSTILE]
    statuses = [ann.post(PATH, text).status_code for text in (*texts, *HOSTILE)]
    assert statuses == [400] * len(statuses)
    assert ann.post(PATH, json.dumps(bodies[0])).status_code == 200  # it was the value


def test_of_two_equal_keys_the_last_is_checked_and_kept(ann: Machine) -> None:
    """What gateways get is what was checked: in it there is one."""
    text = json.dumps(definition()).encode()
    twice = text.replace(b'"active": true', b'"active": true, "active": %s')
    assert ann.post(PATH, twice % b'"yes"').status_code == 400
    path = f"{PATH}/{read(ann.post(PATH, twice % b'false'))['Meta']}"
    assert content(ann.get(path)).count(b'"active"') == 1
    assert read(ann.get(path))["api_definition"]["active"] is False


def test_definition_that_is_too_large_is_refused(ann: Machine) -> None:
    assert ann.post(PATH, definition(x_note="x" * 3_000_000)).status_code == 400
    assert ann.post(PATH, definition(x_note="x" * 10_000_000)).status_code == 413


def test_listen_path_that_is_taken_is_refused_and_whose_it_is_is_not_said(ann: Machine, gus: Machine) -> None:
    create(ann)
    refused = gus.post(PATH, definition())
    assert refused.status_code == 400
    assert read(refused)["Message"] == (
        "The listen path /orders/ cannot be used. It is not available. Choose another one."
    )


def test_document_is_replaced_by_another_and_not_by_a_definition(ann: Machine) -> None:
    path = f"{PATH}/{read(ann.post('/api/apis/oas', oas_document('/shop/')))['Meta']}"
    got = read(ann.get(path))
    assert list(got)[:2] == ["api_definition", "oas"]
    refused = ann.put(path, got["api_definition"] | {"is_oas": False})
    assert refused.status_code == 400
    assert "OpenAPI document" in read(refused)["Message"]
    assert ann.put(path, got).headers["ETag"] == '"1"'
    got["oas"]["info"]["title"] = "Sales"
    assert read(ann.put(path, got | {"categories": ["shop"]}))["Message"] == "API updated"
    assert read(ann.get(path))["oas"] == got["oas"]
    got["oas"]["x-tyk-api-gateway"]["info"]["orgId"] = "a" * 24
    assert ann.put(path, got).status_code == 400
    assert read(ann.delete(path))["Status"] == "OK"


@pytest.fixture
def several(ann: Machine) -> Machine:
    create(ann, "Alpha", active=False, use_keyless=True)
    create(ann, "Bravo", api_id="bravo", enable_jwt=True)
    create(ann, "Charlie", tags=["eu"])
    ann.put(f"{PATH}/bravo/categories", {"categories": ["shop", "eu"]})
    ann.post("/api/apis/oas", oas_document("/oas/"))
    return ann


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Orders", "Charlie", "Bravo", "Alpha"]),
        ("sort=created_at", ["Alpha", "Bravo", "Charlie", "Orders"]),
        ("sort=-created_at", ["Orders", "Charlie", "Bravo", "Alpha"]),
        ("sort=name", ["Alpha", "Bravo", "Charlie", "Orders"]),
        ("sort=-name", ["Orders", "Charlie", "Bravo", "Alpha"]),
        ("sort=-updated_at", ["Orders", "Bravo", "Charlie", "Alpha"]),
        ("sort=nonsense", ["Orders", "Charlie", "Bravo", "Alpha"]),
        ("sort=name&p=2&page_size=3", ["Orders"]),
        ("sort=name&p=-2", ["Alpha", "Bravo", "Charlie", "Orders"]),
        ("q=char", ["Charlie"]),
        ("q=none", []),
        ("category=shop", ["Bravo"]),
        ("category=other,eu", ["Bravo"]),
        ("active=0", ["Alpha"]),
        ("auth_type=keyless,jwt", ["Orders", "Bravo", "Alpha"]),
        ("auth_type=authToken", ["Charlie"]),
        ("api_type=oas", ["Orders"]),
        ("api_type=classic&sort=name", ["Alpha", "Bravo", "Charlie"]),
        ("ids=bravo,never", ["Bravo"]),
        ("compressed=1&p=4", []),
    ],
)
def test_list_is_narrowed_sorted_and_paged(several: Machine, query: str, expected: list[str]) -> None:
    for path in (PATH, f"{PATH}/search"):
        listed = read(several.get(f"{path}?{query}"))
        assert [each["api_definition"]["name"] for each in listed["apis"]] == expected
        assert listed["pages"] == (2 if "page_size" in query else 1)


@pytest.mark.parametrize("query", ["auth_type=magic", "api_type=soap", "active=yes", "p=x", "page_size=", "q=%00"])
def test_filter_that_is_not_understood_does_not_give_everything(ann: Machine, query: str) -> None:
    refused = ann.get(f"{PATH}?{query}")
    assert refused.status_code == 400
    assert read(refused)["Message"].startswith("Query: ")


@pytest.mark.parametrize("query", ["", "?p=-1"])
def test_list_costs_the_same_for_one_and_three(ann: Machine, query: str) -> None:
    create(ann, "Alpha")
    ann.get(PATH)
    with CaptureQueriesContext(connection) as one:
        assert len(read(ann.get(f"{PATH}{query}"))["apis"]) == 1
    create(ann, "Bravo")
    create(ann, "Charlie")
    with CaptureQueriesContext(connection) as three:
        assert len(read(ann.get(f"{PATH}{query}"))["apis"]) == 3
    assert len(one) == len(three)


def test_unbounded_user_sees_all_and_leaves_a_line(world: World, ann: Machine, gus: Machine) -> None:
    path = create(ann)
    create(gus, "Theirs")
    uma = machine_of(world.uma)
    assert len(read(uma.get(f"{PATH}?p=-1"))["apis"]) == 2
    assert uma.get(path).status_code == 200
    assert uma.put(path, definition()).status_code == 403
    with scope.opened(scope.of(world.acme.id)):
        assert AuditEntry.objects.filter(action="visited", actor=world.uma.email).exists()


def test_categories_are_counted_and_grouped(ann: Machine, gus: Machine) -> None:
    alpha, bravo = (create(ann, name, api_id=name.lower()) for name in ("Alpha", "Bravo"))
    create(gus, "Theirs")
    assert read(ann.get(f"{PATH}/categories")) == {"categories": []}
    assert read(ann.put(f"{alpha}/categories", {"categories": ["shop", "eu"]})) == {
        "Status": "OK", "Message": "API categories updated.", "Meta": None,
    }  # fmt: skip
    ann.put(f"{bravo}/categories", {"categories": ["shop", "shop"]})
    assert read(ann.get(f"{bravo}/categories")) == {"categories": ["shop"]}
    assert read(ann.get(f"{PATH}/categories")) == {
        "categories": [{"name": "eu", "count": 1}, {"name": "shop", "count": 2}]
    }
    assert read(ann.get(f"{PATH}/groups")) == {"eu": ["alpha"], "shop": ["alpha", "bravo"]}
    assert read(gus.get(f"{PATH}/groups")) == {}
    ann.put(f"{alpha}/categories", {"categories": None})
    assert read(ann.get(f"{alpha}/categories")) == {"categories": []}
    for fault in ({}, {"categories": [1]}, {"categories": "x"}, {"categories": ["x" * 61]}):
        assert ann.put(f"{alpha}/categories", fault).status_code == 400


def test_owners_are_users_and_groups_of_the_organisation(world: World, ann: Machine) -> None:
    path = create(ann)
    with scope.opened(scope.of(world.acme.id)):
        group = Group.objects.create(name="Shop")
    assert read(ann.get(f"{path}/access")) == {"userIds": [], "userGroupIds": []}
    owners = {"userIds": [world.al.pk], "userGroupIds": [group.pk]}
    assert read(ann.put(f"{path}/access", owners)) == {"Status": "OK", "Message": "API access updated", "Meta": None}
    assert read(ann.get(f"{path}/access")) == owners
    for id in (world.gus.pk, world.uma.pk):
        refused, never = (ann.put(f"{path}/access", {"userIds": [one]}) for one in (id, "0" * 24))
        assert (refused.status_code, read(refused)["Message"].replace(id, "0" * 24)) == (404, read(never)["Message"])
    assert ann.put(f"{path}/access", {"userIds": [1]}).status_code == 400
    ann.put(f"{path}/access", {"userIds": None, "userGroupIds": None})
    assert read(ann.get(f"{path}/access")) == {"userIds": [], "userGroupIds": []}


def test_url_is_where_the_api_answers(ann: Machine) -> None:
    assert read(ann.get(f"{create(ann)}/url")) == {"ApiURL": "/orders/", "BasePath": "/orders/", "Host": ""}
    path = create(ann, "Sales", domain="sales.acme.example")
    assert read(ann.get(f"{path}/url")) == {
        "ApiURL": "https://sales.acme.example/sales/", "BasePath": "/sales/", "Host": "sales.acme.example",
    }  # fmt: skip


def test_import_puts_apis_into_their_organisations_or_none(world: World) -> None:
    oas: Any = oas_document("/oas/")
    oas["x-tyk-api-gateway"]["info"]["id"] = "document"
    sent = [
        wrapper("Ours", api_definition=definition("Ours", api_id="ours", org_id=world.acme.id), categories=["shop"]),
        definition("Theirs", api_id="theirs", id="b" * 24, org_id=world.globex.id),
        wrapper(api_definition={"org_id": world.acme.id}, oas=oas),
    ]
    for wrong in (definition("Nobody's"), definition("X", org_id="0" * 24), definition("X", org_id=7)):
        assert admin().post("/admin/apis/import", {"apis": [*sent, wrong]}).status_code == 404
    broken = definition("Broken", org_id=world.acme.id, active="yes")
    assert admin().post("/admin/apis/import", {"apis": [*sent, broken]}).status_code == 400
    answered = read(admin().post("/admin/apis/import/", {"apis": sent}))
    assert answered == {
        "Status": "OK",
        "Message": "APIs imported",
        "Meta": dict.fromkeys(["ours", "theirs", "document"], True),
    }
    with scope.opened(scope.of(world.globex.id)):
        assert [(api.pk, api.name) for api in Api.objects.all()] == [("b" * 24, "Theirs")]
    again = admin().post("/admin/apis/import", {"apis": sent})
    assert (again.status_code, read(again)) == (409, SAME)


def test_import_needs_the_admin_secret(world: World, ann: Machine) -> None:
    assert ann.post("/admin/apis/import", {"apis": []}).status_code == 401
    assert admin().post("/admin/apis/import", {"apis": None}).status_code == 400
