from analytics.models import DeadLetter, Hour, Record
from orgs import scope
from tests.analytics.conftest import Pour
from tests.analytics.traffic import record
from tests.conftest import World


def test_records_come_to_the_organisation_that_they_name(world: World, pour: Pour) -> None:
    assert pour([record(OrgID=world.acme.id), record(OrgID=world.globex.id), record(OrgID=world.globex.id)]) == 3
    for organisation, count in ((world.acme, 1), (world.globex, 2)):
        with scope.opened(scope.of(organisation.id)):
            assert Record.objects.count() == count
            assert Hour.objects.get(facet=0).hits == count
    with scope.opened(scope.INSTALLATION):
        assert list(DeadLetter.objects.all()) == []
