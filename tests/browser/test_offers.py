"""Offers from the first click to the last: made, refused, changed, paused, cloned; each time the edge is asked."""

import re

from playwright.sync_api import Page, expect

from tests.browser.answers import GONE, UNKNOWN, live, wait_for_answer
from tests.browser.conftest import EXAMPLE, by_mouse, new_offer
from tests.browser.hands import Hand
from tests.turnout import Turnout


def test_an_offer_is_made_and_answers(hand: Hand, turnout: Turnout, slug: str) -> None:
    hand.page.goto("/links")
    hand.go("Offers")
    hand.new()
    hand.fill(Name="Summer", Slug=slug, Main_destination="https://yourbrand.com/summer")
    hand.button("Create offer")
    expect(hand.page.get_by_role("heading", name="Summer")).to_be_visible()

    wait_for_answer(turnout, f"/{slug}", (302, "https://yourbrand.com/summer"))
    hand.go("Offers")
    expect(hand.page.get_by_role("table")).to_contain_text(f"/{slug}")


def test_what_was_typed_stays_when_an_offer_is_refused(page: Page, slug: str) -> None:
    page.goto("/offers/new")
    page.get_by_label("Name").fill("Summer")
    page.get_by_label("Slug").fill("saas")
    page.get_by_label("Main destination").fill("yourbrand.com")
    page.get_by_role("button", name="Create offer").click()
    wrong = page.get_by_label("Main destination")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_value("yourbrand.com")
    expect(page.get_by_label("Name")).to_have_value("Summer")
    expect(page.locator(":focus")).to_have_attribute("aria-invalid", "true")

    wrong.fill("https://yourbrand.com")
    page.get_by_role("button", name="Create offer").click()
    expect(page.get_by_label("Slug")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Slug").fill(slug)
    page.get_by_role("button", name="Create offer").click()
    page.wait_for_url(re.compile(r"/offers/o_\w+/smart-link"))


@by_mouse
def test_an_offer_is_paused_archived_and_brought_back(hand: Hand, turnout: Turnout, slug: str) -> None:
    offer = new_offer(hand.page, slug)
    home = (302, "https://yourbrand.com/")
    wait_for_answer(turnout, f"/{slug}", home)
    hand.page.goto(f"{offer}/settings")
    for button, answer in (("Pause", GONE), ("Archive", GONE), ("Activate", home)):
        hand.button(button)
        live(hand.page)
        assert turnout.click(f"/{slug}") == answer, button


def test_while_paused_visitors_can_be_sent_elsewhere(page: Page, turnout: Turnout, slug: str) -> None:
    page.goto(f"{new_offer(page, slug)}/settings")
    page.get_by_label("While paused").fill("https://yourbrand.com/soon")
    page.get_by_label("Main destination").fill("https://yourbrand.com/now")
    page.get_by_role("button", name="Save settings").click()
    live(page)
    assert turnout.click(f"/{slug}") == (302, "https://yourbrand.com/now")

    page.get_by_role("button", name="Pause").click()
    live(page)
    assert turnout.click(f"/{slug}") == (302, "https://yourbrand.com/soon")


def test_settings_that_are_refused_stay_as_typed(page: Page, turnout: Turnout, slug: str) -> None:
    page.goto(f"{new_offer(page, slug)}/settings")
    page.get_by_label("Main destination").fill("javascript:alert(1)")
    page.get_by_label("Currency").fill("dollars")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_label("Main destination")).to_have_value("javascript:alert(1)")
    expect(page.locator(".err")).not_to_have_count(0)
    assert turnout.click(f"/{slug}") == (302, "https://yourbrand.com/")


def test_a_new_postback_secret_ends_the_old_one(page: Page, turnout: Turnout, slug: str) -> None:
    page.goto(f"{new_offer(page, slug)}/settings")
    before = postback_url(page)
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.locator(".toast")).to_contain_text("New secret made")
    after = postback_url(page)

    assert before != after
    assert page.request.get(before).status in (401, 403)
    assert page.request.get(after).status in (200, 201)


def postback_url(page: Page) -> str:
    """The postback URL as the page has it copied, for a sale by coupon."""
    copied = page.get_by_role("button", name="Copy the postback URL").get_attribute("data-copy") or ""
    return copied.replace("click_id={click_id}", "coupon=NONE").replace("{amount}", "9.00").replace("{order}", "1")


def test_a_clone_has_the_rules_under_another_slug(page: Page, turnout: Turnout, slug: str) -> None:
    page.goto(EXAMPLE)
    page.get_by_role("link", name="Your SaaS", exact=True).click()
    page.get_by_role("link", name="Settings").click()
    clone = page.get_by_role("form", name="Clone")
    clone.get_by_label("Name").fill("Your SaaS again")
    clone.get_by_label("Slug").fill(slug)
    clone.get_by_role("button", name="Clone offer").click()
    expect(page.get_by_role("heading", name="Your SaaS again", level=1)).to_be_visible()

    wait_for_answer(turnout, f"/{slug}", (302, "https://apps.apple.com/us/app/your-app"))
    assert turnout.click("/never-made") == UNKNOWN


def test_the_qr_code_is_an_image_of_the_tracking_url(page: Page, slug: str) -> None:
    page.goto(f"{new_offer(page, slug)}/settings")
    code = page.get_by_role("img", name="QR code of")
    expect(code).to_have_attribute("alt", re.compile(rf"/{slug}$"))
    assert code.evaluate("image => image.complete && image.naturalWidth > 100")
    with page.expect_download() as download:
        page.get_by_role("link", name="SVG").click()
    assert download.value.suggested_filename == f"{slug}.svg"
