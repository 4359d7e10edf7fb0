from typing import Any

import pytest
from django.utils import timezone

from apis import services
from apis.models import Api
from gateways.models import FeedItem, GatewayGroup, Node
from keys.policies.services import create_policy
from orgs import scope
from orgs.models import AuditEntry, Organisation
from orgs.services import suspend
from tests.conftest import SiteClient, World, signed_in, user
from tests.gateways import making

FRAGMENT = {"HX-Request": "true"}


def shared_by_both(world: World) -> tuple[GatewayGroup, Node]:
    """One group serves both, with an API of each on its node; each has a group of its own too."""
    making.api(world.acme, "Orders")
    for name in ("Secret plan", "Secret prices"):
        making.api(world.globex, name)
    for organisation in (world.acme, world.globex):
        making.build(organisation, since=10)
    shared = making.group("Shared")
    making.node(making.group("Acme's", world.acme, tags=["acme-edge"]), "acme-1.example", given=15)
    making.node(making.group("Globex's", world.globex, tags=["globex-edge"]), "globex-1.example", given=15)
    return shared, making.node(
        shared, "shared-1.example", given=15, address="192.0.2.77", session_id="session-77", nonce_digest="digest-77"
    )


def body(client: SiteClient, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def nodes(client: SiteClient) -> list[tuple[str, str, str, str, str]]:
    rows = client.get("/gateways/").context["nodes"]
    return [(row["name"], row["group"], row["apis"], row["behind"][1], row["health"][1]) for row in rows]


def test_organisation_sees_its_groups_and_nodes_with_its_own_numbers(world: World) -> None:
    shared_by_both(world)
    client = signed_in(world.ann)
    assert nodes(client) == [
        ("acme-1.example", "Acme's", "0", "up to date", "live"),
        ("shared-1.example", "Shared", "1", "up to date", "live"),
    ]
    assert [(group["name"], group["nodes"]) for group in client.get("/gateways/").context["groups"]] == [
        ("Acme's", "1 of 1"), ("Shared", "1 of 1"),
    ]  # fmt: skip
    assert nodes(signed_in(world.gus))[1] == ("shared-1.example", "Shared", "2", "up to date", "live")


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
def test_nothing_of_others_and_no_secret_is_on_any_page(world: World, headers: dict[str, str]) -> None:
    group, node = shared_by_both(world)
    with scope.opened(scope.of(world.acme.id)):
        api = Api.objects.get()
    client = signed_in(world.ann)
    for path in ("/gateways/", f"/gateways/nodes/{node.pk}/", f"/apis/{api.pk}/gateways/", f"/apis/{api.pk}/"):
        text = body(client, path, **headers)
        for secret in (
            "Secret", "Globex", "globex", "hunter2", "redis.secret.example", "192.0.2.77", "session-77",
            group.digest, group.sealed, node.nonce_digest,
        ):  # fmt: skip
            assert secret not in text, f"{secret} at {path}"


def test_nodes_and_apis_of_others_do_not_exist(world: World) -> None:
    shared_by_both(world)
    with scope.opened(scope.INSTALLATION):
        theirs = Node.objects.get(host_name="globex-1.example")
    with scope.opened(scope.of(world.globex.id)):
        their_api = Api.objects.first()
    assert their_api
    client = signed_in(world.ann)
    for path in (
        f"/gateways/nodes/{theirs.pk}/", f"/apis/{their_api.pk}/gateways/", "/gateways/nodes/no-uuid/",
        "/gateways/nodes/99999999-9999-4999-8999-999999999999/",
    ):  # fmt: skip
        assert client.get(path).status_code == 404
    assert signed_in(world.gus).get(f"/gateways/nodes/{theirs.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("permissions", "statuses"),
    [
        ({}, (403, 403, 403)),
        ({"apis": "read"}, (403, 403, 200)),
        ({"system": "read"}, (200, 200, 403)),
        ({"system": "read", "apis": "read"}, (200, 200, 200)),
    ],
)
def test_gateways_are_for_who_may_read_the_system(
    world: World, permissions: dict[str, str], statuses: tuple[int, int, int]
) -> None:
    _, node = shared_by_both(world)
    with scope.opened(scope.of(world.acme.id)):
        api = Api.objects.get()
    client = signed_in(user("op@acme.example", world.acme, permissions=permissions))
    paths = ("/gateways/", f"/gateways/nodes/{node.pk}/", f"/apis/{api.pk}/gateways/")
    assert tuple(client.get(path).status_code for path in paths) == statuses
    assert {client.post(path).status_code for path in paths} <= {403, 405}


def test_who_may_not_read_apis_sees_no_name_of_one(world: World) -> None:
    _, node = shared_by_both(world)
    with scope.opened(scope.of(world.acme.id)):
        FeedItem.objects.update(is_served=False, fault="Its target is wrong.")
    operator = signed_in(user("op@acme.example", world.acme, permissions={"system": "read"}))
    for path in ("/gateways/", f"/gateways/nodes/{node.pk}/"):
        assert "Orders" not in body(operator, path)
        assert "Orders" in body(signed_in(world.al), path)


def test_drift_table_says_how_each_thing_stands(world: World) -> None:
    making.api(world.acme, "Orders")
    with scope.opened(scope.of(world.acme.id)):
        create_policy(name="Gold")
    making.build(world.acme, since=10)
    making.api(world.acme, "Prices")
    making.build(world.acme, since=20)
    node = making.node(making.group("Ours", world.acme), "n1", given=15)
    context = signed_in(world.ann).get(f"/gateways/nodes/{node.pk}/").context
    rows = [(r["name"], r["kind"], r["on_node"], r["in_store"], r["label"]) for r in context["rows"]]
    assert rows == [
        ("Prices", "API", "none", "1", "behind"),
        ("Orders", "API", "1", "1", "up to date"),
        ("Gold", "policy", "1", "1", "up to date"),
    ]
    assert [(stat["label"], stat["value"]) for stat in context["stats"]] == [
        ("Health", "live"), ("APIs loaded", "1"), ("Behind", "1"),
    ]  # fmt: skip
    with scope.opened(scope.of(world.acme.id)):
        api = Api.objects.get(name="Prices")
    assert context["rows"][0]["href"] == f"/o/acme/apis/{api.pk}/"


def test_api_says_where_it_runs(world: World) -> None:
    _, node = shared_by_both(world)
    with scope.opened(scope.of(world.acme.id)):
        api = Api.objects.get()
    context = signed_in(world.ann).get(f"/apis/{api.pk}/gateways/").context
    assert [(group["name"], group["lacks_tag"], len(group["nodes"])) for group in context["groups"]] == [
        ("Acme's", True, 1), ("Shared", False, 1),
    ]  # fmt: skip
    (row,) = context["groups"][1]["nodes"]
    assert (row["name"], row["on_node"], row["label"]) == ("shared-1.example", "1", "up to date")
    assert row["href"] == f"/o/acme/gateways/nodes/{node.pk}/"
    assert ("Where it runs", f"/o/acme/apis/{api.pk}/gateways/", True) in context["tabs"]
    assert "Where it runs" in body(signed_in(world.ann), f"/apis/{api.pk}/")


def test_api_that_is_inactive_says_so(world: World) -> None:
    api = making.api(world.acme, "Orders", active=False)
    making.group("Ours", world.acme)
    assert "The API is inactive" in body(signed_in(world.ann), f"/apis/{api.pk}/gateways/")


def test_api_of_a_suspended_organisation_says_so(world: World) -> None:
    api = making.api(world.acme, "Orders")
    making.group("Ours", world.acme)
    with scope.opened(scope.of(world.acme.id)):
        suspend(organisation=Organisation.objects.get(), reason="Invoice 17")
    text = body(signed_in(world.ann), f"/apis/{api.pk}/gateways/")
    assert "acme is suspended: gateways are given none of its APIs." in text.replace("Acme", "acme")


def test_faulty_api_is_flagged_on_its_pages_and_in_the_list(world: World) -> None:
    api, other = making.api(world.acme, "Orders"), making.api(world.acme, "Prices")
    making.build(world.acme, since=10)
    making.node(making.group("Ours", world.acme), "n1", given=15)
    with scope.opened(scope.of(world.acme.id)):
        FeedItem.objects.filter(object_id=api.pk).update(is_served=False, fault="proxy is <wrong>.")
    client, flag = signed_in(world.ann), "Gateways do not get this API."
    for path in (f"/apis/{api.pk}/", f"/apis/{api.pk}/definition/", f"/apis/{api.pk}/gateways/"):
        assert flag in body(client, path)
        assert "proxy is &lt;wrong&gt;." in body(client, path)
    assert flag not in body(client, f"/apis/{other.pk}/")
    assert client.get("/gateways/").context["faults"]["links"] == [
        (f"/o/acme/apis/{api.pk}/", "Orders", "proxy is <wrong>.")
    ]
    with scope.opened(scope.of(world.acme.id)):
        services.set_active(api=Api.objects.get(pk=api.pk), is_active=False)
    assert flag not in body(client, f"/apis/{api.pk}/")


def test_pages_renew_a_part_of_themselves(world: World) -> None:
    _, node = shared_by_both(world)
    with scope.opened(scope.of(world.acme.id)):
        api = Api.objects.get()
    client = signed_in(world.ann)
    for path in ("/gateways/", f"/gateways/nodes/{node.pk}/", f"/apis/{api.pk}/gateways/"):
        page, part = body(client, path), body(client, path, **FRAGMENT)
        assert f'data-hx-get="/o/acme{path}"' in page
        assert "<html" not in part
        assert without_time(part).strip() in without_time(page)


def without_time(text: str) -> str:
    before, _, after = text.partition('class="as-of">')
    return before + after.partition("</span>")[2]


def test_visit_does_not_renew_itself_since_each_look_is_noted(world: World) -> None:
    shared_by_both(world)
    text = body(signed_in(world.uma, prefix="/all/o/acme"), "/gateways/")
    assert ("shared-1.example" in text, "hx-get" in text, "htmx.js" in text) == (True, False, False)
    assert "Secret" not in text
    with scope.opened(scope.of(world.acme.id)):
        assert AuditEntry.objects.filter(action="visited").count() == 1


@pytest.mark.parametrize(
    ("with_group", "title"),
    [(False, "No gateway serves this organisation yet"), (True, "No gateway has registered yet")],
)
def test_where_there_is_none_the_next_step_is_named(world: World, with_group: bool, title: str) -> None:
    if with_group:
        making.group("Ours", world.acme)
    assert title in body(signed_in(world.ann), "/gateways/")


def test_silent_node_and_one_that_has_fetched_nothing(world: World) -> None:
    making.api(world.acme, "Orders")
    making.build(world.acme, since=10)
    group = making.group("Ours", world.acme)
    making.node(group, "a-silent", given=15, silent_s=200)
    making.node(group, "b-new")
    assert nodes(signed_in(world.ann)) == [
        ("a-silent", "Ours", "1", "up to date", "silent"),
        ("b-new", "Ours", "0", "nothing fetched yet", "live"),
    ]
    seen = [row["seen"] for row in signed_in(world.ann).get("/gateways/").context["nodes"]]
    assert seen == ["3 min ago", "now"]


def test_as_many_queries_for_three_rows_as_for_one(world: World) -> None:
    def add(number: int) -> Any:
        api = making.api(world.acme, f"API {number}")
        making.build(world.acme, since=10 * number)
        return api, making.node(making.group(f"Group {number}", world.acme), f"n{number}", given=10 * number + 5)

    api, node = add(1)
    paths = ("/gateways/", f"/gateways/nodes/{node.pk}/", f"/apis/{api.pk}/gateways/", "/")
    client = signed_in(world.ann)
    client.get("/")
    first = [making.queries(client, path) for path in paths]
    add(2)
    add(3)
    assert [making.queries(client, path) for path in paths] == first


def test_nodes_of_one_name_are_told_apart(world: World) -> None:
    group = making.group("Ours", world.acme)
    one, other = making.node(group, "vm"), making.node(group, "vm")
    making.node(group, "alone")
    rows = signed_in(world.ann).get("/gateways/").context["nodes"]
    assert [(row["name"], row["mark"]) for row in rows] == [("alone", ""), ("vm", one.pk[:8]), ("vm", other.pk[:8])]


def test_hostile_host_name_is_escaped(world: World) -> None:
    making.node(making.group("Ours", world.acme), "<script>alert(1)</script>", registered_at=timezone.now())
    text = body(signed_in(world.ann), "/gateways/")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
