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
    """An edit on the axis: where, as a share of its width, and which revisions."""

    at: float
    first: int
    last: int


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


@dataclass(frozen=True, slots=True)
class Frame:
    """How wide a chart is drawn: wide for screens, narrow for phones."""

    width: float
    left: float
    labels: int
    """Labels that fit below the bars."""
    flag_words: str
    flag_width: float


WIDE: Final = Frame(1000.0, 44.0, 14, "rev {}", 48.0)
NARROW: Final = Frame(400.0, 30.0, 5, "{}", 26.0)


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
    near = (frame.flag_width + _FLAG_GAP) / (frame.width - frame.left)
    found: list[Mark] = []
    for mark in marks:
        if found and mark.at - found[-1].at < near * (1.4 if found[-1].first != found[-1].last else 1):
            found[-1] = Mark(found[-1].at, found[-1].first, mark.last)
        else:
            found.append(mark)
    return found


def _flag(mark: Mark, frame: Frame) -> Flag:
    text = frame.flag_words.format(mark.first if mark.first == mark.last else f"{mark.first}\u2013{mark.last}")
    width = frame.flag_width + (6.2 * (len(text) - len(frame.flag_words.format(mark.first))))
    x = frame.left + mark.at * (frame.width - frame.left)
    middle = min(max(x, width / 2), frame.width - width / 2)
    return Flag(_r(x), _r(middle), _r(middle - width / 2), _r(width), text, mark.first, mark.last)


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
