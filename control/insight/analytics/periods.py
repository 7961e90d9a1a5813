"""Ranges in a time zone: buckets of a chart, and the local days that they are made of. Pure; times are in quarters."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from control.clicks.shapes import QUARTERS_A_DAY

INTERVALS: Final = ("hour", "day", "week", "month")
MAX_BUCKETS: Final = 1_000
QUARTERS_AN_HOUR: Final = 4
_QUARTER_S: Final = 900


class Range(NamedTuple):
    """Quarters from `first` until before `after`."""

    first: int
    after: int


class LocalDay(NamedTuple):
    """What a range holds of one local day, and the number of the bucket it belongs to."""

    first: int
    after: int
    bucket: int

    @property
    def shift(self) -> int:
        """How many quarters local time is ahead of UTC, 0 to 95, on a whole day."""
        return -self.first % QUARTERS_A_DAY

    @property
    def day(self) -> int:
        """The number of a whole day, as DaysRow counts at this shift."""
        return (self.first + self.shift) // QUARTERS_A_DAY

    @property
    def is_whole(self) -> bool:
        """Whether it is all of a day that no change of clocks makes longer or shorter."""
        return self.after - self.first == QUARTERS_A_DAY


class Period(NamedTuple):
    """A range cut into buckets: when each starts and what it covers; and the local days of the range."""

    range: Range
    starts: list[datetime]
    buckets: list[Range]
    days: list[LocalDay]


def quarter_at(moment: datetime) -> int:
    """Return the quarter that an aware moment lies in."""
    return int(moment.timestamp() // _QUARTER_S)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a local day begins."""
    return datetime.combine(day, time(), zone)


def cut(span: Range, interval: str, zone: ZoneInfo) -> Period:
    """Return the buckets of `span`; the first and the last hold only what lies in it."""
    days = list(_days(span, interval, zone))
    if interval == "hour":
        hours = range(span.first, span.after, QUARTERS_AN_HOUR)
        buckets = [Range(first, min(first + QUARTERS_AN_HOUR, span.after)) for first in hours]
    else:
        buckets = []
        for day in days:
            if day.bucket == len(buckets):
                buckets.append(Range(day.first, day.after))
            buckets[day.bucket] = Range(buckets[day.bucket].first, day.after)
    return Period(span, [_local(bucket.first, zone) for bucket in buckets], buckets, days)


def length(span: Range, interval: str) -> int:
    """Return how many buckets a range has, at most."""
    quarters = {
        "hour": QUARTERS_AN_HOUR,
        "day": QUARTERS_A_DAY,
        "week": 7 * QUARTERS_A_DAY,
        "month": 28 * QUARTERS_A_DAY,
    }
    return (span.after - span.first) // quarters[interval] + 1


def _days(span: Range, interval: str, zone: ZoneInfo) -> Iterator[LocalDay]:
    day = _local(span.first, zone).date()
    bucket, unit = -1, None
    first = span.first
    while first < span.after:
        if (now := _unit(day, interval)) != unit:
            bucket, unit = bucket + 1, now
        day += timedelta(days=1)
        after = min(quarter_at(midnight(day, zone)), span.after)
        if after > first:
            yield LocalDay(first, after, bucket)
        first = max(first, after)


def _unit(day: date, interval: str) -> tuple[int, ...]:
    if interval == "month":
        return day.year, day.month
    return tuple(day.isocalendar()[:2]) if interval == "week" else (day.toordinal(),)


def _local(quarter: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(quarter * _QUARTER_S, zone)
