import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from keys import rights, services
from keys.models import Key
from keys.paths import AllowedUrl
from keys.rights import ApiAccess
from orgs import scope
from orgs.ids import new_id
from orgs.models import AuditEntry
from tests.conftest import World, signed_in, user
from tests.keys.test_services import make_api, make_key
from users.models import Session
from users.sessions import SessionStore

TOKEN = re.compile(r"eyJvcmciOi[A-Za-z0-9+/]+=*")


@pytest.fixture
def acme(world: World) -> Iterator[World]:
    """A world in which acme has a key, and globex has one too; the body runs in acme's scope."""
    with scope.opened(scope.of(world.globex.id)):
        make_key(alias="Foreign key")
    with scope.opened(scope.of(world.acme.id)):
        yield world


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def rows_of(answer: Any) -> list[str]:
    return re.findall(r'<td><a href="[^"]*">([^<]*)</a><span class="sub">', text_of(answer))


def form_of(client: Client, path: str) -> dict[str, str]:
    """What the form at this path would send untouched, but for what is ticked."""
    form = client.get(path).context["form"]
    values = {field.html_name: field.value() for field in form}
    return {name: str(value) for name, value in values.items() if value is not None}


def sent(client: Client, **changes: Any) -> Any:
    return client.post("/keys/create/", form_of(client, "/keys/create/") | {"alias": "Mobile app"} | changes)


def test_a_key_is_created_on_one_page_which_shows_its_secret_once(
    acme: World, caplog: pytest.LogCaptureFixture
) -> None:
    api, client = make_api("Orders"), signed_in(acme.ann)
    form = form_of(client, "/keys/create/") | {
        "alias": "Mobile app",
        "apis": [api.id],
        f"paths-{api.id}": "GET,POST ^/orders\n^/health",
        "rate": "100",
        "per_s": "60",
        "quota_max": "5000",
        "quota_window_s": "86400",
        "expires": "at",
        "expires_at": "2040-01-31T12:30",
        "tags": "gold, mobile",
        "metadata": "plan=gold\nteam = shop",
    }
    answer = client.post("/keys/create/", form)
    assert answer.status_code == 200
    token = TOKEN.search(text_of(answer))
    assert token is not None
    assert f"curl -H 'Authorization: {token[0]}' https://your-gateway{api.listen_path}" in text_of(answer)
    key = Key.objects.get()
    settings = services.settings_of(key)
    assert settings["expires_at"] == datetime(2040, 1, 31, 12, 30, tzinfo=UTC)
    assert (settings["rate"], settings["per_s"], settings["quota_max"]) == (100, 60, 5000)
    assert (settings["tags"], settings["metadata"]) == (["gold", "mobile"], {"plan": "gold", "team": "shop"})
    assert [(path.url, len(path.methods)) for path in rights.accesses_of(key)[0].allowed_urls] == [
        ("^/orders", 2),
        ("^/health", 9),
    ]
    for page in ("", "settings/", "history/", "danger/", "edit/", "rotate/"):
        assert token[0] not in text_of(client.get(f"/keys/{key.pk}/{page}"))
    sessions = [SessionStore().decode(row.session_data) for row in Session.objects.all()]
    assert len(sessions) == 1
    assert token[0] not in f"{sessions}{caplog.text}"


def test_sending_the_form_again_creates_nothing_and_leads_to_the_key(acme: World) -> None:
    client, form = signed_in(acme.ann), {"alias": "Mobile app", "reach": "all"}
    form = form_of(client, "/keys/create/") | form
    client.post("/keys/create/", form)
    answer = client.post("/keys/create/", form, follow=True)
    key = Key.objects.get()
    assert answer.redirect_chain == [(f"/o/acme/keys/{key.pk}/", 302)]
    assert "has been created already" in text_of(answer)
    assert TOKEN.search(text_of(answer)) is None


