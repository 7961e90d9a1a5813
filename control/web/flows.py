"""Clicks drawn as streams from what is live, on the left, to a draft, on the right: shapes in plain units. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

MOST: Final = 10
"""Stations drawn by themselves; the smaller ones that nothing moves at share one."""
OTHERS: Final = "others"

_TOP: Final = 26.0
_GAP: Final = 9.0
_SLOT: Final = 17.0
_HEIGHT: Final = 320.0
_BASELINE: Final = 4.5
_SPOTS: Final = (0.29, 0.45, 0.61, 0.37, 0.53, 0.69)
_STEPS: Final = 24

Flows = Mapping[tuple[str, str], int]


class Station(NamedTuple):
    """One way a click can go: what it is called, in full and on phones, a note beside it, its class of colour."""

    key: str
    title: str
    short: str
    note: str
    look: str


class Frame(NamedTuple):
    """Where things stand: the inner edges of the two columns, how thick these are, where the right words begin."""

    name: str
    width: float
    left: float
    right: float
    bar: float
    diff: float
    note_chars: int


class Row(NamedTuple):
    """A station on both sides: its bars from the top and their heights, where its words stand, its counts."""

    station: Station
    note: str
    left_y: float
    left_height: float
    right_y: float
    right_height: float
    left_words: float
    right_words: float
    before: int
    after: int


class Stream(NamedTuple):
    """Clicks from one station to another; `number_x` is None where its number is not written on it."""

    path: str
    look: str
    moves: bool
    clicks: int
    number_x: float | None
    number_y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Streams in one frame, drawn: those that stay first, so that what moves lies on top."""

    frame: Frame
    height: float
    rows: Sequence[Row]
    streams: Sequence[Stream]


WIDE: Final = Frame("wide", 1000.0, 250.0, 846.0, 14.0, 922.0, 20)
NARROW: Final = Frame("narrow", 360.0, 116.0, 246.0, 12.0, 316.0, 0)


def draw(stations: Sequence[Station], flows: Flows, frame: Frame) -> Drawing:
    """Return the drawing of `flows` (from station, to station) -> clicks; both sides have the order of `stations`."""
    shown, flows = _gathered(stations, flows)
    before, after = _side(flows, 0), _side(flows, 1)
    height = max(_HEIGHT, (_SLOT + _GAP) * len(shown))
    scale = _scale([[side[one.key] for one in shown] for side in (before, after)], height)
    layout = _Layout(frame, scale, before, after, _tops(shown, before, scale), _tops(shown, after, scale))
    streams = sorted(layout.streams(shown, flows), key=lambda stream: (stream.moves, -stream.clicks))
    return Drawing(frame, _r(_TOP + height + 14), [layout.row(station) for station in shown], streams)


def _gathered(stations: Sequence[Station], flows: Flows) -> tuple[list[Station], Flows]:
    """Return the stations to draw, with the small ones that nothing moves at made one, and the flows among them."""
    moved: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for (old, new), clicks in flows.items():
        size.update({old: clicks, new: clicks})
        if old != new:
            moved.update({old: clicks, new: clicks})
    alive = [station for station in stations if size[station.key]]
    if len(alive) <= MOST:
        return alive, flows
    ranked = sorted(alive, key=lambda one: (moved[one.key], size[one.key]), reverse=True)
    kept = {station.key for station in ranked[: MOST - 1]}
    others = Station(OTHERS, f"{len(alive) - len(kept)} other rules", "Others", "", "cx")
    merged: Counter[tuple[str, str]] = Counter()
    for (old, new), clicks in flows.items():
        merged[old if old in kept else OTHERS, new if new in kept else OTHERS] += clicks
    shown = [station for station in alive if station.key in kept]
    place = next((at for at, one in enumerate(shown) if one.look == "cf"), len(shown))
    return [*shown[:place], others, *shown[place:]], merged


