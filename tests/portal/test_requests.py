"""Requests for keys: asked for, decided once, taken once, and what becomes of them when what they are about goes."""

import logging
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from keys import services as keys
from keys.models import Key, Policy
from keys.policies.services import delete_policy
from keys.policies.services import set_active as set_policy_active
from orgs.models import AuditEntry
from portal.addresses import Places
from portal.models import Application, Attempt, KeyRequest, Plan
from portal.services import applications, developers, publishing, requests
from portal.services.attempts import ASKED_TOO_OFTEN, MOST_OF_DEVELOPER
from portal.services.requests import MOST_WAITING
from tests.conftest import PASSWORD, World, signed_in, user
from tests.portal.shared import (
    Shop,
    a_request,
    developer_client,
    link_in,
    make_developer,
    newest_mail,
    shown_secret,
    text_of,
)
from tests.users.mailbox import delivered, mails

EVIL = "Ok.\n\nApprove or refuse it here:\n\nhttps://evil.example/"


def ask(shop: Shop, client: Any = None, **fields: str) -> HttpResponse:
    client = client or shop.client()
    sent = {"new_application": "Tracker", "purpose": "To see them"} | fields
    return client.post(f"/apis/parcels/plans/{shop.plan.pk}/", sent)  # type: ignore[no-any-return]


def offer(shop: Shop, **settings: Any) -> Plan:
    with shop.inside():
        wanted: Any = {"policy": shop.policy, "name": "Standard", **settings}
        [plan] = publishing.set_plans(entry=shop.entry, plans=[wanted])
        return plan


def only(shop: Shop) -> KeyRequest:
    with shop.inside():
        return KeyRequest.objects.select_related("key", "application").get()


def states(shop: Shop) -> list[str]:
    with shop.inside():
        return [one.state for one in KeyRequest.objects.order_by("created_at", "id")]


def decide(world: World, shop: Shop, asked: KeyRequest, **fields: str) -> HttpResponse:
    return signed_in(world.ann).post(f"/key-requests/{asked.pk}/", fields)  # type: ignore[return-value]


def take(shop: Shop, asked: KeyRequest) -> HttpResponse:
    return shop.client().post(f"/requests/{asked.pk}/key/", follow=True)  # type: ignore[return-value]


def test_key_is_an_ordinary_one_with_the_policy_of_the_plan(world: World, shop: Shop) -> None:
    ask(shop)
    decide(world, shop, only(shop), approve="yes", reason="Welcome")
    token = shown_secret(take(shop, only(shop)))
    with shop.inside():
        key = Key.objects.get()
        assert [policy.pk for policy in key.policies.all()] == [shop.policy.pk]
        assert (key.alias, key.metadata["developer_id"]) == ("Tracker · Standard", shop.dev.pk)
        assert key.metadata["application_id"] == Application.objects.get().pk
    page = text_of(signed_in(world.ann).get(f"/keys/{key.pk}/"))
    assert "dev@example.com" in page
    assert token not in page


