"""The system's Chromium, and the way in: what tests and the screenshots begin with."""

import shutil
from typing import Final

from playwright.sync_api import Page

PASSWORD: Final = "a-password-for-tests"

# Debian's Chromium would otherwise call its makers' hosts at every start.
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",  # or every page that a test opens begins with a new process
]


def executable() -> str | None:
    """Return where the system's Chromium is, None where there is none.

    The one without a window of its own, which Playwright takes too where it may choose, costs a third less.
    """
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def log_in(page: Page, login: str = "admin", password: str = PASSWORD) -> None:
    """Log in through the page, wherever it sends people afterwards."""
    page.goto("/login")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)
