"""What lies in a group's Redis is what its organisations' keys are, whatever happens in between."""

import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.utils import timezone

from apis import definition as definitions
from apis.certificates.services import add_certificate, delete_certificate
from apis.definition import Authentication
from apis.models import Api, OAuthClient
from apis.oauth_clients.services import create_oauth_client, rotate_secret
from apis.services import create_api, delete_api, update_api
from gateways import bus, delivery, serving
from gateways.delivery import Deliveries
from gateways.models import Lane, Outbox, Serving
from gateways.services import update_group
from gateways.states import states_of
from keys.models import Key
from keys.policies.services import create_policy
from keys.policies.services import set_active as set_policy_active
from keys.rights import ApiAccess
from keys.services import create_key, disable_key, revoke_key, rotate_key, update_key
from orgs import scope
from orgs.services import create_organisation, delete_organisation, set_gateway_session, suspend
from tests.apis.pem import key_pem, self_signed
from tests.conftest import World
from tests.gateways.conftest import Groups, Plug, add_api, build
from tests.machines.client import admin


@pytest.fixture
def deliver(groups: Groups, valkey: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> Any:
    """Do what a worker does, until nothing waits."""
    monkeypatch.setattr(delivery, "RELOADS_APART_S", 0)
    monkeypatch.setattr(delivery, "LOOKS_APART_S", 0)

    worker = Deliveries()

    def delivered() -> int:
        count = 0
        build()
        while done := worker.run():
            count += done
            build()
        return count

    delivered()
    return delivered


@pytest.fixture
def api(world: World, deliver: Any) -> Api:
    return add_api(world.acme.id, "/orders/")


def session(valkey: "redis.Redis", key: Key) -> Any:
    stored = valkey.get(f"apikey-{key.hash}")
    return json.loads(stored) if stored else None


def test_key_opens_its_apis_and_no_other(
    world: World, groups: Groups, plug: Plug, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    add_api(world.acme.id, "/sales/")
    theirs = add_api(world.globex.id, "/bills/")
    with scope.opened(scope.of(world.acme.id)):
        _, token = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
        _, full = create_key(alias="all", has_all_apis=True)
    with scope.opened(scope.of(world.globex.id)):
        _, other = create_key(alias="shop", accesses=[ApiAccess(theirs.pk)])
    deliver()
    gateway = plug(groups.shared, bus=valkey)
    gateway.load()
    paths = ("/orders/", "/sales/", "/bills/")
    assert [gateway.opens(path, token) for path in paths] == [200, 403, 403]
    assert [gateway.opens(path, full) for path in paths] == [200, 200, 403]
    assert [gateway.opens(path, other) for path in paths] == [403, 403, 200]
    assert gateway.opens("/orders/") == 401


def test_stored_session_names_its_organisation_and_holds_no_secret(
    world: World, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, token = create_key(alias="shop", accesses=[ApiAccess(api.pk)], rate=5, per_s=1)
    deliver()
    stored = session(valkey, key)
    assert (stored["org_id"], stored["rate"], list(stored["access_rights"])) == (world.acme.id, 5.0, [api.api_id])
    everything = str([valkey.get(name) for name in valkey.keys("apikey-*")])
    assert token not in everything
    assert valkey.ttl(f"apikey-{key.hash}") == -1


def test_key_that_expires_vanishes_a_while_after(world: World, valkey: "redis.Redis", deliver: Any, api: Api) -> None:
    with scope.opened(scope.of(world.acme.id)):
        ends = timezone.now() + timedelta(days=1)
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)], expires_at=ends)
    deliver()
    assert session(valkey, key)["expires"] == int(ends.timestamp())
    assert timedelta(days=30).total_seconds() < valkey.ttl(f"apikey-{key.hash}") <= timedelta(days=31).total_seconds()


@pytest.mark.parametrize(
    "forever", [{"expires_at": datetime(9999, 12, 31, tzinfo=UTC)}, {"extra": {"session_lifetime": 2**63 - 1}}]
)
def test_key_that_never_ends_by_a_far_moment_stops_no_other(
    world: World, valkey: "redis.Redis", deliver: Any, api: Api, forever: Any
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        other, _ = create_key(alias="other", accesses=[ApiAccess(api.pk)])
        deliver()
        revoke_key(key=other)
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)], **forever)
    deliver()
    assert session(valkey, key)
    assert valkey.ttl(f"apikey-{key.hash}") == -1
    assert session(valkey, other) is None


