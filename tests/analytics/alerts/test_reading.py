"""What an alert says of its condition, and where it leads to."""

from typing import Any

import pytest

from keys.services import create_key
from orgs import scope
from tests.analytics.alerts.conftest import rule
from tests.conftest import World, signed_in
from tests.gateways import making


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"threshold": 5, "least_requests": 1}, "more than 5% errors in 5 min, of at least 1 request"),
        ({"kind": "latency", "threshold": 1_500}, "p95 over 1,500 ms in 5 min, of at least 10 requests"),
        ({"kind": "quota", "threshold": 80}, "80% of the quota used"),
        ({"kind": "expiry", "threshold": 1}, "expires within 1 day"),
        ({"kind": "node", "threshold": 2}, "not heard of for 2 minutes"),
    ],
)
def test_a_condition_reads_as_one_says_it(world: World, fields: dict[str, Any], words: str) -> None:
    assert rule(world.acme, **fields).condition == words


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "analytics/errors/"),
        ({"api": "orders"}, "analytics/errors/?api={api}"),
        ({"kind": "latency"}, "analytics/"),
        ({"kind": "latency", "api": "orders"}, "analytics/apis/{api}/"),
        ({"kind": "latency", "key": "shop"}, "analytics/keys/{key}/"),
        ({"kind": "quota", "threshold": 80}, "analytics/keys/board/?group=quota"),
        ({"kind": "expiry", "key": "shop", "threshold": 8}, "analytics/keys/{key}/"),
        ({"kind": "node", "threshold": 8}, "gateways/"),
    ],
)
def test_an_alert_leads_to_what_it_looks_at(world: World, fields: dict[str, Any], path: str) -> None:
    api = making.api(world.acme, "Orders")
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", has_all_apis=True)
    ids = {"orders": api.pk, "shop": key.pk}
    made = rule(world.acme, **{name: ids.get(value, value) for name, value in fields.items()})
    facts = signed_in(world.ann).get(f"/alerts/{made.pk}/").context["facts"]
    [href] = [fact["url"] for fact in facts if fact["label"] == "Of"]
    assert href == "/o/acme/" + path.format(api=api.api_id, key=key.pk)
    assert signed_in(world.ann).get(href.removeprefix("/o/acme")).status_code == 200


def test_what_is_deleted_is_led_to_no_more(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", has_all_apis=True)
    made = rule(world.acme, key=key.pk)
    with scope.opened(scope.of(world.acme.id)):
        key.delete()
    page = signed_in(world.ann).get(f"/alerts/{made.pk}/")
    assert {"label": "Of", "value": "a deleted key", "url": ""} in page.context["facts"]
