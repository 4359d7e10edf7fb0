from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis import definition as definitions
from apis import services
from apis.models import Api
from gateways import drift, sight
from gateways.drift import Counts
from gateways.models import FeedItem, Serving
from gateways.standing import Compared, Standing
from keys.policies.services import create_policy
from orgs import scope
from orgs.models import Organisation
from tests.conftest import World
from tests.gateways import making

MOST = 100


def counted(organisation: Organisation) -> dict[str, Counts]:
    with scope.opened(scope.of(organisation.id)):
        nodes = sight.look().nodes
        found = drift.counts(nodes)
    return {node.name: found[node.id] for node in nodes}


def compared(organisation: Organisation, **options: Any) -> dict[str, list[Compared]]:
    with scope.opened(scope.of(organisation.id)):
        nodes = sight.look().nodes
        return {node.name: drift.on_node(node, most=MOST, **options)[0] for node in nodes}


def told(organisation: Organisation) -> dict[str, list[tuple[str, str, str, Standing, str]]]:
    """Return (name, on the node, stored, standing, why) for each node."""
    return {
        node: [(row.name, row.on_node, row.in_store, row.standing, row.sentence) for row in rows]
        for node, rows in compared(organisation).items()
    }


def change(organisation: Organisation, api: Api) -> None:
    with scope.opened(scope.of(organisation.id)):
        saved = Api.objects.get(pk=api.pk)
        definition = definitions.parse(saved.definition)
        basics = definitions.basics_of(definition) | {"target_url": f"https://v{saved.revision}.example/"}
        changed = definitions.change(definition, **basics)
        services.update_api(api=saved, definition=changed, revision=saved.revision)


def test_node_has_what_there_was_when_it_fetched(world: World) -> None:
    orders = making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    change(world.acme, orders)
    making.build(world.acme, since=20)
    change(world.acme, orders)
    making.build(world.acme, since=30)
    group = making.group("Ours", world.acme)
    for given in (0, 5, 15, 25, 35):
        making.node(group, f"at {given:02}", given=given)
    late = "The node has not fetched the newest revision yet."
    assert told(world.acme) == {
        "at 00": [("Orders", "none", "3", Standing.BEHIND, "The node has not fetched anything yet.")],
        "at 05": [("Orders", "none", "3", Standing.BEHIND, "The node has not fetched it yet.")],
        "at 15": [("Orders", "1", "3", Standing.BEHIND, late)],
        "at 25": [("Orders", "2", "3", Standing.BEHIND, late)],
        "at 35": [("Orders", "3", "3", Standing.CURRENT, "")],
    }
    assert list(counted(world.acme).values()) == [
        Counts(0, 1), Counts(0, 1), Counts(1, 1), Counts(1, 1), Counts(1, 0),
    ]  # fmt: skip


def test_a_transaction_that_ran_while_the_node_fetched_is_not_on_it(world: World) -> None:
    making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    node = making.node(making.group("Ours", world.acme), "n1", given=20)
    with scope.opened(scope.INSTALLATION):
        type(node).objects.update(apis_snapshot="8:20:10")
    assert [row[1] for row in told(world.acme)["n1"]] == ["none"]


def test_api_that_is_not_built_yet_waits(world: World) -> None:
    orders = making.api(world.acme, "Orders")
    making.node(making.group("Ours", world.acme), "n1", given=50)
    prepared = "The newest revision is still being prepared for gateways."
    assert told(world.acme)["n1"] == [("Orders", "none", "1", Standing.WAITING, prepared)]
    making.build(world.acme, since=10)
    change(world.acme, orders)
    assert told(world.acme)["n1"] == [("Orders", "1", "2", Standing.BEHIND, prepared)]


def test_inactive_api_is_not_served_but_may_still_be_on_the_node(world: World) -> None:
    orders = making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    group = making.group("Ours", world.acme)
    making.node(group, "before", given=15)
    making.node(group, "after", given=99)
    with scope.opened(scope.of(world.acme.id)):
        services.set_active(api=orders, is_active=False)
        FeedItem.objects.update(since=20)  # what the trigger has written at once
    expected = {
        "after": [("Orders", "none", "2", Standing.OFF, "It is inactive.")],
        "before": [("Orders", "1", "2", Standing.BEHIND, "It is inactive. It is still on the node.")],
    }
    assert told(world.acme) == expected
    making.build(world.acme, since=30)
    assert told(world.acme) == expected


