"""Saved test visitors as a marketer uses them: kept, watched on the draft, asked at save, overridden on the record."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.answers import FRENCH_MAC, US_IPHONE, live
from tests.browser.conftest import Window, by_mouse
from tests.browser.hands import Hand, Keyboard, Touch
from tests.browser.test_access import add_user, someone
from tests.browser.test_smart_link import APP, HOME, UK, save, two_rules
from tests.turnout import Turnout


@pytest.fixture
def offer(hand: Hand, slug: str) -> str:
    """An offer with two saved rules, on its Smart Link tab; returns its path."""
    two_rules(hand.page, slug)
    save(hand.page)
    expect(hand.page.locator("#last-day")).to_be_visible()
    return hand.page.url.removesuffix("/smart-link")


def open_panel(hand: Hand) -> None:
    """Bring the test panel up where it is a sheet."""
    if isinstance(hand, Touch):
        hand.link("Test a visitor")


def shut_panel(hand: Hand) -> None:
    if isinstance(hand, Touch):
        hand.button("Close the test panel")


def keep(hand: Hand, preset: str = "US iPhone", name: str = "") -> None:
    """Test a preset and keep what comes of it."""
    open_panel(hand)
    hand.button(preset)
    hand.button("Keep as a test")
    if name:
        hand.write(hand.page.get_by_role("textbox", name="Name"), name)
    hand.button("Keep test")
    expect(saved_tests(hand.page).get_by_text(name or preset)).to_be_visible()


def saved_tests(page: Page) -> Locator:
    return page.get_by_role("region", name="Saved tests")


def fate(page: Page, name: str) -> Locator:
    return page.locator("#saved-tests li", has_text=name)


def choose(hand: Hand, test: str, item: str) -> None:
    """Open a test's menu and take an item of it; by keyboard arrows lead through menus."""
    hand.button(f"More for the test {test}")
    wanted = hand.page.get_by_role("menuitem", name=item)
    while isinstance(hand, Keyboard) and not wanted.evaluate("item => item === document.activeElement"):
        hand.page.keyboard.press("ArrowDown")
    hand.press(wanted)


def switch(hand: Hand, rule: int) -> None:
    hand.press(hand.page.get_by_role("switch", name=f"Rule {rule} on"))


def test_a_visitor_is_kept_and_watched_while_the_draft_changes(hand: Hand, offer: str) -> None:
    page = hand.page
    keep(hand)
    expect(fate(page, "US iPhone")).to_contain_text("goes to rule 1")
    shut_panel(hand)

    switch(hand, 1)
    expect(page.locator("#tests-failing")).to_have_text("1 test fails")
    open_panel(hand)
    expect(fate(page, "US iPhone")).to_contain_text("would go to everyone else, not rule 1")
    shut_panel(hand)

    switch(hand, 1)
    expect(page.locator("#savebar")).to_be_hidden()
    open_panel(hand)
    expect(fate(page, "US iPhone")).to_contain_text("goes to rule 1")


def test_a_save_that_fails_a_test_is_refused_with_why_and_overridden_by_an_admin(
    hand: Hand, offer: str, turnout: Turnout, slug: str
) -> None:
    page = hand.page
    keep(hand)
    shut_panel(hand)
    switch(hand, 1)
    hand.button("Save")

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Not saved: a saved test fails")
    expect(dialog).to_contain_text("“US iPhone” should go to rule 1 and would go to everyone else.")
    expect(dialog.locator(".trace li")).to_have_text(
        [re.compile("Switched off"), re.compile("United States, needs United Kingdom")]
    )
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)

    hand.button("Save anyway, on the record")
    live(page)
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, HOME)
    hand.link("History")
    expect(page.locator("main")).to_contain_text("Saved in spite of a test")
    expect(page.locator("main")).to_contain_text("“US iPhone” should go to rule 1 and would go to everyone else.")


def test_a_refused_save_is_mended_and_saved(hand: Hand, offer: str, turnout: Turnout, slug: str) -> None:
    page = hand.page
    keep(hand)
    shut_panel(hand)
    switch(hand, 1)
    switch(hand, 2)
    hand.button("Save")
    hand.button("Keep editing")
    expect(page.locator("#refusal")).to_contain_text("Not saved. 1 of 1 saved test fails")
    hand.button("Show why")
    hand.button("Keep editing")

    switch(hand, 1)
    hand.button("Save")
    live(page)
    expect(page.locator("#refusal")).to_be_hidden()
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)


