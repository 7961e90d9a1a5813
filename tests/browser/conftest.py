"""A whole Turnout with the example in it and a real Chromium, for tests that act through the page as people do."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium
from tests.browser.chromium import PASSWORD, log_in
from tests.browser.hands import HANDS, Hand, Mouse
from tests.browser.looks import listening
from tests.turnout import Turnout

Window = Callable[..., BrowserContext]

by_mouse = pytest.mark.parametrize("hand", [Mouse], indirect=True, ids=["mouse"])
"""For tests of what is the same for every hand."""

EXAMPLE = "/offers?q=Your+SaaS"
"""Where the example's offer is listed, however many others there are by now."""

_HANG_MS = 30_000
expect.set_options(timeout=_HANG_MS)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    executable = chromium.executable()
    if executable is None:
        pytest.skip("needs Chromium on PATH (Debian's package chromium-headless-shell, or chromium)")
    return {**browser_type_launch_args, "executable_path": executable, "args": chromium.ARGUMENTS}


@pytest.fixture(scope="session")
def turnout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turnout]:
    """One installation for all browser tests, with a month of made-up clicks; tests add to it and change only that."""
    turnout = Turnout(tmp_path_factory.mktemp("browser") / "data")
    turnout.environment |= {"TURNOUT_ADMIN_PASSWORD": PASSWORD, "TURNOUT_EDGE_WORKERS": "2"}
    try:
        yield turnout.start("--demo")
    finally:
        turnout.stop()


@pytest.fixture(scope="session")
def base_url(turnout: Turnout) -> str:
    return f"http://127.0.0.1:{turnout.control}"


@pytest.fixture(scope="session")
def logged_in(browser: Browser, base_url: str) -> Any:
    """Cookies of an admin who logged in through the page, once."""
    context = browser.new_context(base_url=base_url)
    log_in(context.new_page())
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], logged_in: Any, base_url: str) -> dict[str, Any]:
    return {**browser_context_args, "storage_state": logged_in, "base_url": base_url, "reduced_motion": "reduce"}


@pytest.fixture
def quiet(context: BrowserContext) -> Iterator[None]:
    """No page of the test may write an error to the console, nor fail to get what it asks for."""
    with listening(context) as faults:
        yield
    assert faults == []


@pytest.fixture
def window(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Window]:
    """Open further browsers, of a logged-in admin unless told otherwise; nothing may go wrong behind their pages."""
    opened: list[BrowserContext] = []
    with ExitStack() as stack:

        def opens(**differing: Any) -> BrowserContext:
            context = browser.new_context(**{**browser_context_args, **differing})
            context.set_default_timeout(_HANG_MS)
            opened.append(context)
            faults.append(stack.enter_context(listening(context)))
            return context

        faults: list[list[str]] = []
        yield opens
        assert [fault for each in faults for fault in each] == []
    for context in opened:
        context.close()


@pytest.fixture(params=HANDS, ids=lambda kind: kind.__name__.lower())
def hand(request: pytest.FixtureRequest, window: Window) -> Hand:
    """A logged-in admin's hand: the test runs by mouse, by keyboard alone, and by touch on a phone."""
    hand: Hand = request.param(window(**request.param.window).new_page())
    return hand


@pytest.fixture
def slug() -> str:
    """A slug that nobody else has."""
    return f"t{secrets.token_hex(5)}"


def new_offer(page: Page, slug: str, destination: str = "https://yourbrand.com") -> str:
    """Make an offer through the page, end on its Smart Link tab and return its path."""
    page.goto("/offers/new")
    page.get_by_label("Name").fill(f"Offer {slug}")
    page.get_by_label("Slug").fill(slug)
    page.get_by_label("Main destination").fill(destination)
    page.get_by_role("button", name="Create offer").click()
    page.wait_for_url(re.compile(r"/offers/o_\w+/smart-link"))
    return page.url.removesuffix("/smart-link")