def test_deleted_api_is_told_of_while_it_is_on_a_node(world: World) -> None:
    orders = making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    group = making.group("Ours", world.acme)
    making.node(group, "before", given=15)
    making.node(group, "after", given=99)
    with scope.opened(scope.of(world.acme.id)):
        services.delete_api(api=orders)
        FeedItem.objects.update(since=20)
    expected = {
        "after": [],
        "before": [("Orders", "1", "deleted", Standing.BEHIND, "It has been deleted. It is still on the node.")],
    }
    assert told(world.acme) == expected
    making.build(world.acme, since=30)
    assert told(world.acme) == expected
    assert counted(world.acme) == {"after": Counts(0, 0), "before": Counts(1, 1)}


def test_faulty_api_says_why(world: World) -> None:
    making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    with scope.opened(scope.of(world.acme.id)):
        FeedItem.objects.update(
            text="", is_served=False, fault="proxy.target_url is wrong.", since=20, history=[[1, 10]]
        )
    group = making.group("Ours", world.acme)
    making.node(group, "after", given=25)
    making.node(group, "before", given=15)
    why = "Gateways do not get it: proxy.target_url is wrong."
    assert told(world.acme) == {
        "after": [("Orders", "none", "1", Standing.FAULTY, why)],
        "before": [("Orders", "1", "1", Standing.FAULTY, f"{why} It is still on the node.")],
    }
    with scope.opened(scope.of(world.acme.id)):
        assert drift.fault_of(Api.objects.get().pk) == "proxy.target_url is wrong."


def test_segmented_group_has_the_apis_with_one_of_its_tags(world: World) -> None:
    making.api(world.acme, "Orders", tags=("internal", "edge"))
    making.api(world.acme, "Prices")
    making.build(world.acme, since=10)
    making.node(making.group("Edge", world.acme, tags=["edge", "dmz"]), "edge-1", given=15)
    making.node(making.group("All of it", world.acme), "all-1", given=15)
    assert told(world.acme) == {
        "all-1": [("Orders", "1", "1", Standing.CURRENT, ""), ("Prices", "1", "1", Standing.CURRENT, "")],
        "edge-1": [
            ("Orders", "1", "1", Standing.CURRENT, ""),
            ("Prices", "none", "1", Standing.OFF, "It has none of the group's tags."),
        ],
    }
    assert counted(world.acme) == {"all-1": Counts(2, 0), "edge-1": Counts(1, 0)}


