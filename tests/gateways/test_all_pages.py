import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from gateways import credentials, serving
from gateways.groups.configuration import storage
from gateways.models import FeedItem, GatewayGroup, Lane, Node, Outbox, Serving
from gateways.services import update_group
from orgs import scope
from orgs.models import AuditEntry
from orgs.sealing import unseal
from tests.conftest import SiteClient, World, signed_in
from tests.gateways import making

URL = "redis://:hunter2@cache.example:6380/2"
TYPED = {
    "name": "Edge", "reach": "chosen", "organisations": "acme", "tags": "edge, dmz", "hash_algorithm": "murmur128",
    "redis": "own", "redis_url": URL, "api_url": "https://gateway.example", "api_secret": "a secret of the API",
}  # fmt: skip


@pytest.fixture
def uma(world: World) -> SiteClient:
    return signed_in(world.uma)


def only_group() -> GatewayGroup:
    with scope.opened(scope.INSTALLATION):
        return GatewayGroup.objects.get()


def again(group: GatewayGroup) -> GatewayGroup:
    with scope.opened(scope.INSTALLATION):
        return GatewayGroup.objects.get(pk=group.pk)


def create(client: SiteClient, **typed: str) -> Any:
    return client.post("/gateways/create/", TYPED | typed)


def test_group_is_made_and_its_secret_shown_once(world: World, uma: SiteClient) -> None:
    answer = create(uma)
    group, secret = only_group(), answer.context["secret"]["value"]
    assert credentials.digest(secret) == group.digest
    assert (group.name, group.serves_all, group.organisation_ids) == ("Edge", False, [world.acme.id])
    assert (group.tags, group.hash_algorithm, group.api_url) == (
        ["edge", "dmz"],
        "murmur128",
        "https://gateway.example",
    )
    assert (unseal(group.sealed_redis_url), unseal(group.sealed_api_secret)) == (URL, "a secret of the API")
    for path in ("/gateways/", f"/gateways/{group.pk}/", f"/gateways/{group.pk}/edit/"):
        text = uma.get(path).content.decode()
        for hidden in (secret, "hunter2", "a secret of the API", group.sealed, group.digest):
            assert hidden not in text
    assert "redis://cache.example:6380/2" in uma.get(f"/gateways/{group.pk}/").content.decode()


def test_group_serves_whom_it_names_or_everybody(world: World, uma: SiteClient) -> None:
    create(uma, organisations=f"/o/acme/\n{world.globex.id}, acme")
    assert only_group().organisation_ids == sorted([world.acme.id, world.globex.id])
    group = only_group()
    edit(uma, group, reach="all")
    assert (again(group).serves_all, again(group).organisation_ids) == (True, [])
    assert "every organisation" in uma.get("/gateways/").content.decode()


@pytest.mark.parametrize(
    ("field", "typed", "refusal"),
    [
        ("name", "", "This field is required."),
        ("name", "Shared", "There is already a group with this name."),
        ("organisations", "acme nobody", "There is no organisation nobody."),
        (
            "tags",
            ", ".join(f"t{number}" for number in range(51)),
            "Give at most 50, of 1 to 60 printable characters each.",
        ),
        ("tags", "x" * 61, "Give at most 50, of 1 to 60 printable characters each."),
        ("hash_algorithm", "md5", "Select a valid choice. md5 is not one of the available choices."),
        ("redis_url", "", "Give its address, or choose another Redis above."),
        ("redis_url", "http://cache.example", "Give an address that begins with redis:// or rediss://."),
        ("redis_url", "redis://[", "Give an address that begins with redis:// or rediss://."),
        ("redis_url", "redis://cache.example:port", "Give an address that begins with redis:// or rediss://."),
        ("api_url", "gateway.example", "Give an address that begins with http:// or https://."),
        ("api_url", "", "Say where the API is whose secret follows."),
        ("reach", "some", "Select a valid choice. some is not one of the available choices."),
    ],
)
def test_bad_input_is_a_sentence_at_its_field_and_nothing_typed_is_lost(
    world: World, uma: SiteClient, field: str, typed: str, refusal: str
) -> None:
    making.group("Shared", world.globex)
    answer = create(uma, **{field: typed})
    assert (answer.status_code, dict(answer.context["form"].errors)) == (200, {field: [refusal]})
    text = answer.content.decode()
    for name, value in TYPED.items():
        if name != field and name not in ("reach", "redis"):
            assert value.split(", ")[0] in text
    with scope.opened(scope.INSTALLATION):
        assert GatewayGroup.objects.count() == 1


