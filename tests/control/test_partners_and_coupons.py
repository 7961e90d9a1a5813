"""Partners and coupons over the API."""

import pytest

from control.parts import Parts
from tests.control.api import Api, errors_of
from tests.control.postbacks import Shop
from tests.control.test_links import bulk, lines


def test_a_partner_is_created_renamed_listed_and_deleted(api: Api) -> None:
    partner = api.partner()

    renamed = api.patch(f"/partners/{partner['id']}", {"name": "Mara L."}).json()

    assert renamed == partner | {"name": "Mara L."}
    assert api.got("/partners", params={"slug": "mara"})["items"] == [renamed]
    assert api.delete(f"/partners/{partner['id']}").json() == renamed
    assert api.get(f"/partners/{partner['id']}").status_code == 404


def test_a_partners_slug_is_unique_and_never_changes(api: Api) -> None:
    partner = api.partner()

    assert errors_of(api.post("/partners", {"name": "Other", "slug": "mara"})) == [("slug", "slug_taken")]
    assert errors_of(api.patch(f"/partners/{partner['id']}", {"slug": "other"})) == [("slug", "extra_forbidden")]


def test_a_partner_with_links_or_coupons_stays(api: Api) -> None:
    offer, partner = api.offer(), api.partner()
    link = api.made("/links", {"offer_id": offer["id"], "partner_id": partner["id"]})
    coupon = api.made("/coupons", {"code": "A", "offer_id": offer["id"], "partner_id": partner["id"]})

    for path in (f"/links/{link['id']}", f"/coupons/{coupon['id']}"):
        assert api.delete(f"/partners/{partner['id']}").json()["code"] == "in_use"
        api.delete(path)
    assert api.delete(f"/partners/{partner['id']}").status_code == 200


@pytest.mark.parametrize("settled", [False, True], ids=["at once", "settled"])
@pytest.mark.parametrize("named_by", ["the click's via", "a coupon that is deleted", "a click that the coupon beat"])
def test_a_partner_with_conversions_stays(api: Api, parts: Parts, named_by: str, settled: bool) -> None:
    shop, mara, theo = Shop(api, parts), api.partner(), api.partner("theo")
    shop.click("c1", via="mara")
    codes = {code: shop.coupon(code, owner["id"]) for code, owner in (("MARA20", mara), ("THEO20", theo))}
    shop.report(
        **{
            "the click's via": {"click_id": "c1"},
            "a coupon that is deleted": {"coupon": "MARA20"},
            "a click that the coupon beat": {"click_id": "c1", "coupon": "THEO20"},
        }[named_by]
    )
    if settled:
        shop.settle()
    for code in codes.values():
        api.delete(f"/coupons/{code['id']}")

    refused = api.delete(f"/partners/{mara['id']}")

    assert (refused.status_code, refused.json()["code"]) == (409, "has_conversions")
    assert "what was earned stays" in refused.json()["detail"]


def test_a_partner_whom_a_waiting_click_may_name_can_go(api: Api, parts: Parts) -> None:
    shop, mara = Shop(api, parts), api.partner()
    shop.report(click_id="c1")

    assert api.delete(f"/partners/{mara['id']}").status_code == 200


def test_a_code_is_one_partners_within_an_offer_whatever_its_case(api: Api) -> None:
    offer, other, mara, theo = api.offer(), api.offer("other"), api.partner(), api.partner("theo")
    coupon = api.made("/coupons", {"code": " Mara20 ", "offer_id": offer["id"], "partner_id": mara["id"]})
    assert coupon["code"] == "Mara20"

    taken = api.post("/coupons", {"code": "MARA20", "offer_id": offer["id"], "partner_id": theo["id"]})

    assert taken.status_code == 409
    assert errors_of(taken) == [("code", "code_taken")]
    api.made("/coupons", {"code": "MARA20", "offer_id": other["id"], "partner_id": theo["id"]})
    assert len(api.got("/coupons", params={"code": "mara20"})["items"]) == 2
    assert api.got("/coupons", params={"code": "mara20", "offer_id": offer["id"]})["items"] == [coupon]


def test_a_coupon_changes_hands_and_spelling(api: Api) -> None:
    offer, mara, theo = api.offer(), api.partner(), api.partner("theo")
    coupon = api.made("/coupons", {"code": "a", "offer_id": offer["id"], "partner_id": mara["id"]})
    api.made("/coupons", {"code": "b", "offer_id": offer["id"], "partner_id": mara["id"]})

    assert api.patch(f"/coupons/{coupon['id']}", {"partner_id": theo["id"], "code": "A"}).json() == coupon | {
        "partner_id": theo["id"],
        "code": "A",
    }
    assert api.patch(f"/coupons/{coupon['id']}", {"code": "B"}).status_code == 409
    assert errors_of(api.patch(f"/coupons/{coupon['id']}", {"partner_id": "p_none"})) == [
        ("partner_id", "unknown_partner")
    ]
    assert api.delete(f"/coupons/{coupon['id']}").status_code == 200
    assert api.get(f"/coupons/{coupon['id']}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"offer_id": "o_none"}, [("offer_id", "unknown_offer")]),
        ({"partner_id": "p_none"}, [("partner_id", "unknown_partner")]),
        ({"code": ""}, [("code", "string_too_short")]),
        ({"code": "x" * 65}, [("code", "string_too_long")]),
    ],
)
def test_faults_of_a_new_coupon_are_told(api: Api, fields: dict[str, str], errors: list[tuple[str, str]]) -> None:
    coupon = {"code": "a", "offer_id": api.offer()["id"], "partner_id": api.partner()["id"]}

    assert errors_of(api.post("/coupons", coupon | fields)) == errors


def test_coupons_come_in_bulk(api: Api) -> None:
    offer = api.offer()
    partner = api.partner()

    result = bulk(
        api,
        lines(
            {"code": "A1", "offer": "saas", "partner": "mara"},
            {"code": "a1", "offer_id": offer["id"], "partner_id": partner["id"]},
            {"code": "A2", "offer": "saas"},
            {"code": "A3", "offer": "saas", "partner": "nobody"},
        ),
        path="/coupons/bulk",
    )

    assert [(answer["status"], answer["code"]) for answer in result["results"]] == [
        (201, None),
        (409, "code_taken"),
        (422, "missing"),
        (422, "unknown_partner"),
    ]
    assert bulk(api, "code,offer,partner\nB1,saas,mara\n", "text/csv", "/coupons/bulk")["created"] == 1
