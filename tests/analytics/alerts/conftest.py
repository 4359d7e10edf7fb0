"""Alerts at fixed moments: two hours ago was noon, as it were."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics.alerts import evaluating
from analytics.alerts.models import AlertDelivery, AlertFiring, AlertRule
from analytics.alerts.services import create_rule
from analytics.spans import floor
from orgs import scope
from orgs.models import Organisation
from tests.analytics.conftest import group, pour
from tests.analytics.traffic import record

__all__ = ["group", "pour"]


@pytest.fixture
def noon() -> datetime:
    return floor(datetime.now(UTC), "hour") - timedelta(hours=2)


@pytest.fixture
def look(noon: datetime) -> Callable[[float], int]:
    """Have the pump look at all rules, so many minutes after noon."""
    return lambda minutes: evaluating.look_at_all(now=noon + timedelta(minutes=minutes, seconds=3))


def rule(of: Organisation, **fields: Any) -> AlertRule:
    given: dict[str, Any] = {"name": "Errors", "kind": "errors", "threshold": 10, "least_requests": 10}
    given |= {"emails": ["ops@acme.example"]} | fields
    with scope.opened(scope.of(of.id), savepoint=True):
        return create_rule(**given)[0]


def requests(of: Organisation, at: datetime, *, good: int = 0, bad: int = 0, **fields: Any) -> Iterator[bytes]:
    """Yield so many requests of one minute."""
    for number in range(good + bad):
        moment = at + timedelta(seconds=number % 60)
        yield record(OrgID=of.id, at=moment, ResponseCode=500 if number < bad else 200, **fields)


def firings(of: Organisation) -> list[AlertFiring]:
    with scope.opened(scope.of(of.id)):
        return list(AlertFiring.objects.order_by("begun_at", "subject"))


def deliveries(of: Organisation) -> list[AlertDelivery]:
    with scope.opened(scope.of(of.id)):
        return list(AlertDelivery.objects.order_by("id"))


def told(of: Organisation) -> list[str]:
    return [delivery.event for delivery in deliveries(of)]
