"""Nothing of one organisation's alerts reaches another one, and nothing is lost or doubled, whoever dies."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from analytics.alerts import evaluating, services
from analytics.alerts.models import AlertDelivery, AlertFiring, AlertRule
from analytics.alerts.sending import Sender, claim
from keys.services import create_key
from orgs import scope
from orgs.ids import new_id
from orgs.models import Organisation
from orgs.proof.world import undone
from orgs.services import create_organisation, delete_organisation
from tests.analytics.alerts.conftest import deliveries, firings, requests, rule, told
from tests.analytics.conftest import Pour
from tests.conftest import World, signed_in
from tests.gateways.making import api
from tests.walls.conftest import SUPERUSER, connect, installed

__all__ = ["installed"]
Look = Callable[[float], int]
OF_GLOBEX = ("Theirs", "gus@globex.example", "hooks.globex.example", "4242")


@pytest.fixture
def theirs(world: World, pour: Pour, look: Look, noon: datetime) -> AlertRule:
    """An alert of globex that fires, with a history, mail and a webhook."""
    made = rule(
        world.globex,
        name="Theirs",
        emails=["gus@globex.example"],
        url="https://hooks.globex.example/4242",
        threshold=42,
    )
    pour(requests(world.globex, noon, bad=100))
    look(1)
    assert (len(firings(world.globex)), len(deliveries(world.globex))) == (1, 2)
    return made


def test_pages_of_one_organisation_show_nothing_of_another(world: World, theirs: AlertRule) -> None:
    rule(world.acme, name="Ours")
    client = signed_in(world.ann)
    for path in ("", "history/", "deliveries/", f"history/?rule={theirs.pk}", f"deliveries/?rule={theirs.pk}"):
        answer = client.get(f"/alerts/{path}")
        assert answer.status_code == 200
        assert [word for word in OF_GLOBEX if word in answer.content.decode()] == []


@pytest.mark.parametrize("path", ["", "edit/", "delete/", "silence/", "test/", "secret/"])
def test_another_organisations_alert_is_as_one_that_never_was(world: World, theirs: AlertRule, path: str) -> None:
    client = signed_in(world.ann)
    for id in (theirs.pk, new_id()):
        for send in (client.get, client.post):
            assert send(f"/alerts/{id}/{path}").status_code in (404, 405)
        assert client.post(f"/alerts/{id}/{path}", {"hours": "24"}).status_code in (404, 405)
    with scope.opened(scope.of(world.globex.id)):
        theirs.refresh_from_db()
        assert (theirs.silent_until, AlertDelivery.objects.count()) == (None, 2)


def test_another_organisations_api_and_key_cannot_be_watched(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        key = create_key(alias="Their key", has_all_apis=True)[0]
    their_api = api(world.globex, "Their API")
    for field, id, name in (("api", their_api.pk, "Their API"), ("key", key.pk, "Their key")):
        with pytest.raises(services.AlertError, match="must be one of this organisation"):
            rule(world.acme, **{field: id})
        for typed in (id, name, name.upper()):
            answer = signed_in(world.ann).post("/alerts/create/?kind=errors", form(**{field: typed}))
            assert set(answer.context["form"].errors) == {field}


def form(**changes: str) -> dict[str, str]:
    typed = {"name": "Ours", "threshold": "5", "window_min": "5", "least_requests": "20", "is_enabled": "on"}
    return typed | {"emails": "ops@acme.example"} | changes


def test_no_row_is_written_outside_the_organisation_that_is_looked_at(world: World, theirs: AlertRule) -> None:
    with scope.opened(scope.of(world.acme.id)):
        assert [model.objects.count() for model in (AlertRule, AlertFiring, AlertDelivery)] == [0, 0, 0]


def test_a_pump_that_dies_before_it_commits_leaves_nothing_half_done(
    world: World, pour: Pour, look: Look, noon: datetime
) -> None:
    rule(world.acme)
    pour(requests(world.acme, noon, bad=100))
    with undone():
        look(1)
        assert told(world.acme) == ["begun"]
    assert (firings(world.acme), told(world.acme)) == ([], [])
    look(1)
    look(2)
    assert (len(firings(world.acme)), told(world.acme)) == (1, ["begun"])


@pytest.fixture
def committed(installed: None) -> Iterator[Organisation]:
    """An organisation with an alert and a test that waits, in transactions that ended."""
    made = create_organisation(slug="alerting", name="Alerting")
    with scope.opened(scope.of(made.id)):
        own, _ = services.create_rule(name="Errors", kind="errors", threshold=5, emails=["ops@alerting.example"])
        services.send_test(rule=own)
    yield made
    delete_organisation(organisation=made, cascade=True)
    with connect(SUPERUSER, autocommit=True) as server:
        server.execute("DELETE FROM orgs_auditentry")


def test_what_another_pump_has_is_passed_over(committed: Organisation) -> None:
    later = timezone.now() + timedelta(minutes=5)
    with connect(SUPERUSER) as other:
        other.execute("SELECT 1 FROM analytics_alertrule FOR UPDATE")
        other.execute("SELECT 1 FROM analytics_alertdelivery FOR UPDATE")
        assert (claim(committed.id, later), Sender().send_next(now=later)) == (None, 0)
        assert evaluating.look_at_all(now=later) == 0
        other.rollback()
    assert evaluating.look_at_all(now=later) == 1
    assert claim(committed.id, later) is not None
    assert claim(committed.id, later) is None
