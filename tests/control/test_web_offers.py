"""The list of offers: how each one's people split, how many bought, who touched it last, what is found by typing."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from control.db import now_ms
from control.ingest.closing import close_days
from control.insight.analytics.periods import Range
from control.insight.splits import splits
from control.parts import Parts
from control.web.counts import counts
from tests.control.api import Api, rule
from tests.control.browser import Browser
from tests.control.clicks import Clicks, Ingester, batch, clicks_database

HOUR_MS = 3_600_000
QUARTER_MS = HOUR_MS // 4


def come(database_url: str, clicks: Sequence[dict[str, Any]], *, closed: bool = False) -> None:
    """Have clicks recorded and, where `closed`, the days that are over summed up."""

    async def record() -> None:
        db = clicks_database(database_url)
        try:
            made = Clicks()
            await Ingester(db).record(batch(1, [made.event(**({"time_ms": now_ms()} | click)) for click in clicks]))
            if closed:
                while await close_days(db, now_ms()):
                    pass
        finally:
            await db.close()

    asyncio.run(record())


@pytest.mark.parametrize("closed", [False, True], ids=["days open", "days closed"])
def test_people_of_seven_days_split_by_rule(database_url: str, closed: bool) -> None:
    ago = [0, HOUR_MS, 30 * HOUR_MS, 100 * HOUR_MS, 167 * HOUR_MS]
    clicks = [{"offer": "o_a", "rule": "r_1", "time_ms": now_ms() - each, "os": "ios"} for each in ago]
    clicks += [{"offer": "o_a", "rule": "r_1", "time_ms": now_ms() - 169 * HOUR_MS}]
    clicks += [{"offer": "o_a", "rule": "fallback", "device": "desktop"}, {"offer": "o_a", "kind": "bot"}]
    clicks += [{"offer": "o_b", "rule": "r_2"}]
    come(database_url, clicks, closed=closed)

    async def read() -> dict[str, dict[str, int]]:
        db = clicks_database(database_url)
        async with db.read() as session:
            now = now_ms() // QUARTER_MS + 1
            found = await splits(session, ["o_a", "o_b", "o_none"], Range(now - 7 * 96, now))
        await db.close()
        return found

    found = asyncio.run(read())

    assert {key: people for key, people in found["o_a"].items() if people} == {"r_1": 5, "fallback": 1}
    assert (found["o_b"], found["o_none"]) == ({"r_2": 1}, {})


def test_a_row_says_how_people_split_and_who_edited_last(
    person: Browser, api: Api, editor: Api, database_url: str
) -> None:
    offer = api.offer()
    rules = [rule(name="Americans", when={"country": ["US"]}), rule(when={"country": ["DE"]}, enabled=False)]
    saved = editor.save(offer["id"], rules).json()
    first = saved["rules"][0]["id"]
    come(database_url, [{"offer": offer["id"], "rule": key} for key in (first, first, first, "fallback")])
    page = person.get("/offers")

    labels = [given["aria-label"] for tag, given in page.elements if tag == "svg" and "aria-label" in given]
    assert labels == ["Americans 75.0%, Everyone else 25.0%"]
    assert "1 of 2 rules on" in page.text
    assert "editor key" in page.text


def test_a_smart_link_that_hardly_anybody_fits_is_worth_a_look(person: Browser, api: Api, database_url: str) -> None:
    offer = api.offer()
    saved = api.save(offer["id"], [rule(when={"country": ["US"]})]).json()
    keys = ["fallback"] * 60 + [saved["rules"][0]["id"]] * 40
    come(database_url, [{"offer": offer["id"], "rule": key} for key in keys])

    assert "60% go to everyone else" in person.get("/offers").text


def test_the_list_and_the_overview_count_the_same_people(person: Browser, api: Api, database_url: str) -> None:
    offer = api.offer()
    ago = [0, 25, 100, 140, 167, 169]
    come(database_url, [{"offer": offer["id"], "time_ms": now_ms() - hours * HOUR_MS} for hours in ago])
    person.client.cookies.set("turnout_tz", "Asia%2FKolkata")

    people = person.get("/offers").html.split('data-label="People, 7 days">')[1].split("<")[0]
    assert f"People, last 7 days {people} " in person.get(f"/offers/{offer['id']}").text


@pytest.mark.parametrize("typed", ["yourbrand", "SAAS", "aas"])
def test_offers_are_found_by_a_part_of_name_or_slug(person: Browser, api: Api, typed: str) -> None:
    api.offer("saas", name="YourBrand SaaS")
    api.offer("other", name="Holiday bundle")
    page = person.get(f"/offers?q={typed}")

    assert "YourBrand SaaS" in page.text
    assert "Holiday bundle" not in page.text


def test_what_is_not_found_is_said_and_stays_typed(person: Browser, api: Api) -> None:
    api.offer()
    page = person.get("/offers?q=%25")

    assert "No active offer is called “%”" in page.text
    assert page.form("/offers").fields["q"] == "%"


def test_the_list_says_how_many_there_are_of_each_status(person: Browser, api: Api) -> None:
    api.offer("a")
    api.offer("b")
    api.post(f"/offers/{api.offer('c')['id']}/archive")

    assert "Active 2 Paused 0 Archived 1" in person.get("/offers").text


def test_the_side_bar_counts_no_further_than_it_tells(person: Browser, api: Api, parts: Parts) -> None:
    for slug in ("a", "b", "c"):
        api.offer(slug)
    api.partner()

    assert "Offers 3 Links 0 Partners 1 Coupons 0" in person.get("/edges").text
    told = person.client.portal.call(counts, parts, 2)
    assert told == {"offers": "2+", "links": "0", "partners": "1", "coupons": "0"}
