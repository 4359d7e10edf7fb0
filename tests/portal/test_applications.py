"""A developer's applications, and what becomes of their keys."""

from datetime import timedelta

import pytest
from django.utils import timezone

from keys.models import Key
from orgs.models import AuditEntry
from portal.models import Application, KeyRequest
from portal.services import requests
from portal.services.applications import MOST
from tests.portal.shared import Shop, a_request, counted, make_developer, text_of


def test_application_is_made_changed_and_deleted_with_its_keys(shop: Shop) -> None:
    client = shop.client()
    here = client.post("/applications/create/", {"name": " Tracker ", "description": "Follows\nparcels"})["Location"]
    assert "Follows parcels" in text_of(client.get(here))
    with shop.inside():
        application = Application.objects.get()
        asked = KeyRequest.objects.create(
            application=application, plan=shop.plan, policy=shop.policy, entry_title="Parcels", plan_name="Standard",
            state=KeyRequest.APPROVED,
        )  # fmt: skip
        key, _ = requests.take_key(asked=asked)
    client.post(f"{here}edit/", {"name": "Finder", "description": ""})
    assert "Finder" in text_of(client.get("/applications/"))
    assert f"The key {key.masked} for Parcels." in text_of(client.get(f"{here}delete/"))
    assert client.post(f"{here}delete/")["Location"] == f"{shop.prefix}/applications/"
    with shop.inside():
        assert Key.objects.get().revoked_at is not None
        assert (Application.objects.count(), KeyRequest.objects.count()) == (0, 0)
        lines = AuditEntry.objects.filter(kind="applications").order_by("at")
        assert [(line.action, line.actor) for line in lines] == [
            (action, "dev@example.com") for action in ("created", "changed", "deleted")
        ]
        assert lines[2].changes == {"keys revoked": [None, 1]}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Tracker", "You have an application with this name already."),
        ("", "This field is required."),
        (" \n ", "This field is required."),
        ("x" * 81, "at most 80 characters"),
        ("N\0", "Null characters are not allowed."),
    ],
)
def test_bad_name_gets_a_sentence_and_what_was_typed_stays(shop: Shop, name: str, sentence: str) -> None:
    with shop.inside():
        Application.objects.create(developer=shop.dev, name="Tracker")
        other = Application.objects.create(developer=shop.dev, name="Other")
    for path in ("/applications/create/", f"/applications/{other.pk}/edit/"):
        answer = shop.client().post(path, {"name": name, "description": "Kept as typed"})
        assert sentence in text_of(answer)
        assert "Kept as typed" in answer.content.decode()
    with shop.inside():
        assert sorted(Application.objects.values_list("name", "description")) == [("Other", ""), ("Tracker", "")]


def test_two_developers_may_have_applications_of_one_name(shop: Shop) -> None:
    with shop.inside():
        Application.objects.create(developer=make_developer("kim@example.com"), name="Tracker")
    assert shop.client().post("/applications/create/", {"name": "Tracker"}).status_code == 302


def test_developer_has_at_most_fifty(shop: Shop) -> None:
    with shop.inside():
        Application.objects.bulk_create(Application(developer=shop.dev, name=f"App {at}") for at in range(MOST))
    answer = shop.client().post("/applications/create/", {"name": "One more"})
    assert f"You have {MOST} applications, which is the most." in text_of(answer)


def test_page_of_an_application_stays_short_however_much_was_asked_for(shop: Shop) -> None:
    with shop.inside():
        first = a_request(shop, state=KeyRequest.APPROVED, created_at=timezone.now() - timedelta(days=1))
        columns = {"application": first.application, "entry_title": "Parcels", "plan_name": "Withdrawn"}
        KeyRequest.objects.bulk_create(KeyRequest(**columns, state=KeyRequest.WITHDRAWN) for _ in range(500))
    page = text_of(shop.client().get(f"/applications/{first.application_id}/"))
    assert page.count("Withdrawn") == 100
    assert "ready to be taken" in page


def test_lists_take_as_many_queries_for_three_as_for_one(shop: Shop) -> None:
    client = shop.client()

    def add(name: str) -> None:
        with shop.inside():
            asked = a_request(shop, application=name, state=KeyRequest.APPROVED)
            requests.take_key(asked=asked)
            for plan_name in (name, f"{name} too"):
                KeyRequest.objects.create(
                    application=asked.application, entry_title=name, plan_name=plan_name, state=KeyRequest.REFUSED
                )
            first = Application.objects.order_by("created_at", "id")[0]
            KeyRequest.objects.filter(application=asked.application).update(application=first, plan=None)

    def queries() -> list[int]:
        with shop.inside():
            first = Application.objects.order_by("created_at", "id")[0]
        found = []
        for path in ("/applications/", f"/applications/{first.pk}/", f"/apis/parcels/plans/{shop.plan.pk}/"):
            with counted() as asked:
                assert client.get(path).status_code == 200
            found.append(len(asked))
        return found

    add("One")
    queries()
    first = queries()
    add("Two")
    add("Three")
    assert queries() == first
