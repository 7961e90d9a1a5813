"""Partners and their coupons: made, found, changed, deleted and brought back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import Hand


def make_partner(page: Page, slug: str) -> None:
    """Make a partner and end on their page."""
    page.goto("/partners/new")
    page.get_by_label("Name").fill(f"Partner {slug}")
    page.get_by_label("Slug").fill(slug)
    page.get_by_role("button", name="Create partner").click()
    expect(page.get_by_role("heading", name=f"Partner {slug}")).to_be_visible()


def make_coupon(page: Page, code: str) -> None:
    """Make a coupon of the example's offer and Nora, and end on a list that has it."""
    page.goto("/coupons/new?offer=saas&partner=nora")
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Create coupon").click()
    expect(page.get_by_role("table")).to_contain_text(code)


def test_a_partner_is_made_renamed_deleted_and_brought_back(hand: Hand, slug: str) -> None:
    page = hand.page
    page.goto("/offers")
    hand.go("Partners")
    hand.new()
    hand.fill(Name="Mara", Slug=slug)
    hand.button("Create partner")
    expect(page.get_by_role("heading", name="Mara")).to_be_visible()

    hand.fill(Name=f"Mara {slug}")
    hand.button("Rename")
    expect(page.get_by_role("heading", name=f"Mara {slug}")).to_be_visible()
    hand.button("Delete partner")
    expect(page.locator(".toast")).to_contain_text("Deleted")
    expect(page.get_by_role("table")).not_to_contain_text(slug)
    hand.button("Undo")
    expect(page.locator("main")).to_contain_text(f"Mara {slug}")


@pytest.mark.usefixtures("quiet")
def test_a_partner_with_a_link_cannot_be_deleted_and_the_page_says_why(page: Page, slug: str) -> None:
    make_partner(page, slug)
    page.get_by_role("link", name=re.compile("^New link")).click()
    page.get_by_label("Offer").fill("saas")
    page.get_by_label(re.compile("^Slug")).fill(f"{slug}-link")
    page.get_by_role("button", name="Create link").click()
    page.get_by_role("definition").get_by_role("link", name=f"Partner {slug}").click()
    expect(page.get_by_role("table")).to_contain_text(f"/{slug}-link")

    page.get_by_role("button", name="Delete partner").click()
    expect(page.get_by_role("alert")).to_contain_text("Links or coupons")
    expect(page.get_by_role("heading", name=f"Partner {slug}")).to_be_visible()


@pytest.mark.usefixtures("quiet")
def test_a_slug_that_is_taken_is_refused(page: Page) -> None:
    page.goto("/partners/new")
    page.get_by_label("Name").fill("Another Nora")
    page.get_by_label("Slug").fill("nora")
    page.get_by_role("button", name="Create partner").click()
    expect(page.get_by_label("Slug")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_value("Another Nora")


def test_a_coupon_is_made_changed_deleted_and_brought_back(hand: Hand, slug: str) -> None:
    page = hand.page
    page.goto("/offers")
    hand.go("Coupons")
    hand.new()
    hand.fill(Code=slug, Offer="saas", Partner="nora")
    hand.button("Create coupon")
    expect(page.get_by_role("table")).to_contain_text(slug)

    hand.link(f"Edit the coupon {slug}")
    hand.fill(Partner="weekend")
    hand.button("Save coupon")
    row = page.get_by_role("row").filter(has_text=slug)
    expect(row).to_contain_text("Weekend Podcast")
    hand.button(f"Delete the coupon {slug}")
    expect(row).to_have_count(0)
    hand.button("Undo")
    expect(page.locator("main")).to_contain_text(slug)


@pytest.mark.usefixtures("quiet")
def test_a_coupon_is_found_by_its_code_in_any_case(page: Page, slug: str) -> None:
    make_coupon(page, slug)
    page.goto("/coupons")
    page.get_by_role("searchbox").fill(slug.upper())
    page.keyboard.press("Enter")
    expect(page.locator("main tbody tr")).to_have_count(1)


@pytest.mark.usefixtures("quiet")
def test_many_coupons_are_pasted_and_refused_lines_said(page: Page, slug: str) -> None:
    make_coupon(page, slug)
    page.goto("/coupons/bulk?offer=saas")
    page.get_by_label("One coupon a line").fill(f"code,partner\n{slug}x,nora\n{slug},nora\n{slug}y,nobody")
    page.get_by_role("button", name="Create coupons").click()
    expect(page.get_by_text("1 coupon created, 2 refused.")).to_be_visible()
    refused = page.get_by_role("region", name="Refused lines")
    expect(refused.locator("tbody tr")).to_have_count(2)
    expect(refused).to_contain_text("already")
