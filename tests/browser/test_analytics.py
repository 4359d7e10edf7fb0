"""Charts in a browser, under the content security policy."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, OpenPage, Person, SignIn


def test_chart_is_zoomed_and_shown_whole_again(demo: tuple[Person, Person], sign_in: SignIn) -> None:
    """What the policy refuses would be in the console, which has to be quiet."""
    ada, _ = demo
    page = sign_in(ada)
    page.goto(f"{ada.site}/analytics/?span=7d")
    button = page.get_by_role("button", name="Zoom").first
    button.click()
    expect(page.locator(".uplot canvas")).to_be_visible()
    button.click()
    expect(page.locator(".uplot")).to_have_count(0)
    expect(page.locator(".chart-svg").first).to_be_visible()


def test_pages_are_whole_without_javascript(demo: tuple[Person, Person], sign_in: SignIn, open_page: OpenPage) -> None:
    ada, _ = demo
    state = sign_in(ada).context.storage_state()
    page = open_page(storage_state=state, java_script_enabled=False)
    page.goto(f"{ada.site}/analytics/")
    page.get_by_role("link", name="Last 7 days").click()
    expect(page.locator(".span-links [aria-current]")).to_have_text("7d")
    page.goto(f"{ada.site}/analytics/requests/")
    page.get_by_label("Status").select_option("4xx")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"/analytics/requests/\?status=4xx$"))


def test_long_name_of_an_alert_makes_no_page_wider(demo: tuple[Person, Person], sign_in: SignIn) -> None:
    ada, _ = demo
    page = sign_in(ada, viewport=PHONE)
    page.goto(f"{ada.site}/alerts/create/?kind=expiry")
    page.get_by_label("Name").fill("Keys of the shops in the high street that stop working before anybody notices")
    page.get_by_role("button", name="Create the alert").click()
    for path in ("/alerts/", "/alerts/history/", "/alerts/deliveries/"):
        page.goto(f"{ada.site}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path


def test_the_page_that_is_shown_has_its_tab_in_sight(demo: tuple[Person, Person], sign_in: SignIn) -> None:
    ada, _ = demo
    page = sign_in(ada, viewport=PHONE)
    page.goto(f"{ada.site}/analytics/requests/")
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)
