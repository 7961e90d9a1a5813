"""The first visit to a new installation: whoever has the password of the first start becomes its admin."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import log_in
from tests.browser.hands import Keyboard
from tests.browser.looks import inspect
from tests.browser.screenshots import context_of
from tests.integration.control_process import ControlProcess
from tests.servers import RedisServer

SECRET, CHOSEN = "printed at the start", "chosen in the browser"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[str]:
    """The address of a control in which nobody has logged in yet."""
    redis = RedisServer(tmp_path / "redis").start()
    control = ControlProcess(tmp_path / "control", redis.url, TURNOUT_ADMIN_PASSWORD=SECRET)
    try:
        yield control.start().url
    finally:
        control.stop()
        redis.stop()


def set_up(hand: Keyboard, secret: str) -> None:
    hand.fill(Password_of_the_first_start=secret, Your_name="Mara Ito", Login="mara", Your_new_password=CHOSEN)
    hand.button("Set up and log in")


def test_the_first_admin_sets_it_up(browser: Browser, fresh: str) -> None:
    bench = browser.new_page()
    for size in ("360", "1280"):
        context = context_of(browser, fresh, size)
        assert inspect(context.new_page(), bench, lambda page: page.goto("/setup")) == []
        context.close()
    hand = Keyboard(browser.new_page(base_url=fresh))
    hand.page.goto("/login")
    hand.link("Set up Turnout")
    set_up(hand, "guessed")
    expect(hand.page.locator(".err")).to_be_visible()
    expect(hand.field("Your name")).to_have_value("Mara Ito")

    set_up(hand, SECRET)
    expect(hand.page.get_by_role("heading", name="No offers yet")).to_be_visible()
    hand.log_out()
    expect(hand.page.get_by_role("heading", name="Log in")).to_be_visible()
    log_in(hand.page, "mara", CHOSEN)
    hand.page.goto("/setup")
    expect(hand.page.get_by_role("heading", name="Set up Turnout")).to_have_count(0)
    hand.page.close()
    bench.close()
