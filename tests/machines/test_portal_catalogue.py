"""The portal's catalogue and its documents, as clients of the JSON API publish them."""

import json
from base64 import b64decode, b64encode, encodebytes
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys.policies.services import create_policy
from keys.rights import ApiAccess
from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry
from portal.models import Documentation, Entry, Plan
from portal.services import publishing
from tests.conftest import World
from tests.keys.test_services import make_api
from tests.machines.client import Machine, machine_of, read
from tests.portal.shared import DOCUMENT, Shop, open_shop

PATH, DOCUMENTS = "/api/portal/catalogue", "/api/portal/documentation"
CONFIG = {
    "email": "", "key_request_fields": [], "require_key_approval": False, "oauth_usage_limit": -1,
    "redirect_on_key_request": False, "override": False,
}  # fmt: skip


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


@pytest.fixture
def shop(world: World) -> Shop:
    return open_shop(world.acme)


def message(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return read(answer)["Message"]


def put(machine: Machine, *apis: dict[str, Any]) -> None:
    assert message(machine.put(PATH, {"apis": apis})) == "Data updated"


def listed(machine: Machine) -> Any:
    return read(machine.get(PATH))["apis"]


def policy(world: World, name: str, *apis: str) -> str:
    with scope.opened(scope.of(world.acme.id)):
        return str(create_policy(name=name, accesses=[ApiAccess(api) for api in apis]).pk)


def plans(world: World) -> list[tuple[str, str, str]]:
    with scope.opened(scope.of(world.acme.id)):
        rows = Plan.objects.order_by("entry__title", "position")
        return list(rows.values_list("entry__title", "name", "approval"))


def test_an_organisation_without_a_portal_has_an_empty_catalogue(world: World, ann: Machine) -> None:
    assert read(ann.get(PATH)) == {"email": "", "id": "", "org_id": world.acme.id, "apis": []}
    id = message(ann.post(PATH, {"org_id": world.acme.id}))
    assert id == message(ann.post(PATH, {}))
    assert read(ann.get(PATH))["id"] == id


def test_an_entry_is_published_by_a_policy(world: World, ann: Machine) -> None:
    with scope.opened(scope.of(world.acme.id)):
        api = make_api("Parcels")
    gold = policy(world, "Gold", api.pk)
    more = {"fields": {"type": "public"}, "hasDocumentation": True, "long_description": "# All about *parcels*"}
    put(ann, {"name": "Parcels", "policy_id": gold, "show": True, "version": "v2", "config": CONFIG} | more)
    [found] = listed(ann)
    assert (found["name"], found["policy_id"], found["api_id"], found["show"]) == ("Parcels", gold, api.api_id, True)
    assert (found["config"], found["fields"], found["hasDocumentation"]) == (CONFIG, {"type": "public"}, True)
    assert plans(world) == [("Parcels", "Gold", Plan.AUTOMATIC)]
    with scope.opened(scope.of(world.acme.id)):
        entry = Entry.objects.get()
        assert (entry.is_published, entry.slug, entry.api_id) == (True, "parcels", api.pk)


def test_what_was_read_can_be_sent_and_changes_nothing(world: World, ann: Machine, shop: Shop) -> None:
    gold, silver = policy(world, "Two", shop.api.pk), policy(world, "Three")
    with scope.opened(scope.of(world.acme.id)):
        publishing.set_plans(
            entry=shop.entry,
            plans=[
                {"policy": shop.policy, "name": "Mine", "description": "For me", "approval": Plan.AUTOMATIC},
                {"policy": shop.policy.__class__.objects.get(pk=silver), "name": "Also"},
            ],
        )
        publishing.create_entry(title="Before", api=None, summary="All zero", categories=["a"])
    found = read(ann.get(PATH))
    put(ann, *found["apis"], {"name": "Zebra", "policy_id": gold, "config": CONFIG | {"override": True}})
    for _ in range(2):
        found = read(ann.get(PATH))
        with scope.opened(scope.of(world.acme.id)):
            before = (list(Entry.objects.values()), list(Plan.objects.values()), AuditEntry.objects.count())
        assert message(ann.put(PATH, found)) == "Data updated"
        assert read(ann.get(PATH)) == found
        with scope.opened(scope.of(world.acme.id)):
            assert (list(Entry.objects.values()), list(Plan.objects.values()), AuditEntry.objects.count()) == before
    assert [each["name"] for each in found["apis"]] == ["Before", "Parcels", "Zebra"]
    assert [row[1:] for row in plans(world)] == [("Mine", "automatic"), ("Also", "by_hand"), ("Two", "automatic")]


def test_what_is_not_sent_is_removed_and_the_order_kept(ann: Machine, shop: Shop) -> None:
    put(ann, {"name": "B"}, {"name": "A"}, {"name": "C"})
    assert [each["name"] for each in listed(ann)] == ["B", "A", "C"]
    put(ann, {"name": "C"}, {"name": "B"})
    assert [each["name"] for each in listed(ann)] == ["C", "B"]
    assert message(ann.put(PATH, {"apis": None})) == "Data updated"
    assert listed(ann) == []


def test_an_empty_body_removes_nothing(ann: Machine, shop: Shop) -> None:
    assert message(ann.put(PATH, {}), 400) == "apis: send all entries; an empty list removes them."
    assert len(listed(ann)) == 1


def test_another_policy_takes_the_place_of_the_first_plan(world: World, ann: Machine, shop: Shop) -> None:
    second, third = policy(world, "Second", shop.api.pk), policy(world, "Third")
    with scope.opened(scope.of(world.acme.id)):
        more = shop.policy.__class__.objects.get(pk=second)
        publishing.set_plans(
            entry=shop.entry, plans=[{"policy": shop.policy, "name": "First"}, {"policy": more, "name": "More"}]
        )
    [found] = listed(ann)
    put(ann, found | {"policy_id": third})
    assert [name for _, name, _ in plans(world)] == ["Third", "More"]
    put(ann, found | {"policy_id": second})
    assert [name for _, name, _ in plans(world)] == ["More", "Third"]
    put(ann, found | {"policy_id": ""})
    assert [name for _, name, _ in plans(world)] == ["More", "Third"]


def test_an_entry_is_found_by_its_policy_or_else_its_name(world: World, ann: Machine, shop: Shop) -> None:
    def ids() -> list[str]:
        with scope.opened(scope.of(world.acme.id)):
            return [*Entry.objects.values_list("pk", flat=True)]

    put(ann, {"name": "Another name", "policy_id": shop.policy.pk})
    assert ids() == [shop.entry.pk]
    put(ann, {"name": "Another name", "policy_id": policy(world, "Silver")})
    assert ids() == [shop.entry.pk]
    put(ann, {"name": "A third name", "api_id": shop.api.api_id})
    assert ids() == [shop.entry.pk]
    put(ann, {"name": "Nothing in common"})
    assert shop.entry.pk not in ids()


def test_pages_settings_stay(world: World, ann: Machine, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        publishing.update_entry(entry=shop.entry, revision=1, audience=Entry.SIGNED_IN, slug="mine")
    put(ann, {"name": "Parcels", "policy_id": shop.policy.pk, "show": True})
    with scope.opened(scope.of(world.acme.id)):
        entry = Entry.objects.get()
    assert (entry.audience, entry.slug, entry.categories, entry.summary) == (
        Entry.SIGNED_IN,
        "mine",
        ["logistics"],
        "",
    )


@pytest.mark.parametrize(
    ("config", "configuration", "approval"),
    [
        (None, None, Plan.BY_HAND),
        ({"require_key_approval": False}, None, Plan.AUTOMATIC),
        ({"require_key_approval": True}, None, Plan.BY_HAND),
        ({"require_key_approval": False}, {"require_key_approval": True}, Plan.BY_HAND),
        ({"require_key_approval": False, "override": True}, {"require_key_approval": True}, Plan.AUTOMATIC),
        (None, {"require_key_approval": False}, Plan.AUTOMATIC),
    ],
)
def test_keys_are_given_at_once_only_where_the_client_says_so(
    world: World, ann: Machine, config: Any, configuration: Any, approval: str
) -> None:
    if configuration:
        message(ann.put("/api/portal/configuration", configuration))
    put(ann, {"name": "Parcels", "policy_id": policy(world, "Gold")} | ({"config": config} if config else {}))
    assert plans(world) == [("Parcels", "Gold", approval)]


def test_an_entry_without_show_is_hidden(ann: Machine, shop: Shop) -> None:
    """A client in Go leaves out what is false."""
    [found] = listed(ann)
    del found["show"]
    put(ann, found)
    assert listed(ann)[0]["show"] is False


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"policy_id": "none"}, 404, "apis.1.policy_id: there is no such policy."),
        ({"api_id": "none"}, 404, "apis.1.api_id: there is no such API."),
        ({"documentation": "none"}, 404, "apis.1.documentation: there is no such document."),
        ({"name": "  "}, 400, "apis.1.name: give it one."),
        ({"name": "x" * 121}, 400, "apis.1.name has more than 120 characters."),
        ({"short_description": "x" * 301}, 400, "apis.1.short_description has more than 300 characters."),
        ({"show": "yes"}, 400, "Request body malformed: Expected `bool | null`, got `str` - at `$.apis[1].show`"),
        ({"notes": "x" * 20_001}, 400, "The fields that are only kept here have more than 20,000 characters."),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changed(
    world: World, ann: Machine, shop: Shop, fields: dict[str, Any], status: int, said: str
) -> None:
    before = listed(ann)
    answer = ann.put(PATH, {"apis": [{"name": "New"}, {"name": "Second"} | fields]})
    assert message(answer, status) == said
    assert listed(ann) == before


