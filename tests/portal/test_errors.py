"""What goes wrong within a portal looks like the portal, and leads back into it."""

from django.test import Client, RequestFactory

from dashboard.errors import server_error
from orgs import scope
from orgs.sites import Kind, Site
from portal.services.settings import update_portal
from tests.conftest import SiteClient
from tests.portal.shared import Shop


def test_page_that_is_not_there_looks_like_the_portal(shop: Shop) -> None:
    answer = SiteClient(shop.prefix).get("/nowhere/")
    html = answer.content.decode()
    assert answer.status_code == 404
    assert "There is nothing here" in html
    assert f'href="{shop.prefix}/sign-in/"' in html
    assert 'href="/"' not in html
    assert "Commonhold" not in html


def test_whoever_is_signed_in_stays_so_on_a_page_that_is_not_there(shop: Shop) -> None:
    html = shop.client().get("/applications/000000000000000000000000/").content.decode()
    assert "My applications" in html
    assert "Sign out" in html


def test_form_without_its_token_is_refused_within_the_portal(shop: Shop) -> None:
    visitor = Client(enforce_csrf_checks=True)
    answer = visitor.post(f"{shop.prefix}/sign-in/", {"email": "dev@example.com", "password": "x"})
    assert answer.status_code == 403
    assert "This page was open too long" in answer.content.decode()
    assert f'href="{shop.prefix}/"' in answer.content.decode()


def test_portal_that_is_off_leads_nowhere(shop: Shop) -> None:
    with scope.opened(scope.of(shop.organisation.id)):
        update_portal(is_on=False)
    answer = SiteClient(shop.prefix).get("/")
    assert answer.status_code == 404
    assert "Go to the start" not in answer.content.decode()


def test_fault_of_ours_leads_back_into_the_portal(shop: Shop) -> None:
    request = RequestFactory().get("/")
    request.site = Site(Kind.PORTAL, prefix=shop.prefix)  # type: ignore[assignment]
    request.portal = shop.portal  # type: ignore[attr-defined]
    answer = server_error(request)
    assert answer.status_code == 500
    assert f'href="{shop.prefix}/"' in answer.content.decode()
