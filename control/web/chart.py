"""The stacked chart as shapes: everything a template draws, in the units of its own view box. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_HEIGHT: Final = 250.0
_TOP: Final = 22.0
_BASE: Final = 216.0
_BAR_SHARE: Final = 0.66
_STEPS: Final = 3
_FLAG_GAP: Final = 6.0
_CHAR: Final = 6.2
"""How wide a character of a flag is."""


class Part(NamedTuple):
    """One segment of a bar, from the bottom up: its class of colour and how much."""

    look: str
    value: int


class Bucket(NamedTuple):
    """One bar: what stands below it, and its parts."""

    label: str
    parts: Sequence[Part]
    running: bool = False

    @property
    def total(self) -> int:
        """Return the height of the bar."""
        return sum(part.value for part in self.parts)


class Mark(NamedTuple):
    """An edit on the axis: where, as a share of its width, which revisions, and what became of them, or ""."""

    at: float
    first: int
    last: int
    note: str = ""


class Box(NamedTuple):
    """A rectangle, and its class."""

    look: str
    x: float
    y: float
    width: float
    height: float


class Tick(NamedTuple):
    """A text at an axis."""

    at: float
    text: str


class Flag(NamedTuple):
    """An edit's line and its flag, whose middle may be pushed off the line by the edge."""

    x: float
    middle: float
    left: float
    width: float
    text: str
    first: int
    last: int
    note: str


@dataclass(frozen=True, slots=True)
class Frame:
    """How wide a chart is drawn: wide for screens, narrow for phones."""

    width: float
    left: float
    labels: int
    """Labels that fit below the bars."""
    flag_words: str
    flag_width: float
    has_notes: bool
    """Whether flags say what became of a revision."""


WIDE: Final = Frame(1000.0, 44.0, 14, "rev {}", 48.0, has_notes=True)
NARROW: Final = Frame(400.0, 30.0, 5, "{}", 26.0, has_notes=False)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in one frame, drawn."""

    frame: Frame
    grid: Sequence[Tick]
    bars: Sequence[Sequence[Box]]
    columns: Sequence[Box]
    labels: Sequence[Tick]
    flags: Sequence[Flag]


def draw(buckets: Sequence[Bucket], marks: Sequence[Mark], frame: Frame) -> Chart:
    """Return the shapes of a stacked chart; bars begin at zero."""
    top = _round_up(max((bucket.total for bucket in buckets), default=0))
    step = (frame.width - frame.left) / max(1, len(buckets))
    return Chart(
        frame=frame,
        grid=[Tick(_y(top * nth / _STEPS, top), short(top * nth / _STEPS)) for nth in range(_STEPS + 1)],
        bars=[list(_bar(bucket, frame.left + place * step, step, top)) for place, bucket in enumerate(buckets)],
        columns=[Box("", _r(frame.left + place * step), _TOP, _r(step), _BASE - _TOP) for place in range(len(buckets))],
        labels=_labels(buckets, frame, step),
        flags=[_flag(mark, frame) for mark in _merged(marks, frame)],
    )


def short(number: float) -> str:
    """Return a number for an axis: 950, 1.5k, 12k, 3M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def _bar(bucket: Bucket, left: float, step: float, top: float) -> Iterator[Box]:
    width = step * _BAR_SHARE
    below = 0
    for part in bucket.parts:
        if part.value:
            y = _y(below + part.value, top)
            look = f"{part.look} part" if bucket.running else part.look
            yield Box(look, _r(left + (step - width) / 2), y, _r(width), _r(_y(below, top) - y))
        below += part.value


def _labels(buckets: Sequence[Bucket], frame: Frame, step: float) -> list[Tick]:
    every = math.ceil(len(buckets) / frame.labels)
    return [
        Tick(_r(frame.left + (place + 0.5) * step), bucket.label)
        for place, bucket in enumerate(buckets)
        if place % every == 0
    ]


def _merged(marks: Sequence[Mark], frame: Frame) -> list[Mark]:
    """Return the marks; those whose flags would touch are one, with the first and the last of their revisions."""
    found: list[Mark] = []
    for mark in marks:
        found.append(mark)
        while len(found) > 1 and _touch(_flag(found[-2], frame), _flag(found[-1], frame)):
            last = found.pop()
            found[-1] = _together(found[-1], last)
    return found


def _touch(one: Flag, other: Flag) -> bool:
    return other.left - _FLAG_GAP < one.left + one.width


def _together(one: Mark, other: Mark) -> Mark:
    """Return two marks as one; what became of the revision in the end is told where it is a single one."""
    return Mark(one.at, one.first, other.last, other.note if one.first == other.last else "")


def _flag(mark: Mark, frame: Frame) -> Flag:
    text = frame.flag_words.format(mark.first if mark.first == mark.last else f"{mark.first}\u2013{mark.last}")
    if mark.note and frame.has_notes:
        text += f" {mark.note}"
    width = frame.flag_width + (_CHAR * (len(text) - len(frame.flag_words.format(mark.first))))
    x = frame.left + mark.at * (frame.width - frame.left)
    middle = min(max(x, width / 2), frame.width - width / 2)
    return Flag(_r(x), _r(middle), _r(middle - width / 2), _r(width), text, mark.first, mark.last, mark.note)


def _round_up(largest: int) -> float:
    """Return the next number whose thirds are round: 3, 6, 15, 30, 60, 150, ..."""
    if largest <= _STEPS:
        return float(_STEPS)
    size = 10.0 ** math.floor(math.log10(largest / _STEPS))
    return next(
        _STEPS * size * factor for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if largest <= _STEPS * size * factor
    )


def _y(value: float, top: float) -> float:
    return _r(_BASE - value / top * (_BASE - _TOP))


def _r(number: float) -> float:
    return round(number, 1)
