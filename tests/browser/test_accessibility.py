"""Every page and state of the admin UI, light and dark, on a desktop and a phone: read, reached, in its place."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.looks import inspect
from tests.browser.scenes import Scene, furnish, scenes
from tests.browser.screenshots import SIZES, context_of

PHONE = "360"
"""The narrowest usual phone; what fits here fits on others."""

PORTIONS = 8
"""Of all scenes, so that none takes minutes and what fails is looked at again with few others."""


@pytest.fixture(scope="module", params=["1280", PHONE])
def size(request: pytest.FixtureRequest) -> str:
    assert request.param in SIZES
    return str(request.param)


@pytest.fixture(scope="module")
def wanted(browser: Browser, base_url: str, logged_in: Any) -> list[Scene]:
    """Everything to look at, over an installation that has some of everything."""
    context = browser.new_context(base_url=base_url, storage_state=logged_in)
    found = scenes(furnish(context.new_page()))
    context.close()
    return found


@pytest.fixture(scope="module")
def windows(browser: Browser, base_url: str, logged_in: Any, size: str) -> Iterator[dict[bool, BrowserContext]]:
    """Browsers of one size: of somebody who is logged in, and of a stranger (True)."""
    found = {
        stranger: context_of(browser, base_url, size, None if stranger else logged_in) for stranger in (False, True)
    }
    yield found
    for context in found.values():
        context.close()


@pytest.fixture(scope="module")
def bench(browser: Browser) -> Iterator[Page]:
    """A page on which pixels are counted."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_everything_can_be_read_and_used_and_is_in_its_place(
    windows: dict[bool, BrowserContext], bench: Page, wanted: list[Scene], size: str, portion: int
) -> None:
    found: dict[str, list[str]] = {}
    for scene in wanted[portion::PORTIONS]:
        if scene.phone_only and size != PHONE:
            continue
        page = windows[scene.stranger].new_page()
        if faults := inspect(page, bench, scene.show, within=scene.covered_by):
            found[scene.name] = faults
        page.close()
    assert found == {}
