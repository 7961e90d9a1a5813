"""Single clicks as people read them: the list behind the charts, and one click with why it went where it went."""

import time
from typing import Any

import pytest

from control.insight.test_visitor import ConditionOutcome, RuleOutcome
from control.web.trace import Step, steps, unasked
from tests.control.api import Api, rule
from tests.control.browser import Browser
from tests.control.test_web_insight import come


@pytest.fixture
def offer(api: Api, database_url: str) -> Any:
    """An offer with a rule for Americans, and four clicks: theirs by a partner, a bot's, and two that fell through."""
    offer = api.offer()
    api.partner()
    saved = api.save(offer["id"], [rule("https://us.example/x", name="Americans", when={"country": ["US"]})]).json()
    now = int(time.time() * 1000)
    base = {"offer": offer["id"], "revision": saved["revision"], "rule": saved["rules"][0]["id"]}
    fallen = base | {"rule": "fallback", "country": "BR"}
    come(
        database_url,
        base | {"click_id": "amy", "via": "mara", "sub2": "tiktok", "time_ms": now - 4_000},
        base | {"click_id": "bob", "kind": "bot", "time_ms": now - 3_000},
        fallen | {"click_id": "cat", "time_ms": now - 2_000},
        fallen | {"click_id": "dan", "device": "desktop", "time_ms": now - 1_000},
    )
    return offer


def listed(person: Browser, offer: Any, query: str = "") -> list[str]:
    """Ids of the clicks that the list shows, from its top."""
    page = person.get(f"/offers/{offer['id']}/clicks{query}")
    assert page.status == 200
    return [link.removeprefix("/clicks/") for link in page.links if link.startswith("/clicks/")]


def test_the_charts_lead_to_their_clicks_with_filters_and_period(person: Browser, offer: Any) -> None:
    charts = person.get(f"/offers/{offer['id']}/analytics?period=7d&country=BR")
    path = f"/offers/{offer['id']}/clicks?period=7d&country=BR"
    assert path in charts.links
    page = person.get(path)
    assert "Country: Brazil" in page.text
    assert f"/offers/{offer['id']}/analytics?period=7d&country=BR" in page.links
    assert f"/offers/{offer['id']}/clicks?period=24h&country=BR" in page.links


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["dan", "cat", "bob", "amy"]),
        ("?kind=person", ["dan", "cat", "amy"]),
        ("?country=BR&device=mobile", ["cat"]),
        ("?via=MARA", ["amy"]),
        ("?by=country&is=US", ["bob", "amy"]),
        ("?from=2020-01-01&to=2020-01-31", []),
    ],
)
def test_the_newest_click_is_on_top_and_filters_hold(person: Browser, offer: Any, query: str, ids: list[str]) -> None:
    assert listed(person, offer, query) == ids


def test_a_click_says_when_who_by_which_partner_what_decided_and_where_it_went(person: Browser, offer: Any) -> None:
    page = person.get(f"/offers/{offer['id']}/clicks?country=US&kind=person")
    assert "Person, first today United States Mobile, iOS /saas Mara 1 Americans us.example /x" in page.text
    assert "Everyone else yourbrand.com" in person.get(f"/offers/{offer['id']}/clicks?country=BR").text


def test_older_clicks_are_a_page_on(person: Browser, offer: Any, database_url: str) -> None:
    now = int(time.time() * 1000)
    newer = [{"offer": offer["id"], "click_id": f"e{n:02d}", "time_ms": now + n} for n in range(50)]
    come(database_url, *newer, number=2)
    page = person.get(f"/offers/{offer['id']}/clicks?period=7d")
    [older] = [link for link in page.links if "cursor=" in link]
    assert older.startswith(f"/offers/{offer['id']}/clicks?period=7d&cursor=")
    assert listed(person, offer, older.partition("clicks")[2]) == ["dan", "cat", "bob", "amy"]


def test_a_click_is_found_by_its_id(person: Browser, offer: Any) -> None:
    page = person.get(f"/offers/{offer['id']}/clicks?id=amy")
    assert page.status == 200
    assert "Why it went there" in page.text


def test_one_click_explains_itself_by_the_revision_that_it_saw(person: Browser, api: Api, offer: Any) -> None:
    api.save(offer["id"], [])
    page = person.get("/clicks/amy")
    assert "as of revision 2 1 Americans us.example /x 1 United States fits yes" in page.text
    assert "Partner Mara" in page.text
    assert "Sub-ID 2 tiktok" in page.text
    fallen = person.get("/clicks/dan")
    assert "No rule fits, so it went where everyone else goes. 1 Brazil, needs United States no" in fallen.text


@pytest.mark.parametrize(
    ("decided", "said"),
    [
        ({"rule": "off"}, "The smart link was off, so no rule was asked."),
        ({"rule": "inactive"}, "The offer was not active, so no rule was asked."),
        ({"rule": "r_gone", "revision": 99}, "The revision that it saw is no longer known."),
    ],
)
def test_where_no_rule_was_asked_it_says_why(
    person: Browser, offer: Any, database_url: str, decided: dict[str, Any], said: str
) -> None:
    come(database_url, {"offer": offer["id"], "click_id": "eve"} | decided, number=2)
    assert said in person.get("/clicks/eve").text


def test_a_click_that_nobody_knows_may_be_on_its_way(person: Browser) -> None:
    page = person.get("/clicks/nobody")
    assert page.status == 404
    assert "It may be on its way" in page.text


def test_what_cannot_be_asked_is_refused_in_words(person: Browser, offer: Any) -> None:
    for query, said in (("from=then", "a day such as"), ("cursor=x", "Use the next_cursor of an earlier page.")):
        page = person.get(f"/offers/{offer['id']}/clicks?{query}")
        assert page.status == 422
        assert said in page.text


def outcome(how: str, *conditions: tuple[str, str, bool, str]) -> RuleOutcome:
    """A rule's outcome, with conditions as (kind, value, holds, needs)."""
    names = ("kind", "value", "holds", "needs")
    made = [ConditionOutcome.model_validate(dict(zip(names, one, strict=True))) for one in conditions]
    return RuleOutcome(rule_id="r", name="", outcome=how, conditions=made)


def test_rules_are_told_until_the_first_that_fits() -> None:
    us, ios = ("country", "US", True, "from United States"), ("os", "ios", False, "with Android")
    told = [outcome("failed", us, ios), outcome("disabled"), outcome("matched", us), outcome("not_reached")]
    assert list(steps(told)) == [
        Step(1, "iOS, needs Android", "no"),
        Step(2, "Switched off", "off"),
        Step(3, "United States fits", "yes"),
    ]
    assert list(steps([outcome("matched")])) == [Step(1, "Everybody fits", "yes")]


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ("matched", ""),
        ("matched not_reached", "Rule 2 was"),
        ("matched not_reached not_reached", "Rules 2 and 3 were"),
        ("matched not_reached not_reached not_reached", "Rules 2 to 4 were"),
        ("matched not_reached disabled not_reached not_reached", "Rules 2, 4 and 5 were"),
    ],
)
def test_the_others_were_not_asked(ended: str, said: str) -> None:
    assert unasked([outcome(how) for how in ended.split()]) == said
