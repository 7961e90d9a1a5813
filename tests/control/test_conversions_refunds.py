"""Refunds: they lower what their sale had raised, where it had raised it, and are no conversions."""

from typing import Any

import pytest

from control.parts import Parts
from tests.control.api import Api
from tests.control.postbacks import Shop


@pytest.fixture
def shop(api: Api, parts: Parts) -> Shop:
    return Shop(api, parts)


def earned(shop: Shop, **params: Any) -> tuple[int, str]:
    """Conversions and revenue as analytics has them."""
    totals = shop.api.got(f"/offers/{shop.id}/analytics", params=params)["totals"]
    return totals["conversions"], totals["revenue"]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"event": "refund", "amount": "20"}, id="event"),
        pytest.param({"event": "refund", "amount": "-20"}, id="event and sign"),
        pytest.param({"event": "Chargeback", "amount": "20.00"}, id="chargeback"),
        pytest.param({"event": "rejected", "amount": "20"}, id="rejected"),
        pytest.param({"amount": "-20"}, id="sign alone"),
        pytest.param({"event": "sale", "amount": "-20"}, id="a sale of less than nothing"),
    ],
)
def test_refund_lowers_revenue_and_is_no_conversion(shop: Shop, said: dict[str, str]) -> None:
    sale = shop.reported(coupon="X", txn_id="1", amount="49.90")

    refund = shop.reported(txn_id="1", **said)

    assert (refund["amount"], refund["currency"], refund["refund_of"]) == ("-20.00", "USD", sale["id"])
    assert earned(shop) == (1, "29.90")
    assert [found["id"] for found in shop.conversions()] == [refund["id"], sale["id"]]
    assert refund["verdict"]["explanation"][0].startswith("This takes back")
    assert shop.log()[0]["detail"] == "Taken back."


def test_refund_without_an_amount_is_all_that_is_left_of_the_sale(shop: Shop) -> None:
    shop.report(coupon="X", txn_id="1", amount="49.90")

    shop.report(txn_id="1", event="refund", refund_id="a", amount="9.90")
    rest = shop.reported(txn_id="1", event="refund", refund_id="b")
    nothing = shop.reported(txn_id="1", event="chargeback")

    assert (rest["amount"], nothing["amount"]) == ("-40.00", "0.00")
    assert earned(shop) == (1, "0.00")


def test_refund_reported_twice_counts_once(shop: Shop) -> None:
    shop.report(coupon="X", txn_id="1", amount="49.90")
    first = shop.reported(txn_id="1", event="refund", amount="10")

    again = shop.report(txn_id="1", amount="-10")

    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert shop.log()[0]["outcome"] == "repeated"
    assert shop.reported(txn_id="1", event="refund", amount="12")["id"] == first["id"]
    assert shop.log()[0]["differs"] == ["amount"]
    assert earned(shop) == (1, "39.90")


def test_refund_is_credited_as_its_sale_was(shop: Shop, api: Api) -> None:
    mara, theo = api.partner(), api.partner("theo")
    code = shop.coupon("MARA20", mara["id"])
    shop.click("c1", via="theo", rule="r_us", country="BR")
    sale = shop.reported(click_id="c1", coupon="MARA20", txn_id="1", amount="49.90")
    api.patch(f"/coupons/{code['id']}", {"partner_id": theo["id"]})

    refund = shop.reported(txn_id="1", event="refund")

    assert refund["partner_id"] == mara["id"]
    assert {name: refund[name] for name in ("coupon", "click_id", "country", "clicked_at")} == {
        name: sale[name] for name in ("coupon", "click_id", "country", "clicked_at")
    }
    for filters in ({"partner": mara["id"]}, {"rule": "r_us"}, {"country": "BR"}):
        assert earned(shop, **filters) == (1, "0.00"), filters
    assert earned(shop, partner=theo["id"]) == (0, "0")


def test_refund_of_a_sale_whose_click_is_on_its_way_takes_it_too(shop: Shop, api: Api) -> None:
    mara = api.partner()
    shop.report(click_id="c1", txn_id="1", amount="10")
    shop.report(txn_id="1", event="refund")
    shop.click("c1", via="mara")

    shop.settle()

    assert [found["partner_id"] for found in shop.conversions(click_status="found")] == [mara["id"]] * 2
    assert earned(shop, partner=mara["id"]) == (1, "0.00")


def test_refund_with_a_number_of_its_own_finds_the_only_sale_of_its_click(shop: Shop) -> None:
    shop.click("c1")
    sale = shop.reported(click_id="c1", txn_id="1", amount="10")

    refund = shop.reported(click_id="c1", txn_id="R-1", event="refund")

    assert (refund["refund_of"], refund["amount"], refund["txn_id"]) == (sale["id"], "-10.00", "R-1")


def test_refund_that_could_be_of_two_sales_needs_an_amount(shop: Shop) -> None:
    shop.click("c1", country="BR")
    for number in ("1", "2"):
        shop.report(click_id="c1", txn_id=number, amount="10")

    assert shop.report(click_id="c1", event="refund").status_code == 422
    refund = shop.reported(click_id="c1", event="refund", amount="4")

    assert (refund["refund_of"], refund["country"]) == (None, "BR")
    assert earned(shop) == (2, "16.00")


def test_a_sale_is_refunded_rather_than_the_lead_before_it(shop: Shop) -> None:
    sale = shop.reported(coupon="X", txn_id="1", amount="10")
    shop.report(coupon="X", txn_id="1", event="lead", amount="1")

    assert shop.reported(txn_id="1", event="refund")["refund_of"] == sale["id"]


def test_refund_of_a_sale_in_a_former_currency_is_in_that(shop: Shop, api: Api) -> None:
    shop.report(coupon="X", txn_id="1", amount="10")
    api.patch(f"/offers/{shop.id}", {"currency": "EUR"})

    refund = shop.reported(txn_id="1", event="refund")

    assert (refund["amount"], refund["currency"]) == ("-10.00", "USD")


def test_refund_that_says_too_little_is_refused_and_logged(shop: Shop) -> None:
    assert shop.report(txn_id="1", event="refund", amount="5").status_code == 422

    assert [(entry["outcome"], entry["errors"][0]["code"]) for entry in shop.log()] == [("refused", "unknown_sale")]
    assert shop.conversions() == []