def _side(flows: Flows, side: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for pair, clicks in flows.items():
        found[pair[side]] += clicks
    return found


def _scale(sides: Sequence[Sequence[int]], height: float) -> float:
    """Return units a click, the most with which both sides fit: a station is never lower than its words."""
    room = height - _GAP * (len(sides[0]) - 1)
    low, high = 0.0, room / max(1, sum(sides[0]))
    for _ in range(_STEPS):
        middle = (low + high) / 2
        needed = max(sum(max(_SLOT, count * middle) for count in side) for side in sides)
        low, high = (middle, high) if needed <= room else (low, middle)
    return low


def _tops(shown: Sequence[Station], counts: Mapping[str, int], scale: float) -> dict[str, float]:
    """Return where each bar begins: in the middle of its slot."""
    tops: dict[str, float] = {}
    y = _TOP
    for station in shown:
        slot = max(_SLOT, counts[station.key] * scale)
        tops[station.key] = y + (slot - counts[station.key] * scale) / 2
        y += slot + _GAP
    return tops


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where every station's bars begin, by its key, how many clicks each side has, and units a click."""

    frame: Frame
    scale: float
    before: Mapping[str, int]
    after: Mapping[str, int]
    left: Mapping[str, float]
    right: Mapping[str, float]

    def row(self, station: Station) -> Row:
        key, fits = station.key, self.frame.note_chars
        return Row(
            station,
            station.note if len(station.note) <= fits else f"{station.note[: fits - 1]}…" if fits else "",
            _r(self.left[key]),
            self._bar(self.before[key]),
            _r(self.right[key]),
            self._bar(self.after[key]),
            _r(self.left[key] + self.before[key] * self.scale / 2 + _BASELINE),
            _r(self.right[key] + self.after[key] * self.scale / 2 + _BASELINE),
            self.before[key],
            self.after[key],
        )

    def streams(self, shown: Sequence[Station], flows: Flows) -> Iterator[Stream]:
        order = {station.key: place for place, station in enumerate(shown)}
        ends = self._ends(sorted(flows, key=lambda pair: (order[pair[1]], order[pair[0]])), flows)
        spots = _spots(flows)
        out = dict(self.left)
        for old, new in sorted(flows, key=lambda pair: (order[pair[0]], order[pair[1]])):
            start, end, thick = out[old], ends[old, new], max(0.8, flows[old, new] * self.scale)
            out[old] += flows[old, new] * self.scale
            x, y = self._point(start, end, spots[old, new]) if (old, new) in spots else (None, 0.0)
            number_y = _r(y + thick / 2 + _BASELINE)
            look = shown[order[new]].look
            yield Stream(self._path(start, end, thick), look, old != new, flows[old, new], x, number_y)

    def _ends(self, pairs: Sequence[tuple[str, str]], flows: Flows) -> dict[tuple[str, str], float]:
        """Return where each stream arrives."""
        into = dict(self.right)
        ends: dict[tuple[str, str], float] = {}
        for pair in pairs:
            ends[pair] = into[pair[1]]
            into[pair[1]] += flows[pair] * self.scale
        return ends

    def _bar(self, count: int) -> float:
        return _r(max(1.5, count * self.scale)) if count else 0.0

    def _path(self, start: float, end: float, thick: float) -> str:
        a, b, mid = (f"{x:g}" for x in (self.frame.left, self.frame.right, (self.frame.left + self.frame.right) / 2))
        y, z, y2, z2 = (f"{_r(at):g}" for at in (start, end, start + thick, end + thick))
        return f"M{a} {y}C{mid} {y} {mid} {z} {b} {z}V{z2}C{mid} {z2} {mid} {y2} {a} {y2}z"

    def _point(self, start: float, end: float, share: float) -> tuple[float, float]:
        """Return the point of a stream's upper edge at `share` of its cubic curve."""
        eased = 3 * share**2 - 2 * share**3
        across = 1.5 * share * (1 - share) + share**3
        return _r(self.frame.left + across * (self.frame.right - self.frame.left)), start + eased * (end - start)


def _spots(flows: Flows) -> dict[tuple[str, str], float]:
    """Return where on their way the largest moves have their numbers: apart from one another."""
    moves = sorted((pair for pair in flows if pair[0] != pair[1]), key=lambda pair: -flows[pair])
    return dict(zip(moves, _SPOTS, strict=False))


def _r(number: float) -> float:
    return round(number, 1)
