"""Tags where an API is saved: another organisation's are refused to everybody alike, and the standard is kept."""

import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis import services
from apis.definition import DefinitionError
from apis.jsontext import dumps
from apis.models import Api
from apis.oas import Choices
from apis.tagging import Standard
from apis.tags import ForFeed, for_feed, standard_in_words
from gateways.tags.services import create_tag, set_standard
from orgs import scope
from orgs.models import Organisation
from tests.apis.test_services import definition
from tests.conftest import World, signed_in
from tests.machines.client import admin, machine_of, read
from tests.machines.objects import oas_document
from tests.walls.walk import DOCUMENT

REFUSED = "tags.1 is not available."


def within(organisation: Organisation) -> AbstractContextManager[Any]:
    return scope.opened(scope.of(organisation.id))


@pytest.fixture
def registry(world: World) -> World:
    """globex-eu is of globex, shared-eu of all."""
    create_tag(name="globex-eu", owner_id=world.globex.id)
    create_tag(name="acme-eu", owner_id=world.acme.id)
    create_tag(name="shared-eu")
    return world


def problems(save: Callable[[], object]) -> list[tuple[str, tuple[str | int, ...]]]:
    with pytest.raises(DefinitionError) as refused:
        save()
    return [(problem.message, problem.path) for problem in refused.value.problems]


def make(*tags: str, **changes: Any) -> Api:
    return services.create_api(definition=definition(tags=list(tags), **changes))


def test_a_tag_of_another_organisation_is_refused_at_its_path(registry: World) -> None:
    with within(registry.acme):
        assert problems(lambda: make("free", "globex-eu")) == [(REFUSED, ("tags", 1))]
        assert Api.objects.count() == 0
        assert make("acme-eu", "shared-eu", "free", "Globex-eu").tags == ["acme-eu", "shared-eu", "free", "Globex-eu"]


def test_the_refusal_is_the_same_whose_ever_the_tag_is(registry: World) -> None:
    with within(registry.globex):
        theirs = problems(lambda: make("free", "acme-eu"))
    with within(registry.acme):
        ours = problems(lambda: make("free", "globex-eu"))
    assert theirs == ours == [(REFUSED, ("tags", 1))]


def test_every_way_to_save_a_definition_refuses_it(registry: World) -> None:
    with within(registry.acme):
        api = make("free")
        tagged = definition(tags=["free", "globex-eu"])
        ways: list[Callable[[], object]] = [
            lambda: services.create_api(definition=tagged),
            lambda: services.update_api(api=api, definition=tagged, revision=api.revision),
            lambda: services.import_text(dumps(tagged)),
        ]
        assert [problems(way) for way in ways] == [[(REFUSED, ("tags", 1))]] * 3


def oas(*tags: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(oas_document("/acme-oas/")))
    document["x-tyk-api-gateway"]["server"]["gatewayTags"] = {"enabled": True, "tags": list(tags)}
    return document


def test_every_way_to_save_a_document_refuses_it_at_its_own_path(registry: World) -> None:
    path = ("x-tyk-api-gateway", "server", "gatewayTags", "tags", 1)
    refused = [("x-tyk-api-gateway.server.gatewayTags.tags.1 is not available.", path)]
    with within(registry.acme):
        api = services.create_oas_api(document=oas("free"))
        tagged = oas("free", "globex-eu")
        choices = Choices()
        ways: list[Callable[[], object]] = [
            lambda: services.create_oas_api(document=tagged),
            lambda: services.update_oas_api(api=api, document=tagged, revision=api.revision),
            lambda: services.patch_oas_api(api=api, document=tagged, revision=api.revision, choices=choices),
            lambda: services.import_text(dumps(tagged)),
            lambda: services.read_document(dumps(tagged), api=api),
        ]
        found = [problems(way) for way in ways]
    assert found == [refused] * 5


