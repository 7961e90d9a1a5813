"""Links: made one by one and many at once, copied, changed, switched off, deleted and brought back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.answers import GONE, UNKNOWN, wait_for_answer
from tests.browser.conftest import Window, by_mouse
from tests.browser.hands import Hand
from tests.turnout import Turnout

APP = "https://apps.apple.com/us/app/your-app"
ROW = "main tbody tr"


def make_link(page: Page, slug: str) -> None:
    """Make a link of the example's offer, and end on its page."""
    page.goto("/links/new?offer=saas&partner=nora")
    page.get_by_label(re.compile("^Slug")).fill(slug)
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_role("heading", name=f"/{slug}", exact=True)).to_be_visible()
    page.wait_for_load_state()


def test_a_link_is_made_and_follows_the_offers_rules(hand: Hand, turnout: Turnout, slug: str) -> None:
    hand.page.goto("/offers")
    hand.go("Links")
    hand.new()
    hand.fill(Offer="saas", Partner="nora", Slug=slug, Coupon="NORA20", **{"Sub-ID_1": "newsletter"})
    hand.button("Create link")
    expect(hand.page.get_by_role("heading", name=f"/{slug}", exact=True)).to_be_visible()

    wait_for_answer(turnout, f"/{slug}", (302, APP))
    expect(hand.field("Sub-ID 1")).to_have_value("newsletter")


def test_a_link_is_deleted_and_the_deletion_undone(hand: Hand, turnout: Turnout, slug: str) -> None:
    make_link(hand.page, slug)
    wait_for_answer(turnout, f"/{slug}", (302, APP))
    hand.button("Delete link")
    expect(hand.page.locator(".toast")).to_contain_text("Deleted")
    wait_for_answer(turnout, f"/{slug}", UNKNOWN)

    hand.button("Undo")
    expect(hand.page.get_by_role("heading", name=f"/{slug}", exact=True)).to_be_visible()
    wait_for_answer(turnout, f"/{slug}", (302, APP))


@by_mouse
def test_a_link_is_switched_off_and_on_in_the_list(hand: Hand, turnout: Turnout, slug: str) -> None:
    make_link(hand.page, slug)
    hand.page.goto(f"/links?q={slug}")
    hand.button(f"Disable {slug}")
    expect(hand.page.locator(".toast")).to_contain_text("Disabled")
    wait_for_answer(turnout, f"/{slug}", GONE)
    hand.button(f"Enable {slug}")
    wait_for_answer(turnout, f"/{slug}", (302, APP))


@pytest.mark.usefixtures("quiet")
def test_a_link_gets_another_slug_and_another_partner(page: Page, turnout: Turnout, slug: str) -> None:
    make_link(page, slug)
    page.get_by_label("Slug").fill(f"{slug}-2")
    page.get_by_label(re.compile("^Partner")).fill("byte-digest")
    page.get_by_role("button", name="Save link").click()
    expect(page.get_by_role("heading", name=f"/{slug}-2", exact=True)).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("Byte Digest")

    wait_for_answer(turnout, f"/{slug}-2", (302, APP))
    wait_for_answer(turnout, f"/{slug}", UNKNOWN)


@pytest.mark.usefixtures("quiet")
def test_a_link_that_is_refused_says_why_and_keeps_what_was_typed(page: Page, slug: str) -> None:
    page.goto("/links/new")
    page.get_by_label("Offer").fill("nobody")
    page.get_by_label(re.compile("^Slug")).fill("Not A Slug")
    page.get_by_label("Sub-ID 5 optional").fill(slug)
    page.get_by_role("button", name="Create link").click()
    expect(page.locator(".err")).not_to_have_count(0)
    expect(page.get_by_label(re.compile("^Slug"))).to_have_value("Not A Slug")
    expect(page.get_by_label("Sub-ID 5 optional")).to_have_value(slug)
    expect(page.locator(":focus")).to_have_attribute("aria-invalid", "true")


@pytest.mark.usefixtures("quiet")
def test_the_url_of_a_link_is_copied(page: Page, turnout: Turnout, slug: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    make_link(page, slug)
    page.get_by_role("button", name="Copy the URL").click()
    expect(page.locator("#live")).to_have_text("Copied.")

    assert page.evaluate("navigator.clipboard.readText()") == f"http://127.0.0.1:{turnout.edge}/{slug}"


@pytest.mark.usefixtures("quiet")
def test_a_link_has_a_qr_code_to_take_away(page: Page, slug: str) -> None:
    make_link(page, slug)
    assert page.get_by_role("img", name="QR code of").evaluate("image => image.naturalWidth > 100")
    with page.expect_download() as download:
        page.get_by_role("link", name="SVG").click()
    assert download.value.suggested_filename == f"{slug}.svg"


def test_many_links_are_pasted_and_refused_lines_mended(hand: Hand, turnout: Turnout, slug: str) -> None:
    page = hand.page
    page.goto("/links")
    hand.link("Paste many")
    lines = [
        "offer,slug,partner,sub1",
        f"saas,{slug}-a,nora,first",
        f"saas,{slug} b,nora,second",
        f"saas,{slug}-c,nobody,",
    ]
    hand.write(page.get_by_label("One link a line"), "\n".join(lines))
    hand.button("Create links")
    expect(page.get_by_text("1 link created, 2 refused.")).to_be_visible()
    refused = page.get_by_role("region", name="Refused lines").locator("tbody tr")
    expect(refused).to_have_count(2)
    expect(refused.nth(0)).to_contain_text(f"saas,{slug} b,nora,second")
    expect(refused.nth(1)).to_contain_text("nobody")
    left = page.get_by_label("One link a line")
    expect(left).not_to_have_value(re.compile(f"{slug}-a"))

    hand.write(left, left.input_value().replace(f"{slug} b", f"{slug}-b").replace("nobody", "nora"))
    hand.button("Create links")
    expect(page.get_by_text("2 links created.")).to_be_visible()
    for letter in "abc":
        wait_for_answer(turnout, f"/{slug}-{letter}", (302, APP))


@pytest.mark.usefixtures("quiet")
def test_lines_are_read_from_a_file(page: Page, slug: str) -> None:
    page.goto("/links/bulk?offer=saas")
    file = {"name": "links.csv", "mimeType": "text/csv", "buffer": f"slug,partner\n{slug},nora\n".encode()}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(page.get_by_label("One link a line")).to_have_value(f"slug,partner\n{slug},nora\n")
    page.get_by_role("button", name="Create links").click()
    expect(page.get_by_text("1 link created.")).to_be_visible()


@pytest.mark.usefixtures("quiet")
def test_links_are_found_by_the_beginning_of_their_slug(page: Page, slug: str) -> None:
    make_link(page, slug)
    page.goto("/links")
    page.get_by_role("searchbox").fill(slug[:8])
    page.keyboard.press("Enter")
    expect(page.locator(ROW)).to_have_count(1)
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(ROW)).not_to_have_count(1)


@pytest.mark.usefixtures("quiet")
def test_a_link_expires_at_a_time_of_the_viewers_own_zone(window: Window, turnout: Turnout, slug: str) -> None:
    page = window(timezone_id="Pacific/Auckland").new_page()
    make_link(page, slug)
    page.get_by_label(re.compile("^Expires")).fill("2020-01-01T12:00")
    page.get_by_role("button", name="Save link").click()
    wait_for_answer(turnout, f"/{slug}", GONE)
    expect(page.get_by_label(re.compile("^Expires"))).to_have_value("2020-01-01T12:00")