def test_what_another_organisation_has_is_as_what_never_was(world: World, ann: Machine) -> None:
    theirs = open_shop(world.globex)
    with scope.opened(scope.of(world.globex.id)):
        document = Documentation.objects.create(text=DOCUMENT).pk
    own = {"api_id": theirs.api.api_id, "policy_id": theirs.policy.pk, "documentation": document}
    for field, id in own.items():
        answers = [ann.put(PATH, {"apis": [{"name": "Mine", field: each}]}) for each in (id, new_id())]
        assert answers[0].status_code == 404
        assert answers[0].content == answers[1].content
    entry = theirs.entry.pk
    put(ann, {"name": "Mine", "id": entry})
    assert listed(ann)[0]["id"] != entry
    assert [each["name"] for each in listed(machine_of(world.gus))] == ["Parcels"]


def test_the_catalogue_of_another_organisation_is_not_replaced(world: World, ann: Machine, shop: Shop) -> None:
    theirs = open_shop(world.globex)
    for sent in ({"id": theirs.portal.pk}, {"org_id": world.globex.id}):
        assert ann.put(PATH, sent | {"apis": []}).status_code == 400
    assert len(listed(ann)) == len(listed(machine_of(world.gus))) == 1


def test_the_catalogue_takes_as_many_statements_for_three_as_for_one(ann: Machine, shop: Shop) -> None:
    listed(ann)
    counts = []
    for more in ([], [{"name": "B"}, {"name": "C", "api_id": shop.api.api_id}]):
        put(ann, *listed(ann), *more)
        with CaptureQueriesContext(connection) as counted:
            listed(ann)
        counts.append(len(counted.captured_queries))
    assert counts[0] == counts[1]


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_a_document_is_sent_shown_and_deleted(world: World, ann: Machine, shop: Shop) -> None:
    broken_lines = encodebytes(DOCUMENT.encode()).decode()
    id = message(ann.post(DOCUMENTS, {"api_id": "", "doc_type": "swagger", "documentation": broken_lines}))
    found = read(ann.get(f"{DOCUMENTS}/{id}"))
    assert (found["id"], found["doc_type"]) == (id, "swagger")
    assert json.loads(b64decode(found["documentation"])) == json.loads(DOCUMENT)
    [entry] = listed(ann)
    put(ann, entry | {"documentation": id})
    assert listed(ann)[0]["documentation"] == id
    assert message(ann.delete(f"{DOCUMENTS}/{id}")) == "Data deleted"
    assert listed(ann)[0]["documentation"] == ""
    assert ann.get(f"{DOCUMENTS}/{id}").status_code == 404


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"documentation": encoded('{"swagger": "2.0"}')}, "This is Swagger 2.0: convert it"),
        ({"documentation": "not base64!"}, "documentation: it is not base64."),
        ({"documentation": encoded("{}")}, "This is not an OpenAPI document"),
        ({"documentation": "graphql", "doc_type": "graphql"}, "doc_type: only swagger"),
        ({"documentation": encoded(DOCUMENT), "id": "5f0c1c6a1d2e3f4a5b6c7d8e"}, "id is given here"),
    ],
)
def test_a_document_is_refused(world: World, ann: Machine, sent: dict[str, Any], said: str) -> None:
    assert message(ann.post(DOCUMENTS, sent), 400).startswith(said)
    with scope.opened(scope.of(world.acme.id)):
        assert not Documentation.objects.exists()
