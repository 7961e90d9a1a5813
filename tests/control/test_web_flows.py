"""The drawing of a preview: what goes in comes out, nothing overlaps, many rules share one place."""

import itertools
import re

import pytest

from control.web.flows import MOST, NARROW, OTHERS, WIDE, Drawing, Frame, Station, draw

RULES = [Station(f"r{place}", f"Rule {place}", f"Rule {place}", "words", f"c{place}") for place in range(1, 6)]
ELSE = Station("fallback", "Everyone else", "Else", "", "cf")
FLOWS = {
    ("r1", "r1"): 3820,
    ("r2", "r2"): 2520,
    ("r2", "fallback"): 190,
    ("r3", "r3"): 1390,
    ("fallback", "r3"): 410,
    ("fallback", "fallback"): 870,
}


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=lambda frame: frame.name)
def test_every_station_with_clicks_has_its_counts_on_both_sides(frame: Frame) -> None:
    drawn = draw([*RULES, ELSE], FLOWS, frame)

    counts = {row.station.key: (row.before, row.after) for row in drawn.rows}
    assert counts == {"r1": (3820, 3820), "r2": (2710, 2520), "r3": (1390, 1800), "fallback": (1280, 1060)}


@pytest.mark.parametrize(
    "flows",
    [
        pytest.param(FLOWS, id="some"),
        pytest.param({("r1", "r2"): 1}, id="one click"),
        pytest.param({("r1", "r1"): 10_000_000, ("r2", "fallback"): 1}, id="huge and tiny"),
        pytest.param({(f"r{place}", "fallback"): place for place in range(1, 6)}, id="all to one"),
    ],
)
def test_bars_stay_inside_and_never_overlap(flows: dict[tuple[str, str], int]) -> None:
    drawn = draw([*RULES, ELSE], flows, WIDE)

    for side in ("left", "right"):
        bottom = 20.0
        for row in drawn.rows:
            top, height = getattr(row, f"{side}_y"), getattr(row, f"{side}_height")
            assert top >= bottom
            bottom = top + height
        assert bottom <= drawn.height
        words = [getattr(row, f"{side}_words") for row in drawn.rows]
        assert all(later - earlier >= 16 for earlier, later in itertools.pairwise(words))


def test_streams_leave_and_arrive_within_the_bars_of_their_stations() -> None:
    drawn = draw([*RULES, ELSE], FLOWS, WIDE)

    left = {row.left_y for row in drawn.rows}
    assert min(edge for stream in drawn.streams for edge in edges(stream.path)) >= min(left)
    assert max(edge for stream in drawn.streams for edge in edges(stream.path)) <= drawn.height - 13
    assert [stream.clicks for stream in drawn.streams if stream.moves] == [410, 190]
    assert [stream.look for stream in drawn.streams if stream.moves] == ["c3", "cf"]
    assert all((stream.number_x is not None) == stream.moves for stream in drawn.streams)


def edges(path: str) -> list[float]:
    """Every height in a path."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", path)]
    return [numbers[1], numbers[3], numbers[5], numbers[7], numbers[8]]


def test_of_many_rules_the_small_ones_that_nothing_moves_at_share_a_place() -> None:
    many = [Station(f"r{place}", f"Rule {place}", "", "", "cx") for place in range(1, 101)]
    flows = {(rule.key, rule.key): 1000 - place for place, rule in enumerate(many)}
    flows |= {("r100", "fallback"): 3, ("fallback", "fallback"): 5}

    drawn = draw([*many, ELSE], flows, WIDE)

    keys = [row.station.key for row in drawn.rows]
    assert len(keys) == MOST
    assert {"r1", "r100", OTHERS, "fallback"} <= set(keys)
    assert keys[-2:] == [OTHERS, "fallback"]
    assert sum(row.before for row in drawn.rows) == sum(flows.values())


def test_notes_are_cut_where_there_is_room_and_left_out_where_there_is_none() -> None:
    long = Station("a", "Rule 1", "Rule 1", "From Germany, Austria and Switzerland", "c1")

    assert note(draw([long], {("a", "a"): 1}, WIDE)) == "From Germany, Austr…"
    assert note(draw([long], {("a", "a"): 1}, NARROW)) == ""


def note(drawn: Drawing) -> str:
    return drawn.rows[0].note
