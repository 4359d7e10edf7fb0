"""Requests for keys, as clients of the JSON API make and approve them."""

from typing import Any

import pytest

from keys.models import Key
from keys.policies.services import create_policy
from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry
from portal.addresses import places_of
from portal.models import Application, Developer, KeyRequest, Plan
from portal.services import developers
from portal.services.applications import end_key
from portal.services.requests import refuse
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read
from tests.portal.shared import Shop, open_shop
from users.models import Mail

PATH = "/api/portal/requests"


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


@pytest.fixture
def shop(world: World) -> Shop:
    return open_shop(world.acme, notified=["ops@acme.example"])


def message(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return read(answer)["Message"]


def body(shop: Shop, **fields: Any) -> dict[str, Any]:
    return {"by_user": shop.dev.pk, "for_plan": shop.policy.pk, "version": "v2", "fields": {"usecase": "Tracking"},
            "date_created": "2015-05-08T04:49:20.992-04:00"} | fields  # fmt: skip


def mails(world: World) -> list[tuple[str, str]]:
    with scope.opened(scope.of(world.acme.id)):
        return list(Mail.objects.order_by("id").values_list("kind", "to"))


def test_a_request_is_made_read_and_approved(world: World, ann: Machine, shop: Shop) -> None:
    id = message(ann.post(PATH, body(shop, approved=True, channel="web")))
    found = read(ann.get(f"{PATH}/{id}"))
    assert (found["by_user"], found["for_plan"], found["apply_policies"]) == (
        shop.dev.pk,
        shop.policy.pk,
        [shop.policy.pk],
    )
    assert (found["approved"], found["state"], found["version"]) == (False, "pending", "v2")
    assert (found["fields"], found["channel"], found["org_id"]) == ({"usecase": "Tracking"}, "web", world.acme.id)
    assert mails(world) == [("key_asked", "ops@acme.example")]
    with scope.opened(scope.of(world.acme.id)):
        asked = KeyRequest.objects.get()
        assert (asked.purpose, asked.entry_title, asked.plan_name) == ("usecase: Tracking", "Parcels", "Standard")

    answer = ann.put(f"{PATH}/approve/{id}")
    raw = read(answer)
    assert (answer.status_code, raw.keys(), raw["Password"]) == (200, {"RawKey", "Password"}, "")
    assert mails(world) == [("key_asked", "ops@acme.example")]
    developer = read(ann.get(f"/api/portal/developers/{shop.dev.pk}"))
    hash = developer["subscriptions"][shop.policy.pk]
    assert read(ann.get(f"/api/keys/{raw['RawKey']}"))["key_hash"] == hash
    assert read(ann.get(f"{PATH}/{id}"))["approved"] is True
    with scope.opened(scope.of(world.acme.id)):
        told = str(list(AuditEntry.objects.values())) + str(list(KeyRequest.objects.values()))
    assert raw["RawKey"] not in told + ann.get(f"{PATH}/{id}").content.decode()


def test_the_key_is_given_once(ann: Machine, shop: Shop) -> None:
    id = message(ann.post(PATH, body(shop)))
    assert ann.put(f"{PATH}/approve/{id}").status_code == 200
    assert message(ann.put(f"{PATH}/approve/{id}"), 400).startswith("This key has been taken already.")


def test_a_plan_that_gives_keys_at_once_needs_no_approval(world: World, ann: Machine, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        Plan.objects.update(approval=Plan.AUTOMATIC)
    id = message(ann.post(PATH, body(shop)))
    assert read(ann.get(f"{PATH}/{id}"))["state"] == "approved"
    assert read(ann.put(f"{PATH}/approve/{id}"))["RawKey"]
    assert mails(world) == []


def test_the_list_is_of_what_waits_or_is_approved(world: World, ann: Machine, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        more = create_policy(name="More")
        Plan.objects.create(entry=shop.entry, policy=more, name="More")
    first = message(ann.post(PATH, body(shop)))
    second = message(ann.post(PATH, body(shop, for_plan="", apply_policies=[more.pk])))
    ann.put(f"{PATH}/approve/{first}")

    def ids(query: str = "") -> list[str]:
        return [each["id"] for each in read(ann.get(f"{PATH}{query}"))["Data"]]

    assert (ids(), ids("?p=-1")) == ([second, first], [second, first])
    assert (ids("?approved=true"), ids("?approved=false")) == ([first], [second])
    assert (ids("?q=dev@"), ids("?q=nobody")) == ([second, first], [])
    assert ann.get(f"{PATH}?approved=perhaps").status_code == 400
    with scope.opened(scope.of(world.acme.id)):
        end_key(asked=KeyRequest.objects.get(pk=first))
        assert Application.objects.get().name == "Default"
    assert ids("?approved=true") == [first]


def test_one_application_asks_once_for_a_plan(ann: Machine, shop: Shop) -> None:
    message(ann.post(PATH, body(shop)))
    assert message(ann.post(PATH, body(shop)), 409).startswith("Default has a key of this plan already")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"by_user": "nobody"}, 404, "by_user: there is no such developer."),
        ({"for_plan": "none"}, 404, "for_plan: the catalogue offers no such policy."),
        ({"for_plan": "one", "apply_policies": ["two"]}, 400, "apply_policies: name one policy, here or in for_plan."),
        ({"for_plan": None}, 400, "apply_policies: name one policy, here or in for_plan."),
        ({"certificate": "abc"}, 400, "The portal gives keys alone"),
        ({"oauth_info": {"redirect_uri": "https://a.example"}}, 400, "The portal gives keys alone"),
        ({"id": "5f0c1c6a1d2e3f4a5b6c7d8e"}, 400, "id is given here"),
    ],
)
def test_a_request_is_refused(
    world: World, ann: Machine, shop: Shop, fields: dict[str, Any], status: int, said: str
) -> None:
    assert message(ann.post(PATH, body(shop, **fields)), status).startswith(said)
    with scope.opened(scope.of(world.acme.id)):
        assert not KeyRequest.objects.exists()
        assert not Application.objects.exists()


