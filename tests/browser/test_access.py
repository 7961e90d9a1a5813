"""Keys and users: made, shown once, used, revoked; and what each role sees."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.answers import status_with_key
from tests.browser.chromium import log_in
from tests.browser.conftest import EXAMPLE, Window, by_mouse
from tests.browser.hands import Hand
from tests.turnout import Turnout

WORD = "a-first-password"


def test_a_key_is_shown_once_works_and_is_revoked(hand: Hand, turnout: Turnout, slug: str) -> None:
    page = hand.page
    page.goto("/offers")
    hand.go("Keys and users")
    hand.link("New key")
    hand.fill(Name=slug)
    hand.pick(hand.field("Role"), "Viewer: looks at everything")
    hand.button("Create key")
    token = page.get_by_role("button", name="Copy the key").get_attribute("data-copy") or ""
    assert re.fullmatch(r"tn_\S{20,}", token)
    assert status_with_key(turnout, token) == 200

    hand.link("I have copied it")
    expect(page.locator("main")).not_to_contain_text(token)
    hand.link(f"Revoke the key {slug}")
    hand.link("Keep it")
    assert status_with_key(turnout, token) == 200

    hand.link(f"Revoke the key {slug}")
    expect(page.locator("main")).to_contain_text("It cannot be undone")
    hand.button("Revoke key")
    expect(page.locator(".toast")).to_contain_text("Revoked")
    assert status_with_key(turnout, token) == 401


@pytest.mark.parametrize("role", ["Viewer: looks at everything", "Editor: also changes"], ids=["viewer", "editor"])
def test_a_user_is_added_and_sees_what_their_role_may(page: Page, window: Window, slug: str, role: str) -> None:
    theirs = someone(window, add_user(page, slug, role))
    may_edit = 1 if role.startswith("Editor") else 0
    expect(theirs.get_by_role("heading", name="Offers")).to_be_visible()
    expect(theirs.get_by_role("link", name=re.compile("^New offer"))).to_have_count(may_edit)
    expect(theirs.get_by_role("link", name="Keys and users")).to_have_count(0)

    theirs.goto(EXAMPLE)
    theirs.get_by_role("link", name="Your SaaS", exact=True).click()
    expect(theirs.locator("#rule-1")).to_be_visible()
    expect(theirs.get_by_role("button", name=re.compile("^Add rule"))).to_have_count(may_edit)


@by_mouse
def test_a_password_link_works_once_and_ends_their_sessions(hand: Hand, window: Window, slug: str) -> None:
    page = hand.page
    first = add_user(page, slug, "Viewer")
    theirs = someone(window, first)
    theirs.goto(first)
    expect(theirs.get_by_role("heading", name="Set your password")).to_have_count(0)

    page.goto("/access")
    hand.link(f"User {slug}")
    hand.button("Make a password link")
    again = someone(window, copied_link(page))
    expect(again.get_by_role("heading", name="Offers")).to_be_visible()
    theirs.goto("/offers")
    expect(theirs.get_by_role("heading", name="Log in")).to_be_visible()


def test_ones_own_password_is_changed(window: Window, page: Page, slug: str) -> None:
    theirs = someone(window, add_user(page, slug, "Viewer"))
    theirs.goto("/account")
    theirs.get_by_label("Present password", exact=True).fill("not this one")
    theirs.get_by_label("New password", exact=True).fill("another-password")
    theirs.get_by_role("button", name="Change password").click()
    expect(theirs.locator(".err")).not_to_have_count(0)
    theirs.get_by_label("Present password", exact=True).fill(WORD)
    theirs.get_by_label("New password", exact=True).fill("another-password")
    theirs.get_by_role("button", name="Change password").click()
    expect(theirs.locator(".toast")).to_be_visible()

    elsewhere = window(storage_state=None).new_page()
    log_in(elsewhere, slug, "another-password")


@by_mouse
def test_a_removed_user_is_out_at_once(hand: Hand, window: Window, slug: str) -> None:
    theirs = someone(window, add_user(hand.page, slug, "Viewer"))
    hand.page.goto("/access")
    hand.link(f"User {slug}")
    hand.button("Remove user")
    expect(hand.page.locator(".toast")).to_contain_text("Removed")
    expect(hand.page.locator("main")).not_to_contain_text(slug)

    theirs.reload()
    expect(theirs.get_by_role("heading", name="Log in")).to_be_visible()


def add_user(page: Page, slug: str, role: str) -> str:
    """Add somebody through the page, and return the link by which they set their password."""
    page.goto("/access/users/new")
    page.get_by_label("Login").fill(slug)
    page.get_by_label(re.compile("^Name")).fill(f"User {slug}")
    option = page.get_by_label("Role").locator("option", has_text=role)
    page.get_by_label("Role").select_option(value=option.get_attribute("value"))
    page.get_by_role("button", name="Add user").click()
    return copied_link(page)


def copied_link(page: Page) -> str:
    return page.get_by_role("button", name="Copy the link").get_attribute("data-copy") or ""


def someone(window: Window, link: str) -> Page:
    """A browser of their own, in which a user has set their password through a link, and is logged in."""
    page = window(storage_state=None).new_page()
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(WORD)
    page.get_by_role("button", name="Set password and log in").click()
    expect(page.get_by_role("heading", name="Offers")).to_be_visible()
    return page
