"""Single clicks: from the charts to who came, and to why one of them went where it went."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import by_mouse
from tests.browser.hands import Hand
from tests.turnout import Turnout, wait_for


@pytest.fixture(scope="module")
def path(turnout: Turnout) -> str:
    """The example's offer, whose clicks have arrived."""
    offer = f"/offers/{turnout.offer_id()}"
    wait_for(lambda: turnout.call("GET", f"{offer}/clicks?country=US&device=mobile")["items"])
    return offer


def test_from_the_charts_to_one_click_and_its_reason(hand: Hand, path: str) -> None:
    page = hand.page
    page.goto(f"{path}/analytics?country=US&device=mobile&period=30d")
    hand.link("Single clicks")
    expect(page.locator(".filter")).to_have_count(2)
    hand.link("People")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("United States")
    expect(rows.first).to_contain_text("Person")
    newest = rows.first.get_by_role("link").first.get_attribute("href")
    hand.link("Older")
    expect(rows.first.get_by_role("link").first).not_to_have_attribute("href", newest or "")
    expect(page).to_have_url(re.compile("country=US&device=mobile&kind=person&cursor="))

    hand.press(rows.first.get_by_role("link").first)
    expect(page.get_by_role("region", name="Why it went there")).to_contain_text(
        "United States, Mobile fits", ignore_case=True
    )
    hand.press(page.get_by_role("link", name=re.compile(r"^revision \d+$")))
    expect(page.get_by_role("heading", name=re.compile(r"^Revision \d+$"))).to_be_visible()


@by_mouse
def test_a_click_shows_up_by_itself_and_is_found_by_its_id(hand: Hand, path: str, turnout: Turnout, slug: str) -> None:
    page = hand.page
    page.goto(f"{path}/clicks?period=24h&sub1={slug}")
    expect(page.get_by_role("heading", name="No clicks fit")).to_be_visible()
    turnout.click(f"/saas?sub1={slug}")
    mine = page.locator("main tbody").get_by_role("link").first
    expect(mine).to_be_visible(timeout=30_000)

    click_id = (mine.get_attribute("href") or "").removeprefix("/clicks/")
    hand.write(page.get_by_role("searchbox", name="Find by click id"), click_id)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/clicks/{click_id}")
    expect(page.get_by_role("region", name="How they came")).to_contain_text(slug)
