"""The administrators' side: the editor of the catalogue, invitations, lists, and what deleting takes with it."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from keys import services as keys
from keys.models import Policy
from keys.policies.services import create_policy
from keys.rights import ApiAccess
from orgs.models import AuditEntry
from portal.models import Application, Entry, KeyRequest, Plan, SignUp
from portal.services import publishing, requests
from tests.conftest import World, signed_in
from tests.keys.test_services import make_api
from tests.portal.shared import Shop, a_request, counted, make_developer, newest_mail, shown_secret, text_of


def rows(*plans: dict[str, str], initial: int = 0) -> dict[str, str]:
    found = {"plans-TOTAL_FORMS": str(len(plans)), "plans-INITIAL_FORMS": str(initial)}
    for at, plan in enumerate(plans):
        sent = {"policy": "", "name": "", "description": "", "approval": "by_hand"} | plan
        found |= {f"plans-{at}-{name}": value for name, value in sent.items()}
    return found


def entry_fields(shop: Shop, **fields: str) -> dict[str, str]:
    return {
        "api": shop.api.pk, "title": "Boxes", "summary": "In all sizes", "description": "Typed for long", "slug": "",
        "audience": "everyone", "groups": "", "categories": "a, b", "is_published": "on", "shows_documentation": "on",
        "position": "0", "revision": "0", **fields,
    }  # fmt: skip


def create(world: World, shop: Shop, *plans: dict[str, str], **fields: str) -> HttpResponse:
    sent = entry_fields(shop, **fields) | rows(*plans)
    return signed_in(world.ann).post("/catalogue/create/", sent)  # type: ignore[return-value]


def saved(shop: Shop) -> Entry:
    with shop.inside():
        return Entry.objects.get(pk=shop.entry.pk)


def test_entry_is_published_with_its_plans(world: World, shop: Shop) -> None:
    answer = create(world, shop, {"policy": shop.policy.pk, "approval": "automatic"}, {})
    assert answer.status_code == 302
    with shop.inside():
        made = Entry.objects.get(title="Boxes")
        plan = Plan.objects.get(entry=made)
        assert (made.slug, made.categories, plan.name, plan.approval) == ("boxes", ["a", "b"], "Gold", "automatic")
        lines = AuditEntry.objects.filter(kind="catalogue", object_id=made.pk).order_by("at")
        assert [(line.action, line.actor) for line in lines] == [
            ("created", "ann@acme.example"), ("changed", "ann@acme.example"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "plan", "sentence"),
    [
        ({"title": "", "api": ""}, {}, "Give it a title, or choose an API."),
        ({"title": "x" * 121}, {}, "at most 120 characters"),
        ({"slug": "Not this"}, {}, "Address: use lower-case letters"),
        ({"slug": "parcels"}, {}, "Address: another entry has it."),
        ({"audience": "groups"}, {}, "Groups: name at least one"),
        ({"audience": "nobody"}, {}, "Select a valid choice."),
        ({"categories": "x" * 61}, {}, "has more than 60 characters."),
        ({"groups": "x" * 61}, {}, "has more than 60 characters."),
        ({"categories": "a\0b"}, {}, "Null characters are not allowed."),
        ({"description": "[a]: b\n<\n> " * 9_000}, {}, "Description: The text is nested"),
        ({"api": "0" * 24}, {}, "Select a valid choice."),
        ({"position": "5000"}, {}, "less than or equal to 1000"),
        ({}, {"policy": "0" * 24}, "Select a valid choice."),
        ({}, {"policy": "", "name": "Free"}, "Choose a policy for it, or empty the row."),
        ({}, {"policy": "", "description": "For all"}, "Choose a policy for it, or empty the row."),
        ({}, {"name": "x" * 81}, "at most 80 characters"),
        ({}, {"approval": "never"}, "Select a valid choice."),
    ],
)
def test_bad_entry_gets_a_sentence_and_nothing_is_saved_or_lost(
    world: World, shop: Shop, fields: dict[str, str], plan: dict[str, str], sentence: str
) -> None:
    answer = create(world, shop, {"policy": shop.policy.pk, "name": "Typed too"} | plan, **fields)
    assert sentence in text_of(answer)
    html = answer.content.decode()
    assert "In all sizes" in html
    assert ("Typed too" in html) or "name" in plan
    with shop.inside():
        assert (Entry.objects.count(), Plan.objects.count()) == (1, 1)


def test_entry_is_not_saved_where_a_plan_is_refused(world: World, shop: Shop) -> None:
    twice = {"policy": shop.policy.pk, "name": "Gold"}
    answer = create(world, shop, twice, twice | {"name": "Gold again"})
    assert "Plans: a policy is offered twice." in text_of(answer)
    assert "Gold again" in answer.content.decode()
    here = f"/catalogue/{shop.entry.pk}/edit/"
    sent = entry_fields(shop, revision="1") | rows(twice, twice)
    assert "Plans: a policy is offered twice." in text_of(signed_in(world.ann).post(here, sent))
    with shop.inside():
        assert [entry.title for entry in Entry.objects.all()] == ["Parcels"]
        assert not AuditEntry.objects.filter(kind="catalogue", actor="ann@acme.example").exists()


def test_form_of_plans_that_is_tampered_with_is_refused(world: World, shop: Shop) -> None:
    for total in ("", "-1", "x", "100000"):
        sent = entry_fields(shop) | rows({"policy": shop.policy.pk}) | {"plans-TOTAL_FORMS": total}
        answer = signed_in(world.ann).post("/catalogue/create/", sent)
        assert answer.status_code in (200, 302)
    many = [{"policy": shop.policy.pk, "name": f"Plan {at}"} for at in range(21)]
    assert create(world, shop, *many).status_code == 200


def test_plan_of_a_policy_stays_the_same_plan_and_others_go(world: World, shop: Shop) -> None:
    """With the keys and requests that it has."""
    with shop.inside():
        silver = create_policy(name="Silver", accesses=[ApiAccess(shop.api.pk)])
        a_request(shop)
    ann, here = signed_in(world.ann), f"/catalogue/{shop.entry.pk}/edit/"
    both = rows({"policy": silver.pk}, {"policy": shop.policy.pk, "name": "Renamed"}, initial=1)
    assert ann.post(here, entry_fields(shop, revision="1", slug="parcels") | both).status_code == 302
    with shop.inside():
        plans = list(Plan.objects.order_by("position"))
        assert [plan.name for plan in plans] == ["Silver", "Renamed"]
        assert plans[1].pk == shop.plan.pk
        assert KeyRequest.objects.get().plan_id == shop.plan.pk
    none = rows({"policy": ""}, {"policy": shop.policy.pk, "name": "Renamed"}, initial=2)
    assert ann.post(here, entry_fields(shop, revision="2", slug="parcels") | none).status_code == 302
    with shop.inside():
        assert [plan.pk for plan in Plan.objects.all()] == [shop.plan.pk]


def test_of_two_who_edit_at_once_the_second_loses_nothing(world: World, shop: Shop) -> None:
    ann, here = signed_in(world.ann), f"/catalogue/{shop.entry.pk}/edit/"
    first = entry_fields(shop, revision="1", title="First") | rows({"policy": shop.policy.pk})
    assert ann.post(here, first).status_code == 302
    second = entry_fields(shop, revision="1", title="Second") | rows({"policy": shop.policy.pk, "name": "Lost?"})
    answer = ann.post(here, second)
    assert "First was changed meanwhile: nothing has been done." in text_of(answer)
    assert "Second" in answer.content.decode()
    assert "Lost?" in answer.content.decode()
    assert saved(shop).title == "First"
    with shop.inside():
        assert Plan.objects.get().name == "Gold"


def test_delete_pages_name_what_of_the_portal_stops(world: World, shop: Shop) -> None:
    with shop.inside():
        works = a_request(shop, state=KeyRequest.APPROVED)
        key, _ = requests.take_key(asked=works)
        ended = a_request(shop, application="Ended", state=KeyRequest.APPROVED)
        revoked, _ = requests.take_key(asked=ended)
        keys.revoke_key(key=revoked)
        others = make_api("Others")
        policy = create_policy(name="Other", accesses=[ApiAccess(others.pk)])
    ann = signed_in(world.ann)
    api, gold = (
        text_of(ann.get(f"/apis/{shop.api.pk}/delete/")),
        text_of(ann.get(f"/policies/{shop.policy.pk}/delete/")),
    )
    named = f"Developers' keys that depend on it: dev@example.com, Tracker ({key.masked})."
    assert "The portal's catalogue does not show any more: Parcels." in api
    assert "The portal does not offer any more: Standard of Parcels." in gold
    for page in (api, gold):
        assert named in page
        assert revoked.masked not in page
    for path in (f"/apis/{others.pk}/delete/", f"/policies/{policy.pk}/delete/"):
        page = text_of(ann.get(path))
        assert "portal" not in page.partition("Developer portal")[0].replace("Portal", "")
        assert "Developers' keys" not in page
    with shop.inside():  # by a client of the API, say
        keys.update_key(key=key, revision=key.revision, policies=[policy.pk])
    assert key.masked not in text_of(ann.get(f"/policies/{shop.policy.pk}/delete/"))
    for path in (f"/apis/{others.pk}/delete/", f"/policies/{policy.pk}/delete/"):
        assert named in text_of(ann.get(path))
    asked = f"/catalogue/{shop.entry.pk}/delete/"
    assert "keys for it, which work on: 1." in text_of(ann.get(asked))


def test_invitation_is_mailed_and_its_link_is_shown_once(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)
    answer = ann.post("/developers/invite/", {"email": "Kim@Example.com", "name": "Kim", "groups": "partners"})
    link = shown_secret(answer)
    assert link in newest_mail().body
    page = ann.get("/developers/").content.decode()
    assert ("kim@example.com" in page, link in page) == (True, False)
    with shop.inside():
        sign_up = SignUp.objects.get()
        line = AuditEntry.objects.get(action="invited")
    assert (line.actor, line.object_name) == ("ann@acme.example", "kim@example.com")
    ann.post(f"/developers/invitations/{sign_up.pk}/revoke/")
    assert "Too late" in text_of(Client().get(link))
    assert "revoked the invitation of" in ann.get("/audit/").content.decode()


def test_whoever_is_a_developer_is_not_invited(world: World, shop: Shop) -> None:
    answer = signed_in(world.ann).post("/developers/invite/", {"email": "DEV@example.com", "name": "Typed"})
    assert "There is already a developer with the e-mail address dev@example.com here." in text_of(answer)
    assert 'value="Typed"' in answer.content.decode()


def test_link_that_somebody_asked_for_is_nobodys_to_see_or_revoke(world: World, shop: Shop) -> None:
    with shop.inside():
        asked = SignUp.objects.create(email="nia@example.com", digest="0" * 64, expires_at="2099-01-01T00:00Z")
    ann = signed_in(world.ann)
    assert "nia@example.com" not in ann.get("/developers/").content.decode()
    assert ann.post(f"/developers/invitations/{asked.pk}/revoke/").status_code == 404


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/catalogue/?q=par", 1), ("/catalogue/?q=%25", 0), ("/catalogue/?state=draft", 0),
        ("/developers/?q=DEV@", 1), ("/developers/?q=%00_", 0), ("/developers/?state=disabled", 0),
        ("/key-requests/?q=dev", 1), ("/key-requests/?state=pending", 1), ("/key-requests/?state=ended", 0),
        ("/key-requests/?sort=nonsense&after=nonsense&state=%00", 1),
    ],
)  # fmt: skip
def test_lists_are_narrowed(world: World, shop: Shop, path: str, shown: int) -> None:
    with shop.inside():
        a_request(shop)
    assert len(signed_in(world.ann).get(path).context["rows"]) == shown


@pytest.mark.parametrize("path", ["/catalogue/", "/developers/", "/key-requests/"])
def test_list_takes_as_many_queries_for_three_rows_as_for_one(world: World, shop: Shop, path: str) -> None:
    ann = signed_in(world.ann)

    def queries() -> int:
        with counted() as asked:
            assert ann.get(path).status_code == 200
        return len(asked)

    def add(name: str) -> None:
        with shop.inside():
            made = make_developer(f"{name}@example.com", groups=[name])
            application = Application.objects.create(developer=made, name=name)
            columns: dict[str, Any] = {"plan": shop.plan, "policy": shop.policy, "plan_name": "A", "entry_title": "B"}
            KeyRequest.objects.create(application=application, **columns)
            SignUp.objects.create(
                email=f"{name}@invited.example", digest=name, invited_by="ann", expires_at="2099-01-01T00:00Z"
            )
            publishing.set_plans(
                entry=publishing.create_entry(title=name, api=make_api(name), is_published=True),
                plans=[{"policy": policy, "name": policy.name} for policy in Policy.objects.all()],
            )

    add("one")
    first = queries()
    add("two")
    add("three")
    assert queries() == first
