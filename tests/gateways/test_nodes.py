"""Nodes register, beat, fetch and leave, word for word as gateways expect it."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard import machines
from dashboard.rates import Rates
from gateways import nodes
from gateways.models import Node
from gateways.presence import Presence
from gateways.protocol import Refused, Sent, sent
from gateways.services import delete_group, retire_previous, rotate_secret
from orgs import scope
from tests.gateways.conftest import Groups, Plug, send
from tests.gateways.exchanges import IN_GENERATION_3, IN_GENERATION_5, Exchange
from tests.gateways.gateway import NAMES, Gateway


def all_nodes() -> list[Node]:
    with scope.opened(scope.INSTALLATION):
        return list(Node.objects.order_by("registered_at"))


def test_node_registers_beats_and_leaves(groups: Groups, plug: Plug) -> None:
    gateway = plug(groups.shared, host_name="gw.example")
    (node,) = all_nodes()
    assert (node.id, node.host_name, node.group_id) == (gateway.node_id, "gw.example", groups.shared.pk)
    assert gateway.nonce not in str(vars(node))
    nonce = gateway.nonce
    assert [gateway.ping(), gateway.ping()] == [200, 200]
    assert gateway.nonce == nonce
    assert gateway.leave() == 200
    assert all_nodes() == []


def test_answers_are_word_for_word(groups: Groups) -> None:
    status, body = send("GET", "/register/node", {"authorization": groups.secrets[groups.acme.pk]}, "")
    answer = json.loads(body)
    assert (status, body) == (
        200, f'{{"Status":"OK","Message":{{"NodeID":"{answer["Message"]["NodeID"]}"}},"Nonce":"{answer["Nonce"]}"}}',
    )  # fmt: skip
    headers = {
        "authorization": groups.secrets[groups.acme.pk],
        "x-tyk-nodeid": answer["Message"]["NodeID"], "x-tyk-nonce": answer["Nonce"],
    }  # fmt: skip
    assert send("GET", "/register/ping", headers, "") == (200, body)
    assert send("GET", "/register/ping/", headers, "") == (200, body)
    assert send("GET", "/system/clientidps", headers, "") == (
        200, f'{{"Status":"OK","Message":[],"Nonce":"{answer["Nonce"]}"}}',
    )  # fmt: skip
    assert send("POST", "/system/key/quota_trigger", headers, "{") == (
        200, f'{{"Status":"OK","Message":{{}},"Nonce":"{answer["Nonce"]}"}}',
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"authorization": "x" * 43}, "Authorization failed"),
        ({"authorization": ""}, "Authorization failed"),
        ({"x-tyk-nodeid": ""}, "No node ID Found"),
        ({"x-tyk-nodeid": "4b9e1b2a-0000-0000-0000-000000000000"}, "No node ID Found"),
        ({"x-tyk-nonce": ""}, "Nonce failed"),
        ({"x-tyk-nonce": "4b9e1b2a-0000-0000-0000-000000000000"}, "Nonce failed"),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        "GET /register/ping", "GET /system/apis", "GET /system/policies", "GET /system/clientidps", "GET /system/node",
        "DELETE /system/node", "POST /system/key/quota_trigger",
    ],
)  # fmt: skip
def test_who_is_not_known_is_refused_in_the_words_that_gateways_look_for(
    groups: Groups, plug: Plug, call: str, change: dict[str, str], text: str
) -> None:
    gateway = plug(groups.shared)
    headers = {
        "authorization": gateway.secret, "x-tyk-hostname": "gw", "x-tyk-nodeid": gateway.node_id,
        "x-tyk-nonce": gateway.nonce,
    }  # fmt: skip
    method, path = call.split()
    status, body = send(method, path, headers | change, "{}")
    assert (status, body) == (403, f'{{"Status":"Error","Message":"{text}","Meta":null}}')
    assert [node.id for node in all_nodes()] == [gateway.node_id]


def test_node_of_another_group_does_not_exist(groups: Groups, plug: Plug) -> None:
    theirs = plug(groups.globex)
    liar = Gateway(send=send, secret=groups.secrets[groups.acme.pk], node_id=theirs.node_id, nonce=theirs.nonce)
    names = list(NAMES)
    refused = (403, '{"Status":"Error","Message":"No node ID Found","Meta":null}')
    for method, path in (("GET", "/register/ping"), ("GET", "/system/apis"), ("DELETE", "/system/node")):
        assert liar.call(method, path, *names) == refused


def test_process_that_registers_again_stays_the_node_that_it_was(groups: Groups, plug: Plug) -> None:
    gateway = plug(groups.shared, generation="5")
    before = gateway.node_id, gateway.nonce
    assert gateway.register() == 200
    assert (gateway.node_id == before[0], gateway.nonce == before[1]) == (True, False)
    assert len(all_nodes()) == 1
    old = Gateway(send=send, secret=gateway.secret, node_id=before[0], nonce=before[1])
    assert old.call("GET", "/system/apis", *NAMES)[0] == 403


def test_session_id_of_another_group_is_another_node(groups: Groups, plug: Plug) -> None:
    ours, theirs = plug(groups.acme, generation="5"), plug(groups.globex, generation="5")
    assert ours.session_id == theirs.session_id
    assert ours.node_id != theirs.node_id


def test_node_is_known_after_a_restart_of_the_dashboard(
    groups: Groups, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = plug(groups.shared)
    monkeypatch.setattr("gateways.api.PRESENCE", Presence())
    node_id = gateway.node_id
    assert (gateway.ping(), gateway.node_id) == (200, node_id)


def test_node_that_was_forgotten_registers_by_itself(groups: Groups, plug: Plug) -> None:
    gateway = plug(groups.shared)
    with scope.opened(scope.INSTALLATION):
        Node.objects.all().delete()
    assert gateway.ping() == 200
    assert [node.id for node in all_nodes()] == [gateway.node_id]


def test_two_secrets_are_good_during_a_rotation(groups: Groups, plug: Plug) -> None:
    old = plug(groups.acme)
    _, secret = rotate_secret(group=groups.acme, grace=timedelta(hours=1))
    new = Gateway(send=send, secret=secret)
    assert (new.register(), old.ping()) == (200, 200)
    retire_previous(group=groups.acme)
    assert Gateway(send=send, secret=old.secret).register() == 403
    assert new.ping() == 200


def test_group_that_is_deleted_takes_its_nodes_along(groups: Groups, plug: Plug) -> None:
    gateway = plug(groups.acme)
    assert delete_group(group=groups.acme) == 1
    assert gateway.call("GET", "/system/apis", *NAMES)[0] == 403


def test_silent_nodes_are_forgotten_after_a_day(groups: Groups, plug: Plug) -> None:
    gateway, silent = plug(groups.shared), plug(groups.acme)
    with scope.opened(scope.INSTALLATION):
        Node.objects.filter(pk=silent.node_id).update(seen_at=timezone.now() - timedelta(hours=25))
    assert nodes.forget_lost() == 1
    assert [node.id for node in all_nodes()] == [gateway.node_id]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def pinged(gateway: Gateway) -> Sent:
    return sent({"Authorization": gateway.secret, "X-Tyk-Nodeid": gateway.node_id, "X-Tyk-Nonce": gateway.nonce})


def test_group_has_so_many_nodes_that_were_heard_last(
    groups: Groups, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "MOST_NODES", 3)
    other, silent, live = plug(groups.globex), plug(groups.acme), plug(groups.acme)
    with scope.opened(scope.INSTALLATION):
        Node.objects.filter(pk=silent.node_id).update(seen_at=timezone.now() - timedelta(minutes=1))
    newer = [plug(groups.acme) for _ in range(2)]
    assert {node.pk for node in all_nodes()} == {each.node_id for each in (other, live, *newer)}


def test_pings_are_answered_from_memory_and_written_once_a_second(
    groups: Groups, plug: Plug, django_assert_num_queries: object
) -> None:
    gateways = [plug(groups.shared, host_name=f"gw-{n}") for n in range(3)]
    with scope.opened(scope.INSTALLATION):
        Node.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    clock = Clock()
    presence = Presence(clock)
    for gateway in gateways:
        presence.ping(pinged(gateway))
    with django_assert_num_queries(0):  # type: ignore[operator]
        for gateway in gateways:
            presence.ping(pinged(gateway))
    assert all(node.seen_at < timezone.now() - timedelta(minutes=1) for node in all_nodes())
    clock.now += 1.1
    presence.ping(pinged(gateways[0]))
    assert all(node.seen_at > timezone.now() - timedelta(minutes=1) for node in all_nodes())


def test_a_secret_that_is_no_longer_good_beats_for_two_seconds_at_most(groups: Groups, plug: Plug) -> None:
    gateway, clock = plug(groups.acme), Clock()
    presence = Presence(clock)
    presence.ping(pinged(gateway))
    delete_group(group=groups.acme)
    clock.now += 2.1
    with pytest.raises(Refused):
        presence.ping(pinged(gateway))


def test_wrong_secrets_are_told_to_wait_after_a_while(groups: Groups) -> None:
    stranger = Gateway(send=send, secret="a guess at a node secret")
    answers = [stranger.register() for _ in range(25)]
    assert answers == [403] * 20 + [429] * 5


def test_nodes_that_register_at_once_are_all_taken(groups: Groups, plug: Plug) -> None:
    assert len({plug(groups.shared, host_name=f"gw-{n}").node_id for n in range(200)}) == 200


def test_lost_nodes_are_told_to_wait_when_they_are_too_many(
    groups: Groups, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "LOST_NODES", Rates(per_second=0.001, burst=3))
    gateway = plug(groups.shared)
    gateway.nonce = "wrong"
    assert [gateway.call("GET", "/system/apis", *NAMES)[0] for _ in range(5)] == [403, 403, 403, 429, 429]


def test_lost_nodes_of_one_group_make_those_of_no_other_wait(
    groups: Groups, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be at one address: behind a proxy all are."""
    monkeypatch.setattr(machines, "LOST_NODES", Rates(per_second=0.001, burst=3))
    lost, other = plug(groups.acme), plug(groups.globex)
    lost.node_id = other.node_id = "gone"
    assert [lost.call("GET", "/system/apis", *NAMES)[0] for _ in range(4)] == [403, 403, 403, 429]
    assert other.call("GET", "/system/apis", *NAMES)[0] == 403


