"""The demo's month: plausible, decided as an edge would, and readable by the ingester."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deploy.traffic import DAYS, Source, buyers, leave, month
from edge.spool.orphans import adopt
from shared.events import ClickEvent, decode_event

NOW_MS = 1_795_000_000_000
OFFER: dict[str, Any] = {
    "id": "o_offer",
    "slug": "saas",
    "destination_url": "https://yourbrand.com/",
    "revision": 3,
    "smart_link": {
        "enabled": True,
        "fallback_url": None,
        "rules": [
            {"id": "r_us", "enabled": True, "when": {"country": ["US"]}, "destination_url": "https://yourbrand.com/us"},
            {"id": "r_off", "enabled": False, "when": {}, "destination_url": "https://yourbrand.com/off"},
        ],
    },
}
SOURCES = (
    Source("saas", "", "", "", ("t.co",), ("",), 1),
    Source("nora-app", "l_nora", "nora", "NORA20", ("youtu.be",), ("review",), 3),
)


@pytest.fixture(scope="module")
def events() -> list[ClickEvent]:
    return list(month(OFFER, SOURCES, NOW_MS, random.Random(1)))


def test_clicks_are_of_the_last_month_in_order(events: list[ClickEvent]) -> None:
    times = [event.time_ms for event in events]

    assert times == sorted(times)
    assert times[0] >= NOW_MS - DAYS * 86_400_000
    assert times[-1] < NOW_MS
    assert len(events) > 5_000


def test_click_ids_are_unique(events: list[ClickEvent]) -> None:
    assert len({event.click_id for event in events}) == len(events)


def test_rules_decide(events: list[ClickEvent]) -> None:
    assert {event.rule for event in events if event.country == "US"} == {"r_us"}
    assert {event.rule for event in events if event.country != "US"} == {"fallback"}


def test_links_bring_what_they_preset(events: list[ClickEvent]) -> None:
    assert {(event.link, event.via, event.coupon, event.sub1) for event in events} == {
        ("", "", "", ""),
        ("l_nora", "nora", "NORA20", "review"),
    }


def test_some_visitors_come_back_the_same_day_and_some_are_bots(events: list[ClickEvent]) -> None:
    people = Counter((event.visitor, event.time_ms // 86_400_000) for event in events if event.kind == "person")
    kinds = Counter(event.kind for event in events)

    assert 0.7 < len(people) / people.total() < 0.95
    assert 0.02 < kinds["bot"] / kinds.total() < 0.1


def test_who_buys_has_clicked_on_the_last_day(events: list[ClickEvent]) -> None:
    bought = set(buyers(events, random.Random(1)))

    clicks = [event for event in events if event.click_id in bought]
    assert len(clicks) == len(bought) > 5
    assert {event.kind for event in clicks} == {"person"}
    assert min(event.time_ms for event in clicks) > NOW_MS - 2 * 86_400_000


def test_a_running_edge_can_adopt_what_was_left(tmp_path: Path, events: list[ClickEvent]) -> None:
    leave(tmp_path, events)
    (orphan,) = adopt(tmp_path)
    contents = [orphan.backlog.read(batch) for batch in orphan.backlog.next(1_000)]
    lines = [line for content in contents if content for line in content.events.split(b"\n")]

    assert len(lines) == len(events)
    assert decode_event(lines[0]).offer == "o_offer"
