import json
from typing import Any

import pytest
from pytest_django import Settings

from apis import definition as definitions
from apis import services
from apis.definition import Authentication, DefinitionError
from apis.models import Api, ApiTerm, Certificate
from keys.models import Key, KeyAccess
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World
from users.models import Group


def definition(**changes: Any) -> dict[str, Any]:
    basics: dict[str, Any] = {
        "name": "Orders",
        "listen_path": "/acme/orders/",
        "target_url": "https://orders.example/v1",
        "authentication": Authentication.TOKEN,
        "rate": 0,
        "per": 0,
        "tags": ["shop"],
        "active": True,
    }
    return definitions.build(**(basics | changes))


def taken(path: str) -> str:
    return f"The listen path {path} cannot be used. “Orders” listens there already. Choose another one."


def audited() -> list[tuple[str, str, dict[str, Any]]]:
    lines = AuditEntry.objects.filter(kind="apis").order_by("at", "id")
    return [(line.action, line.object_name, line.changes) for line in lines]


def test_create_api_seals_its_ids_and_writes_its_line(in_acme: World) -> None:
    api = services.create_api(definition=definition() | {"org_id": in_acme.globex.id, "x_custom": [1]})

    stored = json.loads(Api.objects.get().definition)
    assert (stored["id"], stored["org_id"], stored["x_custom"]) == (api.id, in_acme.acme.id, [1])
    assert (api.name, api.api_id, api.listen_path, api.is_active) == (
        "Orders",
        stored["api_id"],
        "/acme/orders/",
        True,
    )
    assert (api.authentication, api.tags) == ("token", ["shop"])
    assert audited() == [("created", "Orders", {})]


def test_create_api_keeps_well_formed_ids_that_are_free(in_acme: World) -> None:
    wanted = {"id": "0123456789abcdef01234567", "api_id": "orders-1"}
    api = services.create_api(definition=definition() | wanted)
    assert {"id": api.id, "api_id": api.api_id} == wanted


def test_create_api_replaces_ids_that_another_organisation_has(world: World) -> None:
    wanted = {"id": "0123456789abcdef01234567", "api_id": "orders-1"}
    with scope.opened(scope.of(world.globex.id)):
        services.create_api(definition=definition(listen_path="/globex/") | wanted)
    with scope.opened(scope.of(world.acme.id)):
        api = services.create_api(definition=definition() | wanted)
        assert not {api.id, api.api_id} & set(wanted.values())
        assert list(Api.objects.all()) == [api]


def test_create_api_refuses_the_api_id_of_an_own_api(in_acme: World) -> None:
    services.create_api(definition=definition() | {"api_id": "orders-1"})
    with pytest.raises(services.SameApiId) as refused:
        services.create_api(definition=definition(name="Again", listen_path="/acme/again/") | {"api_id": "orders-1"})
    assert str(refused.value) == "“Orders” has the API ID orders-1 already. Leave it out, or change that API."
    assert Api.objects.count() == 1


def test_create_api_replaces_an_id_alone_that_an_own_api_has(in_acme: World) -> None:
    first = services.create_api(definition=definition())
    second = services.create_api(definition=definition(listen_path="/acme/again/") | {"id": first.id})
    assert second.id != first.id


def test_create_api_refuses_an_invalid_definition(in_acme: World) -> None:
    with pytest.raises(DefinitionError, match="active must be true or false"):
        services.create_api(definition=definition() | {"active": "yes"})
    assert not Api.objects.exists()
    assert audited() == []


def test_create_api_refuses_what_could_not_be_read_again(in_acme: World) -> None:
    with pytest.raises(DefinitionError, match="larger than 2 MB"):
        services.create_api(definition=definition() | {"config_data": {"text": "x" * definitions.MAX_BYTES}})
    with pytest.raises(DefinitionError, match="more than 200,000 values"):
        services.create_api(definition=definition() | {"config_data": {"list": [0] * 200_001}})
    assert not Api.objects.exists()