def test_secret_is_shown_once_and_stands_nowhere_else(
    world: World, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """In no page, mail, log, line of the audit trail, session or other row."""
    client = shop.client()
    with caplog.at_level(logging.DEBUG):
        ask(shop, client)
        asked = only(shop)
        decide(world, shop, asked, approve="yes")
        token = shown_secret(client.post(f"/requests/{asked.pk}/key/"))
        rotated = client.post(f"/keys/{asked.pk}/rotate/", {"grace": "3600", "revision": "1"})
        secrets = [token, shown_secret(rotated)]
        again = client.get(f"/requests/{asked.pk}/key/"), client.post(f"/requests/{asked.pk}/key/", follow=True)
        pages = [client.get(path) for path in ("/", f"/keys/{asked.pk}/", f"/applications/{asked.application_id}/")]
        ann = signed_in(world.ann)
        with shop.inside():
            key = Key.objects.get()
        pages += [ann.get(path) for path in ("/audit/", f"/keys/{key.pk}/", f"/developers/{shop.dev.pk}/", "/mail/",
                                             f"/key-requests/{asked.pk}/")]  # fmt: skip
    told = "".join(page.content.decode() for page in (*again, *pages)) + caplog.text
    told += "".join(f"{mail.message()}" for mail in delivered())
    with connection.cursor() as cursor, shop.inside():
        tables = [table for table in connection.introspection.table_names(cursor) if "_" in table]
        for table in sorted(tables):
            if table.startswith(("portal_", "users_", "keys_", "orgs_auditentry", "gateways_outbox")):
                cursor.execute(f"SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t")  # noqa: S608
                told += str(cursor.fetchone()[0])
    assert secrets[0] != secrets[1]
    assert [secret for secret in secrets if secret in told] == []
    assert key.masked in told


def test_developer_rotates_with_a_grace(shop: Shop) -> None:
    asked = granted(shop)
    client = shop.client()
    page = client.post(f"/keys/{asked.pk}/rotate/", {"grace": "3600", "revision": "1"})
    assert page.status_code == 200
    assert "works until" in text_of(client.get(f"/keys/{asked.pk}/"))
    twice = client.post(f"/keys/{asked.pk}/rotate/", {"grace": "3600", "revision": "1"}, follow=True)
    assert "nothing has been done now" in text_of(twice)
    wrong = client.post(f"/keys/{asked.pk}/rotate/", {"grace": "99999999", "revision": "2"})
    assert "Select a valid choice" in text_of(wrong)
    with shop.inside():
        line = AuditEntry.objects.get(action="rotated")
    assert (line.actor, line.actor_id) == ("dev@example.com", shop.dev.pk)


def granted(shop: Shop, **fields: Any) -> KeyRequest:
    """A request whose key has been taken."""
    with shop.inside():
        asked = a_request(shop, state=KeyRequest.APPROVED, **fields)
        requests.take_key(asked=asked)
        return KeyRequest.objects.select_related("key", "application").get(pk=asked.pk)


def test_refusal_needs_a_reason_which_the_developer_gets(world: World, shop: Shop) -> None:
    ask(shop)
    answer = decide(world, shop, only(shop), refuse="yes", reason=" ")
    assert "Say why: the developer reads it." in text_of(answer)
    assert states(shop) == ["pending"]
    decide(world, shop, only(shop), refuse="yes", reason="Not for trackers")
    assert states(shop) == ["refused"]
    mail = newest_mail()
    assert (mail.to, "Not for trackers" in mail.body) == (["dev@example.com"], True)
    assert "Not for trackers" in text_of(shop.client().get(f"/applications/{only(shop).application_id}/"))
    assert "taken already" in text_of(take(shop, only(shop)))


def test_whoever_presses_neither_button_decides_nothing(world: World, shop: Shop) -> None:
    ask(shop)
    answer = decide(world, shop, only(shop), reason="Kept as typed")
    assert "Press one of the two buttons." in text_of(answer)
    assert "Kept as typed" in answer.content.decode()
    assert states(shop) == ["pending"]


@pytest.mark.parametrize("second", ["approve", "refuse"])
def test_request_is_decided_once(world: World, shop: Shop, second: str) -> None:
    ask(shop)
    asked = only(shop)
    decide(world, shop, asked, refuse="yes", reason="No")
    answer = signed_in(world.ann).post(f"/key-requests/{asked.pk}/", {second: "yes", "reason": "Yes"}, follow=True)
    assert "This request is refused already." in text_of(answer)
    assert (states(shop), only(shop).reason) == (["refused"], "No")
    assert len([mail for mail in mails(shop.organisation) if mail.to == "dev@example.com"]) == 1


def test_request_is_withdrawn_while_it_waits(world: World, shop: Shop) -> None:
    ask(shop)
    asked, client = only(shop), shop.client()
    client.post(f"/requests/{asked.pk}/withdraw/")
    assert states(shop) == ["withdrawn"]
    decide(world, shop, asked, approve="yes")
    assert states(shop) == ["withdrawn"]
    again = client.post(f"/requests/{asked.pk}/withdraw/", follow=True)
    assert "This request is withdrawn already." in text_of(again)
    assert ask(shop, new_application="", application=asked.application_id).status_code == 302
    assert states(shop) == ["withdrawn", "pending"]


def test_key_is_taken_once(shop: Shop) -> None:
    asked = granted(shop)
    assert "This key has been taken already." in text_of(take(shop, asked))
    with shop.inside():
        assert Key.objects.count() == 1


def test_key_that_was_not_approved_is_not_taken(shop: Shop) -> None:
    with shop.inside():
        asked = a_request(shop)
    assert "taken already" in text_of(take(shop, asked))
    with shop.inside():
        assert not Key.objects.exists()


def test_plan_may_be_given_at_once(shop: Shop) -> None:
    shop.change(notified=["boss@acme.example"])
    offer(shop, approval=Plan.AUTOMATIC)
    token = shown_secret(ask(shop))
    assert token
    assert (states(shop), only(shop).decided_by) == (["approved"], "this portal")
    assert mails(shop.organisation) == []


def test_one_key_for_each_application_and_plan_until_it_has_ended(shop: Shop) -> None:
    asked = granted(shop)
    client, same = shop.client(), {"new_application": "", "application": asked.application_id}
    refused = ask(shop, client, **same)
    assert "Tracker has a key of this plan already, or waits for one." in text_of(refused)
    assert "To see them" in refused.content.decode()
    assert ask(shop, client, new_application="Other").status_code == 302
    client.post(f"/keys/{asked.pk}/revoke/")
    assert ask(shop, client, **same).status_code == 302
    assert states(shop) == ["ended", "pending", "pending"]


def test_plan_is_asked_for_again_after_an_administrator_has_revoked_the_key(shop: Shop) -> None:
    asked = granted(shop)
    with shop.inside():
        assert asked.key
        keys.revoke_key(key=asked.key)
    page = shop.client().get(f"/keys/{asked.pk}/")
    assert "revoked" in text_of(page)
    for path, sent in (("rotate", {"grace": "0", "revision": "2"}), ("revoke", {})):
        answer = shop.client().post(f"/keys/{asked.pk}/{path}/", sent, follow=True)
        assert answer.status_code == 200
        assert "secret-value" not in answer.content.decode()
    assert ask(shop, new_application="", application=asked.application_id).status_code == 302
    assert states(shop)[-1] == "pending"


def test_plan_that_went_meanwhile_is_not_approved(world: World, shop: Shop) -> None:
    ask(shop)
    offer_nothing(shop)
    answer = decide(world, shop, only(shop), approve="yes", reason="Kept as typed")
    assert "Its plan or policy is gone: refuse the request" in text_of(answer)
    assert "Kept as typed" in answer.content.decode()
    assert states(shop) == ["pending"]
    decide(world, shop, only(shop), refuse="yes", reason="Ask for another")
    assert states(shop) == ["refused"]


def offer_nothing(shop: Shop) -> None:
    with shop.inside():
        publishing.set_plans(entry=shop.entry, plans=[])


def test_policy_that_went_after_the_approval_gives_no_key(world: World, shop: Shop) -> None:
    ask(shop)
    decide(world, shop, only(shop), approve="yes")
    with shop.inside():
        delete_policy(policy=Policy.objects.get())
    client = shop.client()
    page = text_of(client.get(f"/applications/{only(shop).application_id}/"))
    assert "gone: ask for another plan" in page
    assert "What this plan opened is gone" in text_of(client.post(f"/requests/{only(shop).pk}/key/", follow=True))
    with shop.inside():
        assert not Key.objects.exists()


def test_plan_that_goes_while_somebody_asks_is_not_there(shop: Shop) -> None:
    client = shop.client()
    with shop.inside():
        set_policy_active(policy=Policy.objects.get(), is_active=False)
    assert ask(shop, client).status_code == 404
    with shop.inside():
        assert not Application.objects.exists()


def test_asking_needs_an_application(shop: Shop, other_shop: Shop) -> None:
    with shop.inside():
        other = Application.objects.create(developer=make_developer("kim@example.com"), name="Kim's")
        mine = Application.objects.create(developer=shop.dev, name="Mine")
    with other_shop.inside():
        theirs = Application.objects.create(developer=other_shop.dev, name="Theirs")
    assert "Say which application the key is for." in text_of(ask(shop, new_application=" ", application=""))
    assert "Null characters are not allowed." in text_of(ask(shop, new_application="", application="\0"))
    for foreign in (other.pk, theirs.pk, "x", "0" * 24):
        answer = ask(shop, new_application="", application=foreign)
        assert "Select a valid choice" in text_of(answer), foreign
        assert "To see them" in answer.content.decode()
        assert "Kim&#x27;s" not in answer.content.decode()
    assert ask(shop, new_application="", application=mine.pk).status_code == 302
    with shop.inside():
        assert KeyRequest.objects.get().application_id == mine.pk


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"new_application": "x" * 81}, "at most 80 characters"),
        ({"purpose": "x" * 501}, "at most 500 characters"),
        ({"purpose": "N\0"}, "Null characters are not allowed."),
        ({"new_application": "N\0"}, "Null characters are not allowed."),
    ],
)
def test_bad_input_gets_a_sentence_and_nothing_half_is_saved(shop: Shop, fields: dict[str, str], sentence: str) -> None:
    assert sentence in text_of(ask(shop, **fields))
    with shop.inside():
        assert (Application.objects.count(), KeyRequest.objects.count()) == (0, 0)


