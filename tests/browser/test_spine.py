"""The product from the first sign-in to the audit trail, on the documents of real APIs."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ANN, GUS, UMA, OpenPage, Person, fill_sign_in, status
from tests.browser.server import ROOT

DOCUMENTS = ROOT.parent / "shared" / "data" / "openapi"


@pytest.fixture
def documents() -> list[Path]:
    found = sorted(DOCUMENTS.glob("*.json"))
    if not found:
        pytest.skip(f"There are no OpenAPI documents in {DOCUMENTS}.")
    return found


# Several large documents, each judged whole, while other tests have the processors.
IMPORT_TIMEOUT_MS = 60_000


def test_key_is_found_by_its_organisation_refused_to_another_and_only_shown_to_the_unbounded_user(
    open_page: OpenPage, documents: list[Path]
) -> None:
    ann = open_page()
    ann.goto("/")
    fill_sign_in(ann, ANN)
    import_all(ann, documents)
    token = issue_key(ann)
    address = find_by_pasting(ann, token)

    gus = beside(ann, GUS)
    assert answer_to_pasting(gus, token) == "Globex has no key with this secret."
    assert status(gus, address.replace(ANN.site, GUS.site)) == 404
    assert status(ann, address) == 200

    uma = beside(ann, UMA)
    visit = find_among_all(uma, token)
    assert visit == f"/all{address}"
    assert uma.locator("main").get_by_role("button").all() == []
    assert uma.locator("main form").all() == []
    refusal = refusal_of_post(uma, f"{visit}disable/")
    assert refusal == (403, "This is a visit: you see everything and change nothing.")

    ann.goto(address)
    expect(ann.get_by_role("heading", level=1)).to_contain_text("active")
    ann.goto(f"{ANN.site}/audit/")
    visited = f"{UMA.email} visited organisation {address.removeprefix(ANN.site)} 127.0.0.1"
    expect(ann.get_by_role("row", name=visited)).to_be_visible()


def import_all(page: Page, documents: list[Path]) -> None:
    page.get_by_role("link", name="APIs", exact=True).click()
    page.locator(".app-actions").get_by_role("link", name="Import").click()
    page.get_by_label("Files").set_input_files(documents)
    page.get_by_role("button", name="Import").click(timeout=IMPORT_TIMEOUT_MS)
    expect(page.get_by_role("heading", name=f"Imported: {len(documents)}")).to_be_visible(timeout=IMPORT_TIMEOUT_MS)
    assert page.get_by_role("alert").all() == []


def issue_key(page: Page) -> str:
    """Create a key for one API; return its secret, which no later page has."""
    page.get_by_role("link", name="Keys", exact=True).click()
    page.locator(".app-actions").get_by_role("link", name="Create a key").click()
    page.get_by_label("Alias").fill("Weather station")
    page.get_by_role("checkbox", name="Bitbucket API").check()
    page.get_by_role("button", name="Create the key").click()
    token = page.get_by_label("Key", exact=True).input_value()
    assert token in page.get_by_label("Try it").input_value()
    page.get_by_role("link", name="I have stored it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Weather station active")
    assert token not in page.content()
    return token


def find_by_pasting(page: Page, token: str) -> str:
    """Return the path of the key's page."""
    page.get_by_role("link", name="Keys", exact=True).first.click()
    search(page, token)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Weather station")
    return path_of(page)


def answer_to_pasting(page: Page, token: str) -> str:
    page.goto(f"{GUS.site}/keys/")
    search(page, token)
    return page.get_by_role("alert").inner_text()


def find_among_all(page: Page, token: str) -> str:
    """Return the path of the page of the visit."""
    page.goto("/all/search/")
    search(page, token)
    page.get_by_role("main").get_by_role("link", name="Weather station").click()
    expect(page.get_by_role("note")).to_contain_text("You are visiting Acme")
    return path_of(page)


def search(page: Page, token: str) -> None:
    page.get_by_role("searchbox").fill(token)
    page.get_by_role("main").get_by_role("button", name="Search").click()
    assert token not in page.url


def beside(page: Page, person: Person) -> Page:
    """Sign somebody else in, in another tab of the same browser."""
    tab = page.context.new_page()
    tab.goto(f"{person.site}/")
    fill_sign_in(tab, person)
    return tab


def path_of(page: Page) -> str:
    return "/" + page.url.split("/", 3)[3]


def refusal_of_post(page: Page, path: str) -> tuple[int, str]:
    """Send a form as the page itself could: with its token, so that only the permission is missing."""
    form: dict[str, str | float | bool] = {
        "csrfmiddlewaretoken": page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    }
    answer = page.request.post(path, form=form, headers={"Referer": page.url}, max_redirects=0)
    return answer.status, answer.text().partition("<p>")[2].partition("</p>")[0]