def test_disabled_key_is_inactive_and_revoked_one_is_gone(
    world: World, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
        disable_key(key=key)
    deliver()
    assert session(valkey, key)["is_inactive"] is True
    with scope.opened(scope.of(world.acme.id)):
        revoke_key(key=key)
    deliver()
    assert session(valkey, key) is None


def test_previous_secret_ends_by_itself(world: World, valkey: "redis.Redis", deliver: Any, api: Api) -> None:
    with scope.opened(scope.of(world.acme.id)):
        first, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
        second, _ = rotate_key(key=first, revision=1, grace=timedelta(hours=1))
    deliver()
    assert second.previous_until is not None
    ends = int(second.previous_until.timestamp())
    assert session(valkey, first)["expires"] == ends
    assert 0 < valkey.ttl(f"apikey-{first.hash}") <= 3_661
    assert session(valkey, second)["expires"] == 0
    with scope.opened(scope.of(world.acme.id)):
        rotate_key(key=second, revision=2, grace=timedelta(0))
    deliver()
    assert [session(valkey, key) for key in (first, second)] == [None, None]


def test_key_of_an_inactive_policy_is_inactive(world: World, valkey: "redis.Redis", deliver: Any, api: Api) -> None:
    with scope.opened(scope.of(world.acme.id)):
        policy = create_policy(name="Gold", accesses=[ApiAccess(api.pk)])
        key, _ = create_key(alias="golden", policies=[policy.pk])
    deliver()
    assert session(valkey, key)["apply_policies"] == [policy.pk]
    assert list(session(valkey, key)["access_rights"]) == [api.api_id]
    with scope.opened(scope.of(world.acme.id)):
        set_policy_active(policy=policy, is_active=False)
    deliver()
    assert (session(valkey, key)["is_inactive"], session(valkey, key)["apply_policies"]) == (True, [])


def test_key_whose_apis_are_gone_has_no_session(world: World, valkey: "redis.Redis", deliver: Any, api: Api) -> None:
    """An empty one would open every API of every organisation."""
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    deliver()
    with scope.opened(scope.of(world.acme.id)):
        delete_api(api=api)
    deliver()
    assert session(valkey, key) is None


def test_an_api_id_that_another_organisation_takes_over_opens_nothing_of_it(
    world: World, groups: Groups, plug: Plug, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    other = add_api(world.acme.id, "/sales/")
    with scope.opened(scope.of(world.acme.id)):
        _, token = create_key(alias="shop", accesses=[ApiAccess(api.pk), ApiAccess(other.pk)])
    deliver()
    with scope.opened(scope.of(world.acme.id)):
        delete_api(api=Api.objects.get(pk=api.pk))
    with scope.opened(scope.of(world.globex.id)):
        definition = json.loads(api.definition)
        proxy = definition["proxy"] | {"listen_path": "/theirs/"}
        create_api(definition=definition | {"id": "", "org_id": "", "proxy": proxy})
    deliver()
    gateway = plug(groups.shared, bus=valkey)
    gateway.load()
    assert (gateway.opens("/theirs/", token), gateway.opens("/sales/", token)) == (403, 200)


def test_quota_counters_go_when_the_window_begins_anew(
    world: World, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)], quota_max=10)
    deliver()
    kept = f"quota-{'0' * 64}"
    for name in (f"quota-{key.hash}", f"quota-{api.api_id}-{key.hash}", kept):
        valkey.set(name, 7)
    with scope.opened(scope.of(world.acme.id)):
        update_key(key=key, revision=1, renews_quota=True)
    deliver()
    assert valkey.keys("quota-*") == [kept.encode()]


