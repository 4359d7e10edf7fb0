import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis import services
from apis.conflicts import differences
from apis.models import Api
from keys.models import Key, KeyAccess
from orgs import audit, scope
from orgs.models import AuditEntry, Organisation
from tests.apis.test_services import definition, taken
from tests.conftest import SiteClient, World, signed_in, user

DOCUMENT = json.dumps({"openapi": "3.0.3", "info": {"title": "Orders", "version": "1"}, "paths": {}})


def made(organisation: Organisation, **changes: Any) -> Api:
    openapi_text, by = changes.pop("openapi_text", ""), changes.pop("by", "commonhold")
    with scope.opened(scope.of(organisation.id)), audit.acting(audit.Actor(id="", name=by)):
        return services.create_api(definition=definition(**changes), openapi_text=openapi_text)


def stored(api: Api) -> Api:
    with scope.opened(scope.of(str(api.organisation_id))):
        return Api.objects.get(pk=api.pk)


def number(organisation: Organisation) -> int:
    with scope.opened(scope.of(organisation.id)):
        return Api.objects.count()


def typed(**changes: Any) -> dict[str, Any]:
    fields = {
        "name": "Orders",
        "listen_path": "/acme/orders/",
        "target_url": "https://orders.example/v1",
        "authentication": "token",
        "rate": "",
        "per": "",
        "tags": "shop",
        "active": "on",
        "revision": "1",
    }
    return fields | changes


def text_of(response: Any) -> str:
    return str(response.content.decode())


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


