"""A whole Turnout and a real Chromium, for tests that act through the page as a person does."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.integration.test_up import Turnout

PASSWORD = "a-password-for-tests"
# Debian's Chromium would otherwise call its makers' hosts at every start.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium on PATH (Debian's package chromium)")
    return {**browser_type_launch_args, "executable_path": chromium, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def turnout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turnout]:
    """One installation for all browser tests; each test makes its own offer in it."""
    turnout = Turnout(tmp_path_factory.mktemp("browser") / "data")
    turnout.environment |= {"TURNOUT_ADMIN_PASSWORD": PASSWORD, "TURNOUT_TRUSTED_PROXIES": "127.0.0.0/8"}
    try:
        yield turnout.start()
    finally:
        turnout.stop()


@pytest.fixture(scope="session")
def base_url(turnout: Turnout) -> str:
    return f"http://127.0.0.1:{turnout.control}"


@pytest.fixture(scope="session")
def logged_in(browser: Browser, base_url: str) -> Any:
    """Cookies of an admin who logged in through the page, once."""
    context = browser.new_context(base_url=base_url)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Login").fill("admin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/offers")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], logged_in: Any, base_url: str) -> dict[str, Any]:
    return {**browser_context_args, "storage_state": logged_in, "base_url": base_url}


@pytest.fixture
def quiet(context: BrowserContext) -> Iterator[None]:
    """No page of the test may write an error to the console; a refusal that a page answers is none."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not re.search(r"status of (409|412|422)", message.text):
            errors.append(f"{message.text} ({message.location.get('url')})")

    context.on("console", note)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield
    assert errors == []


def new_offer(page: Page, slug: str, destination: str = "https://yourbrand.com") -> str:
    """Make an offer through the page, end on its Smart Link tab and return its path."""
    page.goto("/offers/new")
    page.get_by_label("Name").fill(f"Offer {slug}")
    page.get_by_label("Slug").fill(slug)
    page.get_by_label("Main destination").fill(destination)
    page.get_by_role("button", name="Create offer").click()
    page.wait_for_url(re.compile(r"/offers/o_\w+/smart-link"))
    return page.url.removesuffix("/smart-link")
