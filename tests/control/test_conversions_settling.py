"""What conversions bring about later: prefetches become people, waiting ends, and all of it may run twice."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from control.conversions.settling import LONGEST_MS, settle
from control.db import now_ms
from control.ingest.promotion import promote
from control.parts import Parts
from tests.control.api import Api
from tests.control.clicks import NOON_MS
from tests.control.postbacks import Shop

DAY_MS = 24 * 60 * 60 * 1000


@pytest.fixture
def shop(api: Api, parts: Parts) -> Shop:
    return Shop(api, parts)


def measures(shop: Shop) -> tuple[Any, ...]:
    """The sums of clicks, uniques, bots, duplicates and prefetches, which are the same in every shape of rollups."""
    columns = "sum(clicks), sum(uniques), sum(bots), sum(duplicates), sum(prefetches)"
    [sums] = set(rows(shop, f"SELECT {columns} FROM click_quarters GROUP BY shape"))
    return sums


def rows(shop: Shop, statement: str) -> list[tuple[Any, ...]]:
    async def read() -> list[tuple[Any, ...]]:
        async with shop.parts.clicks_db.read() as session:
            return [tuple(row) for row in await session.execute(text(statement))]

    return shop.api.client.portal.call(read)


def test_conversion_on_a_prefetch_makes_it_a_person(shop: Shop) -> None:
    shop.click("p1", kind="prefetch", via="mara", sub1="tiktok", referrer="t.co", browser="Chrome")
    shop.click("p2", kind="prefetch")
    shop.click("b1", kind="bot")
    assert measures(shop) == (0, 0, 1, 0, 2)

    shop.report(click_id="p1")
    shop.settle()
    shop.settle()

    assert measures(shop) == (1, 1, 1, 0, 1)
    assert rows(shop, "SELECT kind, first FROM clicks WHERE click_id = 'p1'") == [(0, 1)]
    assert shop.api.got("/clicks/p1")["kind"] == "person"


def test_person_who_was_there_before_is_no_unique(shop: Shop) -> None:
    shop.click("c1", visitor="00000000000000aa")
    shop.click("p1", visitor="00000000000000aa", kind="prefetch", sub2="x")

    shop.report(click_id="p1")
    shop.settle()

    assert measures(shop) == (2, 1, 0, 0, 0)


def test_prefetch_without_visitor_is_no_unique(shop: Shop) -> None:
    shop.click("p1", kind="prefetch", visitor="")

    shop.report(click_id="p1")
    shop.settle()

    assert measures(shop) == (1, 0, 0, 0, 0)


def test_prefetch_is_promoted_in_the_cells_that_counted_it(shop: Shop) -> None:
    fields = {"via": "Mara ", "coupon": "X Y", "sub1": "caf\u00e9 %41", "referrer": "t.co", "rule": "fallback"}
    shop.click("p1", kind="prefetch", **fields)

    shop.report(click_id="p1")
    shop.settle()

    assert rows(shop, "SELECT DISTINCT clicks, prefetches FROM click_quarters WHERE clicks + prefetches > 0") == [
        (1, 0)
    ]
    shop.click("c1", **fields)
    assert rows(shop, "SELECT DISTINCT clicks, prefetches FROM click_quarters WHERE clicks + prefetches > 0") == [
        (2, 0)
    ]


def test_prefetch_is_promoted_in_the_overflow_of_a_full_shape(api: Api, parts: Parts) -> None:
    shop = Shop(api, parts, max_cells=1)
    shop.click("c1", browser="Chrome", sub1="a")
    shop.click("p1", browser="Firefox", sub1="b", via="x", referrer="t.co", kind="prefetch")
    cells = rows(shop, "SELECT count(*) FROM click_cells")

    shop.report(click_id="p1")
    shop.settle()

    assert measures(shop) == (2, 2, 0, 0, 0)
    assert rows(shop, "SELECT count(*) FROM click_cells") == cells


def test_prefetch_recorded_after_its_conversion_becomes_a_person_too(shop: Shop) -> None:
    made = shop.reported(click_id="late")
    shop.click("late", kind="prefetch")

    shop.settle()
    shop.settle()

    assert shop.api.got("/clicks/late")["kind"] == "person"
    assert shop.api.got(f"/conversions/{made['id']}")["click_status"] == "found"


def test_promotion_opens_the_days_that_were_closed(shop: Shop) -> None:
    shop.click("p1", kind="prefetch")
    day = NOON_MS // DAY_MS

    async def close() -> None:
        async with shop.parts.clicks_db.write() as session:
            await session.execute(text(f"INSERT INTO click_closed_days (shift, days, day) VALUES (0, 1, {day})"))

    shop.api.client.portal.call(close)

    shop.report(click_id="p1")
    shop.settle()

    assert rows(shop, "SELECT day FROM click_closed_days") == []


def test_only_prefetches_are_promoted(shop: Shop) -> None:
    for kind in ("person", "bot", "duplicate"):
        shop.click(kind, kind=kind)
    before = measures(shop)

    promoted = shop.api.client.portal.call(promote, shop.parts.clicks_db, ["person", "bot", "duplicate", "unknown"])

    assert promoted == 0
    assert measures(shop) == before


def test_click_is_looked_for_less_and_less_often(shop: Shop) -> None:
    shop.report(click_id="never")
    moments = []
    now = now_ms() + 1_000
    for _ in range(40):
        shop.api.client.portal.call(partial(settle, shop.parts, now))
        due = shop.api.client.portal.call(_look_at, shop.parts)
        moments.append(due - now)
        now = due

    assert moments == sorted(moments)
    assert moments[0] <= 5_000
    assert moments[-1] == LONGEST_MS


def test_click_that_never_comes_is_lost_when_clicks_are_no_longer_kept(shop: Shop) -> None:
    made = shop.reported(click_id="never", amount="5")

    later = now_ms() + 91 * DAY_MS
    shop.api.client.portal.call(partial(settle, shop.parts, later))

    read = shop.api.got(f"/conversions/{made['id']}")
    assert (read["click_status"], read["amount"]) == ("lost", "5.00")
    assert shop.api.client.portal.call(_look_at, shop.parts) is None


async def _look_at(parts: Parts) -> Any:
    async with parts.db.read() as session:
        return (await session.scalars(text("SELECT look_at FROM conversions"))).one()
