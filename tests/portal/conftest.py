import pytest

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