@pytest.mark.parametrize("call", ["POST /register/node", "PUT /system/apis", "GET /system/key/quota_trigger"])
def test_other_methods_are_refused(groups: Groups, call: str) -> None:
    method, path = call.split()
    assert send(method, path, {"authorization": groups.secrets[groups.shared.pk]}, "{}")[0] == 405


@pytest.mark.parametrize("path", ["/register", "/register/nodes", "/system/", "/system/apis/x", "/register/node/x"])
def test_other_paths_are_not_there(groups: Groups, path: str) -> None:
    status, body = send("GET", path, {}, "")
    assert (status, json.loads(body)["Status"]) == (404, "Error")


@pytest.mark.parametrize("name", ["authorization", "x-tyk-hostname", "x-tyk-nodeid", "x-tyk-nonce", "x-tyk-session-id"])
@pytest.mark.parametrize("value", ["\x00", "ü" * 300, "a" * 5_000, "' OR 1=1 --", "\u202e", "%00"])
def test_odd_headers_are_no_error_of_ours(groups: Groups, plug: Plug, name: str, value: str) -> None:
    gateway = plug(groups.shared)
    headers = {
        "authorization": gateway.secret, "x-tyk-hostname": "gw", "x-tyk-nodeid": gateway.node_id,
        "x-tyk-nonce": gateway.nonce, "x-tyk-session-id": "s",
    }  # fmt: skip
    for path in ("/register/node", "/register/ping", "/system/apis"):
        assert send("GET", path, headers | {name: value}, "")[0] in (200, 403)


