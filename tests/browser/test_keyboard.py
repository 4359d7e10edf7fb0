"""Everything can be reached with the keyboard, and one sees where one is."""

from playwright.sync_api import expect

from tests.browser.conftest import ANN, SignIn

FOCUS_CAN_BE_SEEN = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""
NAME_OF_FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"


def test_skip_link_is_first_and_leads_to_the_content(sign_in: SignIn) -> None:
    page = sign_in(ANN)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_focus_can_be_seen_on_everything_that_tab_reaches(sign_in: SignIn) -> None:
    page = sign_in(ANN)
    page.goto(f"{ANN.site}/apis/create/")
    reached, unseen = 0, []
    page.get_by_role("link", name="Skip to content").focus()
    while page.evaluate("document.activeElement !== document.body") and reached < 60:
        if not page.evaluate(FOCUS_CAN_BE_SEEN):
            unseen.append(page.evaluate(NAME_OF_FOCUSED))
        page.keyboard.press("Tab")
        reached += 1
    assert unseen == []
    assert 20 < reached < 60
