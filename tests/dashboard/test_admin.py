"""The Django admin of one organisation."""

import re
from itertools import product
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.admin_sites import site
from orgs import scope
from orgs.admin import OrgModelAdmin
from orgs.ids import new_id
from orgs.models import Organisation, OrgOwned, OrgOwnedOrUnbounded
from tests.conftest import SiteClient, World, signed_in, user
from tests.dashboard import rows
from tests.dashboard.admin import TABLES, body, more_of_each, one_of_each, stored, user_form
from users.models import User

SECRETS = {"password", "digest", "hash", "previous_digest", "previous_hash", "session_key"}
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|javascript:")


def test_every_table_of_the_admin_derives_from_the_scoped_base() -> None:
    admins = site._registry
    assert all(isinstance(model_admin, OrgModelAdmin) for model_admin in admins.values())
    assert all(issubclass(model, OrgOwned | OrgOwnedOrUnbounded | Organisation) for model in admins)


def test_no_table_shows_an_organisation_or_anything_of_a_secret() -> None:
    for model_admin in site._registry.values():
        shown = {*(model_admin.fields or ()), *model_admin.list_display, *model_admin.list_filter}
        assert shown & (SECRETS | {"organisation"}) == set()
        assert (model_admin.search_fields, model_admin.autocomplete_fields, model_admin.actions) == (
            (),
            (),
            None,
        )


def test_an_administrator_sees_their_organisations_rows_alone(world: World) -> None:
    ids, theirs = one_of_each(world.acme, world.ann), one_of_each(world.globex, world.gus)
    client = signed_in(world.ann)
    for table, id in ids.items():
        paths = (f"/admin/{table}/", f"/admin/{table}/{id}/change/", f"/admin/{table}/{id}/history/")
        answers = [client.get(path) for path in paths]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        text = "".join(body(answer) for answer in answers).lower()
        assert (id in text, theirs[table] in text, "globex" in text) == (True, False, False)


@pytest.mark.parametrize("action", ["change", "delete", "history"])
def test_a_strangers_row_is_as_one_that_never_was(world: World, action: str) -> None:
    theirs = one_of_each(world.globex, world.gus)
    client = signed_in(world.ann)
    for table, method in product(TABLES, (client.get, client.post)):
        answers = set()
        for id in (theirs[table], new_id(), "1", "a%00b"):
            response = method(f"/admin/{table}/{id}/{action}/", {"post": "yes"})
            answers.add((response.status_code, body(response)))
        assert [status in (403, 404, 405) for status, _ in answers] == [True]


def test_lists_take_no_actions(world: World) -> None:
    client = signed_in(world.ann)
    for table, theirs in one_of_each(world.globex, world.gus).items():
        action = {"action": "delete_selected", "_selected_action": theirs, "index": "0", "post": "yes"}
        assert client.post(f"/admin/{table}/", action).status_code == 405


def test_what_the_admin_needs_not_is_shut(world: World) -> None:
    client = signed_in(world.ann)
    autocomplete = "autocomplete/?app_label=users&model_name=user&field_name=groups"
    for path in (autocomplete, "r/1/1/", "logout/", "password_change/"):
        assert client.get(f"/admin/{path}").status_code == 404


def test_lists_answer_no_question_that_their_filters_do_not_ask(world: World) -> None:
    client = signed_in(world.ann)
    for query in (
        "users/user/?organisation__slug=globex",
        "users/user/?organisation=globex",
        "users/user/?password__startswith=argon2",
        "users/user/?is_active__exact=%00",
        "users/user/?_to_field=email",
        "users/accesskey/?user__groups__name=x",
        "keys/key/?digest__startswith=a",
        "keys/key/?apis__organisation__slug=globex",
    ):
        assert client.get(f"/admin/{query}").status_code == 400


