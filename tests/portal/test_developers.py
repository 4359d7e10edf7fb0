"""Developers: changed, disabled, enabled and deleted, with their keys."""

import pytest

from keys import services as keys
from keys.models import Key
from orgs.models import AuditEntry
from portal.models import Application, Developer, DeveloperSession, KeyRequest
from portal.services import developers, requests
from tests.conftest import World, signed_in
from tests.portal.shared import Shop, a_request, counted, developer_client, make_developer, text_of


def with_keys(shop: Shop, *names: str) -> list[Key]:
    with shop.inside():
        asked = [a_request(shop, application=name, state=KeyRequest.APPROVED) for name in names]
        return [requests.take_key(asked=one)[0] for one in asked]


def is_disabled(shop: Shop, *which: Key) -> list[bool]:
    with shop.inside():
        found = Key.objects.in_bulk([key.pk for key in which])
    return [found[key.pk].is_disabled for key in which]


def is_revoked(shop: Shop, *which: Key) -> list[bool]:
    with shop.inside():
        found = Key.objects.in_bulk([key.pk for key in which])
    return [found[key.pk].revoked_at is not None for key in which]


def test_disabling_takes_the_keys_and_enabling_brings_these_back_and_no_others(world: World, shop: Shop) -> None:
    works, was_disabled, was_revoked = with_keys(shop, "One", "Two", "Three")
    with shop.inside():
        keys.disable_key(key=was_disabled)
        keys.revoke_key(key=was_revoked)
        other = make_developer("kim@example.com")
        application = Application.objects.create(developer=other, name="Kim's")
        asked = KeyRequest.objects.create(
            application=application, policy=shop.policy, state=KeyRequest.APPROVED, plan_name="A", entry_title="B"
        )
        kims, _ = requests.take_key(asked=asked)
    ann, client, here = signed_in(world.ann), shop.client(), f"/developers/{shop.dev.pk}/"
    page = text_of(ann.get(f"{here}disable/"))
    assert works.masked in page
    assert ann.post(f"{here}disable/").status_code == 302
    assert is_disabled(shop, works, was_disabled, was_revoked, kims) == [True, True, False, False]
    assert client.get("/account/").status_code == 302
    ann.post(f"{here}disable/")  # a second click
    assert ann.post(f"{here}enable/").status_code == 302
    assert is_disabled(shop, works, was_disabled, was_revoked, kims) == [False, True, False, False]
    assert is_revoked(shop, works, was_revoked) == [False, True]
    assert client.get("/account/").status_code == 302  # the session has ended for good
    with shop.inside():
        lines = AuditEntry.objects.filter(kind="developers", actor="ann@acme.example").order_by("at")
        assert [(line.action, line.changes) for line in lines] == [
            ("disabled", {"keys disabled": [None, 1]}),
            ("disabled", {"keys disabled": [None, 0]}),
            ("enabled", {"keys enabled": [None, 1]}),
        ]


def test_key_that_was_revoked_meanwhile_stays_so(shop: Shop) -> None:
    first, second = with_keys(shop, "One", "Two")
    with shop.inside():
        developers.disable_developer(developer=shop.dev)
        keys.revoke_key(key=first)
        developers.enable_developer(developer=shop.dev)
    assert is_revoked(shop, first, second) == [True, False]
    assert is_disabled(shop, second) == [False]


def test_disabled_developer_takes_no_key(shop: Shop) -> None:
    with shop.inside():
        asked = a_request(shop, state=KeyRequest.APPROVED)
        developers.disable_developer(developer=shop.dev)
        with pytest.raises(Exception, match="The account is disabled"):
            requests.take_key(asked=asked)
        assert not Key.objects.exists()


def test_deleting_revokes_and_takes_all_with_it(world: World, shop: Shop) -> None:
    first, second = with_keys(shop, "One", "Two")
    ann, here = signed_in(world.ann), f"/developers/{shop.dev.pk}/delete/"
    shop.client()
    page = text_of(ann.get(here))
    assert (first.masked in page, second.masked in page) == (True, True)
    wrong = ann.post(here, {"confirm_name": "somebody@else.example"})
    assert "This is not the e-mail address." in text_of(wrong)
    assert is_revoked(shop, first, second) == [False, False]
    ann.post(here, {"confirm_name": "dev@example.com"})
    assert is_revoked(shop, first, second) == [True, True]
    with shop.inside():
        for model in (Developer, Application, KeyRequest, DeveloperSession):
            assert not model.objects.exists()
        assert AuditEntry.objects.get(action="deleted").changes == {"keys revoked": [None, 2]}


