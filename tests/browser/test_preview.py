"""Preview as a marketer uses it: real clicks made over HTTP, replayed on a draft, then saved and asked of the edge."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.answers import FRENCH_MAC, UK_DESKTOP, US_IPHONE, live
from tests.browser.conftest import EXAMPLE, Window, by_mouse, new_offer
from tests.browser.hands import Hand, Mouse
from tests.browser.test_saved_visitors import switch
from tests.browser.test_smart_link import APP, HOME, press, save, two_rules
from tests.turnout import Turnout, wait_for

CLICKS = {US_IPHONE: 3, UK_DESKTOP: 2, FRENCH_MAC: 4}


@pytest.fixture
def clicked(hand: Hand, turnout: Turnout, slug: str) -> str:
    """An offer with two rules and nine clicks, on its Smart Link tab; returns its path."""
    page = hand.page
    two_rules(page, slug)
    save(page)
    for visitor, times in CLICKS.items():
        for _ in range(times):
            turnout.click(f"/{slug}", visitor)
    path = page.url.removesuffix("/smart-link")
    wait_for(lambda: shown(page, "#people", page.reload) == "9")
    return path


def shown(page: Page, what: str, anew: Callable[[], object]) -> str:
    """What stands at `what` once the page has been made anew and has filled it in."""
    anew()
    expect(page.locator("#last-day")).to_be_visible()
    return page.locator(what).inner_text()


def heading(page: Page) -> Locator:
    return page.locator("#preview-heading")


def moves(page: Page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator(".moves li").all_inner_texts()]


def test_what_would_move_is_shown_and_saved_from_there(hand: Hand, clicked: str, turnout: Turnout, slug: str) -> None:
    page = hand.page
    switch(hand, 1)
    hand.press(page.locator("#preview"))
    expect(heading(page)).to_have_text("3 of 9 clicks would go somewhere else")
    assert moves(page) == ["1 Rule 1 Everyone else United States mobile 3 3"]
    expect(page.locator("#preview-part .strip")).to_contain_text("3 people would lose rule 1.")
    by_country = page.get_by_role("region", name="Everyone else by country")
    expect(by_country.get_by_role("row", name="United States")).to_contain_text(re.compile(r"0\s+3"))
    expect(by_country.get_by_role("row", name="France")).to_contain_text(re.compile(r"4\s+4"))
    by_device = page.get_by_role("region", name="Everyone else by device")
    expect(by_device.get_by_role("row", name="Mobile")).to_contain_text(re.compile(r"0\s+3"))
    expect(page.locator(".chart:visible title")).to_have_text(re.compile("3 clicks move from Rule 1 to Everyone else"))
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)

    hand.button("Save and go live")
    live(page)
    expect(page.locator("#rule-1")).to_be_visible()
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, HOME)


def test_a_loss_leads_to_its_rule_and_back_to_the_rules(hand: Hand, clicked: str) -> None:
    page = hand.page
    switch(hand, 1)
    hand.press(page.locator("#preview"))
    hand.button("Open rule 1")
    expect(page.get_by_role("form", name="From United States on mobile")).to_be_visible()
    press(hand, "Cancel")

    hand.press(page.locator("#preview"))
    expect(heading(page)).to_have_text("3 of 9 clicks would go somewhere else")
    hand.link("Back to the rules")
    expect(page.locator("#rule-1")).to_be_visible()
    expect(page.locator("#changes")).to_have_text("1 unsaved change")


@by_mouse
def test_the_preview_has_an_address_and_a_reload_keeps_the_draft(hand: Hand, clicked: str) -> None:
    page = hand.page
    switch(hand, 1)
    hand.press(page.locator("#preview"))
    expect(heading(page)).to_be_visible()
    assert page.url == f"{clicked}/smart-link/preview"
    page.reload()
    expect(heading(page)).to_have_text("3 of 9 clicks would go somewhere else")
    page.go_back()
    expect(page.locator("#rule-1")).to_be_visible()
    expect(page.locator("#changes")).to_have_text("1 unsaved change")


@by_mouse
def test_a_new_address_and_a_new_rule_are_shown_as_what_they_are(hand: Hand, clicked: str) -> None:
    page = hand.page
    page.locator("#rule-1 .when").click()
    page.get_by_label("Send them to").fill("https://apps.apple.com/elsewhere")
    press(hand, "Done")
    press(hand, "Add rule")
    page.get_by_label("Add a country or a group", exact=True).fill("france")
    page.keyboard.press("Enter")
    page.get_by_label("Send them to").fill("https://yourbrand.fr/")
    press(hand, "Done")
    page.keyboard.press("p")

    expect(heading(page)).to_have_text("7 of 9 clicks would go somewhere else")
    first, second = moves(page)
    assert first == "Everyone else 3 Rule 3 France desktop 4 4"
    assert second.startswith("1 Rule 1 new address apps.apple.com/us/app/your-app")


@by_mouse
def test_rules_in_another_order_that_change_nothing_say_so(hand: Hand, clicked: str) -> None:
    page = hand.page
    hand.button("Move rule 2 up")
    hand.press(page.locator("#preview"))

    expect(heading(page)).to_have_text("None of 9 clicks would go anywhere else")
    expect(page.locator(".moves")).to_have_count(0)


@by_mouse
def test_a_month_of_clicks_is_replayed_in_the_number_that_is_asked_for(hand: Hand) -> None:
    page = hand.page
    page.goto(EXAMPLE)
    page.get_by_role("link", name="Your SaaS", exact=True).click()
    page.get_by_role("navigation", name="Your SaaS").get_by_role("link", name="Smart link").click()
    switch(hand, 1)
    hand.press(page.locator("#preview"))
    expect(heading(page)).to_have_text(re.compile(r"of 10,000 clicks would go somewhere else"))
    hand.pick(page.get_by_label("How many clicks"), "1,000 clicks")
    expect(heading(page)).to_have_text(re.compile(r"of 1,000 clicks would go somewhere else"))
    expect(page.locator("#preview-span")).to_have_text(re.compile(r"^Last 1,000 people, .+ of traffic$"))
    hand.link("Keep editing")
    hand.button("Discard")
    expect(page.locator("#savebar")).to_be_hidden()


def test_without_clicks_it_says_what_it_will_show(hand: Hand, slug: str) -> None:
    page = hand.page
    new_offer(page, slug)
    hand.press(page.get_by_role("switch", name="Smart link is off"))
    hand.press(page.locator("#preview"))
    expect(heading(page)).to_have_text("Nobody has clicked yet")
    expect(page.locator("#preview-part")).to_contain_text(f"/{slug}")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@by_mouse
@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "</title><script>alert(1)</script>"])
def test_a_hostile_name_is_only_text(hand: Hand, clicked: str, name: str) -> None:
    page = hand.page
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.locator("#rule-1 .when").click()
    page.get_by_role("textbox", name="Name").fill(name)
    press(hand, "Done")
    hand.press(page.locator("#preview"))

    expect(heading(page)).to_have_text("None of 9 clicks would go anywhere else")
    expect(page.locator(".chart.wide")).to_contain_text(name[:19])
    save_and_stay = page.get_by_role("button", name="Save and go live")
    save_and_stay.click()
    live(page)


def test_a_phone_of_390_points_shows_all_of_it(window: Window, turnout: Turnout, slug: str) -> None:
    hand = Mouse(window(viewport={"width": 390, "height": 844}, has_touch=True).new_page())
    page = hand.page
    two_rules(page, slug)
    save(page)
    for visitor in CLICKS:
        turnout.click(f"/{slug}", visitor)
    wait_for(lambda: shown(page, "#people", page.reload) == "3")
    page.get_by_role("switch", name="Rule 1 on").tap()
    page.locator("#preview").tap()
    expect(heading(page)).to_have_text("1 of 3 clicks would go somewhere else")
    expect(page.locator(".chart.narrow")).to_be_visible()
    expect(page.locator(".chart.wide")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
