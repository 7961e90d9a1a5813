"""A trial as pages tell of it: on a share of the traffic, then to everyone, or back, by whom and why."""

import re
from typing import Any

import pytest

from control.access.roles import SYSTEM
from control.canaries import service
from control.canaries.verdict import Verdict
from control.parts import Parts
from control.smartlinks.writing import Guard
from tests.control.api import Api, rule
from tests.control.browser import Browser
from tests.control.fakes import FakeLive
from tests.control.test_canaries import NEW, OLD, begin, fleet
from tests.control.test_web_insight import come


@pytest.fixture
def offer(api: Api, live: FakeLive) -> Any:
    """An offer whose revision 3 is tried on two of ten workers; revision 2 sends everybody to `OLD`."""
    live.edges = fleet()
    made = api.offer()
    api.save(made["id"], [rule(OLD)])
    begin(api, made, 20)
    return made


def tab(offer: Any) -> str:
    return f"/offers/{offer['id']}/smart-link"


def test_the_tab_tells_how_a_trial_goes_on_both_sides(person: Browser, api: Api, offer: Any, database_url: str) -> None:
    on_new = {"offer": offer["id"], "revision": 3, "rule": "r_any"}
    come(
        database_url, on_new, on_new, on_new | {"rule": "fallback"}, on_new | {"revision": 2}, on_new | {"kind": "bot"}
    )
    # its clicks are those since it began: the fixture's are of this moment
    page = person.get(tab(offer))
    assert "Revision 3 is being tried on about 20% of the traffic" in page.text
    assert "by admin key" in page.text
    assert "Revision 3, tried 3 33.3% Revision 2, all others 1 0.0%" in page.text
    part = person.get(f"/ui/offers/{offer['id']}/trial")
    assert "Revision 3, tried 3 33.3%" in part.text


@pytest.mark.parametrize(
    ("how", "ended"),
    [
        ("publish", ("Published to everyone", NEW, "tried on 20% first, then published to everyone")),
        ("take-back", ("Taken back", OLD, "tried on 20%, then taken back")),
    ],
)
def test_it_is_ended_by_a_plain_form(
    person: Browser, api: Api, offer: Any, how: str, ended: tuple[str, str, str]
) -> None:
    said, to, history = ended
    page = person.submit(person.get(tab(offer)), f"/offers/{offer['id']}/trial/{how}")
    assert said in page.text
    assert "is being tried" not in page.text
    assert api.got(tab(offer))["rules"][0]["destination_url"] == to
    assert history in person.get(f"/offers/{offer['id']}/history").text
    assert history.capitalize() in person.get(f"/offers/{offer['id']}/history?revision=3").text


