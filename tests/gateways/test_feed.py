"""What gateways fetch: each group its own organisations' and no more, and never what would make them refuse it all."""

import json
from typing import Any

import pytest
from django.conf import settings as product

from apis.definition import Authentication
from apis.models import Api
from apis.services import create_oas_api, delete_api, set_active, update_api
from apis.services.importing import import_text
from gateways.feed import building, sending
from gateways.models import FeedItem, Node
from gateways.services import update_group
from keys.models import Policy
from keys.policies.services import create_policy, delete_policy
from keys.policies.services import set_active as set_policy_active
from keys.rights import ApiAccess
from orgs import scope
from orgs.services import delete_organisation, resume, suspend
from orgs.turns import Turns
from tests.conftest import World
from tests.gateways.conftest import Groups, Plug, add_api, build, send
from tests.gateways.gateway import NAMES, Gateway, ListRefused


def names(gateway: Gateway) -> list[str]:
    gateway.load()
    return sorted(api["name"] for api in gateway.apis.values())


def item(api: Api | Policy) -> FeedItem:
    with scope.opened(scope.of(str(api.organisation_id))):
        return FeedItem.objects.get(object_id=api.pk)


def test_each_group_is_told_of_the_organisations_that_it_serves(world: World, groups: Groups, plug: Plug) -> None:
    add_api(world.acme.id, "/acme-orders/")
    add_api(world.globex.id, "/globex-bills/")
    build()
    assert names(plug(groups.shared)) == ["acme-orders", "globex-bills"]
    assert names(plug(groups.acme)) == ["acme-orders"]
    assert names(plug(groups.globex)) == ["globex-bills"]


def test_entry_is_the_stored_text_letter_for_letter(world: World, groups: Groups, plug: Plug) -> None:
    api = add_api(world.acme.id, "/orders/")
    build()
    gateway = plug(groups.acme)
    _, body = gateway.call("GET", "/system/apis", *NAMES)
    expected = (
        f'{{"Status":"OK","Nonce":"{gateway.nonce}","Message":[{{"api_definition":{api.definition},"oas":null}}\n]}}'
    )
    assert body == expected


def test_openapi_document_goes_along_with_its_definition(world: World, groups: Groups, plug: Plug) -> None:
    document = (
        '{"openapi":"3.0.3","info":{"title":"Pets","version":"1"},"paths":{},"x-tyk-api-gateway":{"info":{"name":"Pets",'
        '"state":{"active":true}},"upstream":{"url":"https://pets.example/"},"server":{"listenPath":{"value":"/pets/"}}}}'
    )
    with scope.opened(scope.of(world.acme.id)):
        api = create_oas_api(document=json.loads(document))
    build()
    gateway = plug(groups.acme)
    (entry,) = json.loads(gateway.call("GET", "/system/apis", *NAMES)[1])["Message"]
    assert entry["api_definition"]["is_oas"] is True
    assert entry["oas"] == json.loads(api.openapi)
    gateway.load()


def test_both_lists_are_empty_at_first_and_policies_have_a_tombstone(groups: Groups, plug: Plug) -> None:
    gateway = plug(groups.acme)
    gateway.load()
    assert gateway.apis == {}
    (tombstone,) = gateway.policies.values()
    assert (tombstone["is_inactive"], tombstone["access_rights"], tombstone["org_id"]) == (True, {}, "")


def test_a_deleted_last_policy_is_cleared_by_the_tombstone(world: World, groups: Groups, plug: Plug) -> None:
    api = add_api(world.acme.id, "/orders/")
    with scope.opened(scope.of(world.acme.id)):
        policy = create_policy(name="Gold", accesses=[ApiAccess(api.pk)])
    build()
    gateway = plug(groups.acme)
    gateway.load()
    assert list(gateway.policies) == [policy.pk]
    with scope.opened(scope.of(world.acme.id)):
        delete_policy(policy=policy)
    build()
    gateway.load()
    assert list(gateway.policies) == ["0" * 24]