def test_what_another_organisation_has_is_as_what_never_was(world: World, ann: Machine, shop: Shop) -> None:
    theirs = open_shop(world.globex)
    for field, id in {"by_user": theirs.dev.pk, "for_plan": theirs.policy.pk}.items():
        answers = [ann.post(PATH, body(shop, **{field: each})) for each in (id, new_id())]
        assert answers[0].status_code == 404
        assert answers[0].content == answers[1].content


def test_a_request_is_deleted_unless_its_key_works(world: World, ann: Machine, shop: Shop) -> None:
    id = message(ann.post(PATH, body(shop)))
    assert message(ann.delete(f"{PATH}/{id}")) == "Data deleted"
    assert ann.get(f"{PATH}/{id}").status_code == 404
    id = message(ann.post(PATH, body(shop)))
    ann.put(f"{PATH}/approve/{id}")
    assert message(ann.delete(f"{PATH}/{id}"), 409) == "Its key works: revoke that first."
    with scope.opened(scope.of(world.acme.id)):
        hash = Key.objects.get(revoked_at=None).hash
    message(ann.delete(f"/api/portal/developers/{shop.dev.pk}/keys/{hash}"))
    assert message(ann.delete(f"{PATH}/{id}")) == "Data deleted"


def test_what_was_refused_is_not_approved(world: World, ann: Machine, shop: Shop, rf: Any) -> None:
    id = message(ann.post(PATH, body(shop)))
    with scope.opened(scope.of(world.acme.id)):
        refuse(places=places_of(rf.get("/"), world.acme), asked=KeyRequest.objects.get(), by="ann", reason="No.")
    assert message(ann.put(f"{PATH}/approve/{id}"), 409) == "This request is refused already."


def test_a_disabled_developer_gets_no_key(world: World, ann: Machine, shop: Shop) -> None:
    id = message(ann.post(PATH, body(shop)))
    with scope.opened(scope.of(world.acme.id)):
        developers.disable_developer(developer=Developer.objects.get(pk=shop.dev.pk))
        keys = Key.objects.count()
    assert message(ann.put(f"{PATH}/approve/{id}"), 400) == "The developer is disabled: enable them first."
    with scope.opened(scope.of(world.acme.id)):
        assert Key.objects.count() == keys
