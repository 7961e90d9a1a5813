"""The Edges page, as somebody on call reads it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import new_offer
from tests.turnout import Turnout

pytestmark = pytest.mark.usefixtures("quiet")


def test_each_worker_and_each_click_is_accounted_for(page: Page, turnout: Turnout) -> None:
    page.goto("/edges")
    expect(page.get_by_text("1 of 1 live")).to_be_visible()
    row = page.get_by_role("region", name="Who runs what").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("live")
    expect(row.locator(".slot")).to_have_count(2)
    expect(page.get_by_role("region", name="Where every click is")).to_contain_text("Every redirect is recorded")


def test_the_page_follows_an_edit_by_itself(page: Page, slug: str) -> None:
    page.goto("/edges")
    acked = page.get_by_role("region", name="Who runs what").locator("tbody td[data-label='Publish acked']")
    before = acked.inner_text()
    theirs = page.context.new_page()
    new_offer(theirs, slug)
    theirs.close()
    expect(acked).not_to_have_text(before)
    expect(page.get_by_text("1 of 1 live")).to_be_visible()


def test_the_foot_of_every_page_says_how_many_edges_are_live(page: Page) -> None:
    page.goto("/partners")
    line = page.get_by_role("link", name="1 of 1 edge live")
    line.click()
    expect(page).to_have_url(re.compile("/edges$"))
