from typing import Any

import pytest

from orgs import scope, services
from orgs.models import AuditEntry, Organisation
from orgs.services import OrganisationRefused
from tests.conftest import World, signed_in


def stored(world: World) -> tuple[str, str, str]:
    with scope.opened(scope.of(world.acme.id)):
        return Organisation.objects.values_list("name", "colour", "contact").get()


def test_create_organisation_stores_and_records_it(db: None) -> None:
    made = services.create_organisation(slug="acme", name="Acme", colour="teal", contact="ops@acme.example")
    with scope.opened(scope.of(made.id)):
        found = Organisation.objects.values_list("slug", "name", "colour", "contact", "is_suspended").get()
        assert found == ("acme", "Acme", "teal", "ops@acme.example", False)
        assert list(AuditEntry.objects.values_list("action", "kind", "object_id")) == [
            ("created", "organisation", made.id)
        ]


@pytest.mark.parametrize(
    "fields",
    [
        {"slug": "Acme", "name": "X"},
        {"slug": "-x", "name": "X"},
        {"slug": "x/y", "name": "X"},
        {"slug": "", "name": "X"},
        {"slug": "x", "name": ""},
        {"slug": "x" * 41, "name": "X"},
        {"slug": "x", "name": "X", "colour": "ultraviolet"},
        {"slug": "x", "name": "X", "contact": "nobody"},
    ],
)
def test_create_organisation_refuses_what_is_malformed(db: None, fields: dict[str, Any]) -> None:
    with pytest.raises(OrganisationRefused, match=r"\w+: .+"):
        services.create_organisation(**fields)
    with scope.opened(scope.EVERYTHING):
        assert Organisation.objects.count() == 0


def test_create_organisation_refuses_a_slug_that_is_taken(world: World) -> None:
    with pytest.raises(OrganisationRefused, match="There is already an organisation with the slug acme"):
        services.create_organisation(slug="acme", name="Other")


def test_settings_are_changed_and_recorded(world: World) -> None:
    data = {
        "name": "Acme Ltd",
        "colour": "teal",
        "contact": "ops@acme.example",
        "record_days": "7",
        "slug": "x",
        "is_suspended": "on",
    }
    response = signed_in(world.ann).post("/settings/", data)
    assert (response.status_code, response["Location"]) == (302, "/o/acme/settings/")
    assert stored(world) == ("Acme Ltd", "teal", "ops@acme.example")
    with scope.opened(scope.of(world.acme.id)):
        changes = {
            "name": ["Acme", "Acme Ltd"],
            "colour": ["blue", "teal"],
            "contact": ["", "ops@acme.example"],
            "record_days": [None, 7],
        }
        assert AuditEntry.objects.get(action="changed").changes == changes
        assert Organisation.objects.values_list("slug", "is_suspended").get() == ("acme", False)


def test_settings_keep_what_was_typed_when_it_is_wrong(world: World) -> None:
    response = signed_in(world.ann).post("/settings/", {"name": "Acme 2", "colour": "mauve", "contact": "x"})
    assert sorted(response.context["form"].errors) == ["colour", "contact"]
    assert 'value="Acme 2"' in response.content.decode()
    assert stored(world) == ("Acme", "blue", "")


def test_settings_are_read_by_readers_and_visitors_and_changed_by_neither(world: World) -> None:
    data = {"name": "Mine", "colour": "teal", "contact": ""}
    for client in (signed_in(world.al), signed_in(world.uma, prefix="/all/o/acme")):
        page = client.get("/settings/")
        assert (page.status_code, b'<button class="btn btn-primary" type="submit">' in page.content) == (
            200,
            False,
        )
        assert client.post("/settings/", data).status_code == 403
    assert signed_in(world.ann).put("/settings/").status_code == 405
    assert stored(world) == ("Acme", "blue", "")


def test_a_suspended_organisation_is_read_and_not_changed(world: World) -> None:
    client = signed_in(world.ann)
    with scope.opened(scope.of(world.acme.id)):
        services.suspend(organisation=world.acme, reason="Unpaid")
    assert client.get("/settings/").status_code == 200
    assert client.post("/settings/", {"name": "X", "colour": "teal", "contact": ""}).status_code == 403
    assert client.post("/access-keys/create/", {"label": "x"}).status_code == 403
    with scope.opened(scope.of(world.acme.id)):
        services.resume(organisation=world.acme)
    assert client.post("/settings/", {"name": "X", "colour": "teal", "contact": ""}).status_code == 302
