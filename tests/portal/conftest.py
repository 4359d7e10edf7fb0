import pytest

from portal.addresses import Places
from tests.conftest import World
from tests.portal.shared import Shop, open_shop


@pytest.fixture
def shop(world: World) -> Shop:
    """Acme's portal."""
    return open_shop(world.acme)


@pytest.fixture
def other_shop(world: World) -> Shop:
    """Globex's, with a developer of the same e-mail address."""
    return open_shop(world.globex)


@pytest.fixture
def places(shop: Shop) -> Places:
    """Where the links of acme's mails lead."""
    return Places(shop.organisation, portal="http://testserver/o/acme/portal", dashboard="http://testserver/o/acme")