def test_a_form_id_of_ones_own_making_is_refused(acme: World) -> None:
    answer = sent(signed_in(acme.ann), reach="all", form_id=new_id())
    assert "Send it once more" in text_of(answer)
    assert Key.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "APIs: the key would open nothing"),
        ({"reach": "all", "rate": "-1"}, "greater than or equal to 0"),
        ({"reach": "all", "rate": "0.2"}, "Rate: give 1 to"),
        ({"reach": "all", "quota_max": "9" * 30}, "Quota: give 1 to"),
        ({"reach": "all", "expires": "at"}, "Give the time at which the key expires."),
        ({"reach": "all", "expires_at": "2040-01-31T12:30"}, "Choose “At the time given here”"),
        ({"reach": "all", "expires": "at", "expires_at": "2001-01-31T12:30"}, "2001-01-31 12:30 has passed"),
        ({"reach": "all", "metadata": "plan=gold\nteam"}, "Line 2: write name=value."),
        ({"reach": "all", "metadata": '{"a": 1,\n"b": }'}, "Line 2"),
        ({"reach": "all", "metadata": "[" * 5000}, "Line 1: write name=value."),
        ({"reach": "all", "metadata": '{"a":' * 99 + "1" + "}" * 99}, "nested more than 16 levels"),
        ({"apis": ["nonsense"]}, "one of the chosen APIs does not exist"),
        ({"apis": ["f" * 24]}, "one of the chosen APIs does not exist"),
    ],
)
def test_a_bad_form_says_where_and_keeps_what_was_typed(acme: World, changes: dict[str, Any], sentence: str) -> None:
    answer = sent(signed_in(acme.ann), alias="Typed with care", **changes)
    assert sentence in text_of(answer)
    assert 'value="Typed with care"' in text_of(answer)
    assert Key.objects.count() == 0


def test_a_bad_path_is_named_with_its_line(acme: World) -> None:
    api = make_api("Orders")
    paths = "GET ^/fine\nGET (?=x)"
    answer = sent(signed_in(acme.ann), **{"apis": [api.id], f"paths-{api.id}": paths})
    assert "Paths, line 2: " in text_of(answer)
    assert paths in text_of(answer)