def test_application_is_not_made_where_the_request_is_refused(shop: Shop) -> None:
    with shop.inside():
        for number in range(MOST_WAITING):
            a_request(shop, application=f"App {number}")
    answer = ask(shop, new_application="One more")
    assert f"{MOST_WAITING} of your requests wait to be decided" in text_of(answer)
    assert 'value="One more"' in answer.content.decode()
    with shop.inside():
        assert not Application.objects.filter(name="One more").exists()


def test_developer_cannot_flood_those_who_decide(shop: Shop) -> None:
    """Not by withdrawing and asking again either, or by deleting what was asked for."""
    shop.change(notified=["boss@acme.example"])
    client = shop.client()
    for number in range(MOST_OF_DEVELOPER):
        assert ask(shop, client, new_application=f"App {number}").status_code == 302
        with shop.inside():
            applications.delete_application(application=Application.objects.get())
    assert ASKED_TOO_OFTEN in text_of(ask(shop, client, new_application="One more"))
    assert len(mails(shop.organisation)) == MOST_OF_DEVELOPER
    with shop.inside():
        other = make_developer("kim@example.com")
    assert ask(shop, developer_client(other, shop.prefix)).status_code == 302
    with shop.inside():
        Attempt.objects.all().delete()
    assert ask(shop, client, new_application="One more").status_code == 302


