"""Forms keep what was typed: when they fail, when somebody else was faster, and without JavaScript."""

from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.browser.conftest import ANN, OpenPage, SignIn, fill_sign_in


def create_api(page: Page) -> str:
    """Create an API of a new name; return the name."""
    name = f"Orders {uuid4().hex[:8]}"
    page.goto(f"{ANN.site}/apis/create/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Target").fill("https://orders.example/v1")
    page.get_by_role("button", name="Create the API").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return name


def test_api_and_key_are_made_without_javascript(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/")
    fill_sign_in(page, ANN)
    name = create_api(page)
    page.goto(f"{ANN.site}/keys/create/")
    page.get_by_label("Alias").fill("Partner")
    page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_label("Try it")).to_contain_text(page.get_by_label("Key", exact=True).input_value())


def test_form_that_fails_keeps_what_was_typed(sign_in: SignIn) -> None:
    page = sign_in(ANN)
    page.goto(f"{ANN.site}/apis/create/")
    typed = {"Name": "Orders", "Listen path": "no slash", "Target": "ftp://orders.example/", "Tags": "a, b"}
    for label, text in typed.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Create the API").click()
    expect(page.get_by_role("alert")).to_contain_text("Target")
    assert {label: page.get_by_label(label).input_value() for label in typed} == typed


def test_second_of_two_editors_is_told_and_loses_nothing(sign_in: SignIn) -> None:
    first, second = sign_in(ANN), sign_in(ANN)
    create_api(first)
    first.get_by_role("link", name="Edit", exact=True).click()
    second.goto(first.url)
    first.get_by_label("Target").fill("https://first.example/")
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_role("status")).to_be_visible()

    second.get_by_label("Target").fill("https://second.example/")
    second.get_by_label("Tags").fill("mine")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("alert")).to_contain_text(f"Changed meanwhile by {ANN.email}")
    expect(second.get_by_role("row", name="Target")).to_contain_text("https://first.example/")
    assert second.get_by_label("Target").input_value() == "https://second.example/"
    assert second.get_by_label("Tags").input_value() == "mine"


def test_editor_shows_the_line_of_a_mistake_and_keeps_the_text(sign_in: SignIn) -> None:
    page = sign_in(ANN)
    create_api(page)
    page.get_by_role("link", name="Definition").click()
    page.get_by_role("link", name="Edit as JSON").click()
    page.get_by_label("Definition").fill('{\n  "name": "Orders",\n  "proxy": [\n}')
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".editor-lines mark")).to_have_text("4")
    assert page.get_by_label("Definition").input_value() == '{\n  "name": "Orders",\n  "proxy": [\n}'
