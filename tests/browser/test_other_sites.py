"""What another site can make a logged-in person's browser do: nothing. Sites on one host with us get our cookie."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.servers import Site


@pytest.fixture
def other_site() -> Iterator[Site]:
    """A page of somebody else's, on the same host under another port: cookies do not tell the two apart."""
    with Site() as site:
        yield site


def visit(page: Page, site: Site, html: str) -> None:
    site.pages["/"] = (200, {"Content-Type": "text/html"}, html.encode())
    page.goto(site.url)


def test_it_cannot_send_our_forms(page: Page, other_site: Site, base_url: str, slug: str) -> None:
    fields = (
        f'<input name="name" value="Taken over"><input name="slug" value="{slug}"><input name="csrf" value="guess">'
    )
    form = f'<form method="post" action="{base_url}/partners/new">{fields}<button>Win a prize</button></form>'
    visit(page, other_site, form)
    with page.expect_response("**/partners/new") as answer:
        page.get_by_role("button").click()
    assert (
        answer.value.request.headers.get("cookie") or "turnout_session" in answer.value.request.all_headers()["cookie"]
    )
    assert answer.value.status == 403

    page.goto("/partners")
    expect(page.locator("main")).not_to_contain_text(slug)


def test_it_cannot_call_the_api(page: Page, other_site: Site, base_url: str, slug: str) -> None:
    visit(page, other_site, "<p>Nothing to see</p>")
    for content_type in ("text/plain", "application/json"):
        outcome = page.evaluate(
            "async ([url, type, body]) => fetch(url, {method: 'POST', body, credentials: 'include',"
            " headers: {'Content-Type': type}}).then(answer => answer.status, () => 'refused')",
            [f"{base_url}/api/v1/partners", content_type, f'{{"name": "Taken over", "slug": "{slug}"}}'],
        )
        assert outcome == "refused"
    page.goto("/partners")
    expect(page.locator("main")).not_to_contain_text(slug)


def test_it_cannot_read_our_pages(page: Page, other_site: Site, base_url: str) -> None:
    visit(page, other_site, "<p>Nothing to see</p>")
    read = "url => fetch(url, {credentials: 'include'}).then(answer => answer.text(), () => 'refused')"
    assert page.evaluate(read, f"{base_url}/access") == "refused"


def test_it_cannot_show_us_in_a_frame(page: Page, other_site: Site, base_url: str) -> None:
    visit(page, other_site, f'<iframe src="{base_url}/offers"></iframe>')
    page.wait_for_load_state("networkidle")
    expect(page.frame_locator("iframe").get_by_text("Your SaaS")).to_have_count(0)
    assert page.frames[1].url.startswith("chrome-error:")


def test_scripts_cannot_read_the_session(page: Page) -> None:
    page.goto("/offers")
    assert "turnout_session" not in page.evaluate("document.cookie")
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["turnout_session"]["httpOnly"]
    assert cookies["turnout_session"]["sameSite"] == "Lax"


def test_the_login_leads_to_no_other_site(page: Page, other_site: Site, base_url: str) -> None:
    page.context.clear_cookies()
    page.goto(f"/login?next={other_site.url}")
    page.get_by_label("Login").fill("admin")
    page.get_by_label("Password", exact=True).fill("a-password-for-tests")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Offers")).to_be_visible()
    assert page.url.startswith(base_url)