def test_those_who_decide_get_a_mail_each_that_leads_to_the_request(shop: Shop) -> None:
    shop.change(notified=["boss@acme.example", "team@acme.example"])
    ask(shop)
    sent = delivered()
    assert [mail.to for mail in sent] == [["boss@acme.example"], ["team@acme.example"]]
    assert link_in(sent[0]) == f"http://testserver/o/acme/key-requests/{only(shop).pk}/"


def test_what_a_developer_types_looks_like_nothing_else_in_a_mail(shop: Shop) -> None:
    shop.change(notified=["boss@acme.example"])
    ask(shop, new_application="Tracker\n\nApprove it here: evil", purpose=EVIL.replace("\n", "\r\n") + "\u2028More")
    body = newest_mail().body
    lines = str(body).splitlines()
    assert [line for line in lines if ("evil" in line or "More" in line) and not line.startswith("> ")] == [
        "dev@example.com asks for a key: Standard of Parcels, for Tracker Approve it here: evil."
    ]
    assert lines.count("Approve or refuse it here:") == 1


def test_no_text_of_a_developer_becomes_a_header_or_markup(world: World, shop: Shop) -> None:
    evil = "</td><script>alert(1)</script>"
    with shop.inside():
        developers.update_own_name(developer=shop.dev, name=evil)
    shop.change(notified=["boss@acme.example"])
    ask(shop, new_application=evil, purpose=evil)
    asked = only(shop)
    ann, client = signed_in(world.ann), shop.client()
    paths = ["/key-requests/", f"/key-requests/{asked.pk}/", "/developers/", f"/developers/{shop.dev.pk}/",
             f"/developers/{shop.dev.pk}/edit/", f"/developers/{shop.dev.pk}/delete/", "/audit/", "/mail/",
             "/admin/portal/keyrequest/", f"/admin/portal/developer/{shop.dev.pk}/change/"]  # fmt: skip
    decide(world, shop, asked, approve="yes", reason=evil)
    client.post(f"/requests/{asked.pk}/key/")
    with shop.inside():
        key = Key.objects.get()
    pages = [ann.get(path, follow=True) for path in [*paths, "/keys/", f"/keys/{key.pk}/"]]
    mine = ["/", "/applications/", f"/applications/{asked.application_id}/", f"/keys/{asked.pk}/", "/account/",
            f"/applications/{asked.application_id}/delete/", "/apis/parcels/"]  # fmt: skip
    pages += [client.get(path) for path in mine]
    for page in pages:
        assert page.status_code == 200, page
        assert "<script>alert" not in page.content.decode()
    assert sum("alert(1)" in page.content.decode() for page in pages) > 10
    for mail in delivered():
        assert "alert" not in str(mail.subject) + str(mail.from_email)


