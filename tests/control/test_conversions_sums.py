"""Conversions and revenue beside clicks: by every key, over time, and never a cent off."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control.clicks.attribution import NOBODY, UNATTRIBUTED
from control.conversions import sums
from control.conversions.sums import KEYS, Asked, Sums
from control.db import now_ms
from control.insight.analytics.question import KEYS as CLICK_KEYS
from control.parts import Parts
from tests.control.api import Api
from tests.control.postbacks import Shop

HOUR_MS = 60 * 60 * 1000


@pytest.fixture
def shop(api: Api, parts: Parts) -> Shop:
    return Shop(api, parts)


def asked(shop: Shop, **filters: Any) -> Asked:
    """The last hour and the next."""
    now = now_ms()
    return Asked(shop.id, "USD", now - HOUR_MS, now + HOUR_MS, filters)


def totals(shop: Shop, group_by: str | None = None, **filters: Any) -> dict[str, Sums]:
    async def read() -> dict[str, Sums]:
        async with shop.parts.db.read() as session:
            return await sums.totals(session, asked(shop, **filters), group_by)

    return shop.api.client.portal.call(read)


def series(shop: Shop, starts: list[int], group_by: str | None = None, keys: Any = None) -> list[dict[str, Sums]]:
    async def read() -> list[dict[str, Sums]]:
        async with shop.parts.db.read() as session:
            return await sums.series(session, asked(shop), starts, group_by, keys)

    return shop.api.client.portal.call(read)


def counts(found: dict[str, Sums]) -> dict[str, int]:
    return {key: sums_.conversions for key, sums_ in found.items()}


def test_keys_are_those_of_clicks_and_the_event() -> None:
    assert {*CLICK_KEYS, "event"} == KEYS


def test_totals_are_exact(shop: Shop) -> None:
    for number in range(10):
        shop.report(coupon="X", txn_id=str(number), amount="0.10")

    assert totals(shop) == {"": Sums(10, Decimal("1.00"))}
    assert totals(shop, event=["lead"]) == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rule", "r_us"),
        ("link", "l_1"),
        ("country", "BR"),
        ("device", "tablet"),
        ("os", "android"),
        ("browser", "Chrome"),
        ("via", "mara"),
        ("coupon", "mara20"),
        ("sub3", "\u00e9"),
        ("referrer", "t.co"),
        ("kind", "bot"),
    ],
)
def test_conversion_counts_under_every_key_of_its_click(shop: Shop, key: str, value: str) -> None:
    plain = {"via": "Mara", "coupon": "MARA20"}
    shop.click("c1", **{key: plain.get(key, value)})
    shop.report(click_id="c1", amount="5")
    shop.report(coupon="other", amount="7")
    expected = "other" if key == "coupon" else ""

    assert totals(shop, key) == {value: Sums(1, Decimal("5.00")), expected: Sums(1, Decimal("7.00"))}
    assert totals(shop, **{key: [value]}) == {"": Sums(1, Decimal("5.00"))}


def test_coupon_that_was_reported_goes_before_the_click_s(shop: Shop) -> None:
    shop.click("c1", coupon="carried")
    shop.report(click_id="c1", coupon="TYPED")

    assert counts(totals(shop, "coupon")) == {"typed": 1}


def test_partners_are_who_is_credited_by_now(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")["id"]
    shop.click("c1", via="mara")
    shop.click("c2", via="jo")
    shop.click("c3")
    for click_id in ("c1", "c2", "c3"):
        shop.report(click_id=click_id)
    shop.report(coupon="MARA20", txn_id="1")
    assert counts(totals(shop, "partner")) == {mara: 1, UNATTRIBUTED: 2, NOBODY: 1}

    jo = api.partner("jo")["id"]
    shop.coupon("mara20", mara)

    assert counts(totals(shop, "partner")) == {mara: 2, jo: 1, NOBODY: 1}
    assert counts(totals(shop, partner=[mara, jo])) == {"": 3}
    assert counts(totals(shop, "rule", partner=[jo])) == {"r_us": 1}


def test_filters_combine(shop: Shop) -> None:
    for number, (country, device) in enumerate([("US", "mobile"), ("US", "desktop"), ("BR", "mobile")]):
        shop.click(f"c{number}", country=country, device=device)
        shop.report(click_id=f"c{number}")

    assert counts(totals(shop, "country", country=["US", "BR"], device=["mobile"])) == {"US": 1, "BR": 1}


def test_amounts_of_a_former_currency_are_not_added(shop: Shop, api: Api) -> None:
    shop.report(coupon="X", txn_id="1", amount="100")
    api.patch(f"/offers/{shop.id}", {"currency": "JPY"})
    shop.report(coupon="X", txn_id="2", amount="9")

    assert totals(shop) == {"": Sums(2, Decimal("100.00"))}


def test_series_has_each_conversion_in_its_bucket(shop: Shop) -> None:
    before = now_ms() - HOUR_MS
    shop.report(coupon="X", txn_id="1", amount="1.5")
    shop.report(coupon="Y", txn_id="2", amount="2")

    starts = [before, before + HOUR_MS // 2, now_ms() + HOUR_MS // 2]

    assert series(shop, starts) == [{}, {"": Sums(2, Decimal("3.50"))}, {}]
    assert series(shop, starts, "coupon")[1] == {"x": Sums(1, Decimal("1.50")), "y": Sums(1, Decimal("2.00"))}
    assert series(shop, starts, "coupon", ["x"])[1] == {"x": Sums(1, Decimal("1.50"))}
    assert [counts(bucket) for bucket in series(shop, starts, "partner")] == [{}, {UNATTRIBUTED: 2}, {}]


def test_any_grouping_sums_to_the_same(shop: Shop, api: Api) -> None:
    api.partner("mara")
    clicks = [{"via": "mara", "country": "BR"}, {"sub1": "x"}, {"via": "jo", "coupon": "C"}, {"kind": "bot"}]
    for number, fields in enumerate(clicks):
        shop.click(f"c{number}", **fields)
    conversion = st.tuples(st.integers(0, len(clicks)), st.integers(0, 10**6), st.sampled_from(["", "A", "B"]))
    made: list[int] = []

    @given(st.lists(conversion, max_size=8), st.sampled_from(sorted(KEYS)))
    @settings(max_examples=15)
    def sums_alike(conversions: list[tuple[int, int, str]], key: str) -> None:
        for click, cents, coupon in conversions:
            made.append(cents)
            params = {
                "click_id": f"c{click}",
                "coupon": coupon,
                "txn_id": str(len(made)),
                "amount": f"{cents / 100:.2f}",
            }
            assert shop.report(**params).status_code == 201
        found = totals(shop, key).values()

        assert sum(part.conversions for part in found) == len(made)
        assert sum(part.revenue for part in found) == Decimal(sum(made)) / 100

    sums_alike()
