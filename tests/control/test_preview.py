"""Replaying recent clicks on a draft: counts over the API, and the part of a page that shows them."""

from typing import Any

import httpx
import pytest

from control.parts import Parts
from tests.control.api import Api, Client, errors_of, rule
from tests.control.clicks import NOON_MS, Clicks, Ingester, batch

APP, LANDING, HOME = "https://apps.test/app", "https://yourbrand.com/landing", "https://yourbrand.com/"
PHONES = rule(APP, name="Phones", when={"country": ["US"], "device": ["mobile"]})
CHROMEBOOKS = rule(LANDING, when={"os": ["chromeos"]})
VISITORS = [
    ("US", "mobile", "ios", 6),
    ("US", "mobile", "android", 3),
    ("FR", "mobile", "ios", 5),
    ("DE", "desktop", "chromeos", 2),
    ("DE", "desktop", "linux", 1),
]


@pytest.fixture
def offer(api: Api, client: Client, parts: Parts) -> Any:
    """An offer with two rules and 17 clicks of people, and as many of bots."""
    made = api.offer()
    rules = api.save(made["id"], [PHONES, CHROMEBOOKS]).json()["rules"]
    clicks = Clicks()
    events = [
        clicks.event(
            offer=made["id"], country=country, device=device, os=os, kind=kind, time_ms=NOON_MS + minute * 60_000
        )
        for country, device, os, count in VISITORS
        for minute in range(count)
        for kind in ("person", "bot")
    ]
    client.portal.call(Ingester(parts.clicks_db).record, batch(1, events))
    return made | {"rules": rules}


def previewed(api: Api, offer: Any, rules: list[Any], **fields: Any) -> Any:
    body = {"draft": {"enabled": True, "rules": rules} | fields.pop("draft", {})} | fields
    response = api.post(f"/offers/{offer['id']}/smart-link/preview", body)
    assert response.status_code == 200, response.text
    return response.json()


def page_of(api: Api, offer: Any, rules: list[Any], **draft: Any) -> httpx.Response:
    body = {"draft": {"enabled": True, "rules": rules} | draft}
    path = f"/ui/offers/{offer['id']}/preview"
    return api.client.request("POST", path, json=body, headers=api.headers | {"Accept": "text/html"})


def test_moves_are_told_by_country_device_and_system(api: Api, offer: Any) -> None:
    phones, chromebooks = offer["rules"]

    found = previewed(api, offer, [phones | {"when": {"country": ["US", "FR"]}}, chromebooks | {"enabled": False}])

    assert (found["clicks"], found["moved"], found["elsewhere"]) == (17, 7, 7)
    assert (found["first_at"], found["last_at"]) == ("2026-11-21T12:00:00.000Z", "2026-11-21T12:05:00.000Z")
    to_phones, lost = found["moves"]
    assert (to_phones["from_rule_id"], to_phones["to_rule_id"], to_phones["to_name"]) == (
        "fallback",
        phones["id"],
        "Phones",
    )
    assert to_phones["segments"] == [{"country": "FR", "device": "mobile", "os": "ios", "clicks": 5}]
    assert (lost["from_rule_id"], lost["to_rule_id"], lost["clicks"]) == (chromebooks["id"], "fallback", 2)
    shares = {share["rule_id"]: share for share in found["rules"]}
    assert (shares[phones["id"]]["before"], shares[phones["id"]]["after"]) == (9, 14)
    assert shares[phones["id"]]["countries"] == [
        {"value": "US", "before": 9, "after": 9},
        {"value": "FR", "before": 0, "after": 5},
    ]
    assert shares["fallback"]["devices"] == [
        {"value": "mobile", "before": 5, "after": 0},
        {"value": "desktop", "before": 1, "after": 3},
    ]


def test_a_new_address_moves_nobody_and_sends_people_elsewhere(api: Api, offer: Any) -> None:
    phones, chromebooks = offer["rules"]

    found = previewed(api, offer, [phones | {"destination_url": "https://apps.test/other"}, chromebooks])

    assert (found["moved"], found["elsewhere"], found["moves"]) == (0, 9, [])
    (changed,) = found["readdressed"]
    assert (changed["rule_id"], changed["clicks"], changed["from_url"], changed["to_url"]) == (
        phones["id"],
        9,
        APP,
        "https://apps.test/other",
    )


