"""The chart of the latest publishes: how long each took until the last edge served it, beside the budget. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

BUDGET_MS: Final = 50
"""An edit is to be live everywhere within this."""

WIDTH: Final = 480
HEIGHT: Final = 248
_LEFT, _TOP, _BOTTOM = 34, 8, 228
_SLOTS: Final = 60
_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Dot:
    """One publish at its place; `is_slow` is beyond the budget."""

    x: float
    y: float
    says: str
    is_slow: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line across, at a round number of milliseconds."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class PublishChart:
    """What to draw; `title` states the finding."""

    title: str
    dots: Sequence[Dot]
    lines: Sequence[Line]
    budget_y: float | None
    left: int = _LEFT
    base: int = _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(recent: Sequence[tuple[int, int]]) -> PublishChart | None:
    """Return the chart of publishes (sequence, ms), newest first; None without any."""
    if not recent:
        return None
    taken = [ms for _, ms in recent]
    step = _step(max(*taken, BUDGET_MS))
    top = step * (_LINES - 1)

    def height_of(ms: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * ms / top, 1)

    places = (WIDTH - _LEFT) / _SLOTS
    dots = [
        Dot(round(WIDTH - places * (place + 0.5), 1), height_of(ms), f"publish {sequence:,}: {ms:,} ms", ms > BUDGET_MS)
        for place, (sequence, ms) in enumerate(recent[:_SLOTS])
    ]
    lines = [Line(height_of(step * number), f"{step * number:,}") for number in range(_LINES)]
    title = (
        f"Last {len(dots)} publishes: median {median(taken):.0f} ms, slowest {max(taken):,} ms, budget {BUDGET_MS} ms"
    )
    return PublishChart(title, dots[::-1], lines, height_of(BUDGET_MS) if top < BUDGET_MS * 40 else None)


def _step(most: int) -> int:
    """Return the distance of lines: 1, 2 or 5 times a power of ten, so that the topmost is not below `most`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * (_LINES - 1) >= most:
                return factor * power
        power *= 10