def test_machines_and_commands_are_refused_alike(registry: World, tmp_path: Path) -> None:
    machine, tagged = machine_of(registry.ann), definition(tags=["free", "globex-eu"])
    made = read(machine.post("/api/apis", definition(tags=["free"])))["Meta"]
    answers = [
        machine.post("/api/apis", tagged),
        machine.put(f"/api/apis/{made}", tagged),
        machine.post("/api/apis/oas", oas("free", "globex-eu")),
        admin().post("/admin/apis/import", {"apis": [{"api_definition": tagged | {"org_id": registry.acme.id}}]}),
    ]
    assert [(answer.status_code, read(answer)["Status"]) for answer in answers] == [(400, "Error")] * 4
    assert all("tags.1 is not available." in read(answer)["Message"] for answer in answers)
    file = tmp_path / "tagged.json"
    file.write_text(dumps(tagged))
    printed = io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_openapi", "--org", "acme", str(file), stdout=printed, stderr=printed)
    assert REFUSED in printed.getvalue()
    with within(registry.acme):
        assert [api.tags for api in Api.objects.all()] == [["free"]]


def test_what_was_saved_before_can_be_switched_off_and_not_on(world: World) -> None:
    with within(world.acme):
        api = make("globex-eu")
    create_tag(name="globex-eu", owner_id=world.globex.id)
    with within(world.acme):
        off = definition(tags=["globex-eu"], active=False)
        saved = services.update_api(api=api, definition=off, revision=api.revision)
        assert not saved.is_active
        assert problems(lambda: services.set_active(api=saved, is_active=True))
        assert problems(
            lambda: services.update_api(api=saved, definition=off | {"name": "Other"}, revision=saved.revision)
        )
        services.set_active(api=saved, is_active=False)


def test_switching_off_is_no_way_to_put_a_tag_on(registry: World) -> None:
    with within(registry.acme):
        api = make("free")
        off = definition(tags=["free", "globex-eu"], active=False)
        assert problems(lambda: services.update_api(api=api, definition=off, revision=api.revision))


def test_the_standard_is_kept_on_every_save(world: World) -> None:
    with within(world.acme):
        api = make("legacy")
    set_standard(standard=Standard("{slug}-*", ("gold",), 1), is_enforced=True)
    message = "tags.0 must be like acme-* or gold, by the tagging standard."
    with within(world.acme):
        other = definition(tags=["legacy"], name="Renamed")
        assert problems(lambda: services.update_api(api=api, definition=other, revision=api.revision)) == [
            (message, ("tags", 0))
        ]
        assert problems(lambda: make(listen_path="/acme/b/")) == [
            ("tags must be at least 1, by the tagging standard.", ("tags",))
        ]
        assert services.set_active(api=api, is_active=False).tags == ["legacy"]
        assert make("acme-eu", "gold", listen_path="/acme/c/").tags == ["acme-eu", "gold"]


def test_a_standard_that_is_switched_off_refuses_nothing(world: World) -> None:
    set_standard(standard=Standard("{slug}-*", (), 1), is_enforced=False)
    with within(world.acme):
        assert make("anything").tags == ["anything"]
        assert standard_in_words() == ""


def test_an_allowed_tag_of_another_organisation_is_not_told(registry: World) -> None:
    set_standard(standard=Standard("{slug}-*", ("gold", "globex-eu")), is_enforced=True)
    with within(registry.acme):
        assert standard_in_words() == "The tagging standard: each like acme-* or gold."
        assert problems(lambda: make("x")) == [
            ("tags.0 must be like acme-* or gold, by the tagging standard.", ("tags", 0))
        ]
    with within(registry.globex):
        assert standard_in_words() == "The tagging standard: each like globex-* or one of gold, globex-eu."