def test_developer_deletes_their_own_account(shop: Shop) -> None:
    [key] = with_keys(shop, "One")
    client = shop.client()
    refused = client.post("/account/delete/", {"confirm_name": "dev@example.org"})
    assert "This is not your e-mail address." in text_of(refused)
    assert client.post("/account/delete/", {"confirm_name": "dev@example.com"})["Location"] == f"{shop.prefix}/"
    assert is_revoked(shop, key) == [True]
    with shop.inside():
        assert AuditEntry.objects.get(action="deleted").actor == "dev@example.com"
        fresh = make_developer("dev@example.com")
    assert not developer_client(fresh, shop.prefix).get("/applications/").content.decode().count("One")


def test_developer_changes_their_name_and_nothing_else(shop: Shop) -> None:
    client = shop.client()
    sent = {"name": "Devi", "groups": "partners", "email": "x@y.example", "is_active": "", "terms_revision": "9",
            "organisation": "0" * 24, "id": "0" * 24, "extra": "{}"}  # fmt: skip
    assert client.post("/account/", sent).status_code == 302
    with shop.inside():
        dev = Developer.objects.get()
    assert (dev.name, dev.email, dev.groups, dev.terms_revision) == ("Devi", "dev@example.com", [], 0)
    for name, sentence in {"": "This field is required.", "x" * 81: "at most 80", "N\0": "Null characters"}.items():
        assert sentence in text_of(client.post("/account/", {"name": name}))


def test_developer_sees_no_other_developer(shop: Shop) -> None:
    with shop.inside():
        kim = make_developer("kim@example.com")
        application = Application.objects.create(developer=kim, name="Kim's secret")
        KeyRequest.objects.create(application=application, plan=shop.plan, plan_name="A", entry_title="B")
    client = shop.client()
    for path in ("/", "/apis/parcels/", "/applications/", "/account/", f"/apis/parcels/plans/{shop.plan.pk}/",
                 f"/applications/{application.pk}/", f"/developers/{kim.pk}/"):  # fmt: skip
        html = client.get(path).content.decode()
        assert [word for word in ("kim", "Kim", kim.pk, "secret") if word in html] == [], path


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"groups": "x" * 61}, "has more than 60 characters."),
        ({"groups": f"fine, {'é' * 61}"}, "has more than 60 characters."),
        ({"groups": "a\0b"}, "Null characters are not allowed."),
        ({"groups": "x," * 3_000}, "at most 5000 characters"),
        ({"name": "x" * 81}, "at most 80 characters"),
    ],
)
def test_bad_input_gets_a_sentence(world: World, shop: Shop, fields: dict[str, str], sentence: str) -> None:
    ann = signed_in(world.ann)
    sent = {"name": "Devi", "groups": "partners, beta"} | fields
    assert sentence in text_of(ann.post(f"/developers/{shop.dev.pk}/edit/", sent))
    if "name" not in fields or fields["name"]:
        assert sentence in text_of(ann.post("/developers/invite/", {"email": "a@b.example", **sent}))
    with shop.inside():
        dev = Developer.objects.get()
    assert (dev.name, dev.groups) == ("Dev", [])


def test_groups_are_distinct_names(world: World, shop: Shop) -> None:
    signed_in(world.ann).post(f"/developers/{shop.dev.pk}/edit/", {"name": "Devi", "groups": " a ,b\n,,a, c d\n"})
    with shop.inside():
        assert Developer.objects.get().groups == ["a", "b", "c d"]


def test_page_of_a_developer_takes_as_many_queries_for_three_keys_as_for_one(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)

    def queries() -> int:
        with counted() as asked:
            assert ann.get(f"/developers/{shop.dev.pk}/").status_code == 200
        return len(asked)

    with_keys(shop, "One")
    first = queries()
    with_keys(shop, "Two", "Three")
    assert queries() == first