def test_redis_address_that_no_client_can_use_is_refused(uma: SiteClient) -> None:
    answer = create(uma, redis_url="redis://cache.example/0?nonsense=1")
    assert "That address cannot be used" in answer.context["form"].errors["redis_url"][0]


def test_form_tells_a_few_of_many_unknown_organisations(uma: SiteClient) -> None:
    answer = create(uma, organisations="\n".join(f"none-{number}" for number in range(7)))
    expected = "There is no organisation none-0, none-1, none-2, none-3, none-4 and 2 more."
    assert answer.context["form"].errors == {"organisations": [expected]}


def edit(client: SiteClient, group: GatewayGroup, **typed: str) -> Any:
    form = client.get(f"/gateways/{group.pk}/edit/").context["form"]
    sent = {name: form.initial.get(name, "") for name in form.fields}
    return client.post(f"/gateways/{group.pk}/edit/", sent | typed)


def test_editing_changes_what_was_touched_and_keeps_secrets(world: World, uma: SiteClient) -> None:
    create(uma)
    group = only_group()
    answer = edit(uma, group, name="Edge two", tags="edge")
    assert answer["Location"] == f"/all/gateways/{group.pk}/"
    assert "are to be started anew" in uma.get(f"/gateways/{group.pk}/").content.decode()
    edit(uma, group, name="Edge two")
    assert "are to be started anew" not in uma.get(f"/gateways/{group.pk}/").content.decode()
    saved = again(group)
    assert (saved.name, saved.tags, saved.organisation_ids) == ("Edge two", ["edge"], [world.acme.id])
    assert unseal(saved.sealed_redis_url) == URL
    assert (saved.sealed_api_secret, saved.digest) == (group.sealed_api_secret, group.digest)


def test_what_somebody_else_has_changed_meanwhile_is_told_of(world: World, uma: SiteClient) -> None:
    create(uma)
    group = only_group()
    form = uma.get(f"/gateways/{group.pk}/edit/").context["form"]
    update_group(group=group, tags=["theirs"])
    sent = {name: form.initial.get(name, "") for name in form.fields} | {"name": "Mine"}
    answer = uma.post(f"/gateways/{group.pk}/edit/", sent)
    assert answer.context["conflict"]["fields"] == [("Name", "Edge", "Mine"), ("Segment tags", "theirs", "edge, dmz")]
    assert again(group).name == "Edge"
    newest = answer.context["form"].data["seen"]
    uma.post(f"/gateways/{group.pk}/edit/", sent | {"seen": newest})
    assert (again(group).name, again(group).tags) == ("Mine", ["edge", "dmz"])


def test_redis_is_changed_or_given_up(uma: SiteClient) -> None:
    create(uma)
    group = only_group()
    assert edit(uma, group, redis="own", redis_url="").context["form"].errors.keys() == {"redis_url"}
    assert edit(uma, group, redis="keep", redis_url="redis://x.example").context["form"].errors.keys() == {"redis"}
    edit(uma, group, redis="own", redis_url="redis://other.example:6379/0")
    assert unseal(again(group).sealed_redis_url) == "redis://other.example:6379/0"
    edit(uma, group, redis="shared")
    assert again(group).sealed_redis_url == ""


