"""What is wrong with a page as it is drawn: measured in the browser, told in sentences."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response

THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
LEAST_CONTRAST: Final = 4.5
"""WCAG 2.2 AA for text of any size below 24 px; larger text has to reach it here as well."""

Show = Callable[[Page], object]
Photograph = Callable[[str], object]

_HERE: Final = Path(__file__).parent
_TEXTS, _CONTRAST, _SPILLS = ((_HERE / name).read_text() for name in ("texts.js", "contrast.js", "spills.js"))
_HANG_MS: Final = 30_000
_ATTEMPTS: Final = 10
_REFUSALS: Final = (409, 412, 422)
_RULES: Final = {
    "resultTypes": ["violations"],
    "rules": {
        "target-size": {"enabled": True},
        "color-contrast": {"enabled": False},  # is measured above, of every text, in both themes, and more strictly
    },
}
_BARRIERS: Final = (
    "([within, rules]) => axe.run(within || document, rules).then((found) => JSON.stringify(found.violations))"
)


def inspect(page: Page, bench: Page, show: Show, photograph: Photograph | None = None, within: str = "") -> list[str]:
    """Return everything that is wrong with what `show` brings onto `page`; colours are measured in both themes.

    `photograph` is called with each theme while the page is drawn in it. `bench` is an empty page, free of any content
    security policy, that counts pixels. Where something covers the rest of the page, axe looks `within` what this
    selector finds.
    """
    page.set_default_timeout(_HANG_MS)
    with listening(page.context) as faults:
        try:
            show(page)
        except (Error, AssertionError) as error:
            return [f"cannot be shown: {error}"]
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            if photograph:
                photograph(theme)
            faults += faint_texts(page, bench)
        faults += [*spills(page), *barriers(page, within)]
    return list(dict.fromkeys(faults))


def faint_texts(page: Page, bench: Page) -> list[str]:
    """Return the texts of `page` that are hard to read on what lies behind them.

    The window is made as high as the page for as long as this takes, so that nothing that sticks to its edges lies over
    text.
    """
    usual = page.viewport_size
    assert usual
    height = max(usual["height"], int(page.evaluate("document.documentElement.scrollHeight")))
    page.set_viewport_size({"width": usual["width"], "height": height})
    texts, picture = _texts_before_picture(page)
    page.evaluate(_TEXTS, False)
    page.set_viewport_size(usual)
    faults = bench.evaluate(_CONTRAST, {"picture": picture, "texts": texts, "least": LEAST_CONTRAST})
    return [
        f"contrast {fault['ratio']:.2f} of “{fault['text']}” in {fault['at']}: {fault['color']} on {fault['behind']}"
        for fault in faults
    ]


def _texts_before_picture(page: Page) -> tuple[str, str]:
    """Return the texts of `page`, as JSON, and a picture of what lies behind them, taken while nothing moved."""
    texts = str(page.evaluate(_TEXTS, True))
    for _ in range(_ATTEMPTS):
        picture = _picture(page)
        before, texts = texts, str(page.evaluate(_TEXTS, True))
        if texts == before:
            break
    return texts, picture


def _picture(page: Page) -> str:
    """Return what the window shows as a PNG in base64, packed for speed: only colours are read from it."""
    session = page.context.new_cdp_session(page)
    picture = session.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
    session.detach()
    return str(picture["data"])


def spills(page: Page) -> list[str]:
    """Return what sticks out of the window or of the card that holds it."""
    return list(page.evaluate(_SPILLS))


def barriers(page: Page, within: str = "") -> list[str]:
    """Return what axe finds that keeps people from using the page: serious faults and critical ones."""
    page.evaluate(AXE_SCRIPT)
    found = json.loads(page.evaluate(_BARRIERS, [within, _RULES]))  # text: Playwright takes seconds over large objects
    return [
        f"{fault['id']} ({fault['impact']}): {node['html'][:160]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@contextmanager
def listening(context: BrowserContext) -> Iterator[list[str]]:
    """Collect what goes wrong behind the pages of `context`: console errors, uncaught errors, failed requests.

    A page that refuses what a person sent is an answer, not a failure; so is a refused save.
    """
    faults: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):  # said better below
            faults.append(f"console: {message.text} ({message.location.get('url')})")

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # of a page that was left
            faults.append(f"request failed: {request.method} {request.url} ({request.failure})")

    def answered(response: Response) -> None:
        refused = response.status >= 400 and response.status not in _REFUSALS
        if response.status >= 500 or (refused and not response.request.is_navigation_request()):
            faults.append(f"answered {response.status}: {response.request.method} {response.url}")

    heard = {"console": console, "requestfailed": failed, "response": answered}
    heard["weberror"] = lambda error: faults.append(f"uncaught: {error.error}")
    for event, hear in heard.items():
        context.on(event, hear)  # type: ignore[call-overload]
    yield faults
    for event, hear in heard.items():
        context.remove_listener(event, hear)