def test_the_check_is_one_exchange_and_leaves_the_scope_as_it_was(registry: World) -> None:
    with within(registry.acme):
        with CaptureQueriesContext(connection) as queries:
            make("acme-eu", "free")
        asked = [query["sql"] for query in queries if "apis_segmenttag" in query["sql"]]
        assert len(asked) == 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('commonhold.reads'), current_setting('commonhold.writes')")
            assert cursor.fetchone() == (registry.acme.id, registry.acme.id)
        assert scope.current() == scope.of(registry.acme.id)


def test_the_feed_asks_for_no_tag_that_is_not_the_organisations(registry: World) -> None:
    create_tag(name="acme-all", owner_id=registry.acme.id, is_automatic=True)
    create_tag(name="globex-all", owner_id=registry.globex.id, is_automatic=True)
    with within(registry.acme):
        found = for_feed(["globex-eu", "shared-eu", "acme-eu", "free", "\0", "\ud800"])
    assert found == ForFeed(foreign=frozenset({"globex-eu"}), automatic=("acme-all",))


def test_the_form_says_which_tag_and_what_the_standard_is(registry: World) -> None:
    set_standard(standard=Standard("{slug}-*", ("<b>gold</b>",), 1), is_enforced=True)
    client = signed_in(registry.ann)
    page = client.get("/apis/create/").content.decode()
    assert "Separated by commas. The tagging standard: at least 1 tag, each like acme-* or &lt;b&gt;gold" in page
    typed = {"name": "A", "target_url": "https://a.example", "authentication": "token", "tags": "acme-a, globex-eu"}
    answer = client.post("/apis/create/", typed)
    assert answer.context["form"].errors["tags"] == [
        "“globex-eu” is not available.",
        "“globex-eu” must be like acme-* or <b>gold</b>, by the tagging standard.",
    ]
    assert b"Globex" not in answer.content


def test_the_form_says_that_tags_are_missing(world: World) -> None:
    set_standard(standard=Standard(least=2), is_enforced=True)
    typed = {"name": "A", "target_url": "https://a.example", "authentication": "token", "tags": "a"}
    answer = signed_in(world.ann).post("/apis/create/", typed)
    assert answer.context["form"].errors["tags"] == ["Must be at least 2, by the tagging standard."]


def test_an_import_is_given_tags_whatever_kind_of_document_it_is(world: World) -> None:
    """Or a standard that asks for some would keep every plain OpenAPI document out."""
    set_standard(standard=Standard("{slug}-*", (), 1), is_enforced=True)
    with within(world.acme):
        plain = services.import_text(DOCUMENT, listen_path="/acme/plain/", tags=["acme-a"])
        document = services.import_text(dumps(oas("acme-b")), tags=["acme-a", "acme-b"])
        classic = services.import_text(dumps(definition(tags=["acme-b"])), tags=["acme-a", "acme-b"])
        both = ["acme-b", "acme-a"]
        assert [api.tags for api in (plain, document, classic)] == [["acme-a"], both, both]
        assert document.is_oas


def test_the_import_form_takes_tags_and_says_the_standard(world: World) -> None:
    set_standard(standard=Standard("{slug}-*", ("<b>",), 1), is_enforced=True)
    client = signed_in(world.ann)
    page = client.get("/apis/import/").content.decode()
    assert "The tagging standard: at least 1 tag, each like acme-* or &lt;b&gt;." in page
    refused = client.post("/apis/import/", {"text": DOCUMENT})
    assert refused.context["form"].errors == {"text": ["tags must be at least 1, by the tagging standard."]}
    client.post("/apis/import/", {"text": DOCUMENT, "tags": "acme-a, acme-b,"})
    with within(world.acme):
        assert [api.tags for api in Api.objects.all()] == [["acme-a", "acme-b"]]


def test_the_command_takes_tags(world: World, tmp_path: Path) -> None:
    file = tmp_path / "orders.yaml"
    file.write_text(DOCUMENT)
    call_command("import_openapi", "--org", "acme", "--tag", "a", "--tag", "b", str(file), stdout=io.StringIO())
    with within(world.acme):
        assert Api.objects.get().tags == ["a", "b"]