def test_another_password_alone_is_a_change(uma: SiteClient) -> None:
    create(uma)
    group, url = only_group(), URL.replace("hunter2", "rotated")
    edit(uma, group, redis="own", redis_url=url)
    edit(uma, group, api_secret="another secret")
    assert (unseal(again(group).sealed_redis_url), unseal(again(group).sealed_api_secret)) == (url, "another secret")
    with scope.opened(scope.INSTALLATION):
        lines = list(AuditEntry.objects.filter(action="changed").order_by("at").values_list("changes", flat=True))
    assert lines == [{"redis": ["given", "another one"]}, {"API secret": ["given", "another one"]}]


def test_password_among_the_options_is_not_shown(uma: SiteClient) -> None:
    create(uma, redis_url="redis://cache.example:6380/2?username=app&password=hunter2")
    group = only_group()
    with scope.opened(scope.INSTALLATION):
        trail = str(list(AuditEntry.objects.values_list("changes", flat=True)))
    pages = [uma.get(f"/gateways/{group.pk}/{page}").content.decode() for page in ("", "edit/")]
    assert ["cache.example" in text for text in (trail, *pages)] == [True] * 3
    assert ["hunter2" in text for text in (trail, *pages)] == [False] * 3


def test_secret_is_rotated_with_a_grace_and_the_previous_one_retired(uma: SiteClient) -> None:
    create(uma)
    group = only_group()
    here = f"/gateways/{group.pk}/"
    present = uma.get(f"{here}rotate/").context["confirm"]["form"].initial["present"]
    answer = uma.post(f"{here}rotate/", {"grace": "3600", "present": present})
    assert credentials.digest(answer.context["secret"]["value"]) == again(group).digest
    assert again(group).previous_digest == group.digest
    assert "Two node secrets work" in uma.get(here).content.decode()
    assert "at once" in uma.get(f"{here}rotate/").context["confirm"]["stops"][1]
    sent_again = uma.post(f"{here}rotate/", {"grace": "3600", "present": present})
    assert (sent_again.status_code, again(group).previous_digest) == (302, group.digest)
    uma.post(f"{here}retire/")
    assert "Two node secrets work" not in uma.get(here).content.decode()
    assert uma.post(f"{here}rotate/", {"grace": "5", "present": present}).status_code == 200


def test_group_is_deleted_by_its_name_alone(world: World, uma: SiteClient) -> None:
    create(uma, name="Edge  1")
    group = only_group()
    making.node(group, "edge-1")
    path = f"/gateways/{group.pk}/delete/"
    confirm = uma.get(path).context["confirm"]
    assert confirm["notices"] == ["Served by it: Acme."]
    assert confirm["stops"][0].startswith("Gateways that are registered in it: 1.")
    assert uma.post(path, {"confirm_name": "Edge 2"}).context["confirm"]["error"] == "That is not its name."
    assert uma.post(path, {"confirm_name": "Edge 1"})["Location"] == "/all/gateways/"
    with scope.opened(scope.INSTALLATION):
        assert (GatewayGroup.objects.count(), Node.objects.count(), Lane.objects.count()) == (0, 0, 0)
        lines = AuditEntry.objects.filter(kind="gateway_group").order_by("at").values_list("actor", "action")
        assert list(lines) == [(world.uma.email, "created"), (world.uma.email, "deleted")]


