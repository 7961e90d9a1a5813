"""History: who changed what, read as English, and brought back with one press; the edge is asked each time."""

import pytest
from playwright.sync_api import expect

from tests.browser.answers import live
from tests.browser.conftest import by_mouse, new_offer
from tests.browser.hands import Hand
from tests.turnout import Turnout

FIRST, SECOND = "https://yourbrand.com/first", "https://yourbrand.com/second"


@pytest.fixture
def offer(hand: Hand, slug: str) -> str:
    """An offer with two revisions that send everybody to different places."""
    page = hand.page
    path = new_offer(page, slug)
    page.get_by_role("switch", name="Smart link is off").check()
    for destination in (FIRST, SECOND):
        page.get_by_role("button", name="Change").click()
        page.get_by_label("Fallback URL").fill(destination)
        page.get_by_role("button", name="Done").click()
        page.get_by_role("button", name="Save", exact=True).click()
        live(page)
        expect(page.locator("#savebar")).to_be_hidden()
    return path


def test_an_old_revision_is_read_and_restored(hand: Hand, offer: str, turnout: Turnout, slug: str) -> None:
    page = hand.page
    assert turnout.click(f"/{slug}") == (302, SECOND)
    hand.link("History")
    expect(page.locator(".diff").first).to_contain_text("yourbrand.com/second")
    revisions = page.get_by_role("region", name="Revisions").get_by_role("link")
    expect(revisions).to_have_count(3)
    expect(revisions.first).to_contain_text("Admin")

    hand.press(revisions.nth(1))
    hand.button("Restore revision 2")
    live(page)
    assert turnout.click(f"/{slug}") == (302, FIRST)
    expect(page.get_by_role("region", name="Revisions").get_by_role("link")).to_have_count(4)


@by_mouse
def test_what_somebody_saved_meanwhile_is_not_restored_over(
    hand: Hand, offer: str, turnout: Turnout, slug: str
) -> None:
    page = hand.page
    page.goto(f"{offer}/history?revision=1")
    theirs = page.context.new_page()
    theirs.goto(f"{offer}/smart-link")
    theirs.get_by_role("switch", name="Smart link is on").uncheck()
    theirs.get_by_role("button", name="Save", exact=True).click()
    live(theirs)
    theirs.close()

    hand.button("Restore revision 1")
    expect(page.get_by_role("alert")).to_contain_text("Somebody saved while you were looking")
    assert turnout.click(f"/{slug}") == (302, "https://yourbrand.com/")
