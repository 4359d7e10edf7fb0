import pytest
from orgs import scope
from orgs.models import Organisation
from users.models import User
from tests.conftest import World, signed_in

def test_world(world: World) -> None:
    with pytest.raises(scope.NoScope):
        User.objects.count()
    with scope.opened(scope.of(world.acme.id)):
        assert {u.email for u in User.objects.all()} == {"ann@acme.example", "al@acme.example"}
    with scope.opened(scope.EVERYTHING):
        assert User.objects.count() == 4
        assert Organisation.objects.count() == 2
    from django.db import connection
    with connection.cursor() as c:
        c.execute("select count(*) from users_user"); assert c.fetchone()[0] == 0

def test_page(world: World, django_assert_num_queries) -> None:
    r = signed_in(world.ann).get("/")
    assert r.status_code == 404, r
