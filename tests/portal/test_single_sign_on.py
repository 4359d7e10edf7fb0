"""A browser that comes to a portal with a nonce, whose developer another system vouches for."""

from datetime import timedelta
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from orgs import scope
from orgs.domains.services import vouch
from orgs.models import AuditEntry, Domain, Organisation
from portal.models import Developer, DeveloperSession
from portal.services.settings import update_portal
from portal.services.signing_in import DISABLED
from portal.services.single_sign_on import STRANGER
from tests.conftest import World
from tests.machines.client import admin, read
from tests.portal.shared import Shop, open_shop
from users.models import Session, SignInNonce, User
from users.services.single_sign_on import GONE


@pytest.fixture
def shop(world: World) -> Shop:
    return open_shop(world.acme)


def nonce(organisation: Organisation, email: str = "dev@example.com", section: str = "portal", **fields: Any) -> str:
    sent = {"ForSection": section, "OrgID": organisation.id, "EmailAddress": email} | fields
    answer = admin().post("/admin/sso", sent)
    assert answer.status_code == 200, answer.content
    return cast(str, read(answer)["Meta"])


def tap(nonce: str, slug: str = "acme", client: Client | None = None) -> HttpResponse:
    return (client or Client()).get(f"/o/{slug}/portal/tap", {"nonce": nonce})  # type: ignore[return-value]


def sessions(organisation: Organisation) -> int:
    with scope.opened(scope.of(organisation.id)):
        return DeveloperSession.objects.count()


@pytest.mark.parametrize("path", ["/o/acme/portal/tap", "/o/acme/portal/tap/"])
def test_a_nonce_signs_a_developer_in_on_that_portal(world: World, shop: Shop, path: str) -> None:
    open_shop(world.globex)
    client = Client()
    response = client.get(path, {"nonce": nonce(world.acme, "Dev@Example.com")})
    assert (response.status_code, response["Location"]) == (302, "/o/acme/portal/")
    assert client.get("/o/acme/portal/account/").status_code == 200
    assert client.get("/o/globex/portal/account/").status_code == 302
    assert client.get("/o/acme/account/").status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        assert AuditEntry.objects.filter(action="signed in", actor="dev@example.com", kind="developers").exists()
        assert Developer.objects.count() == 1


def test_it_is_so_at_the_portals_own_domain(world: World, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        vouch(host="developers.acme.example", purpose=Domain.Purpose.PORTAL)
    client = Client(HTTP_HOST="developers.acme.example")
    response = client.get("/tap", {"nonce": nonce(world.acme)})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/account/").status_code == 200


def test_a_stranger_becomes_a_developer_without_a_password(world: World, shop: Shop) -> None:
    how = {"DisplayName": "Ada Archer", "GroupID": "5f8ff13d046775000175a8c3"}
    assert tap(nonce(world.acme, "ada@parcels.example", **how)).status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        ada = Developer.objects.get(email="ada@parcels.example")
        assert (ada.name, ada.groups, ada.has_usable_password()) == ("Ada Archer", [], False)
        assert AuditEntry.objects.filter(action="created", actor="single sign-on", object_id=ada.pk).exists()
        assert not User.objects.filter(email="ada@parcels.example").exists()


def test_a_new_developer_accepts_the_terms_first(world: World, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        update_portal(terms="Be kind.")
    client = Client()
    tap(nonce(world.acme, "ada@parcels.example"), client=client)
    assert client.get("/o/acme/portal/account/")["Location"].startswith("/o/acme/portal/terms/accept/")


def test_only_those_who_are_registered_may_be_let_in(world: World, shop: Shop) -> None:
    answer = tap(nonce(world.acme, "ada@parcels.example", SSOOnlyForRegisteredUsers=True))
    assert (answer.status_code, STRANGER in answer.content.decode()) == (410, True)
    assert tap(nonce(world.acme, SSOOnlyForRegisteredUsers=True)).status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        assert Developer.objects.count() == 1


def test_a_disabled_developer_stays_outside(world: World, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        Developer.objects.update(is_active=False)
    answer = tap(nonce(world.acme))
    assert (answer.status_code, DISABLED in answer.content.decode()) == (410, True)
    assert sessions(world.acme) == 0


def test_all_dead_nonces_look_alike(world: World, shop: Shop) -> None:
    used, late = nonce(world.acme), nonce(world.acme)
    assert tap(used).status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        SignInNonce.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answers = [tap(text) for text in (used, late, "never" * 10, "", "\0", "é")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(410, answers[0].content)}
    assert GONE in answers[0].content.decode()
    assert sessions(world.acme) == 1


def test_a_nonce_of_one_section_is_none_in_the_other(world: World, shop: Shop) -> None:
    for_portal, for_dashboard = (
        nonce(world.acme, "ann@acme.example"),
        nonce(world.acme, "ann@acme.example", "dashboard"),
    )
    assert Client().get("/tap", {"nonce": for_portal}).status_code == 410
    assert tap(for_dashboard).status_code == 410
    with scope.opened(scope.of(world.acme.id)):
        assert not Session.objects.exists()
        assert not DeveloperSession.objects.exists()
    assert tap(for_portal).status_code == 302
    assert Client().get("/tap", {"nonce": for_dashboard}).status_code == 302


def test_a_nonce_of_one_organisation_is_none_at_anothers_portal(world: World, shop: Shop) -> None:
    open_shop(world.globex)
    once = nonce(world.acme)
    assert tap(once, "globex").status_code == 410
    assert sessions(world.globex) == 0
    assert tap(once).status_code == 302


def test_looking_at_the_address_uses_nothing_up(world: World, shop: Shop) -> None:
    once = nonce(world.acme)
    assert Client().head("/o/acme/portal/tap", {"nonce": once}).status_code == 200
    assert Client().post(f"/o/acme/portal/tap?nonce={once}").status_code == 405
    assert tap(once).status_code == 302


def test_another_developer_who_was_signed_in_is_so_no_more(world: World, shop: Shop) -> None:
    client = shop.client()
    tap(nonce(world.acme, "ada@parcels.example"), client=client)
    assert "ada@parcels.example" in client.get("/account/").content.decode()
    assert sessions(world.acme) == 1


def test_a_portal_that_is_off_lets_nobody_in(world: World, shop: Shop) -> None:
    once = nonce(world.acme)
    with scope.opened(scope.of(world.acme.id)):
        update_portal(is_on=False)
    assert tap(once).status_code == 404
    answer = admin().post("/admin/sso", {"ForSection": "portal", "OrgID": world.acme.id, "EmailAddress": "a@b.example"})
    assert (answer.status_code, read(answer)["Message"]) == (400, "ForSection: the portal of this organisation is off.")


def test_a_suspended_organisations_portal_is_closed(world: World, shop: Shop) -> None:
    once = nonce(world.acme)
    with scope.opened(scope.of(world.acme.id)):
        Organisation.objects.update(is_suspended=True)
    assert tap(once).status_code == 403
    assert sessions(world.acme) == 0


def test_a_nonce_is_in_no_log(world: World, shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    once = nonce(world.acme)
    tap(once)
    tap(once)
    assert once not in caplog.text
