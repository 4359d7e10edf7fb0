"""Which keys need attention: each group has the keys that belong there, and none that just do not."""

import random

import pytest
import redis

from apis.models import Api
from gateways import serving
from gateways.models import GatewayGroup
from gateways.outbox import QUOTA
from gateways.services import create_group
from keys.models import Key
from keys.policies.services import create_policy
from keys.rights import ApiAccess
from keys.services import create_key
from orgs import scope
from tests.analytics.board import ago, groups, in_group, key, opening, use
from tests.conftest import World, signed_in
from tests.dashboard import rows


@pytest.fixture
def apis(world: World) -> list[Api]:
    return [rows.api(world.acme, f"API {number}") for number in range(12)]


def test_a_key_expires_soon_within_thirty_days(world: World) -> None:
    for alias, days in (("tomorrow", 1), ("in time", 29.9), ("later", 30.1), ("past", -1)):
        key(world.acme, alias, expires_at=ago(-days))
    key(world.acme, "off", expires_at=ago(-1), is_disabled=True)
    key(world.acme, "never")
    assert in_group(signed_in(world.ann), "expiring") == ["tomorrow", "in time"]


def test_a_key_is_unused_whose_last_request_is_ninety_days_old(world: World) -> None:
    for alias, last in (("long ago", 300), ("just", 90.1), ("not yet", 89.9), ("today", 0)):
        use(world.acme, key(world.acme, alias).hash, 310, last)
    for recent in (5, 35, 65):
        use(world.acme, key(world.acme, f"{recent} days ago").hash, 200, recent)
    use(world.acme, key(world.acme, "off", is_disabled=True).hash, 200)
    use(world.acme, key(world.acme, "over", expires_at=ago(1)).hash, 200)
    use(world.acme, key(world.acme, "gone", revoked_at=ago(1)).hash, 200)
    use(world.acme, key(world.acme, "young", days=89).hash, 100)
    key(world.acme, "never used")
    assert in_group(signed_in(world.ann), "unused") == ["long ago", "just"]


def test_unused_keys_are_those_that_a_count_finds(world: World) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    expected = set()
    for number in range(60):
        days = [chance.uniform(0, 200) for _ in range(chance.randrange(1, 4))]
        use(world.acme, key(world.acme, f"key {number}", days=300).hash, *days)
        expected |= {f"key {number}"} if min(days) > 90 else set()
    assert set(in_group(signed_in(world.ann), "unused")) == expected
    assert 5 < len(expected) < 50


def test_a_key_was_never_used_that_is_older_than_a_week(world: World) -> None:
    key(world.acme, "old", days=7.1)
    key(world.acme, "new", days=6.9)
    key(world.acme, "off", is_disabled=True)
    use(world.acme, key(world.acme, "once").hash, 300)
    assert in_group(signed_in(world.ann), "never") == ["old"]


def test_both_secrets_of_a_rotated_key_count(world: World) -> None:
    for alias, new, previous in (
        ("both idle", [200], [300]), ("old one idle", [], [200]), ("old one used", [], [3]),
        ("new one used", [3], [200]), ("neither", [], []),
    ):  # fmt: skip
        made = key(world.acme, alias, previous_hash=f"{alias} before")
        for hash, days in ((made.hash, new), (made.previous_hash, previous)):
            if days:
                use(world.acme, hash, *days)
    client = signed_in(world.ann)
    assert sorted(in_group(client, "unused")) == ["both idle", "old one idle"]
    assert in_group(client, "never") == ["neither"]


def test_a_key_is_near_its_quota_from_four_fifths_on(world: World, group: GatewayGroup, valkey: redis.Redis) -> None:
    for alias, count in (("near", 80), ("far", 79), ("over", 101)):
        valkey.set(f"{QUOTA}{key(world.acme, alias, quota_max=100).hash}", count)
    valkey.set(f"{QUOTA}{key(world.acme, 'free').hash}", 1_000)
    valkey.set(f"{QUOTA}{key(world.acme, 'off', quota_max=10, is_disabled=True).hash}", 10)
    valkey.set(f"{QUOTA}{key(world.globex, 'theirs', quota_max=100).hash}", 100)
    client = signed_in(world.ann)
    assert in_group(client, "quota") == ["over", "near"]
    shown = client.get("/analytics/keys/board/?group=quota").context["groups"][0]["rows"]
    assert [row[3] for row in shown] == ["101 of 100 (101%)", "80 of 100 (80%)"]


