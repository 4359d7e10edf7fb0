"""Pages that renew a part of themselves."""

from playwright.sync_api import expect

from tests.browser.conftest import UMA, OpenPage, SignIn


def test_page_renews_itself_and_keeps_the_focus(sign_in: SignIn) -> None:
    page = sign_in(UMA)
    page.goto(f"{UMA.site}/gateways/")
    link, as_of = page.get_by_role("link", name="Default"), page.locator(".as-of")
    link.focus()
    before = as_of.inner_text()
    expect(as_of).not_to_have_text(before)
    expect(link).to_be_focused()


def test_whoever_is_signed_out_meanwhile_is_sent_to_sign_in(sign_in: SignIn) -> None:
    page = sign_in(UMA)
    page.goto(f"{UMA.site}/gateways/")
    page.context.clear_cookies()
    page.wait_for_url(f"**{UMA.site}/sign-in/**")


def test_page_is_whole_without_javascript(sign_in: SignIn, open_page: OpenPage) -> None:
    state = sign_in(UMA).context.storage_state()
    page = open_page(storage_state=state, java_script_enabled=False)
    page.goto(f"{UMA.site}/gateways/")
    expect(page.get_by_role("link", name="Default")).to_be_visible()
    expect(page.get_by_text("every organisation")).to_be_visible()
