"""The one change that an unbounded user makes in an organisation: so its scope is opened here."""

from orgs import scope, services
from orgs.models import Organisation


def suspend(*, organisation: Organisation, reason: str) -> None:
    with scope.opened(scope.of(organisation.id)):
        services.suspend(organisation=organisation, reason=reason)


def resume(*, organisation: Organisation) -> None:
    with scope.opened(scope.of(organisation.id)):
        services.resume(organisation=organisation)