def test_another_organisations_api_in_the_form_is_one_that_does_not_exist(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_api("Secret project")
    with scope.opened(scope.of(world.acme.id)):
        answer = sent(signed_in(world.ann), apis=[foreign.id])
        assert "one of the chosen APIs does not exist" in text_of(answer)
        assert "Secret project" not in text_of(answer)
        assert Key.objects.count() == 0


def test_searching_apis_in_the_form_keeps_what_is_ticked_and_typed(acme: World) -> None:
    ticked = make_api("Orders")
    for number in range(30):
        make_api(f"Api{number:02}")
    client = signed_in(acme.ann)
    answer = sent(client, alias="Half done", apis=[ticked.id], metadata="not yet", find="1", api_q="nothing")
    choices = answer.context["choices"]
    assert ([api.name for api in choices.chosen], choices.others) == (["Orders"], [])
    assert 'value="Half done"' in text_of(answer)
    assert "not yet" in text_of(answer)
    assert Key.objects.count() == 0


def test_who_may_write_keys_chooses_apis_without_reading_them(acme: World) -> None:
    make_api("Orders")
    keeper = user("kim@acme.example", acme.acme, permissions={"keys": "write"})
    client = signed_in(keeper)
    assert "Orders" in text_of(client.get("/keys/create/"))
    answer = sent(client, reach="all")
    assert TOKEN.search(text_of(answer)) is not None
    assert 'href="/o/acme/apis/' not in text_of(client.get(f"/keys/{Key.objects.get().pk}/"))


def test_edit_shows_the_conflict_and_keeps_what_was_typed(acme: World) -> None:
    key, _ = make_key(has_all_apis=True)
    client, path = signed_in(acme.ann), f"/keys/{key.pk}/edit/"
    form = form_of(client, path) | {"alias": "Mine", "tags": "new"}
    services.update_key(key=key, revision=1, alias="Theirs")
    answer = client.post(path, form)
    assert answer.context["conflict"]["fields"] == [("alias", "Theirs", "Mine"), ("tags", "—", "new")]
    assert 'value="Mine"' in text_of(answer)
    assert Key.objects.get().alias == "Theirs"
    again = {field.html_name: field.value() for field in answer.context["form"]}
    answer = client.post(path, {name: value for name, value in again.items() if value is not None})
    assert answer.status_code == 302
    saved = Key.objects.get()
    assert (saved.alias, saved.tags, saved.revision) == ("Mine", ["new"], 3)


def test_editing_untouched_changes_nothing(acme: World) -> None:
    api = make_api("Orders", versions=("v1", "v2"))
    paths = AllowedUrl("^/orders", ("GET",))
    key, _ = services.create_key(
        alias="Mobile app", accesses=[ApiAccess(api.id, ("v2",), (paths,))], rate=2.5, per_s=1.5,
        quota_max=7, quota_window_s=12_345, expires_at=datetime(2040, 1, 1, 9, 30, tzinfo=UTC),
        tags=["a", "b"], metadata={"list": [1, 2], "name": "x"},
    )  # fmt: skip
    before = services.settings_of(Key.objects.get(pk=key.pk))
    client, path = signed_in(acme.ann), f"/keys/{key.pk}/edit/"
    form: dict[str, Any] = form_of(client, path)
    form |= {"expires_at": "2040-01-01T09:30", "apis": [api.id], f"versions-{api.id}": ["v2"]}
    form[f"paths-{api.id}"] = client.get(path).context["choices"].chosen[0].paths
    assert client.post(path, form).status_code == 302
    assert services.settings_of(Key.objects.get(pk=key.pk)) == before
    assert not AuditEntry.objects.filter(object_id=key.pk, action="changed").exists()


def test_rotating_shows_the_new_secret_once(acme: World) -> None:
    key, first = make_key(has_all_apis=True)
    client, path = signed_in(acme.ann), f"/keys/{key.pk}/rotate/"
    form = form_of(client, path) | {"grace": "3600"}
    answer = client.post(path, form)
    token = TOKEN.search(text_of(answer))
    assert token is not None
    assert token[0] != first
    page = text_of(client.get(f"/keys/{key.pk}/"))
    assert "Two secrets work:" in page
    assert "59 min left" in page
    answer = client.post(path, form, follow=True)
    assert "nothing has been done now" in text_of(answer)
    assert Key.objects.get().revision == 2


def test_retire_disable_enable_and_revoke(acme: World) -> None:
    key, _ = make_key(has_all_apis=True)
    services.rotate_key(key=key, revision=1, grace=timedelta(days=1))
    client, here = signed_in(acme.ann), f"/keys/{key.pk}/"
    assert client.get(f"{here}retire/").status_code == 200
    assert "Only the newest secret works now." in text_of(client.post(f"{here}retire/", follow=True))
    assert Key.objects.get().previous_until <= timezone.now()  # type: ignore[operator]
    client.post(f"{here}disable/")
    assert Key.objects.get().is_disabled is True
    client.post(f"{here}enable/")
    assert Key.objects.get().is_disabled is False
    assert "This is not the alias" in text_of(client.post(f"{here}revoke/", {"confirm_name": "another"}))
    assert Key.objects.get().revoked_at is None
    client.post(f"{here}revoke/", {"confirm_name": "Mobile app"})
    assert Key.objects.get().revoked_at is not None
    assert "which is for good" in text_of(client.post(f"{here}enable/", follow=True))


def test_disabling_says_what_stops(acme: World) -> None:
    names = ["A", "B", "C", "D", "E", "F", "G"]
    key, _ = make_key(accesses=[ApiAccess(make_api(name).id) for name in names])
    page = text_of(signed_in(acme.ann).get(f"/keys/{key.pk}/disable/"))
    assert f"Every request with Mobile app ({key.masked}) to A, B, C, D, E and 2 more is refused." in page


def test_the_search_box_leads_a_pasted_key_to_its_page(acme: World) -> None:
    key, token = make_key(has_all_apis=True)
    client = signed_in(acme.al)
    answer = client.post("/keys/search/", {"q": f"Authorization: {token}"}, follow=True)
    assert answer.redirect_chain == [(f"/o/acme/keys/{key.pk}/", 302)]
    assert "of this key: its secret." in text_of(answer)
    services.rotate_key(key=key, revision=1, grace=timedelta(hours=1))
    answer = client.post("/keys/search/", {"q": token}, follow=True)
    assert "its previous secret, which still works" in text_of(answer)


def test_a_pasted_key_of_another_organisation_is_not_found(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        _, token = make_key(has_all_apis=True)
    answer = signed_in(world.gus).post("/keys/search/", {"q": token}, follow=True)
    assert answer.redirect_chain == [("/o/globex/keys/", 302)]
    assert "Globex has no key with this secret." in text_of(answer)
    assert token not in text_of(answer)


def test_a_key_in_an_address_is_dropped_from_it_with_a_warning(acme: World) -> None:
    key, token = make_key(has_all_apis=True)
    answer = signed_in(acme.ann).get("/keys/", {"q": token}, follow=True)
    assert answer.redirect_chain == [(f"/o/acme/keys/{key.pk}/", 302)]
    assert "stays in histories and logs" in text_of(answer)


def test_words_in_the_search_box_become_an_address(acme: World) -> None:
    typed = {"q": " mobile app ", "state": "active", "sort": "alias"}
    answer = signed_in(acme.al).post("/keys/search/", typed)
    assert answer.headers["Location"] == "/o/acme/keys/?q=mobile+app&state=active&sort=alias"


def test_the_list_is_narrowed_by_words_tags_apis_and_states(acme: World) -> None:
    orders, bills, now = make_api("Orders"), make_api("Bills"), timezone.now()
    make_key(alias="Mobile app", accesses=[ApiAccess(orders.id)], tags=["Gold"])
    make_key(alias="Web shop", accesses=[ApiAccess(bills.id)], expires_at=now + timedelta(days=3))
    make_key(alias="Administrator", has_all_apis=True, tags=["golden ratio"])
    off, _ = make_key(alias="Off", accesses=[ApiAccess(bills.id)])
    services.disable_key(key=off)
    gone, _ = make_key(alias="Gone", accesses=[ApiAccess(bills.id)])
    services.revoke_key(key=gone)
    old, _ = make_key(alias="Old", accesses=[ApiAccess(bills.id)])
    Key.objects.filter(pk=old.pk).update(expires_at=now - timedelta(days=3))
    client = signed_in(acme.al)
    everything = {"Mobile app", "Web shop", "Administrator", "Off", "Gone", "Old"}
    expected: dict[str, set[str]] = {
        "": everything,
        "q=mob": {"Mobile app"},
        "q=gold": {"Mobile app", "Administrator"},
        "q=%23gold": {"Mobile app"},
        "q=foreign": set(),
        "q=%25": everything,
        "tag=gold": {"Mobile app"},
        "tag=%00": set(),
        f"api={orders.id}": {"Mobile app", "Administrator"},
        "state=active": {"Mobile app", "Web shop", "Administrator"},
        "state=expiring": {"Web shop"},
        "state=expired": {"Old"},
        "state=disabled": {"Off"},
        "state=revoked": {"Gone"},
        "state=nonsense": everything,
        f"state=active&api={orders.id}&q=mobile": {"Mobile app"},
    }
    for query, aliases in expected.items():
        assert set(rows_of(client.get(f"/keys/?{query}"))) == aliases, query
    assert rows_of(client.get("/keys/?sort=alias")) == sorted(everything)
    assert rows_of(client.get("/keys/?sort=-alias")) == sorted(everything, reverse=True)


def test_the_list_of_an_unknown_or_foreign_api_is_not_found(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        foreign = make_api("Secret project").id
    client = signed_in(world.ann)
    assert [client.get(f"/keys/?api={id}").status_code for id in (foreign, "f" * 24, "x", "%00")] == [404] * 4


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_takes_the_same_queries_for_any_number_of_keys(
    acme: World, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(count):
        make_key(alias=f"Key {number}", tags=["gold"])
    client = signed_in(acme.al)
    with django_assert_num_queries(5):  # one of them asks when the keys were used last
        assert len(rows_of(client.get("/keys/?q=key"))) == count


def test_an_empty_list_says_what_to_do_next(world: World) -> None:
    assert "Create a key" in text_of(signed_in(world.ann).get("/keys/"))
    reader = text_of(signed_in(world.al).get("/keys/"))
    assert "No keys yet" in reader
    assert "Create a key" not in reader


def test_the_access_page_says_what_works_and_why(acme: World) -> None:
    orders, bills = make_api("Orders"), make_api("Bills", is_active=False)
    key, _ = make_key(accesses=[ApiAccess(orders.id), ApiAccess(bills.id)], rate=5, per_s=1)
    accesses = signed_in(acme.al).get(f"/keys/{key.pk}/").context["accesses"]
    assert [(access["name"], access["works"], access["why_not"], access["rate"]) for access in accesses] == [
        ("Bills", False, "the API is inactive", "5 / s"),
        ("Orders", True, "", "5 / s"),
    ]
    services.disable_key(key=key)
    accesses = signed_in(acme.al).get(f"/keys/{key.pk}/").context["accesses"]
    assert [access["why_not"] for access in accesses] == ["the key is disabled", "the key is disabled"]


READING = ("", "settings/", "history/")
WRITING = ("danger/", "edit/", "rotate/", "retire/", "disable/", "revoke/")


def test_a_reader_reads_and_changes_nothing(acme: World) -> None:
    key, _ = make_key(has_all_apis=True)
    client, here = signed_in(acme.al), f"/keys/{key.pk}/"
    assert [client.get(f"{here}{page}").status_code for page in READING] == [200] * 3
    assert [client.get(f"{here}{page}").status_code for page in WRITING] == [403] * 6
    posts = [client.post(f"{here}{page}").status_code for page in (*WRITING, "enable/")]
    assert posts == [403] * 7
    assert [client.get("/keys/create/").status_code, client.post("/keys/create/").status_code] == [403, 403]
    page = text_of(client.get(here))
    assert [word for word in ("Rotate", "edit/", "danger/") if word in page] == []


def test_history_needs_the_permission_to_read_the_audit_trail(acme: World) -> None:
    key, _ = make_key(has_all_apis=True)
    client = signed_in(user("kim@acme.example", acme.acme, permissions={"keys": "read"}))
    assert client.get(f"/keys/{key.pk}/history/").status_code == 403
    assert "History" not in text_of(client.get(f"/keys/{key.pk}/"))
    assert "created key" in text_of(signed_in(acme.al).get(f"/keys/{key.pk}/history/"))


def test_a_stranger_finds_nothing(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = make_key(has_all_apis=True)
    client, here = signed_in(world.gus), f"/keys/{key.pk}/"
    assert [client.get(f"{here}{page}").status_code for page in (*READING, *WRITING)] == [404] * 9
    assert [client.post(f"{here}{page}").status_code for page in (*WRITING[1:], "enable/")] == [404] * 6
    assert rows_of(client.get("/keys/")) == []


def test_an_unbounded_user_sees_and_finds_but_changes_nothing(acme: World) -> None:
    key, token = make_key(has_all_apis=True)
    client, site = signed_in(acme.uma), "/all/o/acme"
    assert rows_of(client.get(f"{site}/keys/")) == ["Mobile app"]
    answer = client.post(f"{site}/keys/search/", {"q": token})
    assert answer.headers["Location"] == f"{site}/keys/{key.pk}/"
    assert client.get(f"{site}/keys/{key.pk}/").status_code == 200
    assert client.post(f"{site}/keys/{key.pk}/disable/").status_code == 403


def test_wrong_methods_are_refused(acme: World) -> None:
    key, _ = make_key(has_all_apis=True)
    client, here = signed_in(acme.ann), f"/keys/{key.pk}/"
    assert [client.post(f"{here}{page}").status_code for page in (*READING, "danger/")] == [405] * 4
    assert [client.get(path).status_code for path in (f"{here}enable/", "/keys/search/")] == [405, 405]
    assert [client.put(f"{here}{page}").status_code for page in WRITING[1:]] == [405] * 5
