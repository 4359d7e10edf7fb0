"""An API at a domain is served while its organisation has the domain proven for APIs, and at no other time."""

import json

import pytest

from apis.models import Api
from gateways.drift import fault_of
from gateways.models import FeedItem, Outbox
from gateways.outbox import FEEDS
from orgs import scope
from orgs.domains.services import change_purpose, claim_domain, vouch, withdraw
from orgs.models import Domain, Organisation
from tests.conftest import World, signed_in
from tests.gateways.conftest import Groups, Plug, add_api, build
from tests.gateways.gateway import Gateway

APIS, DASHBOARD = Domain.Purpose.APIS, Domain.Purpose.DASHBOARD
HOST = "apis.acme.example"


def api_at(organisation: Organisation, domain: str, path: str = "/orders/") -> Api:
    """Add an API that names a domain, as clients send it."""
    api = add_api(organisation.id, path)
    with scope.opened(scope.of(organisation.id)):
        definition = json.dumps(json.loads(api.definition) | {"domain": domain})
        Api.objects.filter(pk=api.pk).update(definition=definition)
        return Api.objects.get(pk=api.pk)


def give(organisation: Organisation, host: str = HOST, purpose: str = APIS) -> None:
    with scope.opened(scope.of(organisation.id)):
        vouch(host=host, purpose=purpose)


def served(organisation: Organisation, api: Api) -> tuple[bool, str]:
    with scope.opened(scope.of(organisation.id)):
        return FeedItem.objects.get(object_id=api.pk).is_served, fault_of(api.pk)


def told(gateway: Gateway) -> list[tuple[str, str]]:
    """Return whose APIs the gateway is sent, and at which domains."""
    gateway.load()
    return sorted((api["org_id"], api["domain"]) for api in gateway.apis.values())


def not_proven(domain: str) -> tuple[bool, str]:
    return False, f"Its domain {domain} is not proven: prove it under Domains."


def test_an_api_at_a_domain_waits_for_its_proof_and_is_served_with_it(world: World, groups: Groups, plug: Plug) -> None:
    gateway, api = plug(groups.acme), api_at(world.acme, HOST)
    build()
    assert served(world.acme, api) == not_proven(HOST)
    assert told(gateway) == []
    assert f"Its domain {HOST} is not proven" in signed_in(world.ann).get(f"/apis/{api.pk}/").content.decode()
    give(world.acme)
    build()
    assert served(world.acme, api) == (True, "")
    assert told(gateway) == [(world.acme.id, HOST)]


def test_an_api_of_a_domain_that_is_lost_leaves_the_feed_at_once(world: World, groups: Groups, plug: Plug) -> None:
    gateway, api = plug(groups.acme), api_at(world.acme, HOST)
    give(world.acme)
    build()
    assert told(gateway) == [(world.acme.id, HOST)]
    with scope.opened(scope.of(world.acme.id)):
        Domain.objects.update(proven_at=None)
    assert served(world.acme, api)[0] is False
    assert told(gateway) == []
    build()
    assert served(world.acme, api) == not_proven(HOST)


@pytest.mark.parametrize("how", ["deleted", "of another purpose"])
def test_a_domain_is_lost_in_every_way(world: World, groups: Groups, how: str) -> None:
    api = api_at(world.acme, HOST)
    give(world.acme)
    build()
    with scope.opened(scope.of(world.acme.id)):
        if how == "deleted":
            withdraw(host=HOST)
        else:
            change_purpose(domain=Domain.objects.get(), purpose=DASHBOARD)
    assert served(world.acme, api)[0] is False
    build()
    assert served(world.acme, api) == not_proven(HOST)


@pytest.mark.parametrize(
    ("domain", "is_served"),
    [
        (HOST, True),
        ("APIS.acme.example", True),
        (f"{HOST}:8443", True),
        ("", True),
        ("acme.example", False),
        (f"sub.{HOST}", False),
        (f"{HOST}.", False),
        (f"x{HOST}", False),
        ("{any:.*}", False),
        ("*", False),
    ],
)
def test_a_domain_is_compared_as_a_whole(world: World, groups: Groups, domain: str, is_served: bool) -> None:
    give(world.acme)
    api = api_at(world.acme, domain)
    build()
    assert served(world.acme, api)[0] is is_served


@pytest.mark.parametrize("purpose", [DASHBOARD, Domain.Purpose.PORTAL])
def test_a_domain_of_another_purpose_or_a_claim_is_not_enough(world: World, groups: Groups, purpose: str) -> None:
    give(world.acme, HOST, purpose)
    with scope.opened(scope.of(world.acme.id)):
        claim_domain(host="claimed.example", purpose=APIS)
    apis = {HOST: api_at(world.acme, HOST), "claimed.example": api_at(world.acme, "claimed.example")}
    build()
    assert {host: served(world.acme, api) for host, api in apis.items()} == {host: not_proven(host) for host in apis}


def test_a_domain_of_another_organisation_serves_nobody_else(world: World, groups: Groups, plug: Plug) -> None:
    """Both name the domain and the same path, which one of them had saved first."""
    gateway = plug(groups.shared)
    theirs = api_at(world.globex, HOST)
    own = api_at(world.acme, HOST)
    give(world.acme)
    build()
    assert (served(world.acme, own), served(world.globex, theirs)) == ((True, ""), not_proven(HOST))
    assert told(gateway) == [(world.acme.id, HOST)]


def test_a_domain_concerns_the_apis_that_name_it_alone(world: World, groups: Groups) -> None:
    api = api_at(world.acme, HOST)
    api_at(world.acme, "other.example")
    api_at(world.acme, "", "/else/")
    build()
    give(world.acme)
    with scope.opened(scope.of(world.acme.id)):
        assert list(Outbox.objects.filter(group_id=FEEDS).values_list("name", flat=True)) == [f"apis:{api.pk}"]
