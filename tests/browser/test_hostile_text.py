"""Text of anybody, stored and shown: it is text on every page, also where no content security policy would stop it."""

from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Window, new_offer
from tests.browser.scenes import Ids, furnish, scenes
from tests.turnout import Turnout, wait_for

PROBE = """'" data-probe x></script><img data-probe src=x onerror=ran=1>"""
"""Leaves an attribute, a script and a tag; wherever it becomes markup, an element has `data-probe` or `ran` is set."""


@pytest.fixture(scope="module")
def offer(browser: Browser, logged_in: object, base_url: str, turnout: Turnout) -> Ids:
    """An offer full of the probe: names, codes, sub-IDs, and clicks with hostile agents and referrers."""
    context = browser.new_context(storage_state=logged_in, base_url=base_url)  # type: ignore[arg-type]
    page = context.new_page()
    ids = furnish(page) | {"offer_id": (path := new_offer(page, "probed")).rpartition("/")[2]}
    rename(page, path)
    write_a_rule(page)
    ids["partner_id"] = partner(page)
    ids["link_id"] = link(page)
    click(turnout, ids["offer_id"])
    context.close()
    return ids


def rename(page: Page, path: str) -> None:
    page.goto(f"{path}/settings")
    page.locator("#f-name").fill(PROBE)
    page.get_by_role("button", name="Save settings").click()
    page.goto(f"{path}/smart-link")


def write_a_rule(page: Page) -> None:
    page.get_by_role("switch", name="Smart link is off").check()
    page.get_by_role("button", name="Add rule").click()
    page.get_by_label("Send them to").fill("https://yourbrand.com/")
    page.get_by_label("Name").fill(PROBE)
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Live on")


def partner(page: Page) -> str:
    page.goto("/partners/new")
    page.get_by_label("Name").fill(PROBE)
    page.get_by_label("Slug").fill("probed")
    page.get_by_role("button", name="Create partner").click()
    page.wait_for_url("**/partners/p*")
    return page.url.rpartition("/")[2].partition("?")[0]


def link(page: Page) -> str:
    page.goto("/links/new?offer=probed&partner=probed")
    page.get_by_label("Slug").fill("probed-link")
    for field in ("coupon", "sub1", "sub5"):
        page.locator(f"#f-{field}").fill(PROBE)
    page.get_by_role("button", name="Create link").click()
    page.wait_for_url("**/links/l_*")
    return page.url.rpartition("/")[2].partition("?")[0]


def click(turnout: Turnout, offer_id: str) -> None:
    """Click as somebody whose every header and parameter is the probe, until that is recorded."""
    sent = quote(PROBE)
    for path in (f"/probed?via={sent}&sub2={sent}&coupon={sent}", "/probed-link"):
        connection = HTTPConnection("127.0.0.1", turnout.edge, timeout=30)
        headers = {"User-Agent": f"Mozilla/5.0 {PROBE} Chrome/131.0", "Referer": f"https://{sent}.example/{PROBE}"}
        connection.request("GET", path, headers=headers)
        assert connection.getresponse().status == 302
        connection.close()
    counted = f"/offers/{offer_id}/analytics?group_by=kind"
    wait_for(lambda: sum(group["clicks"] + group["bots"] for group in turnout.call("GET", counted)["groups"]) >= 2)


@pytest.mark.parametrize("bypass_csp", [True, False], ids=["without a policy", "with the policy"])
def test_it_stays_text_on_every_page(window: Window, offer: Ids, bypass_csp: bool) -> None:
    page = window(bypass_csp=bypass_csp).new_page()
    asked: list[str] = []
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    of_the_example = ("rule-", "draft-", "save-", "visitor-", "analytics-", "bare-", "login", "phone-")
    for scene in scenes(offer):
        if not scene.name.startswith(of_the_example):
            scene.show(page)
            assert page.locator("[data-probe]").count() == 0, scene.name
            assert page.evaluate("typeof ran") == "undefined", scene.name
    assert not [url for url in asked if url.endswith("/x")]


def test_it_is_read_as_it_was_written_in_every_list_that_scripts_draw(page: Page, offer: Ids) -> None:
    page.goto(f"/offers/{offer['offer_id']}/smart-link")
    expect(page.locator("#rule-1 .when-col")).to_contain_text(PROBE)
    page.locator("#rule-1 .when").click()
    expect(page.get_by_label("Name")).to_have_value(PROBE)
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="IP and browser").click()
    page.get_by_label("User-Agent").fill(PROBE)
    expect(page.locator(".verdict")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search offers").fill("'\" data-probe")
    expect(page.get_by_role("option").first).to_contain_text(PROBE)
    assert page.locator("[data-probe]").count() == 0


def test_the_policy_stops_what_is_not_ours(page: Page, offer: Ids) -> None:
    page.goto(f"/offers/{offer['offer_id']}")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"ran=1\">')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'ran=1'}))")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("typeof ran") == "undefined"