PAGES = [
    "",
    "edit/",
    "definition/",
    "definition/edit/",
    "definition.json",
    "openapi/",
    "openapi.json",
    "history/",
    "delete/",
]
WRITING = ["edit/", "definition/edit/", "delete/", "activate/", "deactivate/"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_an_api_works_for_its_administrator(world: World, path: str) -> None:
    api = made(world.acme, openapi_text=DOCUMENT)
    assert signed_in(world.ann).get(f"/apis/{api.pk}/{path}").status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_an_api_is_not_there_for_another_organisation(world: World, path: str) -> None:
    api = made(world.acme, openapi_text=DOCUMENT)
    assert signed_in(world.gus).get(f"/apis/{api.pk}/{path}").status_code == 404


@pytest.mark.parametrize("path", WRITING)
def test_nothing_can_be_changed_from_another_organisation(world: World, path: str) -> None:
    api = made(world.acme)
    posted = typed(name="Mine now", confirm_name="Orders", definition="{}")
    assert signed_in(world.gus).post(f"/apis/{api.pk}/{path}", posted).status_code == 404
    assert stored(api).definition == api.definition


@pytest.mark.parametrize("path", WRITING)
def test_nothing_can_be_changed_by_a_reader(world: World, path: str) -> None:
    api = made(world.acme)
    posted = typed(name="Mine now", confirm_name="Orders", definition="{}")
    assert signed_in(world.al).post(f"/apis/{api.pk}/{path}", posted).status_code == 403
    assert stored(api).definition == api.definition


@pytest.mark.parametrize("path", ["create/", "import/"])
def test_nothing_can_be_added_by_a_reader(world: World, path: str) -> None:
    reader = signed_in(world.al)
    assert reader.get(f"/apis/{path}").status_code == 403
    assert reader.post(f"/apis/{path}", typed(text=DOCUMENT)).status_code == 403
    assert number(world.acme) == 0


def test_a_reader_sees_no_buttons(world: World) -> None:
    api = made(world.acme)
    page = text_of(signed_in(world.al).get(f"/apis/{api.pk}/"))
    assert "Orders" in page
    assert [word for word in (">Edit<", ">Delete<", ">Deactivate<") if word in page] == []


def test_a_visitor_reads_and_changes_nothing(world: World) -> None:
    api = made(world.acme)
    visit = signed_in(world.uma, prefix="/all/o/acme")
    assert "Orders" in text_of(visit.get(f"/apis/{api.pk}/"))
    assert [visit.post(f"/apis/{api.pk}/{path}", typed()).status_code for path in WRITING] == [403] * 5
    assert stored(api).definition == api.definition


@pytest.mark.parametrize(
    ("path", "method"),
    [("activate/", "get"), ("deactivate/", "get"), ("", "post"), ("edit/", "put"), ("delete/", "put")],
)
def test_wrong_methods_are_refused(world: World, path: str, method: str) -> None:
    api = made(world.acme)
    assert getattr(signed_in(world.ann), method)(f"/apis/{api.pk}/{path}").status_code == 405


@pytest.mark.parametrize("id", ["0" * 24, "0" * 23, "A" * 24, "../etc"])
def test_unknown_and_malformed_ids_are_not_there(world: World, id: str) -> None:
    assert signed_in(world.ann).get(f"/apis/{id}/").status_code == 404


def test_the_list_needs_as_many_queries_for_three_as_for_one(world: World) -> None:
    ann = signed_in(world.ann)
    made(world.acme)
    with CaptureQueriesContext(connection) as one:
        assert "Orders" in text_of(ann.get("/apis/"))
    made(world.acme, listen_path="/acme/2/")
    made(world.acme, listen_path="/acme/3/")
    with CaptureQueriesContext(connection) as three:
        assert "/acme/3/" in text_of(ann.get("/apis/"))
    assert len(three) == len(one)


def test_create_says_everything_that_is_wrong_at_once(world: World) -> None:
    sent = typed(listen_path="orders", target_url="ftp:/x", rate="5")
    assert signed_in(world.ann).post("/apis/create/", sent).context["form"].errors == {
        "listen_path": ["Must begin with “/”."],
        "target_url": ["Must be an absolute address with a host, beginning with http or https://."],
        "per": ["Say in how many seconds that many requests are allowed."],
    }


def test_edit_takes_a_target_of_another_protocol(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        tcp = definition(target_url="tcp://db.example:5432") | {"protocol": "tcp", "listen_port": 5432}
        api = services.create_api(definition=tcp)
    changed = typed(target_url="tcp://db2.example:5432")
    assert signed_in(world.ann).post(f"/apis/{api.pk}/edit/", changed).status_code == 302
    assert stored(api).target_url == "tcp://db2.example:5432"


def test_create_makes_the_api_that_was_typed(world: World) -> None:
    ann = signed_in(world.ann)
    response = ann.post("/apis/create/", typed(rate="100", per="60", tags="shop, , eu ,shop"), follow=True)
    with scope.opened(scope.of(world.acme.id)):
        api = Api.objects.get()
    expected = definition(rate=100, per=60, tags=["shop", "eu"])
    assert json.loads(api.definition) == expected | {
        "id": api.pk,
        "api_id": api.api_id,
        "org_id": world.acme.id,
    }
    assert response.redirect_chain == [(f"/o/acme/apis/{api.pk}/", 302)]
    assert said(response) == ["Orders is created."]


def test_create_makes_a_listen_path_of_the_name(world: World) -> None:
    signed_in(world.ann).post("/apis/create/", typed(name="Größe & Co", listen_path=""))
    with scope.opened(scope.of(world.acme.id)):
        assert Api.objects.get().listen_path == "/acme/groe-co/"


@pytest.mark.parametrize(
    ("changes", "field", "error"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"name": "a\x00b"}, "name", "Null characters are not allowed."),
        ({"listen_path": "orders"}, "listen_path", "Must begin with “/”."),
        ({"listen_path": "/a//b"}, "listen_path", "Must not hold “//”, “.” or “..” as a part."),
        ({"target_url": "https://a b/"}, "target_url", "Must not hold spaces or control characters."),
        (
            {"target_url": "http://169.254.169.254/"},
            "target_url",
            "Must not be a link-local or metadata address (169.254.169.254).",
        ),
        (
            {"authentication": "multiple"},
            "authentication",
            "Select a valid choice. multiple is not one of the available choices.",
        ),
        ({"rate": "10"}, "per", "Say in how many seconds that many requests are allowed."),
        ({"rate": "nan", "per": "1"}, "rate", "Enter a number."),
        ({"tags": f"a, {'x' * 61}"}, "tags", f"“{'x' * 20} … {'x' * 20}” must have 1 to 60 characters."),
    ],
)
def test_create_says_at_the_field_what_is_wrong_and_keeps_the_rest(
    world: World, changes: dict[str, str], field: str, error: str
) -> None:
    sent = typed(**changes)
    response = signed_in(world.ann).post("/apis/create/", sent)
    form = response.context["form"]
    assert form.errors == {field: [error]}
    assert {name: form[name].value() for name in sent if name != "active"} == {
        name: value for name, value in sent.items() if name != "active"
    }
    assert number(world.acme) == 0


