"""What is read whole: days that are closed, sixteen at a time where they are; and what by quarters: the rest. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from control.clicks.shapes import BLOCK_DAYS, QUARTERS_A_DAY
from control.insight.analytics.periods import LocalDay, Range

Closed = Mapping[tuple[int, int], Set[int]]
"""(shift, 1 or BLOCK_DAYS) -> first days of what is closed."""


class Cover(NamedTuple):
    """How one range is read: by runs [first day, after) of blocks and of days, and by ranges of quarters."""

    blocks: list[tuple[int, int]]
    days: list[tuple[int, int]]
    quarters: list[Range]


class Stretch(NamedTuple):
    """Quarters of consecutive local days that are read together: all whole and at one shift, or a single day."""

    range: Range
    days: list[LocalDay]


def cover(span: Range, shift: int, closed: Closed) -> Cover:
    """Return how a whole range is read, with days at `shift`."""
    first_day = -(-(span.first + shift) // QUARTERS_A_DAY)
    after_day = (span.after + shift) // QUARTERS_A_DAY
    if first_day >= after_day:
        return Cover([], [], [span])
    days = {day for day in range(first_day, after_day) if day in closed.get((shift, 1), ())}
    blocks = [
        day
        for day in range(-(-first_day // BLOCK_DAYS) * BLOCK_DAYS, after_day - BLOCK_DAYS + 1, BLOCK_DAYS)
        if day in closed.get((shift, BLOCK_DAYS), ())
    ]
    in_blocks = {day + place for day in blocks for place in range(BLOCK_DAYS)}
    whole = _runs(sorted(days | in_blocks))
    bounds = [span.first, *(day * QUARTERS_A_DAY - shift for run in whole for day in run), span.after]
    gaps = [Range(first, after) for first, after in zip(bounds[::2], bounds[1::2], strict=True) if first < after]
    return Cover([(day, day + BLOCK_DAYS) for day in blocks], _runs(sorted(days - in_blocks)), gaps)


def split(days: Iterable[LocalDay], closed: Closed) -> tuple[dict[int, list[LocalDay]], list[Stretch]]:
    """Return the local days that are closed, by shift, and the others in stretches."""
    whole: dict[int, list[LocalDay]] = defaultdict(list)
    stretches: list[Stretch] = []
    for day in days:
        if day.is_whole and day.day in closed.get((day.shift, 1), ()):
            whole[day.shift].append(day)
        elif stretches and _continues(stretches[-1], day):
            last = stretches[-1]
            stretches[-1] = Stretch(Range(last.range.first, day.after), [*last.days, day])
        else:
            stretches.append(Stretch(Range(day.first, day.after), [day]))
    return dict(whole), stretches


def _continues(stretch: Stretch, day: LocalDay) -> bool:
    last = stretch.days[-1]
    return day.is_whole and last.is_whole and last.after == day.first and last.shift == day.shift


def _runs(days: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for day in days:
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + 1)
        else:
            runs.append((day, day + 1))
    return runs
