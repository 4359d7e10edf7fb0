"""People in real browsers, on a server of their own: Ann of Acme, Gus of Globex, and Uma, who is unbounded.

Whatever a page writes to the browser's console fails its test: also what the content security policy refused.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page, StorageState, ViewportSize, sync_playwright

from tests.browser.server import PASSWORD, Server, running

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
TIMEOUT_MS = 10_000
WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)


@dataclass(frozen=True)
class Person:
    email: str
    site: str
    password: str = PASSWORD


# One of each state, which a server without a mail server never has: it prints what is due.
MAIL = """
from django.utils import timezone
from orgs import scope
from orgs.models import Organisation
from users.models import Mail
DOWN = "The mail server could not be reached."
with scope.opened(scope.by_slug("acme-payments")):
    of = Organisation.objects.get()
with scope.opened(scope.of(of.pk)):
    for state, fault in (("sent", ""), ("given up", DOWN), ("queued", DOWN)):
        Mail.objects.create(
            organisation=of, kind="reset", to="ada@acme-payments.example", subject="Acme Payments: A new password",
            state=state, sealed="x", fault=fault, attempts=3, due_at="2100-01-01T00:00Z", sent_at=timezone.now(),
        )
"""

ANN = Person("ann@acme.example", "/o/acme")
GUS = Person("gus@globex.example", "/o/globex")
UMA = Person("uma@hosting.example", "/all")

OpenPage = Callable[..., Page]
SignIn = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(settings.BASE_DIR / "tests" / "browser"):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if CHROMIUM is None:
        pytest.skip("No chromium was found: the browser tests are left out.")
    with running(tmp_path_factory.mktemp("server")) as started:
        globex = ("--org-name", "Globex", "--org-slug", "globex", "--name", "Gus", "--email", GUS.email)
        started.manage("bootstrap", "--new-org", *globex, "--password-stdin", typed=PASSWORD)
        uma = ("--yes", "--name", "Uma", "--email", UMA.email)
        started.manage("bootstrap", "--new-user", *uma, "--password-stdin", typed=PASSWORD)
        yield started


@pytest.fixture(scope="session")
def demo(server: Server) -> tuple[Person, Person]:
    """Fill the server as `make demo` does; return an administrator and the unbounded user."""
    printed = server.manage("demo")
    server.manage("shell", "-v", "0", "-c", MAIL)
    password = printed.partition("password is ")[2].partition(" ")[0]
    ada = Person("ada.okafor@acme-payments.example", "/o/acme-payments", password)
    return ada, Person("uma.lindqvist@hosting.example", "/all", password)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Not for the session: while playwright runs, Django takes this thread for an asynchronous one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(server: Server, chromium: Browser) -> Iterator[OpenPage]:
    with pages_at(server.address, chromium) as opened:
        yield opened


@contextmanager
def pages_at(address: str, chromium: Browser) -> Iterator[OpenPage]:
    """Open a page in a browser without cookies, with playwright's options for a browser context."""
    contexts, complaints = [], []

    def opened(**options: Any) -> Page:
        context = chromium.new_context(base_url=address, **{"viewport": WIDE, **options})
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        context.on("console", lambda message: complaints.extend(complaint(message)))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def complaint(message: ConsoleMessage) -> list[str]:
    """Chromium reports an answer of 403 or 404 as an error too: those are the tests' own business."""
    is_answer = message.text.startswith("Failed to load resource") and "status of 40" in message.text
    is_harmless = is_answer or message.type not in ("error", "warning")
    return [] if is_harmless else [f"{message.location['url']}: {message.text}"]


@pytest.fixture(scope="session")
def signed_in_before() -> dict[Person, StorageState]:
    """The cookies of those who have signed in: argon2 is slow on purpose."""
    return {}


@pytest.fixture
def sign_in(open_page: OpenPage, signed_in_before: dict[Person, StorageState]) -> SignIn:
    """Open a page in which a person is signed in, at the overview of their site."""

    def signed_in(person: Person, **options: Any) -> Page:
        page = open_page(storage_state=signed_in_before.get(person), **options)
        page.goto(f"{person.site}/" if person in signed_in_before else f"{person.site}/sign-in/")
        if person not in signed_in_before:
            fill_sign_in(page, person)
            signed_in_before[person] = page.context.storage_state()
        return page

    return signed_in


def fill_sign_in(page: Page, person: Person) -> None:
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{person.site}/")


def status(page: Page, path: str) -> int:
    answer = page.goto(path)
    assert answer is not None
    return answer.status