def test_its_share_is_changed_by_a_plain_form_to_one_that_leaves_some_on_each_side(
    person: Browser, api: Api, offer: Any
) -> None:
    page = person.get(tab(offer))
    offered = re.findall(r'name="share" value="(\d+)">(\d+)%', page.html)
    assert offered
    assert {percent for _, percent in offered} <= {"10", *map(str, range(30, 100, 10))}  # two of ten have it already
    share, percent = offered[-1]
    changed = person.submit(page, f"/offers/{offer['id']}/trial/resize", share=share)
    assert "Share changed" in changed.text
    assert f"Revision 3 is being tried on about {percent}% of the traffic" in changed.text
    state = api.got(f"{tab(offer)}/canary")
    assert (state["canary"]["share"], state["new"]["workers"]) == (int(share), int(percent) // 10)


@pytest.mark.parametrize("share", ["", "0", "100", "half", "\u0665"])
def test_a_share_that_is_none_is_refused(person: Browser, api: Api, offer: Any, share: str) -> None:
    action = f"/offers/{offer['id']}/trial/resize"
    fields = person.get(tab(offer)).form(action).fields
    assert person.post(action, fields | {"share": share}).status == 422
    assert api.got(f"{tab(offer)}/canary")["canary"]["share"] == 20


def test_where_all_workers_are_on_one_side_no_other_share_is_offered(
    person: Browser, offer: Any, live: FakeLive
) -> None:
    live.edges = fleet(hosts=1, workers=1)
    assert "Change the share to" not in person.get(tab(offer)).text


@pytest.mark.parametrize("how", ["publish", "take-back"])
def test_what_somebody_else_ended_first_is_left_alone(person: Browser, api: Api, offer: Any, how: str) -> None:
    page = person.get(tab(offer))
    api.save(offer["id"], [rule("https://third.test/")])
    late = person.submit(page, f"/offers/{offer['id']}/trial/{how}")
    assert "Nothing done: somebody else was faster" in late.text
    assert api.got(tab(offer))["revision"] == 4
    history = person.get(f"/offers/{offer['id']}/history").text
    assert "tried on 20% until somebody saved for everyone" in history


def test_a_form_from_no_page_is_refused(person: Browser, offer: Any) -> None:
    path = f"/offers/{offer['id']}/trial/publish"
    fields = person.get(tab(offer)).form(path).fields
    assert person.post(path, fields | {"seen": "\u0663"}).status == 400


def test_while_it_runs_history_says_what_is_live_and_what_is_tried(person: Browser, offer: Any) -> None:
    text = person.get(f"/offers/{offer['id']}/history").text
    assert "Revision 3 being tried" in text
    assert "Revision 2 live" in text
    assert "Being tried on 20% since" in text


@pytest.mark.parametrize("path", ["", "/analytics", "/clicks", "/history"])
def test_every_tab_says_that_a_trial_runs_and_leads_to_it(person: Browser, offer: Any, path: str) -> None:
    page = person.get(f"/offers/{offer['id']}{path}")
    assert "Revision 3 is being tried" in page.text
    assert tab(offer) in page.links


def test_what_turnout_took_back_is_told_until_somebody_saves(
    person: Browser, api: Api, parts: Parts, offer: Any
) -> None:
    verdict = Verdict("fallback", "60% fell through, 4% before.")

    async def take_back() -> None:
        await service.withdraw(parts, SYSTEM, offer["id"], guard=Guard(), wait_s=0.0, verdict=verdict)

    person.client.portal.call(take_back)
    told = "Turnout took revision 3 back. 60% fell through, 4% before. Everybody gets the rules of revision 2 again."
    assert told in person.get(tab(offer)).text
    history = person.get(f"/offers/{offer['id']}/history?revision=3").text
    assert "by Turnout itself" in history
    assert "60% fell through" in history
    api.save(offer["id"], [rule("https://third.test/")])
    assert "Turnout took" not in person.get(tab(offer)).text


def test_a_viewer_sees_a_trial_and_no_way_to_end_it(person: Browser, api: Api, offer: Any) -> None:
    api.made("/users", {"login": "v@test", "password": "correct horse", "role": "viewer"})
    person.client.cookies.clear()
    person.log_in("v@test", "correct horse")
    page = person.get(tab(offer))
    assert "Revision 3 is being tried" in page.text
    assert not [form for form in page.forms if "trial" in form.action]


@pytest.mark.parametrize(("how", "came"), [("promote", "promoted"), ("withdraw", "withdrawn")])
def test_charts_mark_a_trial_and_what_came_of_it(api: Api, offer: Any, how: str, came: str) -> None:
    ended = api.post(f"{tab(offer)}/canary/{how}").json()

    edits = api.got(f"/offers/{offer['id']}/analytics")["edits"]

    assert [edit["event"] for edit in edits] == ["saved", "saved", "tried", came]
    assert [edit["revision"] for edit in edits] == [1, 2, 3, ended["revision"]]
    assert edits[-1]["author"] == "admin key"


def test_a_trial_that_came_to_everyone_has_a_flag_that_says_so(
    person: Browser, api: Api, offer: Any, database_url: str
) -> None:
    come(database_url, {"offer": offer["id"], "revision": 3})
    api.post(f"{tab(offer)}/canary/promote")
    assert "Revision 2\u20133" in person.get(f"/offers/{offer['id']}/analytics?period=24h").html
