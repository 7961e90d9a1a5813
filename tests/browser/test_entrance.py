"""Coming in and going out, with the right password and with a wrong one."""

import pytest
from playwright.sync_api import Page, expect

from control.access.guard import SESSION_COOKIE
from tests.browser.chromium import PASSWORD
from tests.browser.conftest import Window
from tests.browser.hands import HANDS, Hand


@pytest.fixture(params=HANDS, ids=lambda kind: kind.__name__.lower())
def stranger(request: pytest.FixtureRequest, window: Window) -> Hand:
    """The hand of somebody who is not logged in."""
    context = window(storage_state=None, **request.param.window)
    hand: Hand = request.param(context.new_page())
    return hand


def come_in(hand: Hand, password: str) -> None:
    hand.fill(Login="admin", Password=password)
    hand.button("Log in")


def test_a_wrong_password_is_said_and_the_right_one_leads_to_where_one_wanted_to_go(stranger: Hand) -> None:
    page = stranger.page
    page.goto("/partners?done=saved")
    come_in(stranger, "not this one")
    expect(page.get_by_text("Login or password is wrong.")).to_be_visible()
    expect(page.get_by_label("Login")).to_have_value("admin")

    come_in(stranger, PASSWORD)
    expect(page.get_by_role("heading", name="Partners")).to_be_visible()


def test_whoever_logs_out_is_out_and_the_back_button_shows_nothing(stranger: Hand) -> None:
    page = stranger.page
    page.goto("/offers")
    come_in(stranger, PASSWORD)
    expect(page.get_by_role("heading", name="Offers")).to_be_visible()
    stranger.log_out()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    page.go_back()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_password_can_be_looked_at(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/login")
    page.get_by_label("Password", exact=True).fill("what was typed")
    page.get_by_role("button", name="Show the password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide the password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "password")


def test_a_session_that_ends_meanwhile_leads_to_the_login_and_back(page: Page) -> None:
    page.goto("/partners/new")
    page.context.clear_cookies(name=SESSION_COOKIE)
    page.get_by_label("Name").fill("Mara")
    page.get_by_role("button", name="Create partner").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
