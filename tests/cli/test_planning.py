import pytest

from dashboard.cli.documents import Document
from dashboard.cli.planning import Action, Plan, Unplannable, plan
from tests.cli.making import definition, file, openapi, policy, saved_api, saved_policy

ORDERS, STOCK = definition("Orders", "o1"), definition("Stock", "s1")
SAVED = [saved_api(ORDERS), saved_api(STOCK), saved_policy(policy("Gold", "o1", id="a" * 24))]
FILES = [file(policy("Gold", "o1", id="a" * 24), "gold.json"), file(ORDERS, "o.json"), file(STOCK, "s.json")]


def told(made: Plan) -> list[tuple[str, str]]:
    return [(step.action.value, step.document.name) for step in made.steps]


def test_what_is_there_already_needs_nothing() -> None:
    made = plan(FILES, SAVED, prune=True)
    assert (made.steps, made.unchanged) == ([], 3)


def test_apis_are_made_before_the_policies_that_name_them() -> None:
    assert told(plan(FILES, [])) == [("create", "Orders"), ("create", "Stock"), ("create", "Gold")]


def test_only_what_differs_is_changed() -> None:
    made = plan([file(ORDERS | {"active": False}), *FILES[::2]], SAVED)
    assert told(made) == [("change", "Orders")]
    assert [change.path for change in made.steps[0].changes] == [("active",)]
    assert made.unchanged == 2


def test_pruning_deletes_policies_before_the_apis_that_they_name() -> None:
    kept = [file(STOCK, "s.json")]
    assert plan(kept, SAVED).steps == []
    assert told(plan(kept, SAVED, prune=True)) == [("delete", "Gold"), ("delete", "Orders")]


def test_without_a_known_id_the_name_decides() -> None:
    files = [file(definition("ORDERS", "elsewhere"), "o.json"), file(policy("gold", "elsewhere"), "gold.json")]
    made = plan(files, [saved_api(ORDERS), saved_policy(policy("Gold", "o1"))])
    assert told(made) == [("change", "ORDERS"), ("change", "gold")]
    assert made.api_ids == {"elsewhere": "o1"}
    assert made.steps[0].document.body["api_id"] == "o1"
    assert list(made.steps[1].document.body["access_rights"]) == ["o1"]


def test_a_namesake_that_another_file_has_by_its_id_is_not_taken() -> None:
    files = [file(ORDERS, "one.json"), file(definition("Orders", "o2"), "two.json")]
    assert told(plan(files, [saved_api(ORDERS)])) == [("create", "Orders")]


def test_what_is_created_is_of_no_organisation_yet() -> None:
    api, oas = plan([file(ORDERS | {"org_id": "x"}), file(openapi("Stock", "s1", orgId="x"))], []).steps
    assert api.document.body == ORDERS
    assert oas.document.body == openapi("Stock", "s1")


@pytest.mark.parametrize(
    ("files", "saved", "sentence"),
    [
        ([file(ORDERS, "a.json"), file(ORDERS, "b.json")], [], "a.json and b.json are both the API o1"),
        ([file(definition("X"), "a.json"), file(definition("x"), "b.json")], [], "a.json and b.json are both the API"),
        ([file(policy("X", id="a" * 24)), file(policy("x"), "b.json")], [], "are both the policy “x”"),
        ([file(definition(""), "a.json")], [], "a.json has neither an id nor a name"),
        (
            [file(definition("Orders"), "a.json")],
            [saved_api(ORDERS), saved_api(definition("orders", "o2"))],
            "give an id",
        ),
        (
            [file(definition("A", "x"), "a.json"), file(definition("a", "y"), "b.json")],
            [saved_api(definition("A", "z"))],
            "a.json and b.json are both the API “A”",
        ),
        ([file(policy("Gold", "nowhere"), "gold.json")], SAVED, "gold.json names the API nowhere"),
        ([file(openapi("Orders", "o1"), "a.json")], SAVED, "a classic definition at the server"),
    ],
)
def test_what_cannot_be_matched_is_refused(files: list[Document], saved: list[Document], sentence: str) -> None:
    with pytest.raises(Unplannable, match=sentence):
        plan(files, saved)


def test_a_policy_may_name_an_api_of_the_server_unless_that_is_pruned() -> None:
    gold = [file(policy("Gold", "o1", id="a" * 24), "gold.json"), file(STOCK, "s.json")]
    assert plan(gold, SAVED).steps == []
    with pytest.raises(Unplannable, match=r"gold\.json names the API o1"):
        plan(gold, SAVED, prune=True)


def test_deletions_are_told_apart() -> None:
    made = plan([file(definition("New", "n1"))], SAVED, prune=True)
    assert made.steps[0].action is Action.CREATE
    assert len(made.deletions) == 3
