"""What is read whole and what by quarters: days that are closed, and the rest. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from control.clicks.shapes import QUARTERS_A_DAY
from control.insight.analytics.periods import LocalDay, Range

Closed = Mapping[int, Set[int]]
"""Shift -> the days that are closed at it."""


class Cover(NamedTuple):
    """Closed days by shift as runs [first, after), and ranges of quarters for what they leave."""

    days: dict[int, list[tuple[int, int]]]
    quarters: list[Range]


class Stretch(NamedTuple):
    """Quarters of consecutive local days that are read together: all whole and at one shift, or a single day."""

    range: Range
    days: list[LocalDay]


def cover(span: Range, shift: int, closed: Set[int]) -> Cover:
    """Return how a whole range is read, with days at `shift`."""
    first_day = -(-(span.first + shift) // QUARTERS_A_DAY)
    days = [day for day in range(first_day, (span.after + shift) // QUARTERS_A_DAY) if day in closed]
    runs = _runs(days)
    quarters: list[Range] = []
    at = span.first
    for first, after in [(day * QUARTERS_A_DAY - shift, end * QUARTERS_A_DAY - shift) for day, end in runs]:
        if at < first:
            quarters.append(Range(at, first))
        at = after
    if at < span.after:
        quarters.append(Range(at, span.after))
    return Cover({shift: runs} if runs else {}, quarters)


def split(days: Iterable[LocalDay], closed: Closed) -> tuple[dict[int, list[LocalDay]], list[Stretch]]:
    """Return the local days that are closed, by shift, and the others in stretches."""
    whole: dict[int, list[LocalDay]] = defaultdict(list)
    stretches: list[Stretch] = []
    for day in days:
        if day.is_whole and day.day in closed.get(day.shift, ()):
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
