"""Search from anywhere, and the keys that work everywhere."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import EXAMPLE
from tests.browser.hands import Hand, Touch

pytestmark = pytest.mark.usefixtures("quiet")


def test_a_link_is_found_from_anywhere(hand: Hand) -> None:
    page = hand.page
    page.goto("/edges")
    hand.press(page.get_by_role("button", name=re.compile("^Search")).locator("visible=true"))
    expect(page.get_by_role("combobox", name="Search offers")).to_be_focused()
    page.keyboard.insert_text("nora-app")
    if isinstance(hand, Touch):
        hand.press(hits(page).filter(has_text="/nora-app"))
    else:
        choose(page, "/nora-app")
    expect(page.get_by_role("heading", name="/nora-app", exact=True)).to_be_visible()


def hits(page: Page) -> Locator:
    """What was found for what is typed by now; before, everything is offered, and nothing of it is marked."""
    return page.get_by_role("option").filter(has=page.locator("mark"))


@pytest.mark.parametrize("keys", ["Control+k", "/"])
def test_a_partner_is_found_by_keys_alone(page: Page, keys: str) -> None:
    page.goto("/offers")
    page.keyboard.press(keys)
    page.keyboard.type("nora")
    choose(page, "Nora Lindqvist")
    expect(page.get_by_role("heading", name="Nora Lindqvist")).to_be_visible()


def choose(page: Page, words: str) -> None:
    """Go down to the hit with these words by arrow keys, and open it."""
    expect(hits(page).filter(has_text=words)).to_be_visible()
    while words not in page.locator('[role="option"][aria-selected="true"]').inner_text():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def test_what_nobody_has_is_said_and_escape_leaves(page: Page) -> None:
    page.goto("/offers")
    page.keyboard.press("Control+k")
    page.keyboard.type("zzz-nobody-has-this")
    expect(page.get_by_role("dialog")).to_contain_text("Nothing fits.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(
    ("letters", "heading"), [("go", "Offers"), ("gl", "Links"), ("gp", "Partners"), ("gc", "Coupons"), ("ge", "Edges")]
)
def test_g_and_a_letter_go_places(page: Page, letters: str, heading: str) -> None:
    page.goto("/domains")
    page.keyboard.type(letters)
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def test_n_makes_a_new_one_of_what_is_listed(page: Page) -> None:
    page.goto("/coupons")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New coupon")).to_be_visible()


def test_letters_can_be_switched_off(page: Page, slug: str) -> None:
    page.goto(EXAMPLE)
    page.keyboard.press("?")
    page.get_by_role("switch", name="Single letters work").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.type("gl")
    page.keyboard.press("n")
    page.get_by_role("link", name="Your SaaS", exact=True).click()
    expect(page.locator("#rule-1")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("button", name="Done")).to_have_count(0)


def test_a_theme_is_chosen_and_stays(page: Page) -> None:
    page.goto("/offers")
    page.keyboard.press("Control+k")
    page.keyboard.type("dark theme")
    choose(page, "Dark theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/links")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 18)"


def test_the_first_tab_skips_the_navigation(page: Page) -> None:
    page.goto("/offers")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