def test_where_the_counters_cannot_be_read_the_rest_of_the_page_stands(
    world: World, group: GatewayGroup, valkey: redis.Redis
) -> None:
    near = key(world.acme, "near", quota_max=100)
    valkey.set(f"{QUOTA}{near.hash}", 100)
    create_group(name="Away", organisation_ids=[world.acme.id], redis_url="redis://127.0.0.1:1/0")
    serving.write_out()
    client = signed_in(world.ann)
    page = client.get("/analytics/keys/board/")
    assert "The counters of quotas cannot be read now" in page.content.decode()
    assert "127.0.0.1" not in page.content.decode()
    assert groups(client)["Never used"] == ["near"]
    found = client.get("/analytics/keys/board/?format=json").json()
    assert [row["group"] for row in found["rows"]] == ["never"]
    assert "cannot be read now" in found["note"]


def test_a_key_is_broad_that_opens_all_or_many_times_what_it_uses(world: World, apis: list[Api]) -> None:
    key(world.acme, "all", days=0, has_all_apis=True)
    for alias, opened, used, days in (
        ("used at two of twelve", 12, 2, 3), ("used at three of twelve", 12, 3, 3),
        ("used at three of them long ago", 12, 3, 95), ("opens ten", 10, 0, 0), ("opens nine", 9, 0, 0),
    ):  # fmt: skip
        made = opening(world.acme, key(world.acme, alias), apis[:opened])
        for api in apis[:used]:
            use(world.acme, made.hash, days, 200, api=api.api_id)
    opening(world.acme, key(world.acme, "new", days=6), apis)
    opening(world.acme, key(world.acme, "off", is_disabled=True), apis)
    client = signed_in(world.ann)
    assert set(in_group(client, "broad")) == {
        "all", "used at two of twelve", "used at three of them long ago", "opens ten",
    }  # fmt: skip
    shown = client.get("/analytics/keys/board/?group=broad").context["groups"][0]["rows"]
    assert {row[1]: row[3] for row in shown} == {
        "all": "opens all APIs",
        "used at two of twelve": "opens 12 APIs, used 2",
        "used at three of them long ago": "opens 12 APIs, used 0",
        "opens ten": "opens 10 APIs, used 0",
    }


def test_apis_of_both_secrets_are_used_once_each(world: World, apis: list[Api]) -> None:
    made = opening(world.acme, key(world.acme, "rotated", previous_hash="before"), apis)
    for hash, names in ((made.hash, apis[:2]), ("before", apis[1:3])):
        for api in names:
            use(world.acme, hash, 3, 40, api=api.api_id)
    client = signed_in(world.ann)
    assert in_group(client, "broad") == []
    opening(world.acme, made, [rows.api(world.acme, "one more")])
    assert in_group(client, "broad") == ["rotated"]


def test_of_a_key_with_policies_the_policy_counts_that_opens_the_most(world: World, apis: list[Api]) -> None:
    opened = [ApiAccess(api.pk) for api in apis]
    with scope.opened(scope.of(world.acme.id)):
        wide = create_policy(name="Wide", accesses=opened)
        narrow = create_policy(name="Narrow", accesses=opened[:2])
        limits = create_policy(name="Limits", accesses=opened, partitions=["quota"], quota_max=5, quota_window_s=60)
        draft = create_policy(name="Draft", accesses=opened, is_active=False)
        several = {"wide": [narrow, wide], "narrow": [narrow], "limits": [narrow, limits], "draft": [draft]}
        for alias, policies in several.items():
            create_key(alias=alias, has_all_apis=True, policies=[policy.pk for policy in policies])
        Key.objects.update(created_at=ago(30))
    assert in_group(signed_in(world.ann), "broad") == ["wide"]


def test_an_organisation_without_such_keys_is_told_that_nothing_needs_attention(world: World) -> None:
    for client in (signed_in(world.ann), signed_in(world.al), signed_in(world.uma, prefix="/all/o/acme")):
        page = client.get("/analytics/keys/board/").content.decode()
        assert "Nothing needs attention" in page
    key(world.acme, "fresh", days=1)
    assert "Nothing needs attention" in signed_in(world.ann).get("/analytics/keys/board/").content.decode()
    for name in ("expiring", "quota", "unused", "never", "broad"):
        assert in_group(signed_in(world.ann), name) == []