def test_list_says_how_each_group_does(world: World, uma: SiteClient) -> None:
    shared, ours = making.group("Shared"), making.group("Ours", world.acme, tags=["edge"])
    making.node(shared, "s1")
    making.node(shared, "s2", silent_s=60)
    now = timezone.now()
    with scope.opened(scope.INSTALLATION):
        Lane.objects.filter(pk=shared.pk).update(delivered_at=now - timedelta(minutes=3))
        Lane.objects.filter(pk=ours.pk).update(failing_since=now, failures=2, fault="Connection refused.")
    with scope.opened(scope.of(world.acme.id)):
        Outbox.objects.all().delete()
        Outbox.objects.create(group_id=ours.pk, name="reload")
        Outbox.objects.create(name="apis:1")
    with scope.opened(scope.of(world.globex.id)):
        Outbox.objects.all().delete()
        Outbox.objects.create(group_id=shared.pk, name="reload")
    context = uma.get("/gateways/").context
    rows = [
        (row["name"], row["serves"], row["nodes"], row["redis"][1], row["fault"], row["waiting"], row["delivered"])
        for row in context["rows"]
    ]
    assert rows == [
        ("Ours", "1 organisation", "0 of 0", "cannot be reached", "Connection refused.", "1", "never"),
        ("Shared", "every organisation", "1 of 2", "reached", "", "1", "3 min ago"),
    ]
    assert [(stat["label"], stat["value"]) for stat in context["stats"]] == [
        ("Live nodes", "1 of 2"), ("Redis that cannot be reached", "1"),
        ("Waits to be delivered", "2"), ("Waits to be prepared", "1"),
    ]  # fmt: skip


def test_detail_has_the_nodes_and_what_has_changed_for_any_organisation(world: World, uma: SiteClient) -> None:
    shared = making.group("Shared")
    making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    making.api(world.globex, "Prices")
    making.build(world.globex, since=20)
    making.node(shared, "early", given=15, address="192.0.2.1")
    making.node(shared, "late", given=25)
    making.node(shared, "new")
    context = uma.get(f"/gateways/{shared.pk}/").context
    nodes = [(node["name"], node["address"], node["behind"][1]) for node in context["nodes"]]
    assert nodes == [
        ("early", "192.0.2.1", "1 behind"), ("late", "", "up to date"), ("new", "", "nothing fetched yet"),
    ]  # fmt: skip


def test_node_that_still_serves_a_suspended_organisation_is_behind(world: World, uma: SiteClient) -> None:
    shared = making.group("Shared")
    for organisation in (world.acme, world.globex):
        making.api(organisation, "Orders")
        making.build(organisation, since=10)
    making.node(shared, "early", given=15)
    making.node(shared, "late", given=25)
    with scope.opened(scope.of(world.acme.id)):
        Serving.objects.update(is_off=True, since=20)
    nodes = uma.get(f"/gateways/{shared.pk}/").context["nodes"]
    assert [(node["name"], node["behind"][1]) for node in nodes] == [("early", "1 behind"), ("late", "up to date")]


def test_configuration_is_what_a_gateway_reads(settings: Settings, world: World, uma: SiteClient) -> None:
    create(uma)
    group = only_group()
    shown = uma.get(f"/gateways/{group.pk}/").context["configuration"]
    assert "hunter2" not in shown
    assert json.loads(shown) == {
        "listen_port": 8080,
        "secret": "SECRET-OF-THE-GATEWAY-API",
        "node_secret": "NODE-SECRET-OF-THE-GROUP",
        "use_db_app_configs": True,
        "db_app_conf_options": {
            "connection_string": "http://testserver", "node_is_segmented": True, "tags": ["edge", "dmz"],
        },
        "policies": {"policy_source": "service", "policy_connection_string": "http://testserver"},
        "disable_dashboard_zeroconf": True,
        "storage": {
            "type": "redis", "host": "cache.example", "port": 6380, "username": "",
            "password": "PASSWORD-OF-REDIS", "database": 2,
        },
        "hash_keys": True,
        "hash_key_function": "murmur128",
        "enforce_org_quotas": True,
        "allow_master_keys": False,
        "enable_custom_domains": True,
        "local_session_cache": {"disable_cached_session_state": True},
        "enable_analytics": True,
        "analytics_config": {"storage_expiration_time": 3600},
    }  # fmt: skip
    settings.GATEWAY_REDIS_URL = ""
    edit(uma, group, redis="shared", tags="")
    shown = json.loads(uma.get(f"/gateways/{group.pk}/").context["configuration"])
    assert (shown["storage"]["host"], shown["db_app_conf_options"]["node_is_segmented"]) == ("HOST-OF-REDIS", False)


