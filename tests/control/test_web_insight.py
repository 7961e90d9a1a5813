"""What people read of an offer: its analytics, its overview, its history and what search finds."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import Engine, event

from control.access.roles import Role
from control.web.sentence import pretty_url, sentence
from tests.control.api import TOKENS, Api, rule
from tests.control.browser import Browser
from tests.control.clicks import Clicks, Ingester, batch, clicks_database


def come(database_url: str, *clicks: dict[str, Any], number: int = 1) -> None:
    """Have clicks recorded, as of now, as the batch with a number."""

    async def record() -> None:
        db = clicks_database(database_url)
        try:
            made = Clicks()
            now = int(time.time() * 1000)
            await Ingester(db).record(batch(number, [made.event(**({"time_ms": now} | click)) for click in clicks]))
        finally:
            await db.close()

    asyncio.run(record())


def test_without_clicks_the_analytics_say_what_to_do(person: Browser, api: Api) -> None:
    page = person.get(f"/offers/{api.offer()['id']}/analytics")
    assert page.status == 200
    assert "Nobody came in this period" in page.text


def test_analytics_count_people_apart_from_bots_and_name_what_they_rank(
    person: Browser, api: Api, database_url: str
) -> None:
    offer, partner = api.offer(), api.partner()
    saved = api.save(offer["id"], [rule(name="Americans", when={"country": ["US"]})]).json()
    base = {"offer": offer["id"], "rule": saved["rules"][0]["id"], "via": "mara"}
    fallen = {"offer": offer["id"], "rule": "fallback", "country": "BR", "via": "", "link": ""}
    come(database_url, base, base, {**base, "kind": "bot"}, fallen)
    page = person.get(f"/offers/{offer['id']}/analytics")
    assert "People 3" in page.text
    assert "Bots, kept apart 1" in page.text
    assert "33.3%" in page.text
    assert partner["name"] in page.text
    assert "Brazil on mobile" in page.text
    assert f"/offers/{offer['id']}/smart-link?country=BR&device=mobile" in page.links
    assert f"/offers/{offer['id']}/analytics?country=BR" in page.links
    assert "IP Geolocation by DB-IP" in page.text
    assert (
        f"Partner bots {partner['name']} 1 100.0%" in person.get(f"/offers/{offer['id']}/analytics?measure=bots").text
    )
    bots = person.get(f"/offers/{offer['id']}/analytics?measure=bots&country=BR")
    assert "Country: Brazil" in bots.text
    assert f"/offers/{offer['id']}/analytics?measure=bots" in bots.links


def test_a_page_of_charts_asks_once_what_it_is_read_from(person: Browser, api: Api, database_url: str) -> None:
    offer = api.offer()
    come(database_url, {"offer": offer["id"], "rule": "fallback"})
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert person.get(f"/offers/{offer['id']}/analytics").status == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert len([one for one in asked if "FROM click_closed_days" in one]) == len(["the period", "the one before"])
    assert len([one for one in asked if "click_texts.text IN" in one]) == 1


def test_a_viewer_of_analytics_is_offered_no_rule(person: Browser, api: Api, database_url: str) -> None:
    offer = api.offer()
    come(database_url, {"offer": offer["id"], "rule": "fallback", "country": "BR"})
    api.made("/users", {"login": "v@test", "password": "correct horse", "role": "viewer"})
    person.client.cookies.clear()
    person.log_in("v@test", "correct horse")
    page = person.get(f"/offers/{offer['id']}/analytics")
    assert "Brazil on mobile" in page.text
    assert not [link for link in page.links if "smart-link?" in link]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=then", "a day such as 2026-11-22"),
        ("from=2026-11-20&to=2026-11-01", "The range ends before it begins."),
        ("kind=ghost", "Kinds are person"),
    ],
)
def test_a_view_that_cannot_be_is_refused_in_words(person: Browser, api: Api, query: str, said: str) -> None:
    page = person.get(f"/offers/{api.offer()['id']}/analytics?{query}")
    assert page.status == 422
    assert said in page.text


def test_days_are_the_viewers(person: Browser, api: Api, database_url: str) -> None:
    offer = api.offer()
    come(database_url, {"offer": offer["id"]})
    person.client.cookies.set("turnout_tz", "Asia%2FKolkata")
    assert "Days are in Asia/Kolkata time." in person.get(f"/offers/{offer['id']}/analytics").text
    assert "Days are in UTC time." in person.get(f"/offers/{offer['id']}/analytics?tz=UTC").text
    person.client.cookies.set("turnout_tz", "Nowhere%2FElse")
    assert "Days are in UTC time." in person.get(f"/offers/{offer['id']}/analytics").text


def test_the_overview_says_what_happens_with_a_click_now(person: Browser, api: Api, database_url: str) -> None:
    offer = api.offer()
    saved = api.save(offer["id"], [rule("https://us.example/x", when={"country": ["US"], "os": ["ios"]})]).json()
    come(database_url, {"offer": offer["id"], "rule": saved["rules"][0]["id"]})
    page = person.get(f"/offers/{offer['id']}")
    assert "From United States with iOS us.example /x" in page.text
    assert "100.0%" in page.text
    api.post(f"/offers/{offer['id']}/pause")
    assert "Every click is told that this is gone." in person.get(f"/offers/{offer['id']}").text


def test_history_says_who_changed_what_and_restores(person: Browser, api: Api) -> None:
    offer = api.offer()
    first = api.save(offer["id"], [rule(name="US", when={"country": ["US"]}), rule(name="DE", when={})]).json()
    us, de = first["rules"]
    moved = [{**de, "when": {"country": ["DE"]}}, {**us, "enabled": False}]
    api.save(offer["id"], moved, fields={"fallback_url": "https://else.example"})
    page = person.get(f"/offers/{offer['id']}/history")
    assert "key “admin key”" in page.text
    assert "Rule 1, DE conditions changed" in page.text
    assert "turned off" in page.text
    assert "Everyone else destination changed the main destination else.example" in page.text
    earlier = person.get(f"/offers/{offer['id']}/history?revision=2")
    assert "It makes revision 4 with the rules of revision 2" in earlier.text
    page = person.submit(earlier, f"/offers/{offer['id']}/history/2/restore")
    assert "Restored revision 2" in page.text
    assert api.got(f"/offers/{offer['id']}/smart-link")["rules"] == first["rules"]


def test_a_restore_does_not_run_over_somebody_elses_save(person: Browser, api: Api) -> None:
    offer = api.offer()
    api.save(offer["id"], [rule()])
    page = person.get(f"/offers/{offer['id']}/history?revision=1")
    api.save(offer["id"], [rule("https://other.example")])
    page = person.submit(page, f"/offers/{offer['id']}/history/1/restore")
    assert "Somebody saved while you were looking, so nothing was restored." in page.text
    assert api.got(f"/offers/{offer['id']}")["revision"] == 3


def test_search_finds_offers_partners_links_and_only_what_one_may_do(person: Browser, api: Api) -> None:
    offer, partner = api.offer(name="Your 100% SaaS"), api.partner("lena")
    link = api.made("/links", {"offer_id": offer["id"], "slug": "lena-yt"})

    def hits(typed: str, api: Api = api) -> list[str]:
        answer = api.client.request("GET", "/ui/search", params={"q": typed}, headers=api.headers)
        return [hit["href"] for group in answer.json()["groups"] for hit in group["hits"]]

    assert hits("lena") == [f"/partners/{partner['id']}", f"/links/{link['id']}"]
    assert hits("100%") == [f"/offers/{offer['id']}/smart-link"]
    assert hits("https://go.test/lena-yt") == [f"/links/{link['id']}"]
    assert "/links/new" in hits("new link")
    assert hits("new", Api(api.client, TOKENS[Role.VIEWER])) == []
    assert api.client.request("GET", "/ui/search?q=x", headers={"Authorization": "Bearer no"}).status_code == 401


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({}, "From anywhere"),
        ({"device": ["mobile"]}, "From anywhere on [mobile]"),
        ({"country": ["US", "CA", "GB"]}, "From [United States], [Canada] or [United Kingdom]"),
        ({"country": {"not": ["@eu"]}, "os": ["ios"]}, "From anywhere except [European Union] with [iOS]"),
        ({"country": ["US", "CA", "GB", "DE", "FR"]}, "From [United States], [Canada], [United Kingdom] [and 2 more]"),
        ({"os": {"not": ["android"]}}, "From anywhere with any system except [Android]"),
    ],
)
def test_a_rule_is_an_english_sentence(when: dict[str, Any], said: str) -> None:
    chips = str(sentence(when)).replace('<span class="chip not">', "[").replace('<span class="chip">', "[")
    assert chips.replace("</span>", "]") == said


def test_a_destination_shows_its_host_first_and_never_as_html() -> None:
    assert pretty_url("https://a.example/") == "<b>a.example</b>"
    assert pretty_url("https://a.example/<i>{sub1}") == ('<b>a.example</b>/&lt;i&gt;<span class="macro">{sub1}</span>')


def test_conversions_are_counted_where_their_clicks_were_and_apart_without_one(
    person: Browser, api: Api, database_url: str
) -> None:
    offer, partner = api.offer(), api.partner()
    api.made("/coupons", {"offer_id": offer["id"], "partner_id": partner["id"], "code": "M20"})
    come(database_url, {"offer": offer["id"], "rule": "fallback"})
    sale = {"coupon": "M20", "amount": "12.50", "currency": "USD", "txn_id": "t1", "secret": offer["postback_secret"]}
    assert api.client.request("POST", "/postback/saas", params=sale).status_code == 201
    page = person.get(f"/offers/{offer['id']}/analytics?measure=conversions")
    assert "Conversions 1" in page.text
    assert "Revenue, USD 12.50" in page.text
    assert "No click known" in page.text
    assert "Everyone else takes" not in page.text
    assert f"/offers/{offer['id']}/analytics?measure=conversions&partner={partner['id']}" in page.links


def test_a_conversion_says_whom_it_credits_and_why_and_the_log_what_was_refused(person: Browser, api: Api) -> None:
    offer, partner = api.offer(), api.partner()
    path = f"/offers/{offer['id']}/conversions"
    assert "No conversions yet" in person.get(path).text
    api.made("/coupons", {"offer_id": offer["id"], "partner_id": partner["id"], "code": "M20"})
    sale = {"coupon": "M20", "txn_id": "<b>t1</b>", "secret": offer["postback_secret"]}
    api.client.request("POST", "/postback/saas", params=sale)
    api.client.request("POST", "/postback/saas", params={"coupon": "M20", "secret": "wrong"})
    page = person.get(path)
    assert "Mara by the coupon" in page.text
    assert "<b>t1</b>" in page.text
    assert "Refused" in page.text
    assert offer["postback_secret"] not in page.html
    assert "No two partners were named for one sale" in person.get(f"{path}?conflict=true").text


def test_a_test_conversion_says_whom_it_would_credit_and_counts_nothing(
    person: Browser, api: Api, database_url: str
) -> None:
    offer, partner = api.offer(), api.partner()
    come(database_url, {"offer": offer["id"], "via": "mara"})
    path = f"/offers/{offer['id']}/conversions"

    taken = person.submit(person.get(path), f"{path}/test", amount="12.50")
    refused = person.submit(taken, f"{path}/test", amount="a lot")

    assert f"This would be taken: 12.50 USD, credited to {partner['name']}. Nothing was counted." in taken.text
    assert "The click\u2019s via=mara names Mara" in taken.text or "The click's via=mara names Mara" in taken.text
    assert "This would be refused" in refused.text
    assert "amount: An amount is written like 49.90" in refused.text
    assert "No conversions yet" in refused.text
