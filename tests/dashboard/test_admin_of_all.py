"""The Django admin of unbounded users, at `/all/admin/`."""

import pytest

from keys.models import Key
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World, signed_in, user
from tests.dashboard import rows
from tests.dashboard.admin import body, one_of_each, stored, user_form
from users.models import Group, User


def test_unbounded_users_list_every_organisation_and_open_a_row_as_a_visit(world: World) -> None:
    ids, theirs = one_of_each(world.acme, world.ann), one_of_each(world.globex, world.gus)
    client = signed_in(world.uma)
    for table, id in ids.items():
        answer = client.get(f"/admin/{table}/")
        assert {id, theirs[table]} <= {row.pk for row in answer.context["cl"].result_list}
        assert ("Acme" in body(answer), "Globex" in body(answer)) == (True, True)
        for action in ("change", "history"):
            path = f"/admin/{table}/{id}/{action}/"
            assert client.get(path).headers["Location"] == f"/all/o/acme{path}"
            assert client.get(f"/all/o/acme{path}").status_code == 200
            assert ("uma@hosting.example", "visited", path) in rows.audit_lines(world.acme)


def test_the_organisation_filter_is_of_all_only(world: World) -> None:
    one_of_each(world.acme, world.ann)
    one_of_each(world.globex, world.gus)
    page = signed_in(world.uma).get("/admin/keys/key/?organisation=globex")
    assert [key.alias for key in page.context["cl"].result_list] == ["globex-key"]


@pytest.mark.parametrize("prefix", ["/all", "/all/o/acme"])
def test_unbounded_users_change_nothing_of_an_organisation(world: World, prefix: str) -> None:
    client = signed_in(world.uma)
    for table, id in one_of_each(world.acme, world.ann).items():
        for action in ("add", f"{id}/change", f"{id}/delete"):
            assert client.post(f"{prefix}/admin/{table}/{action}/", {"post": "yes"}).status_code == 403
    with scope.opened(scope.EVERYTHING):
        assert (Key.objects.count(), User.objects.count(), Group.objects.count()) == (1, 4, 1)


def test_unbounded_users_change_and_delete_unbounded_users(world: World) -> None:
    second = user("second@hosting.example", None)
    client = signed_in(world.uma)
    client.post(f"/admin/users/user/{second.id}/change/", user_form(second, name="Deux"))
    assert stored(second).name == "Deux"
    client.post(f"/admin/users/user/{second.id}/delete/", {"post": "yes"})
    with scope.opened(scope.INSTALLATION):
        assert list(User.objects.values_list("email", flat=True)) == ["uma@hosting.example"]
        assert set(AuditEntry.objects.values_list("action", "object_name")) == {
            ("changed", "second@hosting.example"),
            ("deleted", "second@hosting.example"),
        }