def test_policies_are_compared_too_and_know_no_tags(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        create_policy(name="Gold")
    making.build(world.acme, since=10)
    group = making.group("Edge", world.acme, tags=["edge"])
    making.node(group, "after", given=15)
    making.node(group, "before", given=5)
    assert {node: [row[:4] for row in rows] for node, rows in told(world.acme).items()} == {
        "after": [("Gold", "1", "1", Standing.CURRENT)],
        "before": [("Gold", "none", "1", Standing.BEHIND)],
    }
    assert counted(world.acme) == {"after": Counts(0, 0), "before": Counts(0, 1)}
    assert compared(world.acme, kinds=[FeedItem.APIS]) == {"after": [], "before": []}


@pytest.mark.parametrize(
    ("is_off", "since", "on_nodes"),
    [
        (False, 1, {"early": "1", "late": "1"}),  # it has been served all along
        (False, 20, {"early": "none", "late": "1"}),  # it is served anew, or resumed
        (True, 20, {"early": "1", "late": "none"}),
    ],
)
def test_organisation_that_is_off_leaves_nodes_as_they_fetch(
    world: World, is_off: bool, since: int, on_nodes: dict[str, str]
) -> None:
    making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    group = making.group("Ours", world.acme)
    making.node(group, "early", given=15)
    making.node(group, "late", given=25)
    with scope.opened(scope.of(world.acme.id)):
        Serving.objects.update(is_off=is_off, since=since)
    rows = told(world.acme)
    assert {name: of[0][1] for name, of in rows.items()} == on_nodes
    assert all(("nothing of the organisation" in row[4]) is is_off for of in rows.values() for row in of)


def test_what_is_older_than_the_history_is_called_so(world: World) -> None:
    making.api(world.acme, "Orders")
    making.build(world.acme, since=100)
    with scope.opened(scope.of(world.acme.id)):
        FeedItem.objects.update(history=[[1, since] for since in range(99, 79, -1)])
    making.node(making.group("Ours", world.acme), "n1", given=50)
    assert [row[1:4] for row in told(world.acme)["n1"]] == [("an older one", "1", Standing.BEHIND)]
    assert counted(world.acme) == {"n1": Counts(1, 1)}


def test_built_anew_without_a_new_revision_is_behind(world: World) -> None:
    making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    with scope.opened(scope.of(world.acme.id)):
        FeedItem.objects.update(since=20, history=[[1, 10]])
    making.node(making.group("Ours", world.acme), "n1", given=15)
    why = "It was prepared anew since the node fetched it."
    assert told(world.acme)["n1"] == [("Orders", "1", "1", Standing.BEHIND, why)]


def test_nothing_of_another_organisation_is_counted_or_named(world: World) -> None:
    making.api(world.acme, "Orders")
    for name in ("Secret plan", "Secret prices"):
        making.api(world.globex, name)
    for organisation in (world.acme, world.globex):
        making.build(organisation, since=10)
    making.node(making.group("Shared"), "shared-1", given=15)
    assert counted(world.acme) == {"shared-1": Counts(1, 0)}
    assert counted(world.globex) == {"shared-1": Counts(2, 0)}
    assert [row.name for row in compared(world.acme)["shared-1"]] == ["Orders"]


def test_node_of_a_group_that_does_not_serve_the_organisation_has_nothing_of_it(world: World) -> None:
    making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    making.node(making.group("Theirs", world.globex), "theirs-1", given=15)
    with scope.opened(scope.of(world.globex.id)):
        theirs = sight.look().nodes
    with scope.opened(scope.of(world.acme.id)):
        assert drift.counts(theirs) == {theirs[0].id: Counts(0, 0)}
        assert drift.on_node(theirs[0], most=MOST) == ([], 0)


def test_of_many_the_first_are_those_behind(world: World) -> None:
    for name in ("Alpha", "Beta", "Gamma"):
        making.api(world.acme, name)
    making.build(world.acme, since=10)
    with scope.opened(scope.of(world.acme.id)):
        FeedItem.objects.filter(name="Gamma").update(since=20, history=[[0, 10]])
        making_node = making.node(making.group("Ours", world.acme), "n1", given=15)
        (node,) = sight.look().nodes
        assert node.id == making_node.pk
        rows, total = drift.on_node(node, most=2)
    assert ([row.name for row in rows], total) == (["Gamma", "Alpha"], 3)


def test_one_api_on_each_node(world: World) -> None:
    orders = making.api(world.acme, "Orders")
    making.api(world.acme, "Prices")
    making.build(world.acme, since=10)
    group = making.group("Ours", world.acme)
    making.node(group, "n1", given=15)
    making.node(group, "n2", given=5)
    with scope.opened(scope.of(world.acme.id)):
        nodes = sight.look().nodes
        found = drift.of_api(orders.pk, nodes)
    assert {node.name: found[node.id].held for node in nodes} == {"n1": 1, "n2": 0}


def test_first_api_that_a_node_has_loaded(world: World) -> None:
    def has_loaded() -> bool:
        with scope.opened(scope.of(world.acme.id)):
            return drift.has_loaded(sight.look().nodes)

    assert not has_loaded()
    making.api(world.acme, "Orders", tags=("edge",))
    making.build(world.acme, since=10)
    making.node(making.group("Inner", world.acme, tags=["inner"]), "inner-1", given=15)
    edge = making.group("Edge", world.acme, tags=["edge"])
    making.node(edge, "edge-new")
    making.node(edge, "edge-early", given=5)
    assert not has_loaded()
    making.node(edge, "edge-1", given=15)
    assert has_loaded()
    with scope.opened(scope.of(world.acme.id)):
        Serving.objects.update(is_off=True)
    assert not has_loaded()


def test_queries_do_not_grow_with_nodes_or_apis(world: World) -> None:
    def add(number: int) -> None:
        making.api(world.acme, f"API {number}")
        making.build(world.acme, since=10 * number)
        making.node(making.group(f"Group {number}", world.acme), f"n{number}", given=10 * number + 5)

    def cost() -> int:
        with scope.opened(scope.of(world.acme.id)):
            nodes = sight.look().nodes
            with CaptureQueriesContext(connection) as captured:
                drift.counts(nodes)
                drift.on_node(nodes[0], most=MOST)
        return len(captured)

    add(1)
    first = cost()
    add(2)
    add(3)
    assert (first, cost()) == (2, 2)