def test_policy_names_its_apis_in_both_spellings_with_all_versions(world: World, groups: Groups, plug: Plug) -> None:
    api = add_api(world.acme.id, "/orders/")
    with scope.opened(scope.of(world.acme.id)):
        policy = create_policy(
            name="Gold", accesses=[ApiAccess(api.pk)], explicit_id="gold", rate=5, per_s=1,
            extra={"state": "active", "auth_type": "authToken"},
        )  # fmt: skip
    build()
    gateway = plug(groups.acme)
    gateway.load()
    sent = gateway.policies[policy.pk]
    right = sent["access_rights"][api.api_id]
    assert (right["api_id"], right["apiid"]) == (api.api_id, api.api_id)
    assert (right["api_name"], right["apiname"], right["versions"]) == ("orders", "orders", ["Default"])
    assert (sent["id"], sent["org_id"], sent["rate"]) == ("", world.acme.id, 5)
    assert {"state", "auth_type"} & sent.keys() == set()


def test_inactive_policy_is_sent_as_inactive(world: World, groups: Groups, plug: Plug) -> None:
    api = add_api(world.acme.id, "/orders/")
    with scope.opened(scope.of(world.acme.id)):
        policy = create_policy(name="Gold", accesses=[ApiAccess(api.pk)])
        set_policy_active(policy=policy, is_active=False)
    build()
    gateway = plug(groups.acme)
    gateway.load()
    assert gateway.policies[policy.pk]["is_inactive"] is True


@pytest.mark.parametrize("way", ["deactivate", "delete", "suspend", "delete the organisation"])
def test_what_gateways_may_no_longer_have_is_out_before_anything_is_built(
    world: World, groups: Groups, plug: Plug, way: str
) -> None:
    api = add_api(world.acme.id, "/orders/")
    add_api(world.globex.id, "/bills/")
    build()
    gateway = plug(groups.shared)
    assert names(gateway) == ["bills", "orders"]
    with scope.opened(scope.of(world.acme.id)):
        if way == "deactivate":
            set_active(api=api, is_active=False)
        elif way == "delete":
            delete_api(api=api)
        elif way == "suspend":
            suspend(organisation=world.acme, reason="Invoice 17")
    if way == "delete the organisation":
        delete_organisation(organisation=world.acme, cascade=True)
    assert names(gateway) == ["bills"]
    build()
    assert names(gateway) == ["bills"]


def test_a_resumed_organisation_is_served_again(world: World, groups: Groups, plug: Plug) -> None:
    add_api(world.acme.id, "/orders/")
    build()
    gateway = plug(groups.acme)
    with scope.opened(scope.of(world.acme.id)):
        suspend(organisation=world.acme, reason="Invoice 17")
    assert names(gateway) == []
    with scope.opened(scope.of(world.acme.id)):
        resume(organisation=world.acme)
    assert names(gateway) == ["orders"]


def test_a_group_that_serves_others_from_now_on(world: World, groups: Groups, plug: Plug) -> None:
    add_api(world.acme.id, "/orders/")
    add_api(world.globex.id, "/bills/")
    build()
    gateway = plug(groups.acme)
    assert names(gateway) == ["orders"]
    update_group(group=groups.acme, organisation_ids=[world.globex.id])
    build()
    assert names(gateway) == ["bills"]


