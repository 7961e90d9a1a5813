"""The chart over time: bars from zero, rules in their order, edits that do not hide each other; a view as a link."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from starlette.datastructures import QueryParams

from control.smartlinks.schemas import Rule
from control.web import chart
from control.web.chart import NARROW, WIDE, Bucket, Mark, Part
from control.web.figures import bands, change
from control.web.view import View, view_of

NOW = datetime(2026, 11, 22, 10, 20, tzinfo=UTC)


def rules(count: int) -> list[Rule]:
    return [
        Rule(id=f"r_{n}", name=f"Name {n}", enabled=n != 2, when={}, destination_url="https://a.example")
        for n in range(1, count + 1)
    ]


def test_bars_stand_on_zero_and_parts_on_each_other() -> None:
    drawn = chart.draw([Bucket("1", [Part("c1", 30), Part("c2", 0), Part("cf", 30)])], [], WIDE)
    lowest, highest = drawn.bars[0]
    base = drawn.grid[0].at
    assert (lowest.look, highest.look) == ("c1", "cf")
    assert lowest.y + lowest.height == pytest.approx(base)
    assert highest.y + highest.height == pytest.approx(lowest.y)
    assert highest.y == pytest.approx(drawn.grid[-1].at)


def test_a_running_bar_is_faded() -> None:
    drawn = chart.draw([Bucket("now", [Part("c1", 1)], running=True)], [], WIDE)
    assert [box.look for box in drawn.bars[0]] == ["c1 part"]


@pytest.mark.parametrize("largest", [0, 1, 3, 4, 10, 31, 95, 1_000, 12_418, 1_000_000, 7_654_321])
def test_the_axis_holds_the_largest_bar_and_its_lines_are_round(largest: int) -> None:
    drawn = chart.draw([Bucket("1", [Part("c1", largest)])], [], WIDE)
    assert all(box.y >= drawn.grid[-1].at for box in drawn.bars[0])
    assert all(len(tick.text) <= 5 for tick in drawn.grid)


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("bars", [1, 14, 24, 90, 1000])
def test_nothing_is_drawn_outside_the_frame(frame: chart.Frame, bars: int) -> None:
    marks = [Mark(at / 40, at + 1, at + 1) for at in range(41)]
    drawn = chart.draw([Bucket(str(n), [Part("c1", n)]) for n in range(bars)], marks, frame)
    assert all(box.x >= 0 and box.x + box.width <= frame.width + 0.1 for bar in drawn.bars for box in bar)
    assert len(drawn.labels) <= frame.labels + 1
    assert all(flag.left >= -0.1 and flag.left + flag.width <= frame.width + 0.1 for flag in drawn.flags)
    assert (drawn.flags[0].first, drawn.flags[-1].last) == (1, 41)
    for one, other in zip(drawn.flags, drawn.flags[1:], strict=False):
        assert one.last < other.first


def test_edits_close_together_share_one_flag() -> None:
    drawn = chart.draw([Bucket("1", [])], [Mark(0.2, 14, 14), Mark(0.95, 17, 17), Mark(0.96, 18, 18)], WIDE)
    assert [flag.text for flag in drawn.flags] == ["rev 14", "rev 17\u201318"]


def test_a_flag_says_what_became_of_a_trial_where_there_is_room() -> None:
    marks = [Mark(0.2, 14, 14, "tried"), Mark(0.5, 14, 14, "to all"), Mark(0.9, 15, 15), Mark(0.94, 16, 16, "tried")]
    drawn = chart.draw([Bucket("1", [])], marks, WIDE)
    assert [flag.text for flag in drawn.flags] == ["rev 14 tried", "rev 14 to all", "rev 15\u201316"]
    narrow = chart.draw([Bucket("1", [])], marks, NARROW)
    assert [(flag.text, flag.note) for flag in narrow.flags][:2] == [("14", "tried"), ("14", "to all")]


def test_a_trial_that_was_short_is_one_flag_that_says_how_it_ended() -> None:
    drawn = chart.draw([Bucket("1", [])], [Mark(0.2, 14, 14, "tried"), Mark(0.21, 14, 14, "to all")], WIDE)
    assert [flag.text for flag in drawn.flags] == ["rev 14 to all"]


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_two_flags_touch(frame: chart.Frame) -> None:
    marks = [Mark(at / 60, at + 1, at + 1, "to all" if at % 3 else "") for at in range(61)]
    flags = chart.draw([Bucket("1", [])], marks, frame).flags
    assert all(one.left + one.width < other.left for one, other in pairwise(flags))


def test_rules_keep_their_order_and_colours_and_everyone_else_is_on_top() -> None:
    found = bands(rules(10), ["r_3", "fallback", "r_old", "off"], {"r_old": "Old"})
    assert [band.look for band in found[:10]] == ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "cx", "cx"]
    assert [(band.label, band.look) for band in found[10:]] == [
        ("Old (deleted)", "cx"),
        ("No click known", "cn"),
        ("Smart link off", "cn"),
        ("Offer paused", "cn"),
        ("Everyone else", "cf"),
    ]
    assert found[1].label == "Name 2 (off)"


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (110, 100, ("up", "10.0%")),
        (90, 100, ("down", "10.0%")),
        (100, 100, ("", "0.0%")),
        (2_600, 100, ("up", "26 times")),
    ],
)
def test_a_change_is_said_against_the_time_before(now: int, before: int, said: tuple[str, str]) -> None:
    moved = change(now, before)
    assert moved is not None
    assert (moved.arrow, moved.words) == said
    assert change(now, 0) is None


@pytest.mark.parametrize(
    "query",
    ["", "period=7d", "measure=bots", "sub=3", "country=US&country=DE&device=mobile", "from=2026-11-01&to=2026-11-20"],
)
def test_a_view_is_its_address(query: str) -> None:
    view = view_of("o_1", "Europe/Berlin", QueryParams(query))
    assert view.href == "/offers/o_1/analytics" + (f"?{query}" if query else "")


def test_what_an_address_asks_in_vain_is_left_out() -> None:
    query = "period=99y&measure=x&sub=9&full=secrets&nonsense=1&country="
    assert view_of("o_1", "UTC", QueryParams(query)).href == "/offers/o_1/analytics?country="


def test_every_bar_adds_its_filter_and_takes_it_away_again() -> None:
    view = View("o_1", "UTC")
    chosen = view.toggled("country", "US").toggled("country", "DE")
    assert chosen.filters == {"country": ("US", "DE")}
    assert chosen.has("country", "DE")
    assert chosen.toggled("country", "US").toggled("country", "DE") == view
    assert chosen.without("country") == view


def test_periods_are_whole_days_of_the_viewer_up_to_now() -> None:
    begin, end, interval = View("o_1", "Asia/Kolkata", "7d").span(NOW)
    assert (begin, interval) == ("2026-11-16T00:00:00+05:30", "day")
    assert end is not None
    assert datetime.fromisoformat(end) > NOW
    begin, _, interval = View("o_1", "Asia/Kolkata", "24h").span(NOW)
    assert (begin, interval) == ("2026-11-21T16:00:00+05:30", "hour")


@pytest.mark.parametrize(
    ("begin", "end", "interval"),
    [
        ("2026-11-20", "2026-11-21", "hour"),
        ("2026-11-01", "2026-11-20", "day"),
        ("2026-01-01", "2026-11-20", "week"),
        ("2023-01-01", "2026-11-20", "month"),
        ("", "", "day"),
        ("nonsense", "", "day"),
    ],
)
def test_a_custom_period_has_bars_that_can_be_read(begin: str, end: str, interval: str) -> None:
    assert View("o_1", "UTC", "custom", begin, end).span(NOW)[2] == interval
