"""What depends on transactions that end: what a list has seen, what a node has, and changes that were still running."""

import json
import threading
from pathlib import Path

import pytest
import redis
from django.db import connection, transaction

from apis.services import set_active, update_api
from gateways import nodes
from gateways.delivery import Deliveries
from gateways.feed import building, sending
from gateways.models import FeedItem, Node, Serving
from gateways.services import update_group
from orgs import scope
from orgs.services import suspend
from tests.gateways.conftest import Committed, add_api, build
from tests.gateways.gateway import Gateway


def deliver() -> None:
    build()
    while Deliveries().run():
        build()


def names(gateway: Gateway) -> list[str]:
    gateway.load()
    return sorted(api["name"] for api in gateway.apis.values())


def test_unchanged_list_is_not_read_again(committed: Committed, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = committed.gateway
    add_api(committed.acme.id, "/orders/")
    build()
    gateway.register()
    assert names(gateway) == ["orders"]
    with monkeypatch.context() as patched:
        patched.setattr(sending, "_read", lambda *_: pytest.fail("It was read again."))
        assert names(gateway) == ["orders"]
        # What is not of this list does not change it.
        add_api(committed.acme.id, "/inactive/", active=False)
        build()
        assert names(gateway) == ["orders"]
    add_api(committed.acme.id, "/sales/")
    build()
    assert names(gateway) == ["orders", "sales"]


def test_change_that_was_running_when_the_list_was_read_is_in_the_next(committed: Committed) -> None:
    """Its number is lower than that of what was read, which it nevertheless is not in."""
    api = add_api(committed.acme.id, "/orders/")
    build()
    committed.gateway.register()
    began, read = threading.Event(), threading.Event()

    def deactivate() -> None:
        with transaction.atomic():
            with scope.opened(scope.of(committed.acme.id)):
                set_active(api=api, is_active=False)
            began.set()
            read.wait(10)
        connection.close()

    slow = threading.Thread(target=deactivate)
    slow.start()
    began.wait(10)
    add_other = add_api(committed.acme.id, "/sales/")
    build()
    assert names(committed.gateway) == ["orders", "sales"]
    read.set()
    slow.join()
    assert names(committed.gateway) == ["sales"]
    assert add_other.pk in (sending.folder() / f"{committed.group.pk}.apis").read_text()


def seen_by(node: Node, organisation_id: str) -> list[tuple[str, bool]]:
    with scope.opened(scope.of(organisation_id)), connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, pg_visible_in_snapshot(since::text::xid8, %s::pg_snapshot) FROM gateways_feeditem"
            " WHERE kind = 'apis' ORDER BY name",
            [node.apis_snapshot],
        )
        return [(str(name), bool(is_there)) for name, is_there in cursor.fetchall()]


def test_node_notes_what_it_has_got(committed: Committed) -> None:
    orders = add_api(committed.acme.id, "/orders/")
    add_api(committed.acme.id, "/sales/")
    build()
    committed.gateway.register()
    committed.gateway.load()
    with scope.opened(scope.of(committed.acme.id)):
        update_api(api=orders, definition=json.loads(orders.definition) | {"name": "orders 2"}, revision=1)
    build()
    with scope.opened(scope.INSTALLATION):
        node = Node.objects.get()
    assert node.apis_at is not None
    assert node.policies_at is not None
    assert seen_by(node, committed.acme.id) == [("orders 2", False), ("sales", True)]
    with scope.opened(scope.of(committed.acme.id)):
        item = FeedItem.objects.get(object_id=orders.pk)
    assert [revision for revision, _ in item.history] == [1]


def test_list_from_before_a_crash_of_the_machine_is_read_anew(
    committed: Committed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_api(committed.acme.id, "/orders/")
    build()
    committed.gateway.register()
    assert names(committed.gateway) == ["orders"]
    (another := tmp_path / "boot_id").write_text("another start\n")
    monkeypatch.setattr(sending, "BOOT_ID", another)
    kept = sending.folder() / f"{committed.group.pk}.apis"
    kept.write_bytes(kept.read_bytes().partition(b"\n")[0] + b"\n" + b"\0" * 99)
    assert names(committed.gateway) == ["orders"]


def test_node_that_has_not_fetched_a_change_is_behind(committed: Committed) -> None:
    api = add_api(committed.acme.id, "/orders/")
    build()
    committed.gateway.register()
    committed.gateway.load()
    assert not nodes.is_any_behind(committed.group.pk)
    with scope.opened(scope.of(committed.acme.id)):
        set_active(api=api, is_active=False)
    assert nodes.is_any_behind(committed.group.pk)
    committed.gateway.load()
    assert not nodes.is_any_behind(committed.group.pk)


def test_node_that_has_not_heard_of_a_suspension_is_behind(committed: Committed) -> None:
    build()
    committed.gateway.register()
    committed.gateway.load()
    with scope.opened(scope.of(committed.acme.id)):
        suspend(organisation=committed.acme, reason="Invoice 17")
    assert nodes.is_any_behind(committed.group.pk)
    committed.gateway.load()
    assert not nodes.is_any_behind(committed.group.pk)


def test_node_that_has_not_heard_of_an_organisation_to_forget_is_behind(
    committed: Committed, valkey: "redis.Redis"
) -> None:
    deliver()
    committed.gateway.register()
    committed.gateway.load()
    update_group(group=committed.group, organisation_ids=[])
    deliver()
    assert nodes.is_any_behind(committed.group.pk)
    committed.gateway.load()
    assert not nodes.is_any_behind(committed.group.pk)


@pytest.mark.parametrize("left", [b"", b"\0" * 99, b'{"snapshot": "1:1:"}\n', b"[]\n"], ids=range(4))
def test_list_whose_file_is_damaged_is_read_anew(committed: Committed, left: bytes) -> None:
    add_api(committed.acme.id, "/orders/")
    build()
    committed.gateway.register()
    assert names(committed.gateway) == ["orders"]
    (sending.folder() / f"{committed.group.pk}.apis").write_bytes(left)
    assert names(committed.gateway) == ["orders"]


def test_list_that_another_postgresql_has_kept_is_read_anew(committed: Committed) -> None:
    """As after a restore: transactions have begun to be counted anew, and what was kept seems to have seen them all."""
    add_api(committed.acme.id, "/orders/")
    build()
    committed.gateway.register()
    assert names(committed.gateway) == ["orders"]
    path = sending.folder() / f"{committed.group.pk}.apis"
    state, _, entries = path.read_bytes().partition(b"\n")
    ahead = json.loads(state) | {"snapshot": "900000000:900000000:"}
    path.write_bytes(json.dumps(ahead).encode() + b"\n" + entries.replace(b"orders", b"odd"))
    assert names(committed.gateway) == ["orders"]


def test_numbers_that_lie_ahead_begin_anew(committed: Committed) -> None:
    add_api(committed.acme.id, "/orders/")
    build()
    with scope.opened(scope.of(committed.acme.id)):
        FeedItem.objects.update(since=900_000_000, history=[[1, 800_000_000]])
        Serving.objects.update(since=900_000_000)
    building.renumber()
    committed.gateway.register()
    committed.gateway.load()
    with scope.opened(scope.INSTALLATION):
        node = Node.objects.get()
    assert seen_by(node, committed.acme.id) == [("orders", True)]
    with scope.opened(scope.of(committed.acme.id)):
        assert FeedItem.objects.get().history == []
        assert Serving.objects.get().since < 900_000_000