def test_create_says_who_listens_there_already(world: World) -> None:
    made(world.acme)
    response = signed_in(world.ann).post("/apis/create/", typed(name="Again"))
    assert response.context["form"].errors == {"listen_path": [taken("/acme/orders/")]}


def test_edit_changes_what_was_touched_and_keeps_the_rest(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        odd = definition(rate=100.0, per=60) | {"tags": ["a,b"], "config_data": {"deep": [1, {"x": None}]}}
        api = services.create_api(definition=odd)
    page = signed_in(world.ann)
    form = page.get(f"/apis/{api.pk}/edit/").context["form"]
    shown = {name: form[name].value() for name in typed()}
    assert shown["rate"] == 100
    page.post(f"/apis/{api.pk}/edit/", shown | {"name": "Orders 2", "active": "on"})
    assert json.loads(stored(api).definition) == json.loads(api.definition) | {"name": "Orders 2"}


def test_edit_tells_the_second_of_two_and_loses_nothing_typed(world: World) -> None:
    ann = signed_in(world.ann)
    api = made(world.acme, by="ann@acme.example")
    ann.post(f"/apis/{api.pk}/edit/", typed(name="First", tags="shop, fast"))
    mine = typed(name="Second", target_url="https://mine.example/")
    response = ann.post(f"/apis/{api.pk}/edit/", mine)

    conflict = response.context["conflict"]
    assert conflict["who"] == "ann@acme.example"
    assert conflict["fields"] == [
        ("Name", "First", "Second"),
        ("Target", "https://orders.example/v1", "https://mine.example/"),
        ("Tags", "shop, fast", "shop"),
    ]
    assert stored(api).name == "First"

    form = response.context["form"]
    assert {name: str(form[name].value()) for name in typed() if name != "active"} == {
        name: value for name, value in (mine | {"revision": "2"}).items() if name != "active"
    }
    again = {name: form[name].value() for name in typed()}
    assert ann.post(f"/apis/{api.pk}/edit/", again).status_code == 302
    assert (stored(api).name, stored(api).revision) == ("Second", 3)


def test_the_editor_shows_the_definition_and_saves_it(world: World) -> None:
    api = made(world.acme)
    ann = signed_in(world.ann)
    form = ann.get(f"/apis/{api.pk}/definition/edit/").context["form"]
    text = form["definition"].value()
    assert text == json.dumps(json.loads(api.definition), indent=2)
    changed = text.replace('"Orders"', '"Orders ✓"').replace("\n", "\r\n")
    ann.post(f"/apis/{api.pk}/definition/edit/", {"definition": changed, "revision": "1"})
    saved = stored(api).definition
    assert json.loads(saved) == json.loads(api.definition) | {"name": "Orders ✓"}
    assert "\n" not in saved


@pytest.mark.parametrize(
    ("replaced", "by", "line", "error"),
    [
        ('"active": true', '"active": "yes"', 4, 'Line 4: active must be true or false, not "yes".'),
        ('"active": true,', '"active": true', 5, "Line 5: This is not JSON: Expecting ',' delimiter."),
        ('"slug": "orders"', '"name": "again"', 3, "Line 3: The key “name” stands twice in one object."),
        (
            '"listen_path": "/acme/orders/"',
            '"listen_path": "orders"',
            18,
            "Line 18: proxy.listen_path must begin with “/”.",
        ),
        (
            '"name": "Orders"',
            '"name": "\\u0000"',
            2,
            "Line 2: name holds a NUL or half a surrogate pair, which cannot be stored.",
        ),
    ],
)
def test_the_editor_names_the_line_and_keeps_the_text(
    world: World, replaced: str, by: str, line: int, error: str
) -> None:
    api = made(world.acme)
    text = json.dumps(definition(), indent=2).replace(replaced, by, 1)
    response = signed_in(world.ann).post(f"/apis/{api.pk}/definition/edit/", {"definition": text, "revision": "1"})
    form = response.context["form"]
    assert form.errors == {"definition": [error]}
    assert form["definition"].value() == text
    assert form.fields["definition"].widget.attrs.get("data-error-line") == line
    assert stored(api).definition == api.definition


def test_the_editor_says_that_ids_cannot_be_changed(world: World) -> None:
    api = made(world.acme)
    text = json.dumps(definition() | {"org_id": world.globex.id})
    response = signed_in(world.ann).post(f"/apis/{api.pk}/definition/edit/", {"definition": text, "revision": "1"})
    assert response.context["form"].errors == {
        "definition": [f"Line 1: org_id cannot be changed: leave it at “{world.acme.id}”, or leave it out."]
    }


def test_the_editor_tells_the_second_of_two_and_shows_both_texts(world: World) -> None:
    api = made(world.acme)
    ann = signed_in(world.ann)
    ann.post(f"/apis/{api.pk}/edit/", typed(name="First"))
    mine = json.dumps(definition() | {"name": "Second", "internal": True})
    response = ann.post(f"/apis/{api.pk}/definition/edit/", {"definition": mine, "revision": "1"})
    assert response.context["conflict"]["fields"] == [
        ("name", '"First"', '"Second"'),
        ("internal", "not there", "true"),
    ]
    assert json.loads(response.context["theirs"]) == json.loads(stored(api).definition)
    form = response.context["form"]
    assert (form["definition"].value(), form["revision"].value()) == (mine, 2)


def test_the_overview_shows_the_facts(world: World) -> None:
    api = made(world.acme, target_url="https://me:secret@orders.example/", rate=100, per=60)
    response = signed_in(world.ann).get(f"/apis/{api.pk}/")
    facts = {fact["label"]: fact["value"] for fact in response.context["facts"]}
    assert "secret" not in text_of(response)
    assert {label: facts[label] for label in ("State", "Target", "Rate limit", "Tags", "Try it")} == {
        "State": "active",
        "Target": "https://…@orders.example/",
        "Rate limit": "100 requests in 60 s, over all keys",
        "Tags": "shop",
        "Try it": "curl -H 'Authorization: KEY' https://your-gateway/acme/orders/",
    }
    assert response.context["tabs"] == [
        ("Overview", f"/o/acme/apis/{api.pk}/", True),
        ("Definition", f"/o/acme/apis/{api.pk}/definition/", False),
        ("Where it runs", f"/o/acme/apis/{api.pk}/gateways/", False),
        ("Use", f"/o/acme/apis/{api.pk}/use/", False),
        ("Keys", f"/o/acme/keys/?api={api.pk}", False),
        ("History", f"/o/acme/apis/{api.pk}/history/", False),
    ]


def test_the_tabs_show_only_what_one_may_read(world: World) -> None:
    api = made(world.acme)
    ada = signed_in(user("ada@acme.example", world.acme, permissions={"apis": "read"}))
    labels = [label for label, *_ in ada.get(f"/apis/{api.pk}/").context["tabs"]]
    assert labels == ["Overview", "Definition", "Where it runs"]
    assert ada.get(f"/apis/{api.pk}/history/").status_code == 403


def test_downloads_are_what_was_stored(world: World) -> None:
    api = made(world.acme, openapi_text=DOCUMENT)
    ann = signed_in(world.ann)
    one, other = ann.get(f"/apis/{api.pk}/definition.json"), ann.get(f"/apis/{api.pk}/openapi.json")
    assert json.loads(text_of(one)) == json.loads(api.definition)
    assert text_of(other) == DOCUMENT
    assert [file["Content-Disposition"] for file in (one, other)] == [
        'attachment; filename="orders.json"',
        'attachment; filename="orders.openapi.json"',
    ]


def test_an_api_without_a_document_has_none_to_show(world: World) -> None:
    api = made(world.acme)
    ann = signed_in(world.ann)
    assert [ann.get(f"/apis/{api.pk}/{path}").status_code for path in ("openapi/", "openapi.json")] == [
        404,
        404,
    ]


def test_the_history_tells_who_changed_what(world: World) -> None:
    api = made(world.acme)
    ann = signed_in(world.ann)
    ann.post(f"/apis/{api.pk}/edit/", typed(name="Orders 2", active=""))
    lines = ann.get(f"/apis/{api.pk}/history/").context["history"]
    assert sorted((line["who"], line["what"], line["changes"]) for line in lines) == [
        ("ann@acme.example", "changed API", [("name", "Orders", "Orders 2"), ("active", "yes", "no")]),
        ("commonhold", "created API", []),
    ]


def test_activate_and_deactivate_say_what_gateways_do(world: World) -> None:
    api = made(world.acme)
    ann = signed_in(world.ann)
    assert said(ann.post(f"/apis/{api.pk}/deactivate/", follow=True)) == [
        "Orders is inactive: gateways serve it no more."
    ]
    assert not stored(api).is_active
    assert said(ann.post(f"/apis/{api.pk}/activate/", follow=True)) == ["Orders is active: gateways serve it."]
    assert stored(api).is_active


def test_activate_refuses_an_api_without_a_target(world: World) -> None:
    api = made(world.acme, target_url="http://upstream.invalid/", active=False)
    response = signed_in(world.ann).post(f"/apis/{api.pk}/activate/", follow=True)
    assert said(response) == [
        "Orders cannot be activated: proxy.target_url is a placeholder: give it a target before activating it."
    ]
    assert "Give it a target" in text_of(response)
    assert not stored(api).is_active


def key(api: Api, alias: str, *others: Api, **fields: Any) -> None:
    with scope.opened(scope.of(str(api.organisation_id))):
        made = Key.objects.create(alias=alias, hash_algorithm="sha256", hash=alias, digest=alias, masked="m", **fields)
        KeyAccess.objects.bulk_create(KeyAccess(key=made, api=each) for each in (api, *others))


def confirmation(client: SiteClient, api: Api) -> list[str]:
    return list(client.get(f"/apis/{api.pk}/delete/").context["confirm"]["stops"])


def test_delete_says_what_stops(world: World) -> None:
    api, other = made(world.acme), made(world.acme, listen_path="/acme/other/")
    ann = signed_in(world.ann)
    answers = "Gateways answer no more at /acme/orders/."
    assert confirmation(ann, api) == [answers, "No key names it."]
    key(api, "a")
    assert confirmation(ann, api) == [answers, "1 key names it, and will open nothing any more."]
    key(api, "b", other)
    key(api, "c", has_all_apis=True)
    key(api, "d", revoked_at="2026-01-01T00:00Z")
    assert confirmation(ann, api) == [answers, "3 keys name it; 1 of them will open nothing any more."]


def test_delete_wants_the_name_typed(world: World) -> None:
    api = made(world.acme)
    ann = signed_in(world.ann)
    response = ann.post(f"/apis/{api.pk}/delete/", {"confirm_name": "orders"})
    assert response.context["confirm"]["error"] == "That is not its name."
    assert number(world.acme) == 1

    response = ann.post(f"/apis/{api.pk}/delete/", {"confirm_name": " Orders "}, follow=True)
    assert response.redirect_chain == [("/o/acme/apis/", 302)]
    assert said(response) == ["Orders is deleted."]
    assert number(world.acme) == 0
    with scope.opened(scope.of(world.acme.id)):
        assert AuditEntry.objects.filter(action="deleted", object_id=api.pk, actor="ann@acme.example").count() == 1


def test_a_suspended_organisation_is_only_read(world: World) -> None:
    api = made(world.acme)
    with scope.opened(scope.of(world.acme.id)):
        Organisation.objects.filter(pk=world.acme.id).update(is_suspended=True)
    ann = signed_in(world.ann)
    assert ">Edit<" not in text_of(ann.get(f"/apis/{api.pk}/"))
    assert ann.post(f"/apis/{api.pk}/deactivate/").status_code == 403


def test_the_conflict_shows_long_texts_that_differ_in_the_middle() -> None:
    long = "x" * 500
    ((place, theirs, mine),) = differences({"a": f"{long}1{long}", "b": []}, {"a": f"{long}2{long}", "b": []})
    assert (place, len(theirs) < 210, len(mine) < 210) == ("a", True, True)
