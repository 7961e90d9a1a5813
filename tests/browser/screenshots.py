"""Pictures of every page, light and dark, on a desktop and on phones, and what is wrong with them.

`python -m tests.browser.screenshots FOLDER` starts an installation of its own with the example in it; `--url` looks at
one that runs. It ends with status 1 when a page has console errors, failed requests, something wider than its place,
text that is hard to read, or a barrier that axe finds.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser import chromium
from tests.browser.looks import inspect
from tests.browser.scenes import Scene, furnish, scenes
from tests.turnout import Turnout

SIZES: Final = {"1280": (1280, 800), "390": (390, 844), "360": (360, 740)}
_PHONE_PX: Final = 600


def main() -> int:
    """Take the pictures, print what is wrong, and return the exit status."""
    asked = _asked()
    with _installation(asked.url) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        faults = list(_look(browser, url, asked))
        browser.close()
    for fault in faults:
        print(fault)  # noqa: T201 (a program's output)
    print(f"{len(faults)} faults; pictures are in {asked.folder}")  # noqa: T201
    return 1 if faults else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--url", help="control of an installation that runs, with the example in it")
    parser.add_argument("--password", default=chromium.PASSWORD, help="of its admin")
    parser.add_argument("--only", default="", help="only scenes whose names contain this")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    return parser.parse_args()


@contextmanager
def _installation(url: str | None) -> Iterator[str]:
    """Yield the address of `url`, or of an installation that lives as long as this."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        turnout = Turnout(Path(folder) / "data")
        turnout.environment |= {"TURNOUT_ADMIN_PASSWORD": chromium.PASSWORD, "TURNOUT_EDGE_WORKERS": "2"}
        try:
            turnout.start("--demo")
            yield f"http://127.0.0.1:{turnout.control}"
        finally:
            turnout.stop()


def _look(browser: Browser, url: str, asked: argparse.Namespace) -> Iterator[str]:
    """Yield what is wrong with any page, at any size."""
    entrance = browser.new_page(base_url=url)
    chromium.log_in(entrance, password=asked.password)
    wanted = [scene for scene in scenes(furnish(entrance)) if asked.only in scene.name]
    cookies, bench = entrance.context.storage_state(), browser.new_page()
    for size in asked.sizes:
        inside, outside = context_of(browser, url, size, cookies), context_of(browser, url, size)
        for scene in wanted:
            if not scene.phone_only or SIZES[size][0] < _PHONE_PX:
                context = outside if scene.stranger else inside
                yield from (
                    f"{scene.name} {size}: {fault}" for fault in _one(context, bench, scene, asked.folder / size)
                )
        inside.close()
        outside.close()


def context_of(browser: Browser, url: str, size: str, cookies: Any = None) -> BrowserContext:
    """Return a browser of one size for the installation at `url`; the small ones are touched, not clicked."""
    width, height = SIZES[size]
    return browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        has_touch=width < _PHONE_PX,
        is_mobile=width < _PHONE_PX,
        reduced_motion="reduce",
        storage_state=cookies,
    )


def _one(context: BrowserContext, bench: Page, scene: Scene, folder: Path) -> list[str]:
    """Take the pictures of one scene at one size into `folder`, and return what is wrong with it."""
    page = context.new_page()

    def photograph(theme: str) -> None:
        page.screenshot(path=folder / f"{scene.name}-{theme}.png", full_page=True, animations="disabled")

    faults = inspect(page, bench, scene.show, photograph, scene.covered_by)
    page.close()
    return faults


if __name__ == "__main__":
    sys.exit(main())