def test_line_for_a_shell_runs_nothing_of_an_address(shop: Shop) -> None:
    shop.change(gateway_url="https://api.acme.example/$(id)`id`&id")
    offer(shop, approval=Plan.AUTOMATIC)
    with shop.inside():
        publishing.update_entry(entry=shop.entry, revision=1, is_published=True, api=None)
    html = ask(shop).content.decode()
    assert "$(id)" in html
    assert "&#x27;https://api.acme.example/$(id)`id`&amp;id/parcels-" in html


def test_request_of_somebody_else_is_not_there(world: World, shop: Shop, other_shop: Shop) -> None:
    asked = granted(shop)
    with shop.inside():
        kim = developer_client(make_developer("kim@example.com"), shop.prefix)
    ours, theirs = "/o/acme", other_shop.client()
    for client in (kim, theirs):
        base = client.prefix
        for path in (f"requests/{asked.pk}/key/", f"requests/{asked.pk}/withdraw/", f"keys/{asked.pk}/",
                     f"keys/{asked.pk}/rotate/", f"keys/{asked.pk}/revoke/",
                     f"applications/{asked.application_id}/", f"applications/{asked.application_id}/edit/",
                     f"applications/{asked.application_id}/delete/"):  # fmt: skip
            assert client.get(f"{base}/{path}").status_code == 404, path
            assert client.post(f"{base}/{path}", {"grace": "0", "revision": "1"}).status_code in (404, 405), path
    gus = signed_in(world.gus)
    assert gus.get(f"/key-requests/{asked.pk}/").status_code == 404
    assert gus.post(f"/key-requests/{asked.pk}/", {"approve": "yes"}).status_code == 404
    assert signed_in(world.gus, prefix=ours).get(f"/key-requests/{asked.pk}/").status_code == 302
    with shop.inside():
        assert Key.objects.get().revoked_at is None


def test_audit_lines_name_who_did_it(world: World, shop: Shop) -> None:
    ask(shop)
    decide(world, shop, only(shop), approve="yes")
    take(shop, only(shop))
    shop.client().post(f"/keys/{only(shop).pk}/revoke/")
    with shop.inside():
        lines = AuditEntry.objects.filter(kind__in=("applications", "key_requests", "keys")).order_by("at", "id")
        told = [(line.action, line.kind, line.actor) for line in lines]
    dev = "dev@example.com"
    assert told == [
        ("created", "applications", dev),
        ("asked for", "key_requests", dev),
        ("approved", "key_requests", "ann@acme.example"),
        ("created", "keys", dev),
        ("revoked", "keys", dev),
        ("gave back", "key_requests", dev),
    ]


def test_decision_needs_the_permission_to_write(world: World, shop: Shop) -> None:
    ask(shop)
    asked = only(shop)
    reader = signed_in(user("ray@acme.example", world.acme, permissions={"portal": "read"}))
    assert "Approve" not in reader.get(f"/key-requests/{asked.pk}/").content.decode()
    for sent in ({"approve": "yes"}, {"refuse": "yes", "reason": "No"}, {}):
        assert reader.post(f"/key-requests/{asked.pk}/", sent).status_code == 403
    assert states(shop) == ["pending"]


def test_places_of_mails_are_the_portals(shop: Shop, places: Places) -> None:
    assert places.page("portal:application", id="0" * 24) == f"http://testserver{shop.prefix}/applications/{'0' * 24}/"
    assert PASSWORD not in places.portal