def test_a_test_is_edited_deleted_and_brought_back(hand: Hand, offer: str) -> None:
    page = hand.page
    keep(hand)
    choose(hand, "US iPhone", "Edit")
    hand.write(page.get_by_role("textbox", name="Name"), "iPhone in the US")
    hand.pick(page.get_by_label("They must go to"), "Everyone else")
    hand.button("Done")
    expect(fate(page, "iPhone in the US")).to_contain_text("would go to rule 1, not everyone else")

    choose(hand, "iPhone in the US", "Delete test")
    expect(fate(page, "iPhone in the US")).to_have_count(0)
    shut_panel(hand)
    hand.press(page.locator(".toast").get_by_role("button", name="Undo"))
    open_panel(hand)
    expect(fate(page, "iPhone in the US")).to_contain_text("would go to rule 1, not everyone else")
    page.reload()
    open_panel(hand)
    expect(fate(page, "iPhone in the US")).to_contain_text("would go to rule 1, not everyone else")


@by_mouse
def test_what_a_new_rule_would_do_is_kept_by_its_address(hand: Hand, slug: str) -> None:
    page = hand.page
    two_rules(page, slug)
    hand.button("US iPhone")
    hand.button("Keep as a test")
    expect(page.get_by_label("They must go to")).to_have_value("address")
    expect(page.get_by_label("Address", exact=True)).to_have_value(APP)
    hand.button("Keep test")
    expect(fate(page, "US iPhone")).to_contain_text("goes to apps.apple.com/us/app/your-app")
    save(page)


@by_mouse
def test_a_visitor_by_address_and_browser_is_kept(hand: Hand, offer: str) -> None:
    page = hand.page
    page.get_by_role("tab", name="IP and browser").click()
    page.get_by_label("IP address").fill("81.2.69.142")
    expect(page.locator(".verdict")).to_contain_text("Rule 2 decides")
    hand.button("Keep as a test")
    hand.button("Keep test")
    expect(fate(page, "81.2.69.142")).to_contain_text("goes to rule 2")
    page.reload()

    expect(fate(page, "81.2.69.142")).to_contain_text("goes to rule 2")
    page.locator("#saved-tests").get_by_role("button", name=re.compile("^81.2.69.142 passes")).click()
    expect(page.locator(".verdict")).to_contain_text(UK)


@by_mouse
def test_two_tests_do_not_share_a_name(hand: Hand, offer: str) -> None:
    page = hand.page
    keep(hand)
    hand.button("Keep as a test")
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("US iPhone 2")
    name.fill("US iPhone")
    hand.button("Keep test")
    expect(page.get_by_role("form", name="Keep as a test").get_by_role("alert")).to_contain_text("already")
    expect(name).to_be_focused()
    name.fill("")
    hand.button("Keep test")
    expect(page.get_by_role("form", name="Keep as a test").get_by_role("alert")).to_contain_text("Give the test a name")


@by_mouse
def test_an_editor_is_told_who_can_override(hand: Hand, window: Window, offer: str, slug: str) -> None:
    keep(hand)
    theirs = someone(window, add_user(hand.page, slug, "Editor"))
    theirs.goto(f"{offer}/smart-link")
    theirs.get_by_role("switch", name="Rule 1 on").uncheck()
    theirs.get_by_role("button", name="Save", exact=True).click()

    dialog = theirs.get_by_role("dialog")
    expect(dialog).to_contain_text("An admin can save it anyway.")
    expect(dialog.get_by_role("button", name="Save anyway")).to_have_count(0)


@by_mouse
def test_a_viewer_sees_tests_and_changes_none(hand: Hand, window: Window, offer: str, slug: str) -> None:
    keep(hand)
    theirs = someone(window, add_user(hand.page, slug, "Viewer"))
    theirs.goto(f"{offer}/smart-link")

    expect(fate(theirs, "US iPhone")).to_contain_text("goes to rule 1")
    theirs.get_by_role("button", name="French iPad").click()
    expect(theirs.locator(".verdict")).to_be_visible()
    expect(theirs.get_by_role("button", name="Keep as a test")).to_have_count(0)
    expect(theirs.get_by_role("button", name=re.compile("^More for the test"))).to_have_count(0)


def test_a_restore_that_fails_a_test_is_refused_and_overridden(
    hand: Hand, offer: str, turnout: Turnout, slug: str
) -> None:
    page = hand.page
    keep(hand)
    page.goto(f"{offer}/history?revision=1")
    hand.button("Restore revision 1")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Not restored: a saved test fails.")
    expect(alert).to_contain_text("“US iPhone” should go to a rule that is not in the list")
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)

    hand.button("Restore anyway, on the record")
    live(page)
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, HOME)
    assert turnout.click(f"/{slug}", FRENCH_MAC) == (302, HOME)


@by_mouse
@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>"])
def test_a_hostile_name_is_only_text(hand: Hand, offer: str, name: str) -> None:
    page = hand.page
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    keep(hand, name=name)
    switch(hand, 1)
    hand.button("Save")
    expect(page.get_by_role("dialog")).to_contain_text(f"“{name}” should go to rule 1")
    hand.button("Save anyway, on the record")
    live(page)
    page.reload()
    expect(fate(page, name)).to_be_visible()
    hand.link("History")
    expect(page.locator("main")).to_contain_text(f"“{name}” should go to rule 1")
