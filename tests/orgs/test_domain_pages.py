"""The pages of domains: what they show and who may do what there."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs import scope
from orgs.domains.services import claim_domain, vouch
from orgs.models import AuditEntry, Domain
from tests.conftest import World, signed_in, user
from tests.gateways.conftest import add_api
from tests.orgs.test_domains import APIS, DASHBOARD, PORTAL, change, claimed, now_of


def texts(world: World, path: str) -> str:
    return " ".join(signed_in(world.ann).get(path).content.decode().split())


def test_a_domain_is_added_in_its_stored_form_and_leads_to_its_proof(world: World) -> None:
    client = signed_in(world.ann)
    answer = client.post("/domains/add/", {"host": "Bücher.example", "purpose": "portal"})
    with scope.opened(scope.of(world.acme.id)):
        domain = Domain.objects.get()
        assert list(AuditEntry.objects.values_list("kind", "action", "object_name", "changes")) == [
            ("domains", "created", "xn--bcher-kva.example", {"purpose": [None, "portal"]})
        ]
    assert answer["Location"] == f"/o/acme/domains/{domain.pk}/"
    assert (domain.host, domain.purpose, domain.state) == ("xn--bcher-kva.example", "portal", "waiting")
    page = texts(world, f"/domains/{domain.pk}/")
    for text in (
        "bücher.example (xn--bcher-kva.example)", "_commonhold.xn--bcher-kva.example", f"commonhold={domain.token}",
        "https://xn--bcher-kva.example/.well-known/commonhold-domain", "It is not proven yet.", "Check now",
        'data-hx-trigger="every 2s"',
    ):  # fmt: skip
        assert text in page


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"host": "127.0.0.1", "purpose": "apis"}, "host", "An address of numbers"),
        ({"host": "localhost", "purpose": "apis"}, "host", "at least two parts"),
        ({"host": "http://acme.example", "purpose": "apis"}, "host", "the host alone"),
        ({"host": "testserver/o/acme", "purpose": "apis"}, "host", "the host alone"),
        ({"host": "\u0000", "purpose": "apis"}, "host", "Null characters"),
        ({"host": "", "purpose": "apis"}, "host", "required"),
        ({"host": "acme.example", "purpose": "everything"}, "purpose", "valid choice"),
    ],
)
def test_what_is_typed_wrongly_is_kept_with_a_sentence(
    world: World, sent: dict[str, str], field: str, sentence: str
) -> None:
    answer = signed_in(world.ann).post("/domains/add/", sent)
    assert sentence in answer.context["form"].errors[field][0]
    with scope.opened(scope.of(world.acme.id)):
        assert not Domain.objects.exists()


def test_a_claim_says_the_same_whether_or_not_another_one_has_the_host(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        vouch(host="taken.example", purpose=DASHBOARD)
    pages = []
    for host in ("taken.example", "freed.example"):
        answer = signed_in(world.ann).post("/domains/add/", {"host": host, "purpose": "dashboard"}, follow=True)
        with scope.opened(scope.of(world.acme.id)):
            domain = Domain.objects.get(host=host)
        page = answer.content.decode()
        for own, name in ((domain.token, "token"), (domain.pk, "id"), (host, "host")):
            page = page.replace(own, name)
        pages.append([line for line in page.splitlines() if "csrf" not in line])
    assert pages[0] == pages[1]


def test_the_list_says_how_each_stands(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        vouch(host="given.example", purpose=DASHBOARD)
        vouch(host="apis.example", purpose=APIS)
        failing, lapsed = (vouch(host=f"{state}.example", purpose=PORTAL) for state in ("failing", "lapsed"))
        claim_domain(host="waiting.example", purpose=PORTAL)
    change(failing, proven_by="dns", failing_since=timezone.now(), fault="The name server did not answer.")
    change(lapsed, proven_by="", proven_at=None, failing_since=timezone.now())
    rows = signed_in(world.ann).get("/domains/").context["rows"]
    assert {row["host"]: (row["state"], row["site"]) for row in rows} == {
        "given.example": ("proven", "http://given.example/"),
        "apis.example": ("proven", ""),
        "failing.example": ("failing", "http://failing.example/"),
        "lapsed.example": ("lapsed", ""),
        "waiting.example": ("waiting", ""),
    }
    page = texts(world, "/domains/")
    assert "The name server did not answer." in page


def test_the_list_takes_as_many_queries_for_one_as_for_three(world: World) -> None:
    client, counts = signed_in(world.ann), []
    for wanted in (["a"], ["b", "c"]):
        with scope.opened(scope.of(world.acme.id)):
            for name in wanted:
                claim_domain(host=f"{name}.example", purpose=PORTAL)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/domains/").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_what_a_record_holds_is_shown_as_text(world: World) -> None:
    domain = claimed(world.acme)
    change(domain, fault="The record there holds another value: <script>alert(1)</script>.")
    for path in (f"/domains/{domain.pk}/", "/domains/"):
        assert "&lt;script&gt;alert(1)" in texts(world, path)


def test_checking_now_makes_it_due_at_once(world: World) -> None:
    domain = claimed(world.acme)
    change(domain, check_due_at=None)
    answer = signed_in(world.ann).post(f"/domains/{domain.pk}/check/")
    assert answer["Location"] == f"/o/acme/domains/{domain.pk}/"
    due = now_of(domain).check_due_at
    assert due is not None
    assert due <= timezone.now()
    assert "It is looked up next within seconds." in texts(world, f"/domains/{domain.pk}/")


def test_the_part_that_renews_itself_comes_alone_and_never_on_visits(world: World) -> None:
    domain = claimed(world.acme)
    part = signed_in(world.ann).get(f"/domains/{domain.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert ("It is not proven yet." in part, "<html" in part, "data-copy" in part) == (True, False, False)
    visit = signed_in(world.uma, prefix="/all/o/acme").get(f"/domains/{domain.pk}/").content.decode()
    assert ("data-hx-trigger" in visit, "Check now" in visit) == (False, False)


def test_a_purpose_is_changed(world: World) -> None:
    domain = claimed(world.acme)
    client = signed_in(world.ann)
    assert client.post(f"/domains/{domain.pk}/edit/", {"purpose": "apis"}).status_code == 302
    assert now_of(domain).purpose == "apis"
    assert "/.well-known/" not in texts(world, f"/domains/{domain.pk}/")
    change(domain, proven_at=timezone.now(), proven_by="file", purpose="portal")
    answer = client.post(f"/domains/{domain.pk}/edit/", {"purpose": "apis"})
    assert "the record in DNS is needed" in answer.context["form"].errors["purpose"][0]


def stops(world: World, domain: Domain) -> Any:
    return signed_in(world.ann).get(f"/domains/{domain.pk}/delete/").context["confirm"]["stops"]


def test_deleting_says_what_stops(world: World) -> None:
    domain = claimed(world.acme, "acme.example")
    assert stops(world, domain) == ["Nothing: it is not proven."]
    change(domain, proven_at=timezone.now(), proven_by="dns")
    assert stops(world, domain) == [
        "This site and the portal at acme.example: whoever is signed in there is signed out."
    ]
    change(domain, purpose=APIS)
    assert stops(world, domain) == ["Nothing now: no API names acme.example."]
    add_api(world.globex.id, "/theirs/")
    for number in range(2):
        api = add_api(world.acme.id, f"/orders{number}/")
        with scope.opened(scope.of(world.acme.id)):
            type(api).objects.filter(pk=api.pk).update(
                definition=api.definition.replace('"name"', f'"domain":"ACME.example{":80" * number}","name"', 1)
            )
    assert stops(world, domain) == ["Gateways stop serving orders0, orders1 at acme.example."]
    assert signed_in(world.ann).post(f"/domains/{domain.pk}/delete/")["Location"] == "/o/acme/domains/"
    with scope.opened(scope.of(world.acme.id)):
        assert not Domain.objects.exists()


def test_readers_and_visitors_see_domains_and_change_none(world: World) -> None:
    domain = claimed(world.acme)
    for client in (signed_in(world.al), signed_in(world.uma, prefix="/all/o/acme")):
        assert [client.get(path).status_code for path in ("/domains/", f"/domains/{domain.pk}/")] == [200, 200]
        for path in ("add/", f"{domain.pk}/edit/", f"{domain.pk}/check/", f"{domain.pk}/delete/"):
            assert client.post(f"/domains/{path}", {"host": "x.example", "purpose": "apis"}).status_code == 403
    nobody = user("no@acme.example", world.acme)
    assert signed_in(nobody).get("/domains/").status_code == 403
    assert signed_in(world.gus).get(f"/domains/{domain.pk}/").status_code == 404


def test_the_overview_warns_of_a_domain_that_is_about_to_be_lost(world: World) -> None:
    domain = claimed(world.acme, "acme.example")
    assert signed_in(world.ann).get("/").context["failing_domains"] == []
    change(domain, proven_at=timezone.now(), proven_by="dns", failing_since=timezone.now())
    assert f'<a href="/o/acme/domains/{domain.pk}/">acme.example</a> is not found any more' in texts(world, "/")
    assert signed_in(world.gus).get("/").context["failing_domains"] == []
    assert signed_in(user("no@acme.example", world.acme)).get("/").context["failing_domains"] == []