@pytest.mark.parametrize(
    ("url", "differs"),
    [
        ("redis://cache.example", {"host": "cache.example", "password": ""}),
        ("rediss://app:p%40ss@cache.example:7000/x", {
            "host": "cache.example", "port": 7000, "username": "app", "password": "PASSWORD-OF-REDIS", "use_ssl": True,
        }),
        ("", {"host": "HOST-OF-REDIS", "password": "PASSWORD-OF-REDIS"}),
    ],
)  # fmt: skip
def test_storage_follows_from_the_address_of_the_redis(url: str, differs: dict[str, Any]) -> None:
    plain = {"type": "redis", "host": "", "port": 6379, "username": "", "password": "", "database": 0}
    assert storage(url) == plain | differs


def test_groups_with_one_redis_are_told_of(settings: Settings, world: World, uma: SiteClient) -> None:
    one, other = making.group("One", world.acme), making.group("Other", world.globex)
    assert "This Redis is also that of Other." in uma.get(f"/gateways/{one.pk}/").content.decode()
    update_group(group=other, redis_url="redis://own.example:6379/0")
    assert "This Redis is also" not in uma.get(f"/gateways/{one.pk}/").content.decode()
    settings.GATEWAY_REDIS_URL = "redis://:installation@OWN.example"
    update_group(group=one, redis_url="")
    assert "This Redis is also that of Other." in uma.get(f"/gateways/{one.pk}/").content.decode()


@pytest.mark.parametrize("path", ["", "create/", "{id}/", "{id}/edit/", "{id}/rotate/", "{id}/retire/", "{id}/delete/"])
def test_groups_are_for_unbounded_users_alone(world: World, path: str) -> None:
    group = making.group("Shared")
    here = f"gateways/{path.format(id=group.pk)}"
    for person in (world.ann, world.al):
        client = signed_in(person)
        if path:
            assert client.get(f"/{here}").status_code == 404
        assert sends_to_sign_in(signed_in(person, prefix="/all").get(f"/all/{here}"))
        assert sends_to_sign_in(signed_in(person, prefix="/all").post(f"/all/{here}", TYPED))
    assert sends_to_sign_in(Client().get(f"/all/{here}"))
    assert again(group).name == "Shared"


def sends_to_sign_in(answer: Any) -> bool:
    return bool(answer.status_code == 302 and answer["Location"].startswith("/all/sign-in/"))


def test_saved_group_is_written_out_to_those_that_it_serves(world: World, uma: SiteClient) -> None:
    create(uma)
    serving.write_out()
    assert signed_in(world.ann).get("/gateways/").context["groups"][0]["name"] == "Edge"
    assert signed_in(world.gus).get("/gateways/").context["groups"] == []


def test_empty_list_leads_to_the_first_group(uma: SiteClient) -> None:
    text = uma.get("/gateways/").content.decode()
    assert "No group of gateways yet" in text
    assert 'href="create/"' in text


def test_as_many_queries_for_three_rows_as_for_one(world: World, uma: SiteClient) -> None:
    first = making.group("G1", world.acme)
    making.node(first, "n1", given=15)
    paths = ("/gateways/", f"/gateways/{first.pk}/")
    uma.get("/")
    before = [making.queries(uma, path) for path in paths]
    for number in (2, 3):
        making.node(making.group(f"G{number}", world.globex), f"n{number}")
        making.node(first, f"more-{number}", given=10 * number)
    with scope.opened(scope.of(world.acme.id)):
        assert not FeedItem.objects.exists()
    assert [making.queries(uma, path) for path in paths] == before
