"""Hosts of one's own: registered, given links and offers, and asked of the edge by their name."""

import pytest
from playwright.sync_api import expect

from tests.browser.answers import location_on
from tests.browser.conftest import EXAMPLE, by_mouse
from tests.browser.hands import Hand
from tests.turnout import Turnout, wait_for

APP = "https://apps.apple.com/us/app/your-app"


@pytest.fixture
def host(slug: str) -> str:
    return f"{slug}.yourbrand.example"


def test_a_link_lives_on_a_host_of_ones_own(hand: Hand, turnout: Turnout, host: str, slug: str) -> None:
    page = hand.page
    page.goto("/offers")
    hand.go("Domains")
    hand.new()
    hand.fill(Host=host, Its_bare_address="https://yourbrand.com/home")
    hand.button("Register domain")
    expect(page.get_by_role("table")).to_contain_text(host)
    wait_for(lambda: location_on(turnout, host, "/") == (302, "https://yourbrand.com/home"))

    page.goto("/links/new?offer=saas")
    hand.fill(Slug="go")
    hand.pick(hand.field("Domain"), host)
    hand.button("Create link")
    expect(page.locator("main")).to_contain_text(f"{host}/go")
    wait_for(lambda: location_on(turnout, host, "/go")[0] == 302)
    assert location_on(turnout, "127.0.0.1", "/go")[0] == 404


@by_mouse
def test_an_offer_answers_on_the_hosts_that_are_ticked(hand: Hand, turnout: Turnout, host: str) -> None:
    page = hand.page
    register(hand, host)
    page.goto(EXAMPLE)
    hand.link("Your SaaS")
    hand.link("Settings")
    hand.press(page.get_by_label(host))
    hand.button("Save settings")
    expect(page.locator(".toast")).to_contain_text("Live on 1 of 1 edge")
    assert location_on(turnout, host, "/saas")[0] == 302

    hand.press(page.get_by_label(host))
    hand.button("Save settings")
    expect(page.get_by_label(host)).not_to_be_checked()
    wait_for(lambda: location_on(turnout, host, "/saas")[0] == 404)


@by_mouse
def test_an_unused_host_is_deleted_and_brought_back(hand: Hand, host: str) -> None:
    register(hand, host)
    hand.link(host)
    hand.button("Delete domain")
    expect(hand.page.locator(".toast")).to_contain_text("Deleted")
    hand.button("Undo")
    expect(hand.page.get_by_role("table")).to_contain_text(host)


def register(hand: Hand, host: str) -> None:
    """Register a host and end on the list that has it."""
    hand.page.goto("/domains/new")
    hand.fill(Host=host)
    hand.button("Register domain")
    expect(hand.page.get_by_role("table")).to_contain_text(host)
