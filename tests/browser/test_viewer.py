"""An API's documentation in a browser: the viewer with its console, and the reference beside it.

Whatever the content security policy refuses is in the console, and fails the test.
"""

from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from apis.definition import Authentication
from portal.reference import for_viewer, render
from tests.browser.conftest import CHROMIUM, PHONE, TIMEOUT_MS, WIDE, complaint
from tests.browser.test_every_page import END_TRANSITIONS, WIDTH_OF_PAGE, serious_faults
from tests.browser.viewer_page import CONSOLE, Gateway, Portal, gateway, page, portal
from tests.portal.documents import PETS, in_paragraph, real, text_of

KEY = "the-key-of-ann"
LARGE = "digitalocean.com.json"


@pytest.fixture
def own_gateway() -> Iterator[Gateway]:
    with gateway() as started:
        yield started


@pytest.fixture
def own_portal(own_gateway: Gateway) -> Iterator[Portal]:
    if CHROMIUM is None:
        pytest.skip("No chromium was found: the browser tests are left out.")
    with portal() as started:
        started.allow(own_gateway.address)
        started.pages["/console"] = CONSOLE
        yield started


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def window(own_portal: Portal, complaints: list[str], request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that loads nothing from elsewhere, and whose console stays quiet."""
    chromium: Browser = request.getfixturevalue("chromium")
    context = chromium.new_context(base_url=own_portal.address, viewport=WIDE, **getattr(request, "param", {}))
    context.set_default_timeout(TIMEOUT_MS)
    loaded: set[str] = set()
    context.on("console", lambda message: complaints.extend(complaint(message)))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda asked: loaded.add(asked.url.split("/", 3)[2]))
    yield context.new_page()
    kept = context.storage_state(indexed_db=True)
    context.close()
    assert complaints == []
    assert {f"http://{host}" for host in loaded} <= {own_portal.address, request.getfixturevalue("own_gateway").address}
    assert (kept["cookies"], kept["origins"]) == ([], [])


axe_may_style = pytest.mark.parametrize("window", [{"bypass_csp": True, "reduced_motion": "reduce"}], indirect=True)


def document(text: str, at: Gateway, authentication: Authentication = Authentication.TOKEN) -> str:
    header = "X-Key" if authentication == Authentication.TOKEN else "Authorization"
    return for_viewer(text, server_url=f"{at.address}/pets", header_name=header, authentication=authentication)


def open_operation(window: Page, path: str) -> None:
    window.goto("/console")
    window.locator(f".opblock-summary-path[data-path='{path}']").first.click()


def execute(window: Page) -> None:
    window.get_by_role("button", name="Execute").click()
    expect(window.locator(".live-responses-table .response-col_status").last).to_contain_text("200")


def test_key_is_sent_to_the_gateway_and_kept_nowhere(window: Page, own_portal: Portal, own_gateway: Gateway) -> None:
    own_portal.pages["/document.json"] = document(text_of(PETS), own_gateway)
    open_operation(window, "/health")
    window.get_by_role("button", name="Authorize", exact=True).click()
    window.locator(".dialog-ux").get_by_role("textbox").fill(KEY)
    window.get_by_role("button", name="Apply credentials").click()
    window.locator(".dialog-ux").get_by_role("button", name="Close").last.click()
    execute(window)
    (method, path, headers), *more = own_gateway.asked
    assert (method, path, headers["x-key"], more) == ("GET", "/pets/health", KEY, [])
    assert "cookie" not in headers

    open_operation(window, "/health")
    execute(window)
    assert "x-key" not in own_gateway.asked[1][2]


def test_bearer_token_is_sent_as_such(window: Page, own_portal: Portal, own_gateway: Gateway) -> None:
    own_portal.pages["/document.json"] = document(text_of(PETS), own_gateway, Authentication.JWT)
    open_operation(window, "/health")
    window.get_by_role("button", name="Authorize", exact=True).click()
    window.locator(".dialog-ux").get_by_role("textbox").fill(KEY)
    window.get_by_role("button", name="Apply credentials").click()
    window.locator(".dialog-ux").get_by_role("button", name="Close").last.click()
    execute(window)
    assert own_gateway.asked[0][2]["authorization"] == f"Bearer {KEY}"


def test_api_without_keys_asks_for_none(window: Page, own_portal: Portal, own_gateway: Gateway) -> None:
    own_portal.pages["/document.json"] = document(text_of(PETS), own_gateway, Authentication.KEYLESS)
    open_operation(window, "/health")
    execute(window)
    expect(window.get_by_role("button", name="Authorize")).to_have_count(0)


def test_large_document_is_shown(window: Page, own_portal: Portal, own_gateway: Gateway) -> None:
    own_portal.pages["/document.json"] = document(real(LARGE), own_gateway)
    window.goto("/console")
    window.locator(".opblock-tag", has_text="Account").first.click()
    window.locator(".opblock-summary-path[data-path='/v2/account']").click()
    expect(window.locator(".responses-table").first).to_be_visible()


def test_document_that_does_not_come_is_a_sentence(window: Page) -> None:
    window.goto("/console")
    expect(window.get_by_text("The console could not be loaded.")).to_be_visible()


def test_hostile_document_runs_nothing(
    window: Page, own_portal: Portal, own_gateway: Gateway, complaints: list[str]
) -> None:
    evil = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) <style>body{display:none}</style>"
    operation = {"summary": evil, "description": evil, "operationId": "__proto__", "tags": ["__proto__"]}
    answers = {"responses": {"200": {"description": evil}}}
    schemas = {"schemas": {"__proto__": {"description": evil}}}
    hostile = PETS | {"paths": {"/__proto__": {"get": operation | answers}}, "components": schemas}
    own_portal.pages["/document.json"] = document(text_of(hostile), own_gateway)
    window.on("dialog", lambda dialog: pytest.fail(f"A script ran: {dialog.message}"))
    open_operation(window, "/__proto__")
    expect(window.locator(".responses-table").first).to_be_visible()
    assert window.locator("[href^='javascript:'], [onerror], .viewer style").count() == 0
    # The viewer reads markup in a document that is not shown; the policy tells of it.
    assert [one for one in complaints if "has been blocked" not in one] == []
    complaints.clear()


@axe_may_style
def test_viewer_has_no_serious_fault_for_those_who_cannot_see_well(
    window: Page, own_portal: Portal, own_gateway: Gateway
) -> None:
    own_portal.pages["/document.json"] = document(text_of(PETS), own_gateway)
    window.goto("/console")
    for control in window.locator(".opblock-summary-control").all():
        control.click()
    window.get_by_role("button", name="Execute").first.click()
    assert faults_of(window) == []
    window.get_by_role("button", name="Authorize", exact=True).click()
    assert faults_of(window) == []


@axe_may_style
def test_reference_has_no_serious_fault_for_those_who_cannot_see_well(window: Page, own_portal: Portal) -> None:
    show_reference(own_portal)
    window.goto("/reference")
    window.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert faults_of(window) == []


def faults_of(window: Page) -> list[tuple[str, ...]]:
    window.evaluate(AXE_SCRIPT)
    found: list[tuple[str, ...]] = []
    for scheme in ("light", "dark"):
        window.emulate_media(color_scheme=scheme)
        window.evaluate(END_TRANSITIONS)
        found += [(scheme, *fault) for fault in serious_faults(window, {"preload": False})]
    return found


def show_reference(own_portal: Portal) -> None:
    html = render(text_of(PETS), server_url="https://gateway.example/pets", markdown=in_paragraph)
    own_portal.pages["/reference"] = page(html).replace("<script", "<template").replace("</script", "</template")


def test_link_into_the_reference_opens_what_it_leads_to(window: Page, own_portal: Portal) -> None:
    show_reference(own_portal)
    window.goto("/reference#operation-getPet")
    window.get_by_role("link", name="Pet", exact=True).first.click()
    expect(window.locator("#schema-Pet")).to_be_visible()
    expect(window.locator("#schema-Pets")).to_be_hidden()


def test_nothing_scrolls_sideways_on_a_telephone(window: Page, own_portal: Portal, own_gateway: Gateway) -> None:
    own_portal.pages["/document.json"] = document(text_of(PETS), own_gateway)
    show_reference(own_portal)
    window.set_viewport_size(PHONE)
    open_operation(window, "/pets/{id}")
    assert window.evaluate(WIDTH_OF_PAGE) == PHONE["width"]
    window.goto("/reference")
    window.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert window.evaluate(WIDTH_OF_PAGE) == PHONE["width"]