def test_filters_filter(world: World) -> None:
    client = signed_in(world.ann)
    found = client.get("/admin/users/user/?is_administrator__exact=1").context["cl"].result_list
    assert [person.email for person in found] == ["ann@acme.example"]
    assert client.get("/admin/users/user/?is_active__exact=x").headers["Location"] == "/o/acme/admin/users/user/?e=1"


def test_a_form_cannot_move_a_user_or_make_them_unbounded(world: World) -> None:
    fields = ("organisation_id", "is_unbounded", "permissions", "password", "name")
    before = stored(world.al)
    form = user_form(world.al, organisation=world.globex.id, organisation_id=world.globex.id, is_unbounded="on")
    form |= {
        "password": "x",
        "permissions": '{"keys": "write"}',
        "is_superuser": "on",
        "is_staff": "on",
        "name": "Alan",
    }
    response = signed_in(world.ann).post(f"/admin/users/user/{world.al.id}/change/", form)
    assert response.headers["Location"] == "/o/acme/admin/users/user/"
    after = stored(world.al)
    assert [getattr(after, name) for name in fields] == [
        *(getattr(before, name) for name in fields[:-1]),
        "Alan",
    ]


def test_who_is_no_administrator_makes_nobody_one(world: World) -> None:
    clerk = user("clerk@acme.example", world.acme, permissions={"users": "write"})
    guest = user("guest@acme.example", world.acme)
    client = signed_in(clerk)
    form = user_form(guest, is_administrator="on", name="Guest II")
    del form["is_active"]
    client.post(f"/admin/users/user/{guest.id}/change/", form)
    after = stored(guest)
    assert (after.is_administrator, after.is_active, after.name) == (False, True, "Guest II")


def test_the_rules_of_the_services_hold_and_what_was_typed_stays(world: World) -> None:
    form = user_form(world.ann, name="Anne")
    del form["is_administrator"]
    response = signed_in(world.ann).post(f"/admin/users/user/{world.ann.id}/change/", form)
    assert response.context["errors"] == [
        ["ann@acme.example is the last active administrator: make another one first."]
    ]
    assert 'value="Anne"' in body(response)
    assert stored(world.ann).name == "Ann"
    clerk = user("clerk@acme.example", world.acme, permissions={"users": "write"})
    refused = signed_in(clerk).post(f"/admin/users/user/{world.ann.id}/change/", user_form(world.ann, name="x"))
    assert "holds more permissions than you do" in body(refused)


