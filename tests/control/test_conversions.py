"""Conversions: counted once, credited by coupon or click, also when either is known only later."""

from typing import Any

import pytest

from control.parts import Parts
from tests.control.api import Api
from tests.control.postbacks import Shop


@pytest.fixture
def shop(api: Api, parts: Parts) -> Shop:
    return Shop(api, parts)


def credited(conversion: Any) -> tuple[str | None, str]:
    verdict = conversion["verdict"]
    assert conversion["partner_id"] == verdict["partner_id"]
    return verdict["partner_id"], verdict["by"]


def test_conversion_has_its_money_and_its_click(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")
    shop.click("c1", via="mara", rule="fallback", country="BR", sub1="tiktok", referrer="t.co")

    made = shop.reported(click_id="c1", txn_id="1042", amount="49.9", currency="usd", event="Sale")

    assert (made["amount"], made["currency"], made["event"], made["txn_id"]) == ("49.90", "USD", "sale", "1042")
    assert credited(made) == (mara["id"], "via")
    assert (made["click_status"], made["country"], made["sub1"], made["referrer"]) == ("found", "BR", "tiktok", "t.co")
    assert (made["verdict"]["rule_id"], made["verdict"]["rule_name"]) == ("fallback", "Fallback")
    assert made["verdict"]["revision"] == 3
    assert api.got(f"/conversions/{made['id']}") == made
    assert shop.conversions() == [made]


def test_coupon_beats_click_and_the_conflict_is_told(shop: Shop, api: Api) -> None:
    mara, jo = api.partner("mara"), api.partner("jo")
    shop.coupon("MARA20", mara["id"])
    shop.click("c1", via="jo")

    made = shop.reported(click_id="c1", coupon=" mara20 ", txn_id="1")

    assert credited(made) == (mara["id"], "coupon")
    assert made["verdict"]["conflict"] == {"coupon_partner_id": mara["id"], "click_partner_id": jo["id"]}
    assert [found["id"] for found in shop.conversions(conflict="true")] == [made["id"]]
    assert shop.conversions(conflict="false") == []


def test_coupon_of_the_partner_who_sent_the_click_is_no_conflict(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")
    shop.coupon("MARA20", mara["id"])
    shop.click("c1", via="mara")

    made = shop.reported(click_id="c1", coupon="MARA20")

    assert credited(made) == (mara["id"], "coupon")
    assert made["verdict"]["conflict"] is None
    assert [found["id"] for found in shop.conversions(conflict="false")] == [made["id"]]


def test_coupon_alone_needs_no_click(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")
    shop.coupon("MARA20", mara["id"])

    made = shop.reported(coupon_code="MARA20", txn_id="1")

    assert credited(made) == (mara["id"], "coupon")
    assert (made["click_status"], made["click_id"], made["verdict"]["rule_id"]) == ("none", None, None)


def test_coupon_of_another_offer_credits_nobody(shop: Shop, api: Api) -> None:
    other = api.offer("other")
    code = {"code": "MARA20", "offer_id": other["id"], "partner_id": api.partner("mara")["id"]}
    api.made("/coupons", code)

    assert credited(shop.reported(coupon="MARA20")) == (None, "none")


def test_what_a_link_presets_is_told_from_what_a_visitor_sent(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")
    link = api.made("/links", {"offer_id": shop.id, "partner_id": mara["id"]})
    shop.click("c1", via="mara", link=link["id"])
    shop.click("c2", via="mara")

    assert credited(shop.reported(click_id="c1")) == (mara["id"], "link")
    assert credited(shop.reported(click_id="c2")) == (mara["id"], "via")


def test_coupon_that_the_click_carried_credits_where_via_names_nobody(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")
    shop.coupon("MARA20", mara["id"])
    shop.click("c1", via="nobody", coupon="Mara20")

    assert credited(shop.reported(click_id="c1")) == (mara["id"], "click_coupon")


def test_repeat_changes_nothing_and_brings_the_first_result(shop: Shop) -> None:
    first = shop.report(coupon="X", txn_id="1", amount="10")

    again = shop.report(coupon="X", txn_id="1", amount="10")
    other = shop.report(coupon="X", txn_id="1", amount="12")

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 200)
    assert first.json() == again.json() == other.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(shop.conversions()) == 1
    assert [(entry["outcome"], entry["differs"]) for entry in shop.log()] == [
        ("differs", ["amount"]),
        ("repeated", []),
        ("created", []),
    ]


def test_what_a_repeat_leaves_out_does_not_differ(shop: Shop) -> None:
    shop.report(click_id="c1", coupon="X", txn_id="1", amount="10")
    shop.report(click_id="c1", txn_id="1")

    assert shop.log()[0]["outcome"] == "repeated"


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        pytest.param({"txn_id": "1"}, {"txn_id": "1"}, 1, id="the same sale"),
        pytest.param({"txn_id": "1"}, {"txn_id": "2"}, 2, id="two sales"),
        pytest.param({"txn_id": "1"}, {"txn_id": "1", "event": "refund"}, 2, id="another event of a sale"),
        pytest.param({"click_id": "c1"}, {"click_id": "c1"}, 1, id="a click without txn_id"),
        pytest.param({"click_id": "c1"}, {"click_id": "c1", "event": "lead"}, 2, id="another event of a click"),
        pytest.param({"click_id": "c1"}, {"click_id": "c1", "txn_id": "c1"}, 2, id="txn_id is no click id"),
        pytest.param({}, {}, 2, id="a coupon alone is told from no other"),
    ],
)
def test_repeats_are_known_by_txn_id_else_by_click(
    shop: Shop, first: dict[str, str], second: dict[str, str], count: int
) -> None:
    ids = {shop.reported(**{"coupon": "X"} | params)["id"] for params in (first, second)}

    assert len(ids) == count


def test_sale_of_another_offer_may_have_the_same_txn_id(shop: Shop, api: Api, parts: Parts) -> None:
    other = Shop(api, parts, slug="other")

    assert shop.reported(coupon="X", txn_id="1")["id"] != other.reported(coupon="X", txn_id="1")["id"]


def test_click_that_is_not_recorded_yet_counts_once_it_is(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")
    made = shop.reported(click_id="late", amount="5")
    assert (made["click_status"], credited(made)) == ("waiting", (None, "none"))

    shop.click("late", via="mara", country="BR")
    read = api.got(f"/conversions/{made['id']}")
    shop.settle()
    [listed] = shop.conversions(click_status="found", partner_id=mara["id"])

    assert read == listed
    assert credited(read) == (mara["id"], "via")
    assert (read["click_status"], read["country"], read["time"]) == ("found", "BR", made["time"])


def test_late_click_of_another_offer_counts_for_nothing(shop: Shop, api: Api, parts: Parts) -> None:
    api.partner("mara")
    made = shop.reported(click_id="late")

    Shop(api, parts, slug="other").click("late", via="mara")
    shop.settle()

    read = api.got(f"/conversions/{made['id']}")
    assert (read["click_status"], credited(read), read["country"]) == ("other_offer", (None, "none"), None)


def test_partner_created_later_gets_what_was_theirs(shop: Shop, api: Api) -> None:
    shop.click("c1", via="mara")
    made = shop.reported(click_id="c1")
    assert credited(made) == (None, "none")
    assert made["verdict"]["explanation"][0].endswith("names nobody yet; it counts for them once they exist.")

    mara = api.partner("mara")

    assert credited(api.got(f"/conversions/{made['id']}")) == (mara["id"], "via")
    assert [found["id"] for found in shop.conversions(partner_id=mara["id"])] == [made["id"]]


def test_code_created_later_gets_what_was_its_own(shop: Shop, api: Api) -> None:
    mara, jo = api.partner("mara"), api.partner("jo")
    shop.click("c1", via="jo")
    made = shop.reported(click_id="c1", coupon="MARA20")
    assert credited(made) == (jo["id"], "via")

    shop.coupon("mara20", mara["id"])

    read = api.got(f"/conversions/{made['id']}")
    assert credited(read) == (mara["id"], "coupon")
    assert read["verdict"]["conflict"] == {"coupon_partner_id": mara["id"], "click_partner_id": jo["id"]}
    assert [found["id"] for found in shop.conversions(partner_id=mara["id"], conflict="true")] == [made["id"]]
    assert shop.conversions(partner_id=jo["id"]) == []


@pytest.mark.parametrize("code_came", ["before", "after"])
def test_code_given_to_somebody_else_keeps_what_was_earned(shop: Shop, api: Api, code_came: str) -> None:
    mara, jo = api.partner("mara"), api.partner("jo")
    coupon = shop.coupon("MARA20", mara["id"]) if code_came == "before" else None
    made = shop.reported(coupon="MARA20")
    coupon = coupon or shop.coupon("MARA20", mara["id"])
    shop.settle()

    api.patch(f"/coupons/{coupon['id']}", {"partner_id": jo["id"]})

    assert credited(api.got(f"/conversions/{made['id']}")) == (mara["id"], "coupon")
    assert credited(shop.reported(coupon="MARA20")) == (jo["id"], "coupon")


def test_deleted_code_keeps_what_was_earned(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")
    coupon = shop.coupon("MARA20", mara["id"])
    made = shop.reported(coupon="MARA20")

    api.delete(f"/coupons/{coupon['id']}")

    assert credited(api.got(f"/conversions/{made['id']}")) == (mara["id"], "coupon")


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"event": "lead"}, {"lead"}),
        ({"txn_id": "2"}, {"lead"}),
        ({"click_id": "c1"}, {"sale"}),
        ({"coupon": "summer"}, {"lead"}),
        ({"rule_id": "r_us"}, {"sale"}),
        ({"click_status": "none"}, {"lead"}),
        ({}, {"sale", "lead"}),
        ({"event": "sale", "coupon": "SUMMER"}, set()),
    ],
)
def test_conversions_are_filtered(shop: Shop, params: dict[str, str], found: set[str]) -> None:
    shop.click("c1", rule="r_us")
    shop.report(click_id="c1", txn_id="1")
    shop.report(coupon="Summer", txn_id="2", event="lead")

    assert {conversion["event"] for conversion in shop.conversions(**params)} == found


def test_conversions_are_paged_newest_first(shop: Shop, api: Api) -> None:
    made = [shop.reported(coupon="X", txn_id=str(number))["id"] for number in range(5)]

    page = api.got(f"/offers/{shop.id}/conversions", params={"limit": 3})
    rest = api.got(f"/offers/{shop.id}/conversions", params={"limit": 3, "cursor": page["next_cursor"]})

    assert [found["id"] for found in (*page["items"], *rest["items"])] == made[::-1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("path", ["/conversions/cv_none", "/offers/o_none/conversions", "/offers/o_none/postbacks"])
def test_what_does_not_exist_is_404(api: Api, path: str) -> None:
    assert api.get(path).status_code == 404


def test_conversions_are_for_those_with_a_key(shop: Shop, viewer: Api, stranger: Api) -> None:
    made = shop.reported(coupon="X")

    assert viewer.get(f"/conversions/{made['id']}").status_code == 200
    assert stranger.get(f"/conversions/{made['id']}").status_code == 401
    assert stranger.get(f"/offers/{shop.id}/postbacks").status_code == 401
    assert viewer.post(f"/offers/{shop.id}/postback/test", {}).status_code == 403
