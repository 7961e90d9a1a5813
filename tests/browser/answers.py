"""What the edge answers in the end, asked over HTTP as a visitor asks."""

from http.client import HTTPConnection

from playwright.sync_api import Page, expect

from deploy.demo import VISITORS, Visitor
from tests.turnout import IPHONE, Turnout, wait_for

US_IPHONE, UK_DESKTOP, FRENCH_MAC = VISITORS
GONE, UNKNOWN = (410, ""), (404, "")


def wait_for_answer(turnout: Turnout, path: str, expected: tuple[int, str], visitor: Visitor = IPHONE) -> None:
    """Wait until the edge answers `path` with this status and Location (click id aside)."""
    heard: list[tuple[int, str]] = []
    wait_for(
        lambda: heard.append(turnout.click(path, visitor)) or heard[-1] == expected, lambda: f"{path}: {heard[-1]}"
    )


def live(page: Page) -> None:
    """Wait until the page says that what was done is live."""
    expect(page.locator(".toast")).to_contain_text("Live on 1 of 1 edge")


def location_on(turnout: Turnout, host: str, path: str) -> tuple[int, str]:
    """Return status and Location, without the query, of a click on another host."""
    connection = HTTPConnection("127.0.0.1", turnout.edge, timeout=30)
    connection.request("GET", path, headers={"Host": host, "User-Agent": IPHONE.user_agent})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.getheader("Location", "").partition("?")[0]


def status_with_key(turnout: Turnout, token: str) -> int:
    """Return the status of a call to the API with this key."""
    connection = HTTPConnection("127.0.0.1", turnout.control, timeout=30)
    connection.request("GET", "/api/v1/offers", headers={"Authorization": f"Bearer {token}"})
    status = connection.getresponse().status
    connection.close()
    return status
