"""The Analytics tab on the example's made-up month: every bar a filter, every view an address."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Window, by_mouse
from tests.browser.hands import Hand
from tests.turnout import Turnout, wait_for

pytestmark = pytest.mark.usefixtures("recorded")


@pytest.fixture(scope="module")
def recorded(turnout: Turnout) -> None:
    """The example's clicks have arrived, all of them: figures are compared with one another."""
    wait_for(lambda: turnout.call("GET", f"/offers/{turnout.offer_id()}/analytics")["totals"]["clicks"] > 1_000)
    wait_for(lambda: turnout.call("GET", "/accounting")["total"]["in_flight"] == 0)


@pytest.fixture
def board(hand: Hand, turnout: Turnout) -> Page:
    """The tab, as it opens."""
    hand.page.goto(f"/offers/{turnout.offer_id()}/analytics")
    return hand.page


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def people(page: Page) -> int:
    """The number below "People"."""
    shown = page.locator(".stat").filter(has=page.get_by_text("People", exact=True)).locator("dd").inner_text()
    return int(re.match(r"[\d,]+", shown)[0].replace(",", ""))  # type: ignore[index]


def test_a_bar_is_a_filter_and_the_view_an_address(board: Page, hand: Hand, window: Window) -> None:
    everybody = people(board)
    bar = card(board, "Country").get_by_role("link").first
    country = bar.locator(".lab").inner_text()
    hand.press(bar)
    expect(board.locator(".filter")).to_contain_text(f"Country: {country}")
    filtered = people(board)
    assert 0 < filtered < everybody

    hand.press(card(board, "Device").get_by_role("link").first)
    expect(board.locator(".filter")).to_have_count(2)
    fewer = people(board)
    assert 0 < fewer < filtered
    board.reload()
    assert people(board) == fewer
    shared = window().new_page()
    shared.goto(board.url)
    assert people(shared) == fewer
    expect(shared.locator(".filter")).to_have_count(2)

    hand.press(board.get_by_role("link", name="Remove the filter Device"))
    expect(board.locator(".filter")).to_have_count(1)
    assert people(board) == filtered


def test_period_and_measure_are_chosen_and_kept(board: Page, hand: Hand) -> None:
    fortnight = people(board)
    hand.link("30 d")
    expect(board).to_have_url(re.compile("period=30d"))
    assert people(board) > fortnight
    hand.link("Bots")
    expect(board.get_by_role("heading", name="How bots split across the rules")).to_be_visible()
    hand.link("7 d")
    expect(board).to_have_url(re.compile("measure=bots"))
    assert people(board) < fortnight


@by_mouse
def test_a_rule_in_the_legend_is_a_filter(board: Page, hand: Hand) -> None:
    legend = board.get_by_role("group", name="Rules; press one")
    hand.press(legend.get_by_role("link").first)
    expect(board.locator(".filter")).to_contain_text("US, mobile: the App Store")


def test_who_falls_through_gets_a_rule_with_one_press(board: Page, hand: Hand) -> None:
    watch = board.get_by_role("region", name="Fallback watch")
    make = watch.get_by_role("link", name=re.compile("^Make a rule for ")).first
    whom = (make.get_attribute("aria-label") or "").removeprefix("Make a rule for ")
    hand.press(make)
    expect(board.get_by_role("button", name="Done")).to_be_visible()
    written = board.locator("#edit-sentence").inner_text()
    assert whom.split(",")[0] in written
    hand.write(board.get_by_label("Send them to"), "https://yourbrand.com/for-them")
    board.keyboard.press("Escape")  # of the macros, were they open; the draft is left as it was


@by_mouse
def test_every_number_is_in_the_table(board: Page, hand: Hand) -> None:
    hand.press(board.get_by_text("Show as a table"))
    table = board.get_by_role("table")
    expect(table).to_be_visible()
    days = [int(cell.replace(",", "")) for cell in table.locator("tbody tr > :last-child").all_inner_texts()]
    assert sum(days) == people(board)


@pytest.fixture
def desk(page: Page, turnout: Turnout, quiet: None) -> Page:
    """The tab on a desktop."""
    page.goto(f"/offers/{turnout.offer_id()}/analytics")
    return page


def test_a_filter_is_added_and_taken_away_by_keys(desk: Page) -> None:
    desk.keyboard.press("f")
    desk.keyboard.type("Country")
    desk.keyboard.press("Tab")
    desk.keyboard.type("US")
    desk.keyboard.press("Enter")
    expect(desk.locator(".filter")).to_contain_text("Country: United States")
    desk.wait_for_load_state()
    desk.keyboard.press("Escape")
    expect(desk.locator(".filter")).to_have_count(0)


def test_days_of_ones_own_are_an_address_as_well(desk: Page) -> None:
    desk.get_by_text("Custom…").click()
    desk.get_by_label("First day").fill("2020-01-01")
    desk.get_by_label("Last day").fill("2020-01-31")
    desk.get_by_role("button", name="Show").click()
    expect(desk.get_by_text("Nobody came in this period")).to_be_visible()
    expect(desk).to_have_url(re.compile("from=2020-01-01&to=2020-01-31"))


def test_the_chart_tells_its_numbers_under_the_pointer(desk: Page) -> None:
    chart = desk.get_by_role("img", name=re.compile("People per day by rule"))
    expect(chart).to_be_visible()
    box = chart.bounding_box()
    assert box
    desk.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5)
    expect(desk.locator(".tip")).to_contain_text("US, mobile: the App Store")


def test_a_view_is_copied_and_exported(desk: Page) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.get_by_role("link", name="30 d").click()
    desk.get_by_role("button", name="Copy view").click()
    expect(desk.locator("#live")).to_have_text("Copied.")
    copied = desk.evaluate("navigator.clipboard.readText()")
    assert "period=30d" in copied
    assert "tz=" in copied

    desk.get_by_text("Export", exact=True).click()
    with desk.expect_download() as download:
        desk.get_by_role("link", name="By country and day, CSV").click()
    rows = download.value.path().read_text().splitlines()
    assert rows[0].startswith("start,key,label,clicks")
    assert len(rows) > 14


def test_a_click_shows_up_without_reloading(desk: Page, turnout: Turnout) -> None:
    desk.get_by_role("link", name="24 h").click()
    before = people(desk)
    turnout.click("/saas")
    expect(desk.locator(".stat").first).not_to_contain_text(f"{before:,}", timeout=30_000)


def test_conversions_say_whom_they_are_credited_to_and_why(desk: Page) -> None:
    desk.locator(".stat").filter(has_text="Conversions").get_by_role("link").click()
    row = desk.locator("main tbody tr").first
    expect(row).to_be_visible()
    row.locator("summary").click()
    expect(row.locator("li").first).to_be_visible()
