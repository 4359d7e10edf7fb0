"""The README's pictures, of the demo. `make screenshots` puts them into docs/screenshots."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, OpenPage, Person, SignIn
from tests.browser.server import ROOT

MOST_BYTES = 250_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the tracked pictures are only where that was asked for."""
    return ROOT / "docs" / "screenshots" if os.environ.get("SCREENSHOTS") == "on" else tmp_path


def test_pictures_of_the_readme(
    demo: tuple[Person, Person], sign_in: SignIn, open_page: OpenPage, folder: Path
) -> None:
    ada, uma = demo
    light, phone = sign_in(ada), sign_in(ada, viewport=PHONE)
    take(light, f"{ada.site}/apis/", folder / "apis.png")
    take(light, key_of_five_apis(light, ada), folder / "key.png")
    take(light, f"{ada.site}/analytics/?span=30d", folder / "analytics.png")
    take(sign_in(uma), "/all/", folder / "all.png")
    take(sign_in(ada, color_scheme="dark"), f"{ada.site}/keys/?sort=oldest", folder / "dark.png")
    take(phone, f"{ada.site}/keys/?sort=oldest", folder / "phone.png")
    portal = f"{ada.site}/portal"
    take(open_page(), f"{portal}/", folder / "portal.png")
    take(open_page(), f"{portal}/apis/card-payments/", folder / "portal-api.png")
    at_once = open_page(viewport=PHONE, reduced_motion="reduce")  # or it would still be on its way to the reference
    take(at_once, f"{portal}/apis/card-payments/#reference", folder / "portal-phone.png")
    large = {path.name for path in folder.glob("*.png") if path.stat().st_size > MOST_BYTES}
    assert large == set()
    assert {path.name for path in folder.glob("*.png")} == {
        "apis.png", "key.png", "analytics.png", "all.png", "dark.png", "phone.png",
        "portal.png", "portal-api.png", "portal-phone.png",
    }  # fmt: skip


def key_of_five_apis(page: Page, person: Person) -> str:
    """Return the address of the newest."""
    page.goto(f"{person.site}/keys/")
    five = page.locator("td[data-label=APIs]").get_by_text("5", exact=True)
    return str(page.locator("tbody tr", has=five).first.get_by_role("link").first.get_attribute("href"))


def take(page: Page, address: str, file: Path) -> None:
    page.goto(address)
    page.screenshot(path=file, scale="css")
