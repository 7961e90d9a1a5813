"""Test a visitor: the edge's own decision, told rule by rule."""

from typing import Any

import pytest

from tests.control.api import IPHONE, Api, errors_of, rule

EXAMPLE = [
    rule("https://apps.apple.com/us/app/your-app", name="Phones", when={"country": ["US"], "device": ["mobile"]}),
    rule("https://yourbrand.com/landing", when={"country": ["US"], "device": ["desktop"]}),
    rule("https://yourbrand.co.uk/landing", when={"country": ["UK"]}),
]


def answer_to(api: Api, offer_id: str, visitor: dict[str, Any], **fields: Any) -> Any:
    response = api.post(f"/offers/{offer_id}/smart-link/test", {"visitor": visitor} | fields)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    ("visitor", "place", "location"),
    [
        ({"country": "US", "device": "mobile"}, 0, "https://apps.apple.com/us/app/your-app?click_id=test"),
        ({"country": "us", "device": "desktop"}, 1, "https://yourbrand.com/landing?click_id=test"),
        ({"country": "UK"}, 2, "https://yourbrand.co.uk/landing?click_id=test"),
        ({"ip": "8.8.8.8", "user_agent": IPHONE}, 0, "https://apps.apple.com/us/app/your-app?click_id=test"),
        ({"ip": "8.8.8.8", "headers": {"User-Agent": IPHONE}, "country": "GB"}, 2, None),
        ({}, None, "https://yourbrand.com/?click_id=test"),
    ],
)
def test_the_example_of_the_contract(api: Api, visitor: dict[str, Any], place: int | None, location: str) -> None:
    offer = api.offer()
    rules = api.save(offer["id"], EXAMPLE).json()["rules"]

    result = answer_to(api, offer["id"], visitor)

    assert result["rule_id"] == ("fallback" if place is None else rules[place]["id"])
    assert location is None or result["location"] == location


def test_the_trace_says_why_condition_by_condition(api: Api) -> None:
    offer = api.offer()
    rules = api.save(offer["id"], [rule(enabled=False), *EXAMPLE]).json()["rules"]

    result = answer_to(api, offer["id"], {"country": "US", "device": "desktop", "os": "windows"})

    outcomes = [step["outcome"] for step in result["trace"]]
    assert outcomes == ["disabled", "failed", "matched", "not_reached"]
    assert [step["rule_id"] for step in result["trace"]] == [given["id"] for given in rules]
    assert result["trace"][1]["conditions"] == [
        {"kind": "country", "value": "US", "holds": True, "needs": "from United States"},
        {"kind": "device", "value": "desktop", "holds": False, "needs": "on mobile"},
    ]
    assert result["visitor"] == {"country": "US", "device": "desktop", "os": "windows", "browser": "", "bot": False}


def test_a_draft_is_tested_and_not_stored(api: Api) -> None:
    offer = api.offer()
    draft = {"rules": [rule("https://draft.test/{country}?c={coupon}&p={partner}", when={"country": ["FR"]})]}

    result = answer_to(api, offer["id"], {"country": "FR"}, draft=draft, query="via=mara&coupon=A+B&utm_source=x")

    assert result["rule_id"] == "new-1"
    location = "https://draft.test/FR?c=A%20B&p=mara&coupon=A+B&utm_source=x&click_id=test"
    assert result["location"] == location
    assert api.got(f"/offers/{offer['id']}")["revision"] == 1


def test_off_paused_and_archived_are_told(api: Api) -> None:
    offer = api.offer(inactive_url="https://gone.test")

    assert answer_to(api, offer["id"], {})["rule_id"] == "off"
    api.post(f"/offers/{offer['id']}/pause")
    assert answer_to(api, offer["id"], {}) | {"visitor": None} == {
        "visitor": None,
        "rule_id": "inactive",
        "location": "https://gone.test/?click_id=test",
        "trace": [],
    }
    api.post(f"/offers/{offer['id']}/archive")
    result = answer_to(api, offer["id"], {})
    assert (result["rule_id"], result["location"]) == (None, None)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"visitor": {"country": "XX"}}, ("visitor.country", "unknown_country")),
        ({"visitor": {"country": "@eu"}}, ("visitor.country", "unknown_country")),
        ({"visitor": {"device": "fridge"}}, ("visitor.device", "unknown_device")),
        ({"visitor": {"shoe": "44"}}, ("visitor.shoe", "extra_forbidden")),
        ({"draft": {"rules": [rule("x")]}}, ("rules.0.destination_url", "url_not_absolute")),
    ],
)
def test_faults_are_told(api: Api, body: dict[str, Any], error: tuple[str, str]) -> None:
    assert errors_of(api.post(f"/offers/{api.offer()['id']}/smart-link/test", body)) == [error]


def test_viewers_may_test(api: Api, viewer: Api) -> None:
    assert answer_to(viewer, api.offer()["id"], {})["rule_id"] == "off"
    assert viewer.post("/offers/o_none/smart-link/test", {}).status_code == 404
