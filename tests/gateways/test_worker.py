"""The worker as a process does it, and the command that delivers everything anew."""

import signal
import threading
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from gateways import working
from gateways.models import GatewayGroup, Outbox, Serving
from gateways.services import create_group, update_group
from gateways.working import Worker, run_side_by_side
from keys.rights import ApiAccess
from keys.services import create_key, revoke_key
from orgs import scope
from tests.conftest import World, organisation
from tests.gateways.conftest import Groups, add_api
from tests.users import mailbox
from users.mailing import Sender


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr("gateways.delivery.RELOADS_APART_S", 0)
    monkeypatch.setattr("gateways.delivery.LOOKS_APART_S", 0)
    return Worker(threading.Event())


def test_worker_serves_an_organisation_that_is_new(
    world: World, groups: Groups, valkey: "redis.Redis", worker: Worker
) -> None:
    initech = organisation("initech")
    worker.until_nothing_waits()
    with scope.opened(scope.of(initech.id)):
        assert list(Serving.objects.values_list("group_id", flat=True)) == [groups.shared.pk]
    assert initech.id.encode() in valkey.smembers(f"commonhold.{groups.shared.pk}.organisations")


def test_once_delivers_what_waits_and_ends(world: World, groups: Groups, valkey: "redis.Redis") -> None:
    api = add_api(world.acme.id, "/orders/")
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    call_command("worker", "--once")
    assert valkey.exists(f"apikey-{key.hash}") == 1
    with scope.opened(scope.EVERYTHING):
        assert not Outbox.objects.exists()


def test_worker_that_waits_for_a_redis_goes_on_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them is held up until the other one comes along."""
    together = threading.Barrier(2, timeout=10)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(Worker, "run", lambda _: together.wait())
    monkeypatch.setattr("gateways.versions.ask_all", lambda: None)
    monkeypatch.setattr(Sender, "send_next", lambda _: 0)
    monkeypatch.setattr("gateways.working.Checks.work", lambda _: None)
    call_command("worker")


def test_worker_ends_when_one_of_them_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    first = threading.Lock()

    def run(self: Worker) -> None:
        if first.acquire(blocking=False):
            raise RuntimeError("A bug.")
        assert self.stopping.wait(10)

    monkeypatch.setattr(Worker, "run", run)
    monkeypatch.setattr("gateways.versions.ask_all", lambda: None)
    monkeypatch.setattr(Sender, "send_next", lambda _: 0)
    monkeypatch.setattr("gateways.working.Checks.work", lambda _: None)
    with pytest.raises(RuntimeError, match="A bug"):
        run_side_by_side(threading.Event())


def test_neither_gateways_without_a_version_nor_slow_servers_of_mail_and_names_hold_up_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = threading.Barrier(5, timeout=10)

    def wait(*_: object) -> int:
        together.wait()
        return 0

    monkeypatch.setattr(Worker, "run", wait)
    monkeypatch.setattr("gateways.versions.ask_all", wait)
    monkeypatch.setattr(Sender, "send_next", wait)
    monkeypatch.setattr("gateways.working.Checks.work", wait)
    run_side_by_side(threading.Event())


def test_once_sends_the_mail_that_is_due(world: World) -> None:
    for number in range(2):
        mailbox.queue(world.acme, f"{number}@acme.example")
    mailbox.queue(world.acme, due_at=timezone.now() + timedelta(hours=1))
    call_command("worker", "--once")
    assert [one.state for one in mailbox.mails(world.acme)] == ["sent", "sent", "queued"]


def test_worker_goes_on_when_the_database_comes_back(
    groups: Groups, valkey: "redis.Redis", worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr(connection, "close", lambda: None)
    answers: list[Any] = [OperationalError("server closed the connection"), OperationalError("starting up"), 0]

    def work() -> int:
        answer = answers.pop(0)
        if not answers:
            worker.stopping.set()
        if isinstance(answer, Exception):
            raise answer
        return 0

    monkeypatch.setattr(worker, "work", work)
    worker.run()
    assert answers == []


def resync(*words: str) -> str:
    out = StringIO()
    call_command("resync", *words, stdout=out, no_color=True)
    return out.getvalue()


def test_resync_delivers_what_is_there_and_takes_nothing_else(
    world: World, groups: Groups, valkey: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.delivery.RELOADS_APART_S", 0)
    api = add_api(world.acme.id, "/orders/")
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
        gone, _ = create_key(alias="till", accesses=[ApiAccess(api.pk)])
        revoke_key(key=gone)
    said = resync()
    assert valkey.exists(f"apikey-{key.hash}", f"apikey-{gone.hash}") == 1
    valkey.set(f"apikey-{key.hash}", "damaged")
    assert "Acme's: 4 delivered." in resync("--group", "Acme's")
    assert valkey.get(f"apikey-{key.hash}") != b"damaged"
    assert [name in said for name in ("Shared", "Acme's", "Globex's")] == [True] * 3


def test_resync_of_an_unknown_group_or_one_that_is_down_says_so(
    world: World, groups: Groups, valkey: "redis.Redis"
) -> None:
    with pytest.raises(CommandError, match="There is no gateway group with the name Nowhere"):
        resync("--group", "Nowhere")
    update_group(group=groups.acme, redis_url="redis://127.0.0.1:1/0")
    with pytest.raises(CommandError, match="The Redis of Acme's cannot be reached"):
        resync("--group", "Acme's")


def test_group_without_any_redis_waits(world: World, settings: Any, vars_apart: None, worker: Worker) -> None:
    settings.GATEWAY_REDIS_URL = ""
    group, _ = create_group(name="Later", serves_all=True)
    worker.until_nothing_waits()
    with scope.opened(scope.INSTALLATION):
        assert GatewayGroup.objects.get() == group
    with pytest.raises(CommandError, match="set GATEWAY_REDIS_URL"):
        resync()
