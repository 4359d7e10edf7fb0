"""What holds on each main page: nothing serious for axe, nothing to scroll sideways on a telephone, a quiet console."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser import pages
from tests.browser.conftest import PHONE, OpenPage, Person, SignIn, status

RUN_AXE = "([context, options]) => axe.run(context, options)"
END_TRANSITIONS = "document.getAnimations().forEach((transition) => transition.finish())"
ALIKE = {"exclude": [["tbody tr:nth-child(n + 4)"]]}  # the rows of a list
DEVELOPER = "amara@northwind.example"
WIDTH_OF_PAGE = "document.documentElement.scrollWidth"


@pytest.fixture
def site_pages(
    request: pytest.FixtureRequest, demo: tuple[Person, Person], sign_in: SignIn, open_page: OpenPage
) -> tuple[Page, list[str]]:
    """Return a page that is signed in, with the addresses to walk in it."""
    ada, uma = demo
    match request.param:
        case "gateway":
            return walk(sign_in(ada), ada.site, pages.OF_GATEWAY)
        case "analytics":
            return walk(sign_in(ada), ada.site, pages.OF_ANALYTICS)
        case "people":
            return walk(sign_in(ada), ada.site, pages.OF_PEOPLE)
        case "managing":
            return walk(sign_in(ada), ada.site, pages.OF_MANAGING)
        case "portal":
            amara = Person(DEVELOPER, f"{ada.site}/portal", ada.password)
            return walk(sign_in(amara), amara.site, pages.OF_PORTAL)
        case "portal signed out":
            return walk(open_page(), f"{ada.site}/portal", pages.OF_PORTAL_SIGNED_OUT)
        case "all":
            return walk(sign_in(uma), "/all", pages.OF_ALL)
        case "visit":
            return walk(sign_in(uma), f"/all{ada.site}", pages.ON_VISITS)
        case "admin":
            return walk(sign_in(ada), ada.site, pages.OF_ADMIN)
        case _:
            return open_page(), list(pages.SIGNED_OUT)


def walk(page: Page, prefix: str, paths: tuple[str, ...]) -> tuple[Page, list[str]]:
    return page, pages.addresses(page, prefix, paths)


SITES = (
    *("gateway", "analytics", "managing", "people", "portal", "portal signed out"),
    *("all", "visit", "admin", "signed out"),
)
each_site = pytest.mark.parametrize("site_pages", SITES, indirect=True)


@each_site
def test_no_page_has_a_serious_fault_for_those_who_cannot_see_well(
    site_pages: tuple[Page, list[str]], open_page: OpenPage
) -> None:
    signed_in, addresses = site_pages
    page = open_page(storage_state=signed_in.context.storage_state(), bypass_csp=True)  # axe itself sets styles
    faults = [(address, *fault) for address in addresses for fault in faults_of(page, address)]
    assert faults == []


@each_site
def test_no_page_scrolls_sideways_on_a_telephone(site_pages: tuple[Page, list[str]]) -> None:
    page, addresses = site_pages
    page.set_viewport_size(PHONE)
    found = {address: (status(page, address), page.evaluate(WIDTH_OF_PAGE)) for address in addresses}
    expected = {address: 404 if address.endswith(pages.NOWHERE) else 200 for address in addresses}
    assert found == {address: (expected[address], PHONE["width"]) for address in addresses}


def faults_of(page: Page, address: str) -> Iterator[tuple[str, ...]]:
    """Yield the serious ones; in the dark only those of colours, since nothing else differs."""
    page.emulate_media(color_scheme="light")
    page.goto(address)
    page.evaluate(AXE_SCRIPT)
    yield from serious_faults(page, {})
    page.emulate_media(color_scheme="dark")
    page.evaluate(END_TRANSITIONS)
    yield from (("dark", *fault) for fault in serious_faults(page, {"runOnly": ["color-contrast"]}))


def serious_faults(page: Page, options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield axe's rule and the element."""
    answer = page.evaluate(RUN_AXE, [ALIKE, {"resultTypes": ["violations"], **options}])
    for violation in answer["violations"]:
        if violation["impact"] in ("serious", "critical"):
            yield from ((violation["id"], node["html"]) for node in violation["nodes"])