def spoil(api: Api, definition: str) -> None:
    """Store what no service would: as somebody may who has the database in hand."""
    with scope.opened(scope.of(str(api.organisation_id))):
        Api.objects.filter(pk=api.pk).update(definition=definition)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"active": "true"}, "active"),
        ({"session_lifetime": "60"}, "session_lifetime"),
        ({"proxy": {"listen_path": "/orders/", "target_url": 7}}, "proxy.target_url"),
        ({"id": "not-hex"}, "id"),
        ({"org_id": "0" * 24}, "org_id"),
        ({"org_id": ""}, "org_id"),
        ({"api_id": ""}, "api_id"),
        ({"config_data": {"x": "env://HOME"}}, "env://"),
        ({"is_oas": True}, "is_oas"),
        ({"version_data": {"versions": {}}}, "version_data"),
        ({"certificates": ["/etc/passwd"]}, "certificates"),
    ],
)
def test_what_would_make_gateways_refuse_everything_is_left_out_and_says_why(
    world: World, groups: Groups, plug: Plug, change: dict[str, Any], reason: str
) -> None:
    good, bad = add_api(world.globex.id, "/bills/"), add_api(world.acme.id, "/orders/")
    spoil(bad, json.dumps(json.loads(bad.definition) | change))
    build()
    assert names(plug(groups.shared)) == ["bills"]
    assert reason in item(bad).fault
    assert item(good).fault == ""


def test_a_bad_policy_is_left_out_too(world: World, groups: Groups, plug: Plug) -> None:
    api = add_api(world.acme.id, "/orders/")
    with scope.opened(scope.of(world.acme.id)):
        policy = create_policy(name="Gold", accesses=[ApiAccess(api.pk)])
        Policy.objects.filter(pk=policy.pk).update(extra={"max_query_depth": "deep"})
    build()
    gateway = plug(groups.acme)
    gateway.load()
    assert list(gateway.policies) == ["0" * 24]
    assert "max_query_depth" in item(policy).fault


def test_the_gateway_of_these_tests_would_have_refused_it(world: World, groups: Groups, plug: Plug) -> None:
    api = add_api(world.acme.id, "/orders/")
    build()
    with scope.opened(scope.of(world.acme.id)):
        text = item(api).text.replace('"active":true', '"active":"true"')
        FeedItem.objects.update(text=text)
    with pytest.raises(ListRefused):
        plug(groups.acme).load()


def test_webhooks_that_a_client_attached_are_handlers_there(world: World, groups: Groups, plug: Plug) -> None:
    api = add_api(world.acme.id, "/orders/")
    hook = {"name": "Alerts", "method": "POST", "target_path": "https://alerts.example/", "header_map": {"a": "b"}}
    with scope.opened(scope.of(world.acme.id)):
        update_api(
            api=api, definition=json.loads(api.definition), revision=api.revision,
            hook_references=[{"event_name": "QuotaExceeded", "event_timeout": 60, "hook": hook}],
        )  # fmt: skip
    build()
    gateway = plug(groups.acme)
    gateway.load()
    (handler,) = gateway.apis[api.api_id]["event_handlers"]["events"]["QuotaExceeded"]
    assert handler["handler_name"] == "eh_web_hook_handler"
    assert handler["handler_meta"] == {
        "method": "POST", "target_path": "https://alerts.example/", "header_map": {"a": "b"}, "event_timeout": 60,
    }  # fmt: skip


def test_a_webhook_at_a_forbidden_address_keeps_its_api_out(world: World, groups: Groups, plug: Plug) -> None:
    api = add_api(world.acme.id, "/orders/")
    hook = {"method": "POST", "target_path": "http://169.254.169.254/latest/"}
    with scope.opened(scope.of(world.acme.id)):
        Api.objects.filter(pk=api.pk).update(hook_references=[{"event_name": "X", "hook": hook}])
    build()
    assert names(plug(groups.acme)) == []
    assert "169.254.169.254" in item(api).fault


def test_segmented_group_is_sent_what_its_nodes_load(world: World, groups: Groups, plug: Plug) -> None:
    add_api(world.acme.id, "/internal/", tags=["inside"])
    add_api(world.acme.id, "/public/")
    build()
    gateway = plug(groups.acme)
    assert names(gateway) == ["internal", "public"]
    update_group(group=groups.acme, tags=["inside", "elsewhere"])
    assert names(gateway) == ["internal"]


def test_files_of_lists_are_their_owners_alone(world: World, groups: Groups, plug: Plug) -> None:
    add_api(world.acme.id, "/orders/")
    build()
    plug(groups.acme).load()
    modes = {path.stat().st_mode & 0o777 for path in sending.folder().iterdir()}
    assert (modes, sending.folder().stat().st_mode & 0o777) == ({0o600}, 0o700)


