from dataclasses import fields
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateways import sight
from gateways.models import Node
from gateways.sight import SeenGroup, SeenNode, Sight
from orgs import scope
from orgs.models import Organisation
from tests.conftest import World
from tests.gateways import making


def seen_by(organisation: Organisation) -> Sight:
    with scope.opened(scope.of(organisation.id)):
        return sight.look()


def names(seen: Sight) -> list[tuple[str, list[str]]]:
    return [(group.name, [node.name for node in seen.nodes_of(group)]) for group in seen.groups]


def test_organisation_sees_the_groups_that_serve_it_and_their_nodes(world: World) -> None:
    shared, ours = making.group("Shared"), making.group("Ours", world.acme, tags=["internal"])
    theirs = making.group("Theirs", world.globex)
    for of, name in ((shared, "shared-1"), (ours, "ours-1"), (ours, "ours-2"), (theirs, "theirs-1")):
        making.node(of, name)
    assert names(seen_by(world.acme)) == [("Ours", ["ours-1", "ours-2"]), ("Shared", ["shared-1"])]
    assert names(seen_by(world.globex)) == [("Shared", ["shared-1"]), ("Theirs", ["theirs-1"])]
    assert seen_by(world.acme).groups[0].tags == ("internal",)


def test_what_is_seen_has_no_secret_no_address_and_nobody_else(world: World) -> None:
    shared = making.group("Shared")
    making.node(shared, "shared-1", address="192.0.2.7", session_id="a-session", nonce_digest="a-digest")
    text = repr(seen_by(world.acme))
    for secret in (shared.sealed, shared.sealed_redis_url, shared.digest, "192.0.2.7", "a-session", "a-digest"):
        assert secret not in text
    assert world.globex.id not in text
    assert {field.name for kind in (SeenGroup, SeenNode) for field in fields(kind)} == {
        "id", "name", "tags", "hash_algorithm", "group_id", "group", "host_name", "registered_at", "seen_at",
        "apis_snapshot", "apis_at", "policies_snapshot", "policies_at", "is_live", "version",
    }  # fmt: skip


def test_node_of_another_organisations_group_does_not_exist(world: World) -> None:
    theirs = making.node(making.group("Theirs", world.globex), "theirs-1")
    ours = making.node(making.group("Ours", world.acme), "ours-1")
    with scope.opened(scope.of(world.acme.id)):
        assert sight.find_node(theirs.pk) is None
        assert sight.find_node("no-such-node") is None
        found = sight.find_node(ours.pk)
    assert found
    assert (found.name, found.group) == ("ours-1", "Ours")


def test_node_lives_while_it_is_heard_of(world: World) -> None:
    group = making.group("Ours", world.acme)
    for name, silent_s in (("now", 0), ("lately", 13), ("silent", 16)):
        making.node(group, name, silent_s=silent_s)
    assert {node.name: node.is_live for node in seen_by(world.acme).nodes} == {
        "now": True,
        "lately": True,
        "silent": False,
    }


def test_node_without_a_host_name_is_called_by_its_id(world: World) -> None:
    made = making.node(making.group("Ours", world.acme), "")
    assert [node.name for node in seen_by(world.acme).nodes] == [made.pk]


def test_of_very_many_nodes_those_heard_of_last_are_seen(world: World, monkeypatch: Any) -> None:
    group = making.group("Ours", world.acme)
    for number in range(3):
        making.node(group, f"n{number}", silent_s=100 - number)
    with scope.opened(scope.of(world.acme.id)):
        seen = sight.look(most=2)
    assert ([node.name for node in seen.nodes], seen.has_more) == (["n1", "n2"], True)


def test_seeing_takes_as_many_queries_for_three_groups_as_for_one(world: World) -> None:
    making.node(making.group("One", world.acme), "one")
    first = cost(world.acme)
    for name in ("Two", "Three"):
        making.node(making.group(name, world.acme), name)
    assert cost(world.acme) == first


def cost(organisation: Organisation) -> int:
    with scope.opened(scope.of(organisation.id)), CaptureQueriesContext(connection) as captured:
        assert sight.look().nodes
    return len(captured)


def test_scope_is_the_organisations_again_afterwards(world: World) -> None:
    making.node(making.group("Theirs", world.globex), "theirs-1")
    with scope.opened(scope.of(world.acme.id)):
        sight.look()
        assert list(Node.objects.all()) == []
        assert scope.current_organisation_id() == world.acme.id