def test_create_api_names_the_own_api_that_has_the_listen_path(in_acme: World) -> None:
    services.create_api(definition=definition())
    with pytest.raises(services.ListenPathTaken) as refused:
        services.create_api(definition=definition(name="Orders again", listen_path="/acme/orders"))
    assert str(refused.value) == taken("/acme/orders")
    assert audited() == [("created", "Orders", {})]


def test_create_api_does_not_say_that_another_organisation_listens_there(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        services.create_api(definition=definition(name="Secret plans"))
    with scope.opened(scope.of(world.acme.id)), pytest.raises(services.ListenPathTaken) as refused:
        services.create_api(definition=definition())
    assert str(refused.value) == (
        "The listen path /acme/orders/ cannot be used. It is not available. Choose another one."
    )


@pytest.mark.parametrize(
    ("path", "is_free"),
    [
        ("/acme/orders/new/", False),
        ("/acme/orders/new", False),
        ("/acme/", False),
        ("/acme", False),
        ("/acme/orders-new/", True),
        ("/acme/order/", True),
        ("/acme/Orders/", True),
        ("/acme-orders/", True),
        ("/", True),
    ],
)
def test_path_below_or_above_another_organisations_is_not_available(world: World, path: str, is_free: bool) -> None:
    """Gateways take the longest path: it would be sent what is meant for the other one."""
    with scope.opened(scope.of(world.globex.id)):
        services.create_api(definition=definition())
    with scope.opened(scope.of(world.acme.id)):
        if is_free:
            services.create_api(definition=definition(listen_path=path))
            return
        with pytest.raises(services.ListenPathTaken, match="It is not available"):
            services.create_api(definition=definition(listen_path=path))
        assert not Api.objects.exists()
        services.create_api(definition=definition(listen_path=path) | {"domain": "a.example"})


def test_path_below_or_above_ones_own_is_free(in_acme: World) -> None:
    for path in ("/acme/orders/", "/acme/orders/new/", "/acme/", "/"):
        services.create_api(definition=definition(listen_path=path))
    assert Api.objects.count() == 4


def test_whoever_listens_at_the_root_shuts_nobody_out(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        services.create_api(definition=definition(listen_path="/"))
    with scope.opened(scope.of(world.acme.id)):
        services.create_api(definition=definition())
        with pytest.raises(services.ListenPathTaken):
            services.create_api(definition=definition(listen_path="/"))


def test_create_api_allows_one_listen_path_on_two_domains(in_acme: World) -> None:
    services.create_api(definition=definition())
    services.create_api(definition=definition() | {"domain": "shop.example"})
    with pytest.raises(services.ListenPathTaken, match="“Orders” listens there already"):
        services.create_api(definition=definition() | {"domain": "SHOP.example"})
    assert Api.objects.count() == 2


def test_nobody_squats_on_a_listen_path_at_a_domain(world: World) -> None:
    """Whose the domain is shows when it is proven: until then each may save what it likes."""
    for organisation in (world.globex, world.acme):
        with scope.opened(scope.of(organisation.id)):
            services.create_api(definition=definition() | {"domain": "shop.example"})
            with pytest.raises(services.ListenPathTaken, match="“Orders” listens there already"):
                services.create_api(definition=definition() | {"domain": "shop.example"})


def test_update_api_keeps_the_rest_and_says_what_changed(in_acme: World) -> None:
    api = services.create_api(definition=definition() | {"config_data": {"password": "hunter2"}})
    before = json.loads(api.definition)
    changed = before | {"name": "Orders 2", "config_data": {"password": "hunter3"}, "tags": ["shop", "new"]}
    saved = services.update_api(api=api, definition=changed, revision=1)

    assert json.loads(saved.definition) == changed
    assert (saved.name, saved.tags, saved.revision) == ("Orders 2", ["shop", "new"], 2)
    assert audited()[1:] == [
        (
            "changed",
            "Orders 2",
            {
                "name": ["Orders", "Orders 2"],
                "tags": [["shop"], ["shop", "new"]],
                "config_data": ["…", "…"],
            },
        )
    ]


def test_update_api_hides_passwords_of_targets_in_the_trail(in_acme: World) -> None:
    api = services.create_api(definition=definition(target_url="https://me:secret@old.example/"))
    changed = definition(target_url="https://me:secret@new.example/")
    services.update_api(api=api, definition=changed, revision=1)
    assert audited()[1] == (
        "changed", "Orders", {"target_url": ["https://…@old.example/", "https://…@new.example/"]}
    )  # fmt: skip


def test_update_api_names_a_change_beside_the_forms_fields(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    changed = definition()
    changed["proxy"]["strip_listen_path"] = False
    services.update_api(api=api, definition=changed, revision=1)
    assert audited()[1] == ("changed", "Orders", {"proxy": ["…", "…"]})


def test_update_api_changes_no_id_but_that_for_gateways(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    other = {"id": "f" * 24, "api_id": "other", "org_id": in_acme.globex.id, "OrG_ID": "x"}
    with pytest.raises(DefinitionError, match="must be written “org_id”"):
        services.update_api(api=api, definition=definition() | other, revision=1)
    del other["OrG_ID"]
    saved = services.update_api(api=api, definition=definition() | other, revision=1)
    stored = json.loads(saved.definition)
    assert (stored["id"], stored["api_id"], stored["org_id"]) == (api.id, "other", in_acme.acme.id)
    assert audited()[1] == ("changed", "Orders", {"api_id": [api.api_id, "other"]})


def test_update_api_tells_the_second_of_two(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    services.update_api(api=api, definition=definition(name="First"), revision=1)
    with pytest.raises(services.ChangedMeanwhile) as told:
        services.update_api(api=api, definition=definition(name="Second"), revision=1)
    assert (told.value.saved.name, told.value.saved.revision) == ("First", 2)
    assert Api.objects.get().name == "First"


def test_update_api_leaves_the_openapi_document(in_acme: World) -> None:
    api = services.create_api(definition=definition(), openapi_text='{"openapi":"3.0.0"}')
    services.update_api(api=api, definition=definition(name="Other"), revision=1)
    assert Api.objects.get().openapi == '{"openapi":"3.0.0"}'


def test_update_api_is_found_by_its_new_words_only(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    services.update_api(api=api, definition=definition(name="Invoices", tags=["money"]), revision=1)
    terms = set(ApiTerm.objects.values_list("term", flat=True))
    assert terms == {"invoices", "acme", "orders", "#money", api.id, api.api_id}


def test_set_active_writes_only_that(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    off = services.set_active(api=api, is_active=False)
    assert (off.is_active, off.revision) == (False, 2)
    on = services.set_active(api=api, is_active=True)
    assert json.loads(on.definition) == json.loads(api.definition)
    assert audited()[1:] == [("deactivated", "Orders", {}), ("activated", "Orders", {})]


def test_set_active_refuses_a_placeholder(in_acme: World) -> None:
    api = services.create_api(definition=definition(target_url="http://upstream.invalid/", active=False))
    with pytest.raises(DefinitionError, match="give it a target before activating it"):
        services.set_active(api=api, is_active=True)
    assert not Api.objects.get().is_active


def test_set_active_can_always_deactivate(in_acme: World, settings: Settings) -> None:
    api = services.create_api(definition=definition(target_url="http://localhost:9000/"))
    settings.ALLOW_LOOPBACK_TARGETS = False
    assert not services.set_active(api=api, is_active=False).is_active


def test_delete_api_takes_the_access_of_keys_with_it(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    key = Key.objects.create(alias="partner", hash_algorithm="sha256", hash="h", digest="d", masked="m")
    KeyAccess.objects.create(key=key, api=api)
    services.delete_api(api=api)
    assert (Api.objects.count(), KeyAccess.objects.count(), Key.objects.count()) == (0, 0, 1)
    assert audited()[1:] == [("deleted", "Orders", {})]


@pytest.mark.parametrize("target", ["http://localhost:9000/", "http://127.0.0.1/", "http://[::1]/", "http://0x7f.1/"])
def test_loopback_targets_are_taken_where_the_setting_allows_them(
    in_acme: World, settings: Settings, target: str
) -> None:
    settings.ALLOW_LOOPBACK_TARGETS = False
    with pytest.raises(DefinitionError, match="must not be the gateway's own machine"):
        services.create_api(definition=definition(target_url=target))
    settings.ALLOW_LOOPBACK_TARGETS = True
    assert services.create_api(definition=definition(target_url=target)).target_url == target


def test_read_definition_takes_missing_ids_and_refuses_others(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    assert services.read_definition(json.dumps(definition()), api=api) == json.loads(api.definition)
    foreign = definition() | {"api_id": "other", "org_id": in_acme.globex.id}
    with pytest.raises(DefinitionError) as refused:
        services.read_definition(json.dumps(foreign, indent=1), api=api)
    assert [problem.place for problem in refused.value.problems] == ["api_id", "org_id"]
    line = json.dumps(foreign, indent=1).splitlines().index(' "api_id": "other",') + 1
    assert str(refused.value.problems[0]) == (
        f"Line {line}: api_id cannot be changed: leave it at “{api.api_id}”, or leave it out."
    )


def test_definitions_name_only_certificates_that_are_there(in_acme: World) -> None:
    id = in_acme.acme.id + "f" * 64
    sentence = "certificates.0 must be the id of a certificate of this organisation."
    for missing in (id, in_acme.globex.id + "f" * 64):
        with pytest.raises(DefinitionError) as refused:
            services.create_api(definition=definition() | {"certificates": [missing]})
        assert str(refused.value) == sentence
    Certificate.objects.create(fingerprint="f" * 64, pem="")
    assert services.create_api(definition=definition() | {"certificates": [id]}).name == "Orders"


def test_versions_name_only_apis_of_the_organisation(in_acme: World) -> None:
    api = services.create_api(definition=definition() | {"api_id": "orders-1"})
    versions = {"enabled": True, "location": "header", "key": "v", "versions": {"v1": "orders-1", "v2": "elsewhere"}}
    with pytest.raises(DefinitionError, match="v2 must be the API ID of an API of this organisation"):
        services.update_api(api=api, definition=definition() | {"definition": versions}, revision=1)
    del versions["versions"]["v2"]  # type: ignore[attr-defined]
    assert services.update_api(api=api, definition=definition() | {"definition": versions}, revision=1).revision == 2


def test_set_categories_tidies_and_writes_its_line(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    assert services.set_categories(api=api, categories=[" shop ", "shop", "eu"]).categories == ["shop", "eu"]
    services.set_categories(api=api, categories=["shop", "eu"])
    assert Api.objects.get().categories == ["shop", "eu"]
    assert audited()[1:] == [("changed", "Orders", {"categories": [[], ["shop", "eu"]]})]


@pytest.mark.parametrize("categories", [[""], ["x" * 61], ["a\nb"], ["\0"], [str(at) for at in range(101)]])
def test_set_categories_refuses_what_is_none(in_acme: World, categories: list[str]) -> None:
    api = services.create_api(definition=definition())
    with pytest.raises(DefinitionError, match="categories"):
        services.set_categories(api=api, categories=categories)


def test_set_owners_takes_users_and_groups_of_the_organisation(in_acme: World) -> None:
    api, group = services.create_api(definition=definition()), Group.objects.create(name="Shop")
    services.set_owners(api=api, user_ids=[in_acme.ann.pk], group_ids=[group.pk])
    kept = Api.objects.get()
    assert (kept.user_owners, kept.group_owners) == ([in_acme.ann.pk], [group.pk])
    assert audited()[1][2] == {"user_owners": [[], [in_acme.ann.pk]], "group_owners": [[], [group.pk]]}


def test_set_owners_tells_a_foreign_user_from_none_that_ever_was_by_nothing(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    for id in (in_acme.gus.pk, in_acme.uma.pk, "f" * 24):
        with pytest.raises(services.UnknownOwner) as refused:
            services.set_owners(api=api, user_ids=[id], group_ids=[])
        assert str(refused.value) == f"“{id}” is no user or user group of the organisation."
    assert Api.objects.get().user_owners == []


def test_a_definition_and_what_is_beside_it_are_saved_together(in_acme: World) -> None:
    with pytest.raises(services.UnknownOwner):
        services.create_api(definition=definition(), categories=["shop"], user_ids=["f" * 24])
    assert not Api.objects.exists()
    api = services.create_api(definition=definition(), categories=["shop"])
    services.update_api(api=api, definition=definition(name="Other"), revision=1, categories=[])
    assert (Api.objects.get().name, Api.objects.get().categories) == ("Other", [])


def test_references_to_webhooks_are_kept_and_not_told_to_the_trail(in_acme: World) -> None:
    hooks = [{"event_name": "QuotaExceeded", "hook": {"header_map": {"Authorization": "s3cret"}}}]
    api = services.create_api(definition=definition(), hook_references=hooks)
    assert Api.objects.get(pk=api.pk).hook_references == hooks
    assert audited()[1] == ("changed", "Orders", {"hook_references": ["…", "…"]})
    with pytest.raises(DefinitionError, match="hook_references"):
        services.update_api(api=api, definition=definition(), revision=1, hook_references=["\0"])


def test_the_same_definition_again_changes_nothing(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    again = services.update_api(api=api, definition=definitions.parse(api.definition), revision=1, categories=[])
    assert (again.revision, again.updated_at, len(audited())) == (1, Api.objects.get().updated_at, 1)


def test_a_change_of_the_definition_and_what_is_beside_it_is_one_revision(in_acme: World) -> None:
    api = services.create_api(definition=definition(), categories=["shop"])
    saved = services.update_api(api=api, definition=definition(name="Other"), revision=1, categories=[])
    assert saved.revision == 2
    assert services.set_categories(api=api, categories=["new"]).revision == 3
    assert services.set_categories(api=api, categories=["new"]).revision == 3


def test_api_id_that_cannot_be_had_is_refused(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        services.create_api(definition=definition(listen_path="/theirs/") | {"api_id": "theirs"})
    with scope.opened(scope.of(world.acme.id)):
        first = services.create_api(definition=definition() | {"api_id": "first"})
        second = services.create_api(definition=definition(listen_path="/second/"))
        wanted = definition(listen_path="/second/")
        with pytest.raises(services.SameApiId):
            services.update_api(api=second, definition=wanted | {"api_id": "first"}, revision=1)
        with pytest.raises(services.ApiIdTaken, match="theirs cannot be used"):
            services.update_api(api=second, definition=wanted | {"api_id": "theirs"}, revision=1)
        assert {api.api_id for api in Api.objects.all()} == {first.api_id, second.api_id}


def test_a_version_cannot_name_the_id_that_the_api_gives_up(in_acme: World) -> None:
    api = services.create_api(definition=definition())
    versions = {"definition": {"location": "header", "key": "v", "enabled": True, "versions": {"v1": api.api_id}}}
    with pytest.raises(DefinitionError, match=r"definition\.versions\.v1"):
        services.update_api(api=api, definition=definition() | versions | {"api_id": "new"}, revision=1)
    assert services.update_api(api=api, definition=definition() | versions, revision=1).revision == 2