def test_a_change_leaves_one_line_in_our_trail_and_none_in_djangos(world: World) -> None:
    client = signed_in(world.ann)
    client.post(f"/admin/users/user/{world.al.id}/change/", user_form(world.al, name="Alan"))
    assert rows.audit_lines(world.acme) == [("ann@acme.example", "changed", "al@acme.example")]
    page = client.get(f"/admin/users/user/{world.al.id}/history/")
    (line,) = page.context["history"]
    assert (line["who"], line["what"], line["changes"]) == (
        "ann@acme.example",
        "changed user",
        [("name", "Al", "Alan")],
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(current_user, %s, 'SELECT')", [LogEntry._meta.db_table])
        assert cursor.fetchone() == (False,)


def test_a_user_is_deleted_after_a_question_and_the_last_administrator_is_not(world: World) -> None:
    client = signed_in(world.ann)
    asked = client.get(f"/admin/users/user/{world.al.id}/delete/")
    assert (asked.status_code, stored(world.al).pk) == (200, world.al.pk)
    client.post(f"/admin/users/user/{world.al.id}/delete/", {"post": "yes"})
    response = client.post(f"/admin/users/user/{world.ann.id}/delete/", {"post": "yes"}, follow=True)
    assert "is the last active administrator" in body(response)
    with scope.opened(scope.of(world.acme.id)):
        assert list(User.objects.values_list("email", flat=True)) == ["ann@acme.example"]
    assert rows.audit_lines(world.acme) == [("ann@acme.example", "deleted", "al@acme.example")]


def test_an_organisation_changes_its_name_through_the_service(world: World) -> None:
    form = {"name": "Acme II", "colour": "teal", "contact": "", "slug": "globex", "is_suspended": "on"}
    signed_in(world.ann).post(f"/admin/orgs/organisation/{world.acme.id}/change/", form)
    with scope.opened(scope.of(world.acme.id)):
        after = Organisation.objects.get()
    assert (after.name, after.colour, after.slug, after.is_suspended) == ("Acme II", "teal", "acme", False)


def test_a_reader_sees_and_changes_nothing(world: World) -> None:
    client = signed_in(world.al)
    for table, id in one_of_each(world.acme, world.ann).items():
        assert client.get(f"/admin/{table}/{id}/change/").status_code == 200
        for action in ("add", f"{id}/change", f"{id}/delete"):
            assert client.post(f"/admin/{table}/{action}/", {"post": "yes"}).status_code == 403


def test_without_permission_a_table_is_refused(world: World) -> None:
    client = signed_in(user("guest@acme.example", world.acme))
    for table, id in one_of_each(world.acme, world.ann).items():
        for path in ("", f"{id}/change/", f"{id}/history/"):
            assert client.get(f"/admin/{table}/{path}").status_code == 403
    assert client.get("/admin/").context["app_list"] == []


def test_a_suspended_organisation_is_read_only_in_the_admin(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        Organisation.objects.update(is_suspended=True)
    client = signed_in(world.ann)
    assert client.get(f"/admin/users/user/{world.al.id}/change/").status_code == 200
    assert client.post(f"/admin/users/user/{world.al.id}/change/", user_form(world.al)).status_code == 403


def test_who_is_not_signed_in_to_the_site_is_sent_to_our_sign_in(world: World) -> None:
    for client in (SiteClient("/o/acme"), signed_in(world.gus, prefix="/o/acme")):
        assert client.get("/admin/users/user/").headers["Location"] == "/o/acme/sign-in/?next=/o/acme/admin/users/user/"
    at_index = SiteClient("/o/acme").get("/admin/", follow=True).redirect_chain[-1][0]
    assert at_index == "/o/acme/sign-in/?next=%2Fo%2Facme%2Fadmin%2F"
    assert signed_in(world.ann, prefix="/all").get("/admin/users/user/").status_code == 302


@pytest.mark.parametrize("prefix", ["/o/acme", "/all"])
def test_longer_lists_need_no_more_queries(world: World, prefix: str) -> None:
    client, counts = signed_in(world.ann if prefix == "/o/acme" else world.uma), []
    for numbers in ((1,), (2, 3)):
        for number in numbers:
            more_of_each(world, number)
        counts.append({table: queries(client, f"/admin/{table}/") for table in TABLES})
    assert counts[0] == counts[1]


def queries(client: SiteClient, path: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200
    return len(found)


def test_no_page_needs_what_the_content_security_policy_forbids(world: World) -> None:
    ids = one_of_each(world.acme, world.ann)
    client = signed_in(world.ann)
    paths = ["", *(f"{table}/" for table in TABLES), *(f"{table}/{id}/change/" for table, id in ids.items())]
    paths += [f"users/user/{ids['users/user']}/{page}/" for page in ("delete", "history")]
    found: dict[str, Any] = {path: INLINE.findall(body(client.get(f"/admin/{path}"))) for path in paths}
    assert found == {path: [] for path in paths}


def test_the_admin_keeps_to_the_prefix_of_its_site(world: World) -> None:
    ids = one_of_each(world.acme, world.ann)
    for person, prefix in ((world.ann, "/o/acme"), (world.uma, "/all/o/acme")):
        page = body(signed_in(person, prefix=prefix).get(f"/admin/keys/key/{ids['keys/key']}/change/"))
        links = re.findall(r'(?:href|action|src)="(/[^"]*)"', page)
        outside = {link for link in links if not link.startswith((f"{prefix}/", "/static/"))}
        assert outside <= {"/all/account/", "/all/sign-out/"}
        assert f"{prefix}/keys/{ids['keys/key']}/" in links
