"""The Smart Link tab as a marketer uses it, by mouse, keyboard and touch; then asked of the edge over HTTP."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.answers import FRENCH_MAC, UK_DESKTOP, US_IPHONE, live
from tests.browser.conftest import Window, by_mouse, new_offer
from tests.browser.hands import Hand
from tests.turnout import Turnout

pytestmark = pytest.mark.usefixtures("quiet")

APP, UK, HOME = "https://apps.apple.com/us/app/your-app", "https://yourbrand.co.uk/landing", "https://yourbrand.com/"


def add_rule(page: Page, destination: str, *, countries: tuple[str, ...] = (), devices: tuple[str, ...] = ()) -> None:
    page.get_by_role("button", name="Add rule").click()
    for country in countries:
        page.get_by_label("Add a country or a group", exact=True).fill(country)
        page.keyboard.press("Enter")
    for device in devices:
        page.get_by_role("group", name="Device").get_by_role("button", name=device).click()
    page.get_by_label("Send them to").fill(destination)
    page.get_by_role("button", name="Done").click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    live(page)
    expect(page.locator("#savebar")).to_be_hidden()


def sentences(page: Page) -> list[str]:
    texts = page.locator(".rule:not(.else) .when").all_inner_texts()
    words = (" ".join(text.split()) for text in texts)
    return [re.sub(r"^Edit rule \d+: | (new|edited|off)$", "", text) for text in words]


def switch_on(page: Page) -> None:
    page.get_by_role("switch", name="Smart link is off").check()


def press(hand: Hand, name: str) -> None:
    """Press a button whose key stands beside its words, but for phones."""
    hand.press(hand.page.get_by_role("button", name=re.compile(f"^{name}\\b")))


def two_rules(page: Page, slug: str) -> None:
    new_offer(page, slug)
    switch_on(page)
    add_rule(page, APP, countries=("united st",), devices=("Mobile",))
    add_rule(page, UK, countries=("uk",))


def test_the_example_by_mouse_is_live_when_the_page_says_so(page: Page, turnout: Turnout, slug: str) -> None:
    two_rules(page, slug)
    expect(page.locator("#changes")).to_have_text("3 unsaved changes")
    save(page)

    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)
    assert turnout.click(f"/{slug}", UK_DESKTOP) == (302, UK)
    assert turnout.click(f"/{slug}", FRENCH_MAC) == (302, HOME)


def test_undo_brings_the_revision_before_back_to_the_edge(page: Page, turnout: Turnout, slug: str) -> None:
    two_rules(page, slug)
    save(page)
    page.get_by_role("switch", name="Rule 1 on").uncheck()
    save(page)
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, HOME)

    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("switch", name="Rule 1 on")).to_be_checked()
    live(page)
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)


def test_a_rule_nobody_reaches_says_so_on_its_row_and_can_be_moved_with_one_click(page: Page, slug: str) -> None:
    new_offer(page, slug)
    add_rule(page, APP, countries=("US",))
    add_rule(page, UK, countries=("US",), devices=("Mobile",))
    strip = page.locator("#rule-2 .strip")
    expect(strip).to_contain_text("Never reached. Rule 1 covers it: everyone from United States.")

    strip.get_by_role("button", name="Move above rule 1").click()
    expect(page.locator(".strip:visible")).to_have_count(0)
    assert sentences(page)[0].startswith("From United States on mobile")


def test_dragging_by_mouse_moves_a_rule_and_escape_puts_it_back(page: Page, slug: str) -> None:
    two_rules(page, slug)
    before = sentences(page)
    drag(page, "Drag rule 2", to="#rule-1", cancel=True)
    assert sentences(page) == before

    drag(page, "Drag rule 2", to="#rule-1")
    assert sentences(page) == before[::-1]


def drag(page: Page, grip: str, *, to: str, cancel: bool = False) -> None:
    expect(page.locator("#last-day")).to_be_visible()  # nothing more will be drawn by itself
    start, target = page.get_by_label(grip).bounding_box(), page.locator(to).bounding_box()
    assert start
    assert target
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] + 4, steps=8)
    if cancel:
        page.keyboard.press("Escape")
    page.mouse.up()


def test_moving_by_buttons_and_by_keyboard(page: Page, slug: str) -> None:
    two_rules(page, slug)
    first, second = sentences(page)
    page.get_by_role("button", name="Move rule 1 down").click()
    assert sentences(page) == [second, first]

    page.locator("#rule-2 .when").focus()
    page.keyboard.press("Alt+ArrowUp")
    assert sentences(page) == [first, second]

    page.get_by_label("Drag rule 1").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert sentences(page) == [second, first]
    expect(page.locator("#live")).to_contain_text("Dropped at place 2 of 2. Not saved.")


def test_a_rule_can_be_written_and_saved_without_a_mouse(page: Page, turnout: Turnout, slug: str) -> None:
    new_offer(page, slug)
    page.get_by_role("switch", name="Smart link is off").focus()
    page.keyboard.press("Space")
    page.keyboard.press("n")
    page.keyboard.type("united k")
    page.keyboard.press("Enter")
    page.get_by_label("Send them to").focus()
    page.keyboard.type("https://yourbrand.co.uk/landing?from={cou")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+s")
    live(page)

    assert turnout.click(f"/{slug}", UK_DESKTOP) == (302, f"{UK}?from=GB")


def test_a_destination_is_checked_while_it_is_typed(page: Page, slug: str) -> None:
    new_offer(page, slug)
    page.get_by_role("button", name="Add rule").click()
    field = page.get_by_label("Send them to")
    field.fill("javascript:alert(1)")
    expect(page.locator("#edit-destination-verdict")).to_contain_text("begins with https:// or http://")
    field.fill("http://yourbrand.com/")
    page.get_by_role("button", name="Use https").click()
    expect(page.locator("#edit-destination-verdict")).to_contain_text("Valid https address")


def test_a_visitor_is_tested_on_the_unsaved_draft(page: Page, slug: str) -> None:
    two_rules(page, slug)
    page.get_by_role("button", name="US iPhone").click()
    expect(page.locator(".verdict")).to_contain_text("Rule 1 decides")
    expect(page.locator(".verdict")).to_contain_text(APP)

    page.get_by_role("switch", name="Rule 1 on").uncheck()
    expect(page.locator(".verdict")).to_contain_text("Everyone else")
    expect(page.locator(".trace")).to_contain_text("United States, needs United Kingdom")


def test_by_address_and_browser(page: Page, slug: str) -> None:
    two_rules(page, slug)
    page.get_by_role("tab", name="IP and browser").click()
    page.get_by_label("IP address").fill("81.2.69.142")
    expect(page.locator(".verdict")).to_contain_text("Rule 2 decides")
    expect(page.locator(".facts")).to_contain_text("United Kingdom")


def test_two_people_who_edit_at_once_lose_nothing(page: Page, turnout: Turnout, slug: str) -> None:
    two_rules(page, slug)
    save(page)
    theirs = page.context.new_page()
    theirs.goto(page.url)
    theirs.get_by_role("switch", name="Rule 2 on").uncheck()
    save(theirs)

    page.get_by_role("switch", name="Rule 1 on").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_have_text("Admin saved revision 3 while you were editing")
    expect(changes(dialog, "Theirs, live now")).to_have_text([re.compile("^2Rule 2 turned off")])
    expect(changes(dialog, "Yours, not saved")).to_have_text([re.compile("^1Rule 1 turned off")])
    dialog.get_by_role("button", name="Put mine on top of theirs").click()
    save(page)

    assert turnout.click(f"/{slug}", US_IPHONE) == (302, HOME)
    assert turnout.click(f"/{slug}", UK_DESKTOP) == (302, HOME)


def test_a_conflict_shows_what_each_side_changed_and_nothing_else(page: Page, slug: str) -> None:
    two_rules(page, slug)
    for _ in range(2):
        page.get_by_role("button", name="More for rule 2").click()
        page.get_by_role("menuitem", name="Duplicate").click()
    save(page)
    theirs = page.context.new_page()
    theirs.goto(page.url)
    theirs.get_by_role("button", name="Move rule 4 up").click()
    theirs.get_by_role("button", name="Move rule 3 up").click()
    theirs.get_by_role("switch", name="Rule 3 on").uncheck()
    save(theirs)

    page.locator("#rule-2 .when").click()
    page.get_by_label("Send them to").fill("https://elsewhere.example/uk")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="More for rule 1").click()
    page.get_by_role("menuitem", name="Delete rule").click()
    page.get_by_role("button", name="Save", exact=True).click()

    dialog = page.get_by_role("dialog")
    moved, switched = "Rule 2 moved from place 4 to place 2", "Rule 3 turned off both changed it"
    expect(changes(dialog, "Theirs, live now")).to_contain_text([moved, switched])
    mine = changes(dialog, "Yours, not saved")
    expect(mine).to_contain_text(["Rule 1 deleted", "Rule 1 destination changed both changed it"])
    expect(mine.first.locator(".was")).to_contain_text("From United States on mobile")
    expect(mine.last.locator(".was")).to_contain_text("yourbrand.co.uk")
    expect(mine.last.locator(".now")).to_contain_text("elsewhere.example/uk")
    expect(dialog).to_contain_text("One rule is the same on both sides.")


def changes(dialog: Locator, side: str) -> Locator:
    """What one side of a conflict changed."""
    return dialog.get_by_role("region", name=side).get_by_role("listitem")


def test_leaving_an_open_rule_keeps_what_was_saved(page: Page, slug: str) -> None:
    two_rules(page, slug)
    page.locator("#rule-1 .when").click()
    page.get_by_label("Send them to").fill("https://elsewhere.example/")
    page.keyboard.press("Escape")

    expect(page.locator("#rule-1 .url")).to_contain_text("apps.apple.com")


def test_everyone_else_can_be_sent_elsewhere(page: Page, turnout: Turnout, slug: str) -> None:
    new_offer(page, slug)
    switch_on(page)
    page.get_by_role("button", name="Change").click()
    page.get_by_label("Fallback URL").fill("https://yourbrand.com/everyone")
    page.get_by_role("button", name="Done").click()
    save(page)

    assert turnout.click(f"/{slug}", FRENCH_MAC) == (302, "https://yourbrand.com/everyone")


def test_deleting_a_rule_can_be_undone(page: Page, slug: str) -> None:
    two_rules(page, slug)
    before = sentences(page)
    page.get_by_role("button", name="More for rule 1").click()
    page.get_by_role("menuitem", name="Delete rule").click()
    assert sentences(page) == before[1:]

    page.locator(".toast").get_by_role("button", name="Undo").click()
    assert sentences(page) == before


def test_on_a_phone_rules_are_written_and_moved_by_touch(window: Window, turnout: Turnout, slug: str) -> None:
    page = window(viewport={"width": 360, "height": 740}, has_touch=True).new_page()
    two_rules(page, slug)
    before = sentences(page)
    page.get_by_role("button", name="Move rule 2 up").tap()
    assert sentences(page) == before[::-1]
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    save(page)

    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><b>x"])
def test_hostile_names_are_only_text(page: Page, slug: str, name: str) -> None:
    new_offer(page, slug)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.get_by_role("button", name="Add rule").click()
    page.get_by_label("Send them to").fill("https://yourbrand.com/")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Done").click()
    save(page)
    page.reload()

    expect(page.locator("#rule-1 .when-col")).to_contain_text(name)


def test_a_pasted_list_of_countries_becomes_a_rule(hand: Hand, turnout: Turnout, slug: str) -> None:
    page = hand.page
    new_offer(page, slug)
    hand.press(page.get_by_role("switch", name="Smart link is off"))
    press(hand, "Add rule")
    hand.button("Paste a list")
    hand.write(page.get_by_label("Countries and groups by code"), "uk; Germany, DACH\nNarnia")
    hand.button("Add these")
    expect(page.get_by_role("alert").filter(has_text="Narnia")).to_be_visible()
    hand.write(page.get_by_label("Countries and groups by code"), "fr")
    hand.button("Add these")
    hand.write(page.get_by_label("Send them to"), UK)
    press(hand, "Done")
    assert sentences(page) == ["From United Kingdom, Germany, DACH or France"]
    hand.button("Save")
    live(page)

    assert turnout.click(f"/{slug}", UK_DESKTOP) == (302, UK)
    assert turnout.click(f"/{slug}", FRENCH_MAC) == (302, UK)
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, HOME)


def test_a_group_is_left_out(hand: Hand, turnout: Turnout, slug: str) -> None:
    page = hand.page
    new_offer(page, slug)
    hand.press(page.get_by_role("switch", name="Smart link is off"))
    press(hand, "Add rule")
    hand.button("All except these")
    hand.write(page.get_by_label("Add a country or a group to leave out"), "european un")
    page.keyboard.press("Enter")
    hand.write(page.get_by_label("Send them to"), UK)
    press(hand, "Done")
    assert sentences(page) == ["From anywhere except European Union"]
    hand.button("Save")
    live(page)

    assert turnout.click(f"/{slug}", US_IPHONE) == (302, UK)
    assert turnout.click(f"/{slug}", FRENCH_MAC) == (302, HOME)


def test_a_warning_is_mended_with_one_press_where_it_stands(hand: Hand, turnout: Turnout, slug: str) -> None:
    page = hand.page
    new_offer(page, slug)
    hand.press(page.get_by_role("switch", name="Smart link is off"))
    for destination in (UK, APP.replace("https:", "http:")):
        press(hand, "Add rule")
        hand.write(page.get_by_label("Send them to"), destination)
        press(hand, "Done")
    expect(page.locator("#rule-2 .strip").first).to_contain_text(
        "Never reached. Rule 1 covers it: everyone from anywhere."
    )
    expect(page.locator(".rule.else .strip")).to_contain_text("Nobody is left.")
    hand.button("Use https")
    expect(page.locator("#rule-2 .strip")).to_have_count(1)
    hand.button("Move above rule 1")
    expect(page.locator("#rule-1 .url")).to_have_text("apps.apple.com/us/app/your-app")
    hand.button("Save")
    live(page)

    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)


def test_a_draft_outlives_its_page(hand: Hand, slug: str) -> None:
    page = hand.page
    two_rules(page, slug)
    before = sentences(page)
    page.reload()
    expect(page.locator("#changes")).to_have_text("3 unsaved changes")
    expect(page.locator(".toast")).to_contain_text("Your unsaved changes are back.")
    assert sentences(page) == before

    hand.button("Discard")
    expect(page.locator("#savebar")).to_be_hidden()
    page.reload()
    expect(page.locator(".rule-empty")).to_contain_text("Everyone goes to yourbrand.com.")
    expect(page.locator("#savebar")).to_be_hidden()


def test_an_example_is_begun_with(hand: Hand, slug: str) -> None:
    page = hand.page
    new_offer(page, slug)
    hand.button("Start from an example")

    assert [" ".join(text.split()) for text in sentences(page)] == [
        "From United States on mobile",
        "From United States on desktop",
        "From United Kingdom",
    ]


@by_mouse
def test_macros_show_what_they_become(hand: Hand, slug: str) -> None:
    page = hand.page
    new_offer(page, slug)
    press(hand, "Add rule")
    field = page.get_by_label("Send them to")
    field.fill("https://yourbrand.de/app?s={sub1}&c={cou")
    expect(page.get_by_role("option", name="{country}")).to_contain_text("DE")
    page.get_by_role("option", name="{country}").click()
    verdict = page.locator("#edit-destination-verdict")
    expect(verdict).to_contain_text("id is added for you.")
    expect(verdict).to_contain_text("A German iPhone would get https://yourbrand.de/app?s=tiktok&c=DE&click_id=")


@by_mouse
def test_what_stands_on_the_link_is_in_the_location_tested(hand: Hand, slug: str) -> None:
    page = hand.page
    new_offer(page, slug, "https://yourbrand.com/?p={partner}")
    page.get_by_role("tab", name="By hand").click()
    page.get_by_label("On the link, after ?").fill("?via=nora&utm_source=mail")
    expect(page.locator(".verdict")).to_contain_text("https://yourbrand.com/?p=nora&utm_source=mail&click_id=")


@by_mouse
def test_countries_are_found_under_groups_and_countries(hand: Hand, slug: str) -> None:
    page = hand.page
    new_offer(page, slug)
    press(hand, "Add rule")
    page.get_by_label("Add a country or a group", exact=True).fill("nor")
    expect(page.locator(".pop:visible .pop-head")).to_have_text(["Groups", "Countries"])
    expect(page.get_by_role("option", name="Nordics")).to_contain_text("Finland")
    page.get_by_role("option", name="Norway").click()
    expect(page.locator(".tokens:visible .chip")).to_have_text(["Norway"])


@by_mouse
def test_a_menu_stays_open_while_figures_come(hand: Hand, slug: str) -> None:
    page = hand.page
    two_rules(page, slug)
    page.get_by_role("button", name="More for rule 1").click()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("menuitem", name="Duplicate")).to_be_visible()
    page.get_by_role("menuitem", name="Duplicate").click()
    assert len(sentences(page)) == 3


def test_dragging_by_touch_moves_a_rule(window: Window, slug: str) -> None:
    page = window(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    two_rules(page, slug)
    before = sentences(page)
    expect(page.locator("#last-day")).to_be_visible()
    page.locator("#rule-1").scroll_into_view_if_needed()
    grip, target = page.get_by_label("Drag rule 2").bounding_box(), page.locator("#rule-1").bounding_box()
    assert grip
    assert target
    finger = page.context.new_cdp_session(page)
    x, start, end = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2, target["y"] + 6
    heights = [start + (end - start) * step / 8 for step in range(9)]
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": start}]})
    for y in heights:
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    assert sentences(page) == before[::-1]
    expect(page.locator("#changes")).to_have_text("3 unsaved changes")


@by_mouse
def test_what_is_changed_while_a_save_is_on_its_way_stays_a_change(hand: Hand, turnout: Turnout, slug: str) -> None:
    page = hand.page
    two_rules(page, slug)

    def delayed(route: Route) -> None:
        page.get_by_role("switch", name="Rule 2 on").uncheck()
        route.continue_()

    page.route("**/smart-link?wait=*", delayed)
    hand.button("Save")
    live(page)
    expect(page.locator("#changes")).to_have_text("1 unsaved change")
    assert turnout.click(f"/{slug}", UK_DESKTOP) == (302, UK)

    page.unroute("**/smart-link?wait=*")
    save(page)
    assert turnout.click(f"/{slug}", UK_DESKTOP) == (302, HOME)


@by_mouse
def test_undo_keeps_what_was_changed_since(hand: Hand, turnout: Turnout, slug: str) -> None:
    page = hand.page
    two_rules(page, slug)
    save(page)
    page.get_by_role("switch", name="Rule 1 on").uncheck()
    save(page)
    page.get_by_role("switch", name="Rule 2 on").uncheck()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("switch", name="Rule 1 on")).to_be_checked()
    live(page)

    expect(page.get_by_role("switch", name="Rule 2 on")).not_to_be_checked()
    expect(page.locator("#changes")).to_have_text("1 unsaved change")
    assert turnout.click(f"/{slug}", US_IPHONE) == (302, APP)
