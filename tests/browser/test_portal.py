"""From an organisation without anything to a developer who calls its gateway: each step by the pages, as people go."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.called_gateway import CalledGateway, called_gateway
from tests.browser.conftest import ANN, CHROMIUM, OpenPage, fill_sign_in, pages_at
from tests.browser.mailbox import Mailbox, mailbox
from tests.browser.server import PASSWORD, running

PORTAL = f"{ANN.site}/portal"
PATH = "/acme/parcels/parcels"
OPERATION = {"summary": "All parcels", "responses": {"200": {"description": "They come."}}}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Parcels", "version": "1"},
    "servers": [{"url": "https://inner.example/secret"}],
    "paths": {"/parcels": {"get": OPERATION}},
}
NUMBERS = count(1)


@dataclass(frozen=True)
class Shop:
    """Acme's portal, with what stands around it."""

    address: str
    gateway: CalledGateway
    mailbox: Mailbox


@pytest.fixture(scope="module")
def shop(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Ann publishes an API with two plans, one given at once and one by her, and switches the portal on."""
    if CHROMIUM is None:
        pytest.skip("No chromium was found: the browser tests are left out.")
    with (
        mailbox() as box,
        running(tmp_path_factory.mktemp("shop"), EMAIL_URL=box.url) as server,
        called_gateway(server, tmp_path_factory.mktemp("gateway")) as gateway,
        pages_at(server.address, chromium) as open_page,
    ):
        ann = open_page()
        ann.goto("/")
        fill_sign_in(ann, ANN)
        import_api(ann, gateway.target)
        let_pages_call(ann, server.address)
        for name in ("Trial", "Standard"):
            create_policy(ann, name)
        publish(ann)
        switch_on(ann, gateway.address)
        yield Shop(server.address, gateway, box)


@pytest.fixture
def open_page(shop: Shop, chromium: Browser) -> Iterator[OpenPage]:
    with pages_at(shop.address, chromium) as opened:
        yield opened


def import_api(ann: Page, target: str) -> None:
    ann.goto(f"{ANN.site}/apis/import/")
    ann.get_by_label("Target").fill(target)
    ann.get_by_label("Or paste a document").fill(json.dumps(DOCUMENT))
    ann.get_by_role("button", name="Import").click()
    expect(ann.get_by_role("heading", level=1)).to_have_text("Parcels")


def let_pages_call(ann: Page, origin: str) -> None:
    """As the portal's documentation says, so that browsers show a page of the portal what the gateway answers."""
    ann.get_by_role("link", name="Definition").click()
    ann.get_by_role("link", name="Edit as JSON").click()
    text = ann.get_by_label("Definition")
    cors = {"enable": True, "allowed_origins": [origin], "allowed_headers": ["Authorization"]}
    text.fill(json.dumps(json.loads(text.input_value()) | {"CORS": cors}))
    ann.get_by_role("button", name="Save").click()
    expect(ann.get_by_role("heading", level=1)).to_contain_text("Parcels")


def create_policy(ann: Page, name: str) -> None:
    ann.goto(f"{ANN.site}/policies/create/")
    ann.get_by_label("Name").fill(name)
    ann.get_by_role("checkbox", name="Parcels").check()
    ann.get_by_role("spinbutton", name="Quota").fill("1000")
    ann.get_by_role("button", name="Create the policy").click()
    expect(ann.get_by_role("heading", level=1)).to_contain_text(name)


def publish(ann: Page) -> None:
    """From the API's own page."""
    ann.goto(f"{ANN.site}/apis/")
    ann.get_by_role("link", name="Parcels", exact=True).click()
    ann.get_by_role("link", name="Publish").click()
    ann.get_by_label("Summary").fill("Where parcels are")
    for number, (policy, given) in enumerate((("Trial", "At once"), ("Standard", "After an administrator"))):
        if number:
            ann.get_by_text("More plans").click()
        ann.get_by_label("Policy").nth(number).select_option(policy)
        choice = ann.get_by_label("A key is given").nth(number)
        choice.select_option(choice.get_by_role("option", name=re.compile(given)).inner_text())
    ann.get_by_role("button", name="Save").click()
    expect(ann.get_by_role("heading", level=1)).to_have_text("Parcels published")
    expect(ann.get_by_text("The portal is off: nobody sees this yet.")).to_be_visible()


def switch_on(ann: Page, gateway: str) -> None:
    """The page says what is missing until nothing is."""
    ann.goto(f"{ANN.site}/portal-settings/")
    expect(ann.get_by_text("2 of 5 done")).to_be_visible()
    ann.get_by_role("link", name="Edit the settings").first.click()
    ann.get_by_label("The portal is on").check()
    ann.get_by_label("Address of the gateway").fill(gateway)
    ann.get_by_label("Open: everybody").check()
    ann.get_by_label("Tell of requests").fill(ANN.email)
    ann.get_by_role("button", name="Save").click()
    expect(ann.locator(".checklist")).to_have_count(0)


def become_developer(page: Page, shop: Shop) -> str:
    """Sign up by mail; return the e-mail address."""
    email = f"dev{next(NUMBERS)}@example.com"
    page.goto(f"{PORTAL}/sign-up/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Your name").fill("Dev")
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    page.goto(shop.mailbox.link(email, "Confirm your e-mail address"))
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url(f"**{PORTAL}/")
    return email


def choose_plan(page: Page, plan: str) -> None:
    page.goto(f"{PORTAL}/")
    page.get_by_role("link", name="Parcels", exact=True).click()
    page.get_by_role("link", name=f"a key by the plan {plan}").click()


def take_at_once(page: Page) -> str:
    """Get a key by the plan that is given at once; return its secret."""
    choose_plan(page, "Trial")
    page.get_by_label("Name of your application").fill("Tracker")
    page.get_by_role("button", name="Get the key").click()
    return shown_key(page)


def shown_key(page: Page) -> str:
    """Return the secret, which no other page has."""
    key = page.get_by_label("Key", exact=True).input_value()
    page.get_by_role("link", name="I have stored it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Parcels active")
    assert key not in page.content()
    return key


def rotate(page: Page, stops: str) -> str:
    page.get_by_role("link", name="Rotate", exact=True).click()
    page.get_by_label(stops, exact=True).check()
    page.get_by_role("button", name="Make a new secret").click()
    return shown_key(page)


def test_stranger_calls_the_gateway_with_a_key_that_an_administrator_has_approved(
    shop: Shop, open_page: OpenPage
) -> None:
    dev, ann = open_page(), open_page()
    email = become_developer(dev, shop)
    choose_plan(dev, "Standard")
    dev.get_by_label("Name of your application").fill("Tracker")
    dev.get_by_label("What do you need it for?").fill("To see where they are")
    dev.get_by_role("button", name="Ask for the key").click()
    expect(dev.get_by_role("row", name="Parcels Standard waiting")).to_be_visible()

    link = shop.mailbox.link(ANN.email, "A developer asks for a key")
    ann.goto("/")
    fill_sign_in(ann, ANN)
    ann.goto(f"{ANN.site}/catalogue/")
    expect(ann.get_by_role("link", name="Requests 1 waiting")).to_be_visible()
    ann.goto(link)
    expect(ann.get_by_text("To see where they are")).to_be_visible()
    ann.get_by_role("button", name="Approve").click()
    expect(ann.get_by_role("link", name="Requests", exact=True)).to_be_visible()

    dev.goto(shop.mailbox.link(email, "Your key for Parcels is ready"))
    dev.get_by_role("link", name="Take the key").click()
    dev.get_by_role("button", name="Show me the key").click()
    key = shown_key(dev)
    shop.gateway.until(PATH, key, 200)
    assert shop.gateway.call(PATH, key[::-1]) == 403

    use_is_seen(dev)
    second = rotate(dev, "in 1 hour")
    shop.gateway.until(PATH, second, 200)
    assert shop.gateway.call(PATH, key) == 200
    expect(dev.get_by_text("works until")).to_be_visible()
    third = rotate(dev, "now")
    shop.gateway.until(PATH, third, 200)
    shop.gateway.until(PATH, second, 403)


def use_is_seen(dev: Page) -> None:
    """The pump takes requests in every few seconds."""
    used = dev.locator(".stat", has_text="Requests in 24 hours").locator(".stat-value")
    for _ in range(30):
        dev.reload()
        if used.inner_text() != "0":
            break
        dev.wait_for_timeout(500)
    expect(used).not_to_have_text("0")
    expect(dev.locator(".chart-svg .chart-bar").first).to_be_attached()
    expect(dev.locator(".stat", has_text="Quota used")).to_contain_text(re.compile(r"[1-9]\d* of 1,000"))


def test_portal_is_whole_without_javascript(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"{PORTAL}/")
    page.get_by_role("searchbox").fill("where parcels")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Parcels", exact=True).click()
    page.locator("summary", has_text="/parcels").click()
    expect(page.get_by_text("They come.")).to_be_visible()
    assert "inner.example" not in page.content()

    email = become_developer(page, shop)
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    choose_plan(page, "Trial")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Name of your application").fill("Tracker")
    page.get_by_role("button", name="Get the key").click()
    shop.gateway.until(PATH, shown_key(page), 200)


def test_viewer_calls_the_gateway_under_the_policy_of_its_page(shop: Shop, open_page: OpenPage) -> None:
    page = open_page()
    become_developer(page, shop)
    key = take_at_once(page)
    shop.gateway.until(PATH, key, 200)
    answer = page.goto(f"{PORTAL}/apis/parcels/console/")
    assert answer is not None
    hosts = answer.headers["content-security-policy"].partition("connect-src ")[2].partition(";")[0]
    assert hosts == f"'self' {shop.gateway.address}"
    page.locator(".opblock-summary-path[data-path='/parcels']").click()
    page.get_by_role("button", name="Authorize", exact=True).click()
    page.locator(".dialog-ux").get_by_role("textbox").fill(key)
    page.get_by_role("button", name="Apply credentials").click()
    page.locator(".dialog-ux").get_by_role("button", name="Close").last.click()
    with page.expect_response(lambda response: urlsplit(response.url).path == PATH) as caught:
        page.get_by_role("button", name="Execute").click()
    assert caught.value.url.startswith(shop.gateway.address)
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")


def test_page_that_is_not_there_leads_back_into_the_portal(shop: Shop, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{PORTAL}/apis/letters/")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    page.get_by_role("link", name="Look at the APIs").click()
    expect(page).to_have_url(f"{shop.address}{PORTAL}/")
