"""How many people each link and each partner sent in the last 30 days, wherever pages show them."""

import asyncio
from typing import Any

import pytest

from control.db import now_ms
from control.insight.analytics.periods import Range
from control.insight.splits import senders
from tests.control.api import Api
from tests.control.browser import Browser
from tests.control.clicks import clicks_database
from tests.control.test_web_offers import HOUR_MS, QUARTER_MS, come

DAY_MS = 24 * HOUR_MS


@pytest.mark.parametrize("closed", [False, True], ids=["days open", "days closed"])
def test_people_of_thirty_days_are_counted_by_link(database_url: str, closed: bool) -> None:
    def sent(link: str, days: float, **fields: Any) -> dict[str, Any]:
        return {"offer": "o_a", "link": link, "time_ms": now_ms() - round(days * DAY_MS)} | fields

    clicks = [sent("l_one", days) for days in (0, 0.1, 3, 20, 29)]
    clicks += [sent("l_one", 0, kind="bot"), sent("l_one", 31), sent("l_two", 5, via="mara"), sent("", 0)]
    clicks += [sent("l_three", 1, offer="o_b"), sent("l_other", 1)]
    come(database_url, clicks, closed=closed)

    async def read() -> dict[str, int]:
        db = clicks_database(database_url)
        async with db.read() as session:
            now = now_ms() // QUARTER_MS + 1
            asked = ["l_one", "l_two", "l_three", "l_none"]
            found = await senders(session, ["o_a", "o_b", "o_none"], asked, Range(now - 30 * 96, now))
        await db.close()
        return found

    assert asyncio.run(read()) == {"l_one": 5, "l_two": 1, "l_three": 1}


def test_lists_of_links_say_how_many_people_each_sent(person: Browser, api: Api, database_url: str) -> None:
    offer, partner = api.offer(), api.partner()
    busy = api.made("/links", {"offer_id": offer["id"], "slug": "busy", "partner_id": partner["id"]})
    idle = api.made("/links", {"offer_id": offer["id"], "slug": "idle"})
    come(database_url, [{"offer": offer["id"], "link": busy["id"]}] * 1_234)
    shown = f"/offers/{offer['id']}/analytics?period=30d&link={busy['id']}"
    for path in ("/links", f"/offers/{offer['id']}/links", f"/partners/{partner['id']}", "/links?q=busy"):
        page = person.get(path)
        assert "none 1,234 On" in page.text, path
        assert shown in page.links
    assert "none 0 On" in person.get("/links").text
    assert "People, 30 days 1,234" in person.get(f"/links/{busy['id']}").text
    assert "People, 30 days nobody yet" in person.get(f"/links/{idle['id']}").text
    assert f"/offers/{offer['id']}/clicks?period=30d&link={busy['id']}" in person.get(f"/links/{busy['id']}").links


@pytest.mark.parametrize("closed", [False, True], ids=["days open", "days closed"])
def test_the_list_of_partners_says_whom_each_is_credited_with(
    person: Browser, api: Api, database_url: str, closed: bool
) -> None:
    offer, other = api.offer(), api.offer(slug="other")
    partners = {slug: api.partner(slug) for slug in ("mara", "nils", "olga")}
    api.made("/coupons", {"code": "Save", "offer_id": offer["id"], "partner_id": partners["nils"]["id"]})

    def came(times: int, via: str, coupon: str = "", **fields: Any) -> list[dict[str, Any]]:
        at = now_ms() - 2 * DAY_MS
        return [{"offer": offer["id"], "via": via, "coupon": coupon, "time_ms": at} | fields] * times

    clicks = came(1, "mara") + came(2, "Mara", "SAVE") + came(4, "mara", offer=other["id"])
    clicks += came(10, "", "save") + came(20, "gone", "SAVE") + came(40, "", "save", offer=other["id"])
    clicks += came(100, "olga", "save") + came(200, "nobody") + came(400, "mara", kind="bot")
    come(database_url, clicks, closed=closed)

    listed = person.get("/partners").text
    for slug, people in {"mara": 7, "nils": 30, "olga": 100}.items():
        assert f"?via= {slug} {people} " in listed, slug
    groups = api.got(f"/offers/{offer['id']}/analytics?group_by=partner")["groups"]
    credited = {group["label"]: group["clicks"] for group in groups}
    assert (credited["Mara"], credited["Nils"], credited["Olga"]) == (3, 30, 100)
