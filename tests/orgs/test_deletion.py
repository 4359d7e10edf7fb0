"""An organisation that is deleted leaves nothing behind, and nothing of another one goes with it."""

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import errors

from orgs import definers, scope, services, walls
from orgs.models import AuditEntry, Organisation
from orgs.proof.world import make_world, undone
from tests.conftest import World, signed_in
from tests.machines.client import admin, machine_of, read
from users.models import Group, Session, User


def left(organisation_id: str) -> dict[str, int]:
    """Return how many rows each table has of the organisation, where there are any."""
    counts = {}
    with scope.opened(scope.EVERYTHING):
        for model in walls.owned_models():
            owner = "id" if model is Organisation else "organisation_id"
            counts[model._meta.db_table] = model._default_manager.filter(**{owner: organisation_id}).count()
    return {table: n for table, n in counts.items() if n}


def test_deletion_leaves_nothing_in_any_table_and_the_other_untouched(db: None) -> None:
    rows = make_world()
    everywhere = left(rows.b)
    assert left(rows.a) == everywhere
    assert everywhere.keys() == {model._meta.db_table for model in walls.models_of_organisations()}
    with scope.opened(scope.of(rows.a)):
        organisation = Organisation.objects.get()
    removed = services.delete_organisation(organisation=organisation, cascade=True)
    assert (left(rows.a), left(rows.b)) == ({}, everywhere)
    assert {"users", "apis", "keys", "policies", "user_groups", "certificates", "webhooks"} <= set(removed)
    assert set(removed.values()) == {1}
    with scope.opened(scope.INSTALLATION):
        line = AuditEntry.objects.get(kind="organisation", action="deleted")
        assert (line.object_id, line.object_name) == (rows.a, organisation.name)
        assert line.changes["users"] == [1, 0]


def test_one_that_owns_something_stays_unless_that_is_meant(world: World) -> None:
    path = f"/admin/organisations/{world.acme.id}"
    before = left(world.acme.id)
    refused = admin().delete(path)
    text = "Acme still owns users (2): add cascade=true to delete them too."
    assert (refused.status_code, read(refused)["Message"]) == (409, text)
    assert left(world.acme.id) == before
    ann, browser = machine_of(world.ann), signed_in(world.ann)
    answer = admin().delete(f"{path}?cascade=true")
    assert read(answer) == {"Status": "OK", "Message": "Org deleted", "Meta": {"users": 2, "access_keys": 1}}
    assert left(world.acme.id) == {}
    assert ann.get("/api/users/me").status_code == 401
    with undone():
        assert browser.get("/").status_code == 404
    assert admin().delete(f"{path}?cascade=true").status_code == 404
    with scope.opened(scope.of(world.globex.id)):
        assert User.objects.get() == world.gus
    with scope.opened(scope.INSTALLATION):
        assert AuditEntry.objects.get(action="deleted").actor == "admin secret"


def test_a_trail_and_sessions_are_nothing_that_it_owns(world: World) -> None:
    made = services.create_organisation(slug="empty", name="Empty")
    with scope.opened(scope.of(made.id)):
        Session.objects.create(session_key="k", session_data="{}", expire_date="2100-01-01T00:00Z", organisation=made)
    assert services.delete_organisation(organisation=made, cascade=False) == {}
    assert left(made.id) == {}
    with pytest.raises(services.OrganisationGone):
        services.delete_organisation(organisation=made, cascade=True)


def test_a_deleted_organisations_id_and_slug_are_free(world: World) -> None:
    admin().delete(f"/admin/organisations/{world.acme.id}?cascade=true")
    sent = {"id": world.acme.id, "owner_name": "Acme", "owner_slug": "acme"}
    assert admin().post("/admin/organisations/import", sent).status_code == 200
    assert read(admin().get(f"/admin/organisations/{world.acme.id}"))["owner_slug"] == "acme"


@pytest.mark.parametrize("wanted", ["another", "unknown", "", "everything", None])
def test_the_function_deletes_the_open_scopes_organisation_alone(world: World, wanted: str | None) -> None:
    id = {"another": world.globex.id, "unknown": "0" * 24}.get(wanted or "", wanted)
    with scope.opened(scope.of(world.acme.id)), connection.cursor() as cursor:
        with pytest.raises(DatabaseError) as refused, transaction.atomic():
            cursor.execute(f"SELECT {definers.DELETION}(%s)", [id])
        assert isinstance(refused.value.__cause__, errors.InsufficientPrivilege)
    assert left(world.globex.id)


def test_the_web_still_deletes_neither_organisations_nor_lines_of_the_trail(in_acme: World) -> None:
    AuditEntry.objects.create(organisation=in_acme.acme, actor="ann", action="created", kind="keys")
    for model in (Organisation, AuditEntry):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            model._default_manager.all()._raw_delete("default")
    assert Group.objects.count() == 0