def test_node_notes_what_it_was_given(world: World, groups: Groups, plug: Plug) -> None:
    add_api(world.acme.id, "/orders/")
    build()
    plug(groups.acme).load()
    with scope.opened(scope.INSTALLATION):
        node = Node.objects.get()
    assert node.apis_at is not None
    assert node.policies_at is not None


def test_item_keeps_the_revisions_that_were(world: World, groups: Groups) -> None:
    api = add_api(world.acme.id, "/orders/")
    build()
    with scope.opened(scope.of(world.acme.id)):
        update_api(api=api, definition=json.loads(api.definition) | {"name": "Sales"}, revision=1)
    build()
    found = item(api)
    assert (found.revision, [revision for revision, _ in found.history]) == (2, [1])


def test_what_stays_as_it_was_is_not_written_again(world: World, groups: Groups) -> None:
    api = add_api(world.acme.id, "/orders/")
    build()
    before = vars(item(api))
    with scope.opened(scope.of(world.acme.id)):
        Api.objects.filter(pk=api.pk).update(categories=["x"])
    build()
    after = vars(item(api))
    assert {name: value for name, value in before.items() if name != "_state" and after[name] != value} == {}


def test_other_rules_look_at_everything_again(world: World, groups: Groups, plug: Plug, settings: Any) -> None:
    settings.ALLOW_LOOPBACK_TARGETS = True
    api = add_api(world.acme.id, "/orders/")
    with scope.opened(scope.of(world.acme.id)):
        there = json.loads(api.definition)
        update_api(
            api=api, definition=there | {"proxy": there["proxy"] | {"target_url": "http://127.0.0.1/"}}, revision=1
        )
    build()
    assert names(plug(groups.acme)) == ["orders"]
    settings.ALLOW_LOOPBACK_TARGETS = False
    assert building.look_again() == 1
    build()
    assert names(plug(groups.acme)) == []
    assert "own machine" in item(api).fault
    assert building.look_again() == 0


def test_what_other_rules_leave_as_it_was_is_looked_at_once(world: World, groups: Groups, settings: Any) -> None:
    api, gone = add_api(world.acme.id, "/orders/"), add_api(world.acme.id, "/sales/")
    build()
    with scope.opened(scope.of(world.acme.id)):
        delete_api(api=gone)
    build()
    since = item(api).since
    settings.ALLOW_LOOPBACK_TARGETS = not settings.ALLOW_LOOPBACK_TARGETS
    assert building.look_again() == 1
    build()
    assert building.look_again() == 0
    assert (item(api).since, item(api).history) == (since, [])


def test_one_faulty_organisation_keeps_no_other_waiting(
    world: World, groups: Groups, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_api(world.acme.id, "/orders/")
    add_api(world.globex.id, "/bills/")
    real = building.build

    def breaks(entries: Any) -> None:
        if scope.current_organisation_id() == world.acme.id:
            raise RuntimeError("A bug.")
        real(entries)

    monkeypatch.setattr(building, "build", breaks)
    monkeypatch.setattr(building, "TURNS", Turns())
    build()
    assert names(plug(groups.shared)) == ["bills"]


def test_keyless_apis_and_imports_are_served_too(world: World, groups: Groups, plug: Plug) -> None:
    add_api(world.acme.id, "/free/", authentication=Authentication.KEYLESS)
    document = '{"openapi":"3.0.3","info":{"title":"Pets","version":"1"},"servers":[{"url":"https://pets.example"}],"paths":{}}'
    with scope.opened(scope.of(world.acme.id)):
        set_active(api=import_text(document), is_active=True)
    build()
    assert len(names(plug(groups.acme))) == 2


def test_lists_of_no_credential_are_refused(groups: Groups) -> None:
    assert send("GET", "/system/apis", {}, "")[0] == 403
    assert product.NODE_SECRET not in send("GET", "/system/apis", {}, "")[1]
