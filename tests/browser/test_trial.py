"""Trying a draft on a share of the traffic: some people get it at once, then everyone or nobody."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.answers import live
from tests.browser.conftest import Window, by_mouse, new_offer
from tests.browser.hands import Hand, Keyboard
from tests.turnout import Turnout, wait_for

OLD, NEW = "https://yourbrand.com/old", "https://yourbrand.com/new"
_CLICKS = 40
"""On new connections, which the kernel spreads over both workers: that one of them gets none does not happen."""


@pytest.fixture
def offer(hand: Hand, slug: str) -> str:
    """An offer that sends everybody to `OLD`, open on its Smart link tab."""
    path = new_offer(hand.page, slug, OLD)
    hand.page.get_by_role("switch", name="Smart link is off").check()
    send_everyone_to(hand, OLD)
    hand.button("Save")
    live(hand.page)
    return path


def send_everyone_to(hand: Hand, url: str) -> None:
    """Write where everyone else goes into the draft."""
    hand.button("Change")
    hand.write(hand.page.get_by_label("Fallback URL"), url)
    hand.button("Done")


def try_on(hand: Hand, share: int) -> None:
    """Save the draft for a share of the traffic."""
    hand.button("More ways to save")
    item = hand.page.get_by_role("menuitem", name=f"Try on {share}% of the traffic")
    if isinstance(hand, Keyboard):  # arrows walk a menu, Tab leaves it
        while not item.evaluate("element => element === document.activeElement"):
            hand.page.keyboard.press("ArrowDown")
        hand.page.keyboard.press("Enter")
    else:
        hand.press(item)
    live(hand.page)


def trial(page: Page, revision: int = 3) -> Locator:
    return page.get_by_role("region", name=f"Revision {revision} is being tried")


def wait_for_destinations(turnout: Turnout, slug: str, *wanted: str) -> None:
    """Wait until visitors on connections of their own are sent to these places, all of them and no other."""
    heard: list[set[str]] = []

    def heard_as_wanted() -> bool:
        heard.append({turnout.click(f"/{slug}")[1] for _ in range(_CLICKS)})
        return heard[-1] == set(wanted)

    wait_for(heard_as_wanted, lambda: str(heard[-1:]))


def test_a_draft_is_tried_on_some_and_then_published_to_everyone(
    hand: Hand, offer: str, turnout: Turnout, slug: str
) -> None:
    page = hand.page
    send_everyone_to(hand, NEW)
    try_on(hand, 50)
    expect(trial(page)).to_contain_text("on about 50% of the traffic")
    wait_for_destinations(turnout, slug, OLD, NEW)
    page.reload()
    expect(trial(page)).to_contain_text(re.compile(r"Revision 3, tried\s*[1-9]"), timeout=30_000)
    expect(trial(page)).to_contain_text("Revision 2, all others")

    hand.button("Publish to everyone")
    expect(trial(page)).to_have_count(0)
    live(page)
    wait_for_destinations(turnout, slug, NEW)
    hand.link("History")
    revisions = page.get_by_role("region", name="Revisions").get_by_role("listitem")
    expect(revisions.first).to_contain_text("tried on 50% first, then published to everyone")


@by_mouse
def test_a_trial_is_taken_back_and_the_draft_beside_it_stays(
    hand: Hand, offer: str, turnout: Turnout, slug: str
) -> None:
    page = hand.page
    send_everyone_to(hand, NEW)
    try_on(hand, 10)
    wait_for_destinations(turnout, slug, OLD, NEW)
    page.get_by_role("switch", name="Smart link is on").uncheck()
    expect(page.get_by_role("button", name="More ways to save")).to_be_hidden()

    trial(page).get_by_role("button", name="Take back").click()
    expect(trial(page)).to_have_count(0)
    expect(page.get_by_role("switch", name="Smart link is off")).to_be_visible()
    expect(page.locator("#changes")).to_have_text("1 unsaved change")
    wait_for_destinations(turnout, slug, OLD)
    page.get_by_role("button", name="Discard").click()

    hand.link("History")
    first = page.get_by_role("region", name="Revisions").get_by_role("listitem")
    expect(first.nth(1)).to_contain_text("tried on 50%, then taken back")
    expect(first.nth(0)).to_contain_text("Restored revision 2")


@by_mouse
def test_without_scripts_a_trial_is_ended_by_its_forms(
    hand: Hand, offer: str, turnout: Turnout, slug: str, window: Window
) -> None:
    send_everyone_to(hand, NEW)
    try_on(hand, 25)
    plain = window(java_script_enabled=False).new_page()
    plain.goto(f"{offer}/smart-link")
    plain.get_by_role("button", name="Take back").click()
    expect(plain.locator(".toast")).to_contain_text("Taken back")
    expect(trial(plain)).to_have_count(0)
    wait_for_destinations(turnout, slug, OLD)