def test_organisations_key_lies_beside_those_of_its_callers(world: World, valkey: "redis.Redis", deliver: Any) -> None:
    name = f"orgkey.{world.acme.id}"
    with scope.opened(scope.of(world.acme.id)):
        set_gateway_session(organisation=world.acme, session={"rate": 5.0, "per": 1.0, "quota_max": 100})
    deliver()
    stored = json.loads(valkey.get(name) or "{}")
    assert (stored["org_id"], stored["rate"], stored["quota_max"], stored["is_inactive"]) == (
        world.acme.id, 5.0, 100, False,
    )  # fmt: skip
    assert stored["date_created"].endswith("+00:00")
    with scope.opened(scope.of(world.acme.id)):
        set_gateway_session(organisation=world.acme, session=None)
    deliver()
    assert valkey.get(name) is None
    with scope.opened(scope.of(world.acme.id)):
        suspend(organisation=world.acme, reason="Invoice 17")
    deliver()
    assert json.loads(valkey.get(name) or "{}")["is_inactive"] is True


def test_messages_are_signed_and_told_once_each(
    world: World, groups: Groups, plug: Plug, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    deliver()
    gateway, stranger = plug(groups.acme, bus=valkey), plug(groups.globex, bus=valkey)
    with valkey.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe("tyk.cluster.notifications")
        with scope.opened(scope.of(world.acme.id)):
            disable_key(key=key)
        for path in ("/a/", "/b/", "/c/"):
            add_api(world.acme.id, path)
        deliver()
        heard = []
        while message := channel.get_message(timeout=0.2):
            if message["type"] == "message":
                heard.append(message["data"].decode())
    did = [(gateway.hear(message), stranger.hear(message)) for message in heard]
    assert (did.count(("drop", "")), did.count(("reload", ""))) == (1, 1)
    assert [said for _, said in did if said] == []
    assert key.hash in "".join(heard)


def test_admin_secret_has_all_gateways_reload(groups: Groups, valkey: "redis.Redis", deliver: Any) -> None:
    with valkey.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe("tyk.cluster.notifications")
        assert admin().get("/admin/system/reload").json() == {"status": "ok"}  # type: ignore[attr-defined]
        deliver()
        heard = []
        while message := channel.get_message(timeout=0.2):
            if message["type"] == "message":
                heard.append(json.loads(message["data"]))
    ours = {hashlib.sha256(f"ApiUpdated{secret}".encode()).hexdigest() for secret in groups.secrets.values()}
    assert {notice["signature"] for notice in heard} >= ours
    with scope.opened(scope.INSTALLATION):
        assert not Lane.objects.filter(wants_reload=True).exists()


def test_redis_that_comes_back_empty_is_told_everything(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        keys = [create_key(alias=f"shop {n}", accesses=[ApiAccess(api.pk)])[0] for n in range(5)]
        revoke_key(key=keys.pop())
    deliver()
    before = {name: valkey.get(name) for name in valkey.keys("apikey-*")}
    assert len(before) == 4
    valkey.flushdb()
    deliver()
    assert {name: valkey.get(name) for name in valkey.keys("apikey-*")} == before


def test_redis_that_comes_back_as_it_was_before_opens_nothing_that_was_revoked_since(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
        rotated, _ = create_key(alias="rotated", accesses=[ApiAccess(api.pk)])
    deliver()
    kept = {name: valkey.dump(name) or b"" for name in valkey.scan_iter()}
    with scope.opened(scope.of(world.acme.id)):
        revoke_key(key=key)
        rotate_key(key=rotated, revision=1, grace=timedelta(0))
    deliver()
    valkey.flushdb()
    for name, dump in kept.items():
        valkey.restore(name, 0, dump)
    assert session(valkey, key)
    deliver()
    assert session(valkey, key) is None
    assert session(valkey, rotated) is None


def test_key_that_is_revoked_while_its_organisation_is_not_served_opens_nothing_afterwards(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    """The Redis was away meanwhile, so it was not swept."""
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    deliver()
    for group in (groups.shared, groups.acme):
        update_group(group=group, serves_all=False, organisation_ids=[])
    serving.write_out()
    with scope.opened(scope.of(world.acme.id)):
        revoke_key(key=key)
    for group in (groups.shared, groups.acme):
        update_group(group=group, organisation_ids=[world.acme.id])
    deliver()
    assert session(valkey, key) is None


def test_keys_of_a_deleted_organisation_open_nothing_of_one_that_is_imported_under_its_id(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any
) -> None:
    """All before a worker has looked."""
    before = create_organisation(slug="before", name="Before")
    build()
    with scope.opened(scope.of(before.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(add_api(before.id, "/before/").pk)])
    deliver()
    assert session(valkey, key)
    delete_organisation(organisation=before, cascade=True)
    create_organisation(slug="after", name="After", id=before.id)
    build()
    deliver()
    assert session(valkey, key) is None


def test_redis_that_is_down_loses_nothing_and_hinders_nobody_else(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    update_group(group=groups.acme, redis_url="redis://127.0.0.1:1/0")
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    deliver()
    assert session(valkey, key) is not None  # by the group that serves all
    with scope.opened(scope.INSTALLATION):
        lane = Lane.objects.get(pk=groups.acme.pk)
    assert lane.failures == 1
    assert lane.failing_since is not None
    assert "127.0.0.1:1" in lane.fault
    assert lane.due_at > timezone.now()
    with scope.opened(scope.of(world.acme.id)):
        assert Outbox.objects.filter(group_id=groups.acme.pk, name=f"apikey-{key.hash}").exists()
    update_group(group=groups.acme, redis_url="")
    deliver()
    with scope.opened(scope.INSTALLATION):
        lane = Lane.objects.get(pk=groups.acme.pk)
    assert (lane.failures, lane.failing_since, lane.fault) == (0, None, "")
    with scope.opened(scope.EVERYTHING):
        assert not Outbox.objects.filter(group_id=groups.acme.pk).exists()


class Dies(redis.Redis):
    """A Redis that is killed in the middle: it takes what it is sent, and does not say so."""

    is_alive = False

    def pipeline(self, *args: Any, **kwargs: Any) -> Any:
        pipeline = super().pipeline(*args, **kwargs)
        execute = pipeline.execute

        def executed(*args: Any, **kwargs: Any) -> Any:
            done = execute(*args, **kwargs)
            if not self.is_alive:
                raise redis.ConnectionError("Connection closed by server.")
            return done

        pipeline.execute = executed  # type: ignore[method-assign]
        return pipeline


def test_delivery_that_is_cut_off_is_told_again_with_the_same_effect(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    dying = Dies.from_url(settings.GATEWAY_REDIS_URL, decode_responses=True)
    monkeypatch.setattr(bus, "connect", lambda group: dying)
    deliver()
    assert session(valkey, key) is not None
    with scope.opened(scope.of(world.acme.id)):
        waiting = Outbox.objects.filter(name=f"apikey-{key.hash}").values_list("group_id", flat=True)
        assert set(waiting) == {groups.shared.pk, groups.acme.pk}
        revoke_key(key=key)
    with scope.opened(scope.INSTALLATION):
        Lane.objects.update(due_at=timezone.now())
    Dies.is_alive = True
    deliver()
    Dies.is_alive = False
    assert session(valkey, key) is None
    with scope.opened(scope.EVERYTHING):
        assert not Outbox.objects.exists()


def test_organisation_that_a_group_serves_no_longer_leaves_its_redis(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
        set_gateway_session(organisation=world.acme, session={"rate": 5.0, "per": 1.0})
    bills = add_api(world.globex.id, "/bills/")
    with scope.opened(scope.of(world.globex.id)):
        theirs, _ = create_key(alias="shop", accesses=[ApiAccess(bills.pk)])
    deliver()
    for group in (groups.shared, groups.acme):
        update_group(group=group, serves_all=False, organisation_ids=[world.globex.id])
    deliver()
    assert session(valkey, key) is None
    assert valkey.get(f"orgkey.{world.acme.id}") is None
    assert session(valkey, theirs) is not None
    with scope.opened(scope.EVERYTHING):
        assert set(Serving.objects.values_list("organisation_id", flat=True)) == {world.globex.id}


def test_organisation_stays_in_a_redis_that_another_group_shares(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    deliver()
    update_group(group=groups.acme, organisation_ids=[world.globex.id])
    deliver()
    assert session(valkey, key) is not None
    assert world.acme.id.encode() not in valkey.smembers(f"commonhold.{groups.acme.pk}.organisations")
    assert world.acme.id.encode() in valkey.smembers(f"commonhold.{groups.shared.pk}.organisations")


def test_a_redis_is_shared_whoever_signs_in_there(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api, settings: Any
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    update_group(group=groups.acme, redis_url=settings.GATEWAY_REDIS_URL.replace("//:", "//default:"))
    deliver()
    update_group(group=groups.acme, organisation_ids=[world.globex.id])
    deliver()
    assert world.acme.id.encode() not in valkey.smembers(f"commonhold.{groups.acme.pk}.organisations")
    assert session(valkey, key) is not None


def test_a_group_with_a_redis_of_its_own_is_looked_after_where_others_have_none(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api, settings: Any
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    update_group(group=groups.acme, redis_url=settings.GATEWAY_REDIS_URL)
    settings.GATEWAY_REDIS_URL = ""
    deliver()
    assert session(valkey, key) is not None
    update_group(group=groups.acme, organisation_ids=[world.globex.id])
    deliver()
    assert session(valkey, key) is None


def test_organisation_stays_in_a_redis_that_another_group_has_by_another_address(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api, settings: Any
) -> None:
    update_group(group=groups.acme, redis_url=settings.GATEWAY_REDIS_URL.replace("127.0.0.1", "localhost"))
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    deliver()
    update_group(group=groups.acme, organisation_ids=[world.globex.id])
    deliver()
    deliver()
    assert session(valkey, key) is not None


def test_organisation_that_is_deleted_leaves_every_redis(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    deliver()
    delete_organisation(organisation=world.acme, cascade=True)
    deliver()
    assert session(valkey, key) is None
    assert [name for name in valkey.keys("*") if world.acme.id.encode() in name] == []
    held = {
        id for group in (groups.shared, groups.acme) for id in valkey.smembers(f"commonhold.{group.pk}.organisations")
    }
    assert world.acme.id.encode() not in held


def test_sessions_of_gateways_own_making_are_left_alone(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api
) -> None:
    """Such as those of OAuth tokens: nothing here knows of them."""
    valkey.set("apikey-theirs", json.dumps({"org_id": world.globex.id}))
    valkey.set("apikey-odd", "{")
    deliver()
    delete_organisation(organisation=world.acme, cascade=True)
    deliver()
    assert valkey.get("apikey-theirs") is not None
    assert valkey.get("apikey-odd") is not None


def held_under(valkey: "redis.Redis", prefix: str) -> dict[str, str]:
    names: Any = valkey.keys(f"{prefix}*")
    values: Any = [valkey.get(name) for name in names]
    return {name.decode(): value.decode() for name, value in zip(names, values, strict=True)}


def test_certificates_lie_where_gateways_look_for_them(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any
) -> None:
    made = self_signed()
    with scope.opened(scope.of(world.acme.id)):
        certificate = add_certificate(pem=made.pem + key_pem(made.key))
    with scope.opened(scope.of(world.globex.id)):
        theirs = add_certificate(pem=made.pem)
    deliver()
    name = f"cert-raw-{certificate.certificate_id}"
    # There is no private key without a secret to encrypt it with.
    public = {name: certificate.pem, f"cert-raw-{theirs.certificate_id}": theirs.pem}
    assert held_under(valkey, "cert-") == public
    update_group(group=groups.shared, api_url="http://gateway.example:8080", api_secret="the first secret of its API")
    update_group(group=groups.shared, api_secret="the secret of its API")
    deliver()
    stored = held_under(valkey, "cert-")[name]
    assert stored.startswith(certificate.pem)
    key = stored.removeprefix(certificate.pem)
    assert "DEK-Info: AES-256-CBC," in key
    load_pem_private_key(key.encode(), password=b"the secret of its API")
    with scope.opened(scope.of(world.acme.id)):
        delete_certificate(certificate=certificate)
    deliver()
    assert held_under(valkey, "cert-") == {f"cert-raw-{theirs.certificate_id}": theirs.pem}
    delete_organisation(organisation=world.globex, cascade=True)
    deliver()
    assert held_under(valkey, "cert-") == {}


def test_oauth_clients_lie_under_the_id_of_their_api(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any
) -> None:
    def held() -> dict[str, Any]:
        return {name: json.loads(value) for name, value in held_under(valkey, "oauth-data.").items()}

    oauth = Authentication.OAUTH2
    ours = add_api(world.acme.id, "/o/", authentication=oauth)
    theirs = add_api(world.globex.id, "/t/", authentication=oauth)
    with scope.opened(scope.of(world.globex.id)):
        create_oauth_client(api=theirs, client_id="shop", secret="another-secret-of-theirs")
    with scope.opened(scope.of(world.acme.id)):
        client, secret = create_oauth_client(api=ours, client_id="shop", redirect_uri="https://shop.example/back")
    deliver()
    name = f"oauth-data.{ours.api_id}.oauth-clientid.shop"
    assert held().keys() == {name, f"oauth-data.{theirs.api_id}.oauth-clientid.shop"}
    assert (held()[name]["secret"], held()[name]["redirecturi"]) == (secret, "https://shop.example/back")
    with scope.opened(scope.of(world.acme.id)):
        _, another = rotate_secret(client=client)
        ours = update_api(
            api=ours, definition=definitions.parse(ours.definition) | {"api_id": "renamed"}, revision=ours.revision
        )
    deliver()
    assert name not in held()  # under an id that anybody may take now
    assert held()["oauth-data.renamed.oauth-clientid.shop"]["secret"] == another
    valkey.flushall()
    deliver()
    assert len(held()) == 2
    with scope.opened(scope.of(world.acme.id)):
        OAuthClient.objects.filter(pk=client.pk).update(metadata={"policies": ["of anybody"]})
    deliver()
    assert held().keys() == {f"oauth-data.{theirs.api_id}.oauth-clientid.shop"}
    with scope.opened(scope.of(world.acme.id)):
        delete_api(api=ours)
    delete_organisation(organisation=world.globex, cascade=True)
    deliver()
    assert held() == {}


def test_nobody_waits_for_another_ones_import(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "ENTRIES_OF_ONE", 3)
    bills = add_api(world.globex.id, "/bills/")
    deliver()
    with scope.opened(scope.of(world.acme.id)):
        for n in range(10):
            create_key(alias=f"shop {n}", accesses=[ApiAccess(api.pk)])
    with scope.opened(scope.of(world.globex.id)):
        theirs, _ = create_key(alias="shop", accesses=[ApiAccess(bills.pk)])
    Deliveries().deliver_to(groups.shared.pk)
    assert session(valkey, theirs) is not None


def test_what_is_wrong_with_one_organisation_stops_no_other(
    world: World, groups: Groups, valkey: "redis.Redis", deliver: Any, api: Api, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    real = states_of

    def breaks(names: Any, **options: Any) -> Any:
        if scope.current_organisation_id() == world.acme.id:
            raise RuntimeError("A bug.")
        return real(names, **options)

    bills = add_api(world.globex.id, "/bills/")
    deliver()
    with scope.opened(scope.of(world.acme.id)):
        ours, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)])
    with scope.opened(scope.of(world.globex.id)):
        theirs, _ = create_key(alias="shop", accesses=[ApiAccess(bills.pk)])
    monkeypatch.setattr(delivery, "states_of", breaks)
    with caplog.at_level(logging.ERROR):
        deliver()
    assert (session(valkey, ours), session(valkey, theirs) is None) == (None, False)
    assert caplog.text.count("for the organisation") == 2  # once for each group
    with scope.opened(scope.of(world.acme.id)):
        assert Outbox.objects.filter(name=f"apikey-{ours.hash}").count() == 2


def test_secrets_under_another_sealing_key_have_no_session(
    world: World, valkey: "redis.Redis", deliver: Any, api: Api, settings: Any
) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", accesses=[ApiAccess(api.pk)], jwt_secret="a secret of this key")
        other, _ = create_key(alias="till", accesses=[ApiAccess(api.pk)])
        Key.objects.filter(pk=key.pk).update(sealed="gAAAAAB")
    deliver()
    assert (session(valkey, key), session(valkey, other) is None) == (None, False)


def test_groups_know_nothing_of_organisations_before_they_are_written_out(world: World, groups: Groups) -> None:
    assert serving.write_out() == 0
    with scope.opened(scope.EVERYTHING):
        served = set(Serving.objects.values_list("group_id", "organisation_id"))
    assert served == {
        (groups.shared.pk, world.acme.id), (groups.shared.pk, world.globex.id),
        (groups.acme.pk, world.acme.id), (groups.globex.pk, world.globex.id),
    }  # fmt: skip
