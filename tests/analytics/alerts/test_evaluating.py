"""Rules, looked at while records come in through the real pump."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from analytics.alerts import evaluating, measuring, services
from analytics.alerts.models import AlertRule
from apis.models import Api
from gateways import serving
from gateways.models import GatewayGroup
from gateways.outbox import QUOTA
from gateways.services import create_group
from keys.models import Key
from keys.policies.services import create_policy
from keys.services import create_key
from orgs import scope
from orgs.models import Organisation
from tests.analytics.alerts.conftest import deliveries, firings, requests, rule, told
from tests.analytics.conftest import Pour
from tests.analytics.traffic import record
from tests.conftest import World
from tests.gateways import making

Look = Callable[[float], int]


def minutes_after(noon: datetime, of: Organisation) -> list[tuple[int, int | None]]:
    """When each firing began and ended, in minutes after noon."""
    return [
        ((one.begun_at - noon).seconds // 60, (one.ended_at - noon).seconds // 60 if one.ended_at else None)
        for one in firings(of)
    ]


def test_an_alert_fires_once_and_is_over_once(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    rule(world.acme)
    pour(requests(world.acme, noon, good=80, bad=20))
    for minute in range(1, 21):
        look(minute)
    assert minutes_after(noon, world.acme) == [(1, 11)]  # five minutes of the window, and five of calm
    assert told(world.acme) == ["begun", "over"]
    [firing] = firings(world.acme)
    assert (firing.concerns, firing.value) == ("all requests", 20.0)


def test_an_alert_that_swings_does_not_flap(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    rule(world.acme)
    for minute in range(0, 40, 8):  # three minutes of each eight are without an error in the window
        pour(requests(world.acme, noon + timedelta(minutes=minute), good=80, bad=20 + minute))
    for minute in range(1, 60):
        look(minute)
    assert minutes_after(noon, world.acme) == [(1, 43)]
    assert told(world.acme) == ["begun", "over"]
    assert firings(world.acme)[0].value == pytest.approx(100 * 52 / 132)


def test_what_is_looked_at_twice_in_a_minute_is_looked_at_once(world: World, look: Look) -> None:
    rule(world.acme)
    assert [look(1), look(1.5), look(2)] == [1, 0, 1]


@pytest.mark.parametrize(("good", "bad", "fires"), [(0, 9, False), (0, 10, True), (90, 10, False), (89, 11, True)])
def test_too_few_requests_and_the_threshold_itself_fire_nothing(
    world: World, pour: Pour, look: Look, noon: datetime, good: int, bad: int, fires: bool
) -> None:
    rule(world.acme)
    pour(requests(world.acme, noon, good=good, bad=bad))
    look(1)
    assert len(firings(world.acme)) == fires


def test_errors_of_callers_count_unless_only_those_of_servers_do(
    world: World, pour: Pour, look: Look, noon: datetime
) -> None:
    rule(world.acme)
    rule(world.acme, name="Servers", only_server=True)
    pour(record(OrgID=world.acme.id, at=noon, ResponseCode=404) for _ in range(20))
    look(1)
    with scope.opened(scope.of(world.acme.id)):
        assert [firing.rule.name for firing in firings(world.acme)] == ["Errors"]


@pytest.mark.parametrize(("threshold", "fires"), [(200, True), (2_000, False)])
def test_slow_requests_fire_a_rule_of_latency(
    world: World, pour: Pour, look: Look, noon: datetime, threshold: int, fires: bool
) -> None:
    rule(world.acme, kind="latency", threshold=threshold)
    pour([*requests(world.acme, noon, good=90), *requests(world.acme, noon, good=10, latency=1_000)])
    look(1)
    assert len(firings(world.acme)) == fires


def add_api(of: Organisation, name: str) -> Api:
    return making.api(of, name)


def add_key(of: Organisation, alias: str, **fields: Any) -> Key:
    with scope.opened(scope.of(of.id)):
        return create_key(alias=alias, has_all_apis=True, **fields)[0]


def test_a_rule_of_one_api_counts_that_api_alone(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    orders, carts = add_api(world.acme, "Orders"), add_api(world.acme, "Carts")
    rule(world.acme, api=orders.pk)
    pour(requests(world.acme, noon, bad=50, APIID=carts.api_id))
    look(1)
    assert firings(world.acme) == []
    pour(requests(world.acme, noon + timedelta(minutes=1), bad=50, APIID=orders.api_id))
    look(2)
    assert [firing.concerns for firing in firings(world.acme)] == ["API Orders"]


@pytest.mark.parametrize("kind", ["errors", "latency"])
def test_a_rule_of_one_key_counts_that_key_alone_whatever_its_secret(
    world: World, pour: Pour, look: Look, noon: datetime, kind: str
) -> None:
    shop, other = add_key(world.acme, "Shop"), add_key(world.acme, "Other")
    rule(world.acme, key=shop.pk, kind=kind)
    pour(requests(world.acme, noon, bad=50, APIKey=other.hash, latency=900))
    look(1)
    assert firings(world.acme) == []
    with scope.opened(scope.of(world.acme.id)):
        Key.objects.filter(pk=shop.pk).update(previous_hash=shop.hash, hash="f" * 64)
    pour(requests(world.acme, noon + timedelta(minutes=1), bad=6, APIKey=shop.hash, latency=900))
    pour(requests(world.acme, noon + timedelta(minutes=1), bad=6, APIKey="f" * 64, latency=900))
    look(2)
    assert [firing.concerns for firing in firings(world.acme)] == ["key Shop"]


def test_alerts_never_count_another_organisations_requests(
    world: World, pour: Pour, look: Look, noon: datetime
) -> None:
    rule(world.globex, emails=["gus@globex.example"])
    rule(world.acme)
    pour(requests(world.globex, noon, bad=100))
    look(1)
    assert (firings(world.acme), deliveries(world.acme)) == ([], [])
    assert len(firings(world.globex)) == 1
    assert [delivery.target for delivery in deliveries(world.globex)] == ["gus@globex.example"]


def test_what_fails_for_one_rule_stops_no_other(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    broken, _, _ = rule(world.acme), rule(world.acme, name="Sound"), rule(world.globex)
    with scope.opened(scope.of(world.acme.id)):
        AlertRule.objects.filter(pk=broken.pk).update(kind="nonsense")
    pour([*requests(world.globex, noon, bad=100), *requests(world.acme, noon, bad=100)])
    look(1)
    assert len(firings(world.globex)) == 1
    assert [firing.rule_id == broken.pk for firing in firings(world.acme)] == [False]
    with scope.opened(scope.of(world.acme.id)):
        broken.refresh_from_db()
        assert "Something went wrong here" in broken.fault


def test_an_alert_that_is_off_or_of_a_suspended_organisation_is_not_looked_at(world: World, look: Look) -> None:
    rule(world.acme, is_enabled=False)
    rule(world.globex)
    with scope.opened(scope.of(world.globex.id)):
        Organisation.objects.update(is_suspended=True)
    assert look(1) == 0


def test_what_begins_in_a_silence_is_told_after_it_if_it_lasts(
    world: World, pour: Pour, look: Look, noon: datetime
) -> None:
    made = rule(world.acme)
    with scope.opened(scope.of(world.acme.id)):
        services.silence(rule=made, hours=1, now=noon)
    pour(requests(world.acme, noon, bad=100))  # over within the hour
    for minute in (1, 7, 13):
        look(minute)
    for minute in range(55, 65):
        pour(requests(world.acme, noon + timedelta(minutes=minute), bad=20))
    for minute in (56, 59):
        look(minute)
    assert (len(firings(world.acme)), told(world.acme)) == (2, [])
    look(61)
    assert told(world.acme) == ["begun"]


def test_what_was_told_is_over_in_a_silence_too(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    made = rule(world.acme)
    pour(requests(world.acme, noon, bad=100))
    look(1)
    with scope.opened(scope.of(world.acme.id)):
        services.silence(rule=made, hours=1, now=noon)
    look(7)
    look(13)
    assert told(world.acme) == ["begun", "over"]


def test_switching_an_alert_off_ends_what_fires(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    made = rule(world.acme)
    pour(requests(world.acme, noon, bad=100))
    look(1)
    with scope.opened(scope.of(world.acme.id)):
        services.update_rule(rule=made, is_enabled=False)
    [firing] = firings(world.acme)
    assert (firing.ended_at is not None, firing.ending) == (True, "The alert was switched off.")
    assert told(world.acme) == ["begun", "over"]


def test_keys_that_expire_together_are_told_together(world: World, look: Look, noon: datetime) -> None:
    for number, days in enumerate((1, 3, 6, 8)):
        add_key(world.acme, f"key {number}", expires_at=noon + timedelta(days=days, hours=1))
    add_key(world.globex, "secret of globex", expires_at=noon + timedelta(days=2))
    rule(world.acme, kind="expiry", threshold=7)
    look(1)
    assert [firing.concerns.split(" (")[0] for firing in firings(world.acme)] == ["key key 0", "key key 1", "key key 2"]
    [delivery] = deliveries(world.acme)
    assert [name in delivery.body for name in ("key key 0", "key key 2", "key key 3", "globex")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_key_that_has_expired_says_so_when_it_is_over(world: World, look: Look, noon: datetime) -> None:
    key = add_key(world.acme, "Shop")
    with scope.opened(scope.of(world.acme.id)):
        Key.objects.filter(pk=key.pk).update(expires_at=noon + timedelta(minutes=3))
    rule(world.acme, kind="expiry", threshold=7)
    for minute in (1, 4, 10):
        look(minute)
    assert [firing.ending for firing in firings(world.acme)] == ["The key has expired."]


def test_a_quota_is_what_gateways_have_counted(
    world: World, group: GatewayGroup, valkey: redis.Redis, look: Look, noon: datetime
) -> None:
    near, far = add_key(world.acme, "near", quota_max=100), add_key(world.acme, "far", quota_max=100)
    theirs, free = add_key(world.globex, "theirs", quota_max=100), add_key(world.acme, "free")
    for key, count in ((near, 80), (far, 79), (theirs, 100), (free, 1_000)):
        valkey.set(f"{QUOTA}{key.hash}", count)
    rule(world.acme, kind="quota", threshold=80)
    look(1)
    assert [(firing.concerns, firing.value) for firing in firings(world.acme)] == [("key near (80 of 100)", 80.0)]
    valkey.delete(f"{QUOTA}{near.hash}")
    look(2)
    look(8)
    assert [firing.ending for firing in firings(world.acme)] == ["A new window has begun, or the quota is larger."]


def test_a_quota_that_a_policy_gives_counts(world: World, group: GatewayGroup, valkey: redis.Redis, look: Look) -> None:
    with scope.opened(scope.of(world.acme.id)):
        policy = create_policy(name="Gold", quota_max=10, quota_window_s=60)
        key = create_key(alias="Shop", has_all_apis=True, policies=[policy.pk])[0]
    valkey.set(f"{QUOTA}{key.hash}", 9)
    rule(world.acme, kind="quota", threshold=80)
    look(1)
    assert [firing.concerns for firing in firings(world.acme)] == ["key Shop (9 of 10)"]


def test_where_a_redis_does_not_answer_nothing_begins_or_ends_and_the_rule_says_why(
    world: World, group: GatewayGroup, valkey: redis.Redis, look: Look
) -> None:
    key = add_key(world.acme, "near", quota_max=100)
    valkey.set(f"{QUOTA}{key.hash}", 100)
    made = rule(world.acme, kind="quota", threshold=80)
    look(1)
    create_group(name="Away", organisation_ids=[world.acme.id], redis_url="redis://127.0.0.1:1/0")
    serving.write_out()
    for minute in (2, 8, 14):
        look(minute)
    assert [firing.ended_at for firing in firings(world.acme)] == [None]
    with scope.opened(scope.of(world.acme.id)):
        made.refresh_from_db()
        assert "does not answer" in made.fault


def test_a_node_that_is_gone_is_told_to_whom_it_serves_alone(world: World, pour: Pour) -> None:
    ours = making.group("Acme's", world.acme)
    theirs = making.group("Globex's", world.globex)
    making.node(ours, "gw-1", silent_s=600, address="192.0.2.77")
    making.node(ours, "gw-2", silent_s=10)
    making.node(theirs, "gw-of-globex", silent_s=600)
    rule(world.acme, kind="node", threshold=5)
    evaluating.look_at_all(now=datetime.now(UTC))
    assert [firing.concerns for firing in firings(world.acme)] == ["node gw-1 of Acme's"]
    said = " ".join(delivery.body for delivery in deliveries(world.acme))
    assert [word for word in ("192.0.2.77", "hunter2", "globex", "Globex") if word in said] == []


def test_a_rule_of_what_is_gone_never_fires(world: World, pour: Pour, look: Look, noon: datetime) -> None:
    orders = add_api(world.acme, "Orders")
    made = rule(world.acme, api=orders.pk)
    with scope.opened(scope.of(world.acme.id)):
        orders.delete()
    pour(requests(world.acme, noon, bad=50, APIID=orders.api_id))
    look(1)
    assert firings(world.acme) == []
    with scope.opened(scope.of(world.acme.id)):
        assert measuring.subject_of(made) == "a deleted API"
