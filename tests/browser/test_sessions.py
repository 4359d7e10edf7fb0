"""First steps, and how a sign-in ends."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import ANN, OpenPage, Person, SignIn, fill_sign_in
from tests.browser.server import PASSWORD, Server


def steps_done(page: Page, person: Person) -> list[str]:
    page.goto(f"{person.site}/")
    return page.locator(".checklist .is-done .step-title").all_text_contents()


def test_first_steps_tick_themselves(server: Server, sign_in: SignIn) -> None:
    pia = Person("pia@initech.example", "/o/initech")
    initech = ("--org-name", "Initech", "--org-slug", "initech", "--name", "Pia", "--email", pia.email)
    server.manage("bootstrap", "--new-org", *initech, "--password-stdin", typed=PASSWORD)
    page = sign_in(pia)
    assert steps_done(page, pia) == ["Name the organisation: done"]
    page.get_by_role("link", name="Import an API").click()
    page.get_by_label("Or paste a document").fill(
        '{"openapi": "3.0.0", "info": {"title": "Tea", "version": "1"}, "paths": {}}'
    )
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tea")
    assert steps_done(page, pia) == ["Name the organisation: done", "Import or create the first API: done"]


def test_sign_out_ends_the_session(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/")
    fill_sign_in(page, ANN)
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{ANN.site}/apis/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_session_ends_when_another_disables_the_user(server: Server, open_page: OpenPage, sign_in: SignIn) -> None:
    bob = Person("bob@acme.example", "/o/acme")
    server.manage(
        "bootstrap",
        "--new-user",
        "--org",
        "acme",
        "--name",
        "Bob",
        "--email",
        bob.email,
        "--password-stdin",
        typed=PASSWORD,
    )
    his, hers = sign_in(bob), sign_in(ANN)
    hers.goto(f"{ANN.site}/users/")
    hers.get_by_role("link", name=bob.email).click()
    hers.get_by_role("link", name="Disable").click()
    hers.get_by_role("button", name="Disable the user").click()
    expect(hers.get_by_role("status")).to_be_visible()
    his.get_by_role("link", name="APIs", exact=True).click()
    expect(his.get_by_role("heading", name="Sign in")).to_be_visible()