def test_another_rule_with_the_same_address_sends_nobody_elsewhere(api: Api, offer: Any) -> None:
    found = previewed(api, offer, [rule(APP, when={"country": ["US"]}), *offer["rules"]])

    assert (found["moved"], found["elsewhere"]) == (9, 0)
    assert [move["elsewhere"] for move in found["moves"]] == [0]


def test_switching_off_is_a_move_to_off(api: Api, offer: Any) -> None:
    found = previewed(api, offer, offer["rules"], draft={"enabled": False})

    assert found["moved"] == 17
    assert {move["to_rule_id"] for move in found["moves"]} == {"off"}
    assert found["elsewhere"] == 11


@pytest.mark.parametrize(("asked", "replayed"), [(1, 1), (10, 10), (100_000, 17)])
def test_the_latest_clicks_of_people_are_replayed(api: Api, offer: Any, asked: int, replayed: int) -> None:
    assert previewed(api, offer, offer["rules"], clicks=asked)["clicks"] == replayed


def test_without_clicks_there_is_nothing_to_tell(api: Api) -> None:
    found = previewed(api, api.offer(), [PHONES])

    assert (found["clicks"], found["first_at"], found["moves"], found["rules"]) == (0, None, [], [])


def test_a_faulty_draft_is_refused(api: Api, offer: Any) -> None:
    response = api.post(f"/offers/{offer['id']}/smart-link/preview", {"draft": {"rules": [rule("x")]}})

    assert errors_of(response) == [("rules.0.destination_url", "url_not_absolute")]


# -- the part of a page


def test_the_page_says_what_moves_who_and_what_is_lost(api: Api, offer: Any) -> None:
    phones, chromebooks = offer["rules"]

    shown = page_of(api, offer, [phones | {"when": {"country": ["US", "FR"]}}, chromebooks | {"enabled": False}])

    assert shown.headers["Content-Type"].startswith("text/html")
    assert "style=" not in shown.text
    text = " ".join(shown.text.split())
    assert "7 of 17 clicks would go somewhere else" in text
    assert "France mobile 5" in text
    assert "Germany desktop with ChromeOS 2" in text
    assert "2 people would lose rule 2." in text
    assert 'data-open-rule="2"' in text


def test_one_person_is_not_people(api: Api, offer: Any, client: Client, parts: Parts) -> None:
    other = api.offer("other")
    api.save(other["id"], [PHONES])
    one = Clicks().event(offer=other["id"], click_id="alone")
    client.portal.call(Ingester(parts.clicks_db).record, batch(2, [one]))

    text = " ".join(page_of(api, other, []).text.split())

    assert "1 of 1 click would go somewhere else" in text
    assert "1 person would lose old rule 1." in text


def test_deleted_rules_keep_their_place_and_new_ones_say_so(api: Api, offer: Any) -> None:
    _, chromebooks = offer["rules"]

    text = page_of(api, offer, [chromebooks, rule(APP, when={"country": ["US"]})]).text

    assert text.index("Old rule 1") < text.index("Rule 2")
    assert "deleted · Phones" in text
    assert "was 2 · " in text
    assert "new · United States" in text


@pytest.mark.parametrize("name", ["</title><script>alert(1)</script>", "<img src=x onerror=alert(1)>"])
def test_names_are_only_text(api: Api, offer: Any, name: str) -> None:
    phones, chromebooks = offer["rules"]

    text = page_of(api, offer, [phones | {"name": name}, chromebooks]).text

    assert "<script" not in text
    assert "<img" not in text


def test_viewers_may_look_and_strangers_not(api: Api, viewer: Api, stranger: Api, offer: Any) -> None:
    assert page_of(viewer, offer, offer["rules"]).status_code == 200
    assert page_of(stranger, offer, offer["rules"]).status_code == 401
    assert page_of(api, {"id": "o_none"}, []).status_code == 404