def test_a_triggered_quota_leaves_no_key_in_the_log(
    groups: Groups, plug: Plug, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = plug(groups.shared)
    assert gateway.trigger("a" * 24, "eyJvcmciOiJhIn0=") == 200
    gateway.nonce = "wrong"
    assert gateway.trigger("a" * 24, "eyJvcmciOiJhIn0=") == 403
    assert "eyJvcmciOiJhIn0" not in caplog.text
    assert gateway.secret not in caplog.text


@pytest.mark.parametrize(("generation", "expected"), [("3.1", IN_GENERATION_3), ("5", IN_GENERATION_5)])
def test_the_gateway_of_these_tests_says_what_real_ones_say(
    groups: Groups, generation: str, expected: frozenset[Exchange]
) -> None:
    calls = set()

    def recorded(method: str, path: str, headers: dict[str, str], body: str) -> tuple[int, str]:
        calls.add((method, path, frozenset(headers)))
        return send(method, path, headers, body)

    gateway = Gateway(send=recorded, secret=groups.secrets[groups.shared.pk], generation=generation)
    gateway.register()
    gateway.ping()
    gateway.load()
    if generation == "5":
        gateway.identity_providers()
    gateway.trigger("a" * 24, "key")
    gateway.leave()
    assert calls == expected
