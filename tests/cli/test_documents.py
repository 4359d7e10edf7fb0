import pytest

from dashboard.cli.documents import ABSENT, Change, Kind, differences, document_of, is_same, with_apis, with_ids_of
from tests.cli.making import Body, definition, file, openapi, policy, saved_api, saved_policy


@pytest.mark.parametrize(
    ("body", "kind", "id", "name"),
    [
        (definition("Orders", "o1"), Kind.API, "o1", "Orders"),
        ({"api_definition": definition("Orders", "o1"), "hook_references": []}, Kind.API, "o1", "Orders"),
        ({"api_definition": definition("Orders"), "oas": openapi("Orders", "o2")}, Kind.API, "o2", "Orders"),
        (openapi("Orders", "o2"), Kind.API, "o2", "Orders"),
        (policy("Gold", "o1", id="a" * 24), Kind.POLICY, "a" * 24, "Gold"),
        (policy("Gold"), Kind.POLICY, "", "Gold"),
    ],
)
def test_what_a_document_is_shows_in_its_fields(body: Body, kind: Kind, id: str, name: str) -> None:
    found = file(body)
    assert (found.kind, found.id, found.name) == (kind, id, name)


@pytest.mark.parametrize("other", [{}, [], None, "x", {"openapi": "3.0.3"}, {"name": "x"}, {"api_definition": 1}])
def test_anything_else_is_no_document(other: object) -> None:
    assert document_of(other) is None


def test_what_the_server_writes_is_no_difference() -> None:
    assert differences(saved_api(definition("Orders")), file(definition("Orders", "o1", org_id="mine"))) == []
    assert differences(saved_policy(policy("Gold", "o1")), file(policy("Gold", "o1", id="f" * 24))) == []
    mine = file(openapi("Orders", "o2", orgId="mine", dbId="1"))
    assert differences(file(openapi("Orders", "o3", orgId="theirs")), mine) == []


def test_a_changed_field_is_told_with_its_path_and_both_values() -> None:
    before = definition("Orders", CORS={"enable": False, "allowed_origins": ["a", "b"]}, tags=["x"])
    after = definition("Orders", CORS={"enable": True, "allowed_origins": ["a", "c"]}, tags=["x", "y"], slug="o")
    assert differences(saved_api(before), file(after)) == [
        Change(("CORS", "allowed_origins", "1"), "b", "c"),
        Change(("CORS", "enable"), False, True),
        Change(("slug",), ABSENT, "o"),
        Change(("tags",), ["x"], ["x", "y"]),
    ]


def test_a_field_that_the_file_lacks_is_removed_unless_it_is_empty() -> None:
    saved = saved_api(definition("Orders", domain="", config_data={"a": {"b": []}}, auth=None, session_lifetime=0))
    assert differences(saved, file(definition("Orders"))) == []
    assert differences(saved_api(definition("Orders", domain="x.example")), file(definition("Orders"))) == [
        Change(("domain",), "x.example", ABSENT)
    ]


@pytest.mark.parametrize(("before", "after"), [(True, 1), (0, False), ("1", 1), ([], "")])
def test_values_of_other_types_differ(before: object, after: object) -> None:
    assert differences(saved_api(definition("A", x=before)), file(definition("A", x=after)))


def test_what_stands_around_a_definition_counts_only_where_the_file_has_it() -> None:
    saved = saved_api(definition("Orders"), categories=["shop"], user_owners=["u"])
    assert differences(saved, file(definition("Orders"))) == []
    wrapped = {"api_definition": definition("Orders"), "categories": ["store"]}
    assert differences(saved, file(wrapped)) == [Change(("categories", "0"), "shop", "store")]
    assert with_ids_of(file(wrapped), saved).beside == {"categories": ["store"], "user_owners": ["u"]}


def test_what_a_policy_says_in_many_ways_is_compared_once() -> None:
    repeated: Body = {
        "access_rights_array": [{"api_id": "o1"}],
        "state": "active",
        "max_query_depth": -1,
        "id": "2" * 24,
    }
    assert differences(saved_policy(policy("Gold", "o1", **repeated)), file(policy("Gold", "o1"))) == []
    assert differences(saved_policy(policy("Gold", "o1")), file(policy("Gold", "o1", **repeated, _id="2" * 24))) == []
    told = differences(saved_policy(policy("Gold", max_query_depth=5)), file(policy("Gold")))
    assert told == [Change(("max_query_depth",), 5, ABSENT)]


@pytest.mark.parametrize("shut", [{"is_inactive": True}, {"active": False}, {"state": "deny"}, {"state": "draft"}])
def test_a_policy_is_shut_in_any_way_of_saying_so(shut: Body) -> None:
    path = ("is_inactive",)
    assert Change(path, False, True) in differences(saved_policy(policy("Gold")), file(policy("Gold", **shut)))


def test_a_replacement_has_the_ids_of_what_it_replaces() -> None:
    saved = saved_api(definition("Orders"))
    sent = with_ids_of(file(definition("Orders", "o1", org_id="mine", x=1)), saved).body
    assert (sent["id"], sent["api_id"], sent["org_id"], sent["x"]) == ("1" * 24, "a" * 32, "0" * 24, 1)
    sent = with_ids_of(file(policy("Gold", id="f" * 24, org_id="mine")), saved_policy(policy("Gold"))).body
    assert sent["_id"] == "2" * 24
    assert "org_id" not in sent
    old = file(openapi("Orders", "o2", dbId="3" * 24, orgId="theirs"))
    info = with_ids_of(file(openapi("Shop", "o9", orgId="mine")), old).body["x-tyk-api-gateway"]["info"]
    assert info == {"name": "Shop", "state": {"active": True}, "id": "o2", "dbId": "3" * 24, "orgId": "theirs"}


def test_a_policy_names_an_api_as_the_server_does() -> None:
    rights = with_apis(file(policy("Gold", "o1", "p1")), {"o1": "o7"}).body["access_rights"]
    assert {api_id: right["api_id"] for api_id, right in rights.items()} == {"o7": "o7", "p1": "p1"}


def test_being_the_same_goes_both_ways() -> None:
    bare, wrapped = file(definition("A")), file({"api_definition": definition("A"), "categories": ["x"]})
    assert is_same(bare, bare)
    assert not is_same(bare, wrapped)
    assert not is_same(wrapped, bare)
