"""What is asked of an offer's clicks, checked."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from control.coupons.models import fold
from control.errors import Faults
from control.insight.analytics.periods import INTERVALS, MAX_BUCKETS, Period, Range, cut, length, midnight, quarter_at
from shared.events import KINDS

KEYS: Final = (
    "rule",
    "country",
    "device",
    "os",
    "browser",
    "partner",
    "via",
    "link",
    "coupon",
    "sub1",
    "sub2",
    "sub3",
    "sub4",
    "sub5",
    "referrer",
    "kind",
)
"""What clicks are grouped and filtered by."""

DEFAULT_DAYS: Final = 30
MAX_DAYS: Final = 5 * 366
MAX_FILTER_VALUES: Final = 100
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `filters` are accepted values by key; `also` dimensions wanted beside those of key and filters."""

    offer_id: str
    zone: ZoneInfo
    interval: str
    period: Period
    group_by: str | None
    filters: Mapping[str, frozenset[str]]
    also: tuple[str, ...] = ()

    @property
    def is_grouped(self) -> bool:
        """Whether groups are told apart by values of rows; kinds are told apart by measures."""
        return self.group_by not in (None, "kind")

    @property
    def columns(self) -> tuple[str, ...]:
        """The dimensions whose values rows have: the key's first."""
        key = ("via", "coupon") if self.group_by == "partner" else (self.group_by or "",) if self.is_grouped else ()
        return (*key, *self.also)

    @property
    def dimensions(self) -> frozenset[str]:
        """All dimensions that answering needs; partners are read off `via` and coupon."""
        filtered = self.filters.keys() - {"kind", "partner"}
        return frozenset([*self.columns, *filtered, *(("via", "coupon") if "partner" in self.filters else ())])

    def ungrouped(self) -> "Question":
        """Return the same question without its key: of all groups together."""
        return replace(self, group_by=None, also=())

    def over(self, span: Range) -> "Question":
        """Return the same question about another range."""
        return replace(self, period=cut(span, self.interval, self.zone))

    def narrowed(self, key: str, values: Collection[str]) -> "Question":
        """Return the same question about clicks with these values of a key only."""
        return replace(self, filters={**self.filters, key: frozenset(values)})


def ask(
    offer_id: str,
    *,
    begin: str | None,
    end: str | None,
    interval: str,
    tz: str,
    group_by: str | None,
    filters: Mapping[str, list[str]],
    now: datetime,
) -> Question:
    """Return the question that a request's parameters put. Raises Problem 422.

    `begin` and `end` are local days, the last one included, or moments, the last one excluded; default: 30 days.
    """
    faults = Faults()
    zone = _zone(tz, faults)
    if interval not in INTERVALS:
        faults.add("interval", "unknown_interval", f"The interval is one of {', '.join(INTERVALS)}.")
    if group_by is not None and group_by not in KEYS:
        faults.add("group_by", "unknown_key", f"Clicks are grouped by one of {', '.join(KEYS)}.")
    checked = {key: _values(key, values, faults) for key, values in filters.items() if values}
    today = now.astimezone(zone).date()
    after = _moment(end, zone, "to", faults, day_offset=1) or midnight(today + timedelta(days=1), zone)
    first = _moment(begin, zone, "from", faults) or midnight(
        (after - timedelta(seconds=1)).astimezone(zone).date() - timedelta(days=DEFAULT_DAYS - 1), zone
    )
    span = Range(quarter_at(first), quarter_at(after))
    if not faults.errors:
        _check_span(span, interval, faults)
    faults.raise_if_any()
    return Question(offer_id, zone, interval, cut(span, interval, zone), group_by, checked)


def _check_span(span: Range, interval: str, faults: Faults) -> None:
    if span.first >= span.after:
        faults.add("to", "empty_range", "The range ends before it begins.")
    elif span.after - span.first > MAX_DAYS * 96:
        faults.add("from", "range_too_long", f"A range has at most {MAX_DAYS} days.")
    elif length(span, interval) > MAX_BUCKETS:
        faults.add("interval", "too_many_buckets", f"That is more than {MAX_BUCKETS} points: take a longer interval.")


def _zone(name: str, faults: Faults) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        faults.add("tz", "unknown_time_zone", f"{name[:50]!r} is no time zone such as Europe/Berlin.")
        return ZoneInfo("UTC")


def _moment(text: str | None, zone: ZoneInfo, path: str, faults: Faults, day_offset: int = 0) -> datetime | None:
    if text is None:
        return None
    try:
        if _DATE.fullmatch(text):
            moment = midnight(date.fromisoformat(text) + timedelta(days=day_offset), zone)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
        if not 1970 < moment.astimezone(UTC).year < 9000:
            raise ValueError("no clicks then")
    except (ValueError, OverflowError):
        faults.add(path, "not_a_time", f"`{path}` is a day such as 2026-11-22 or a time such as 2026-11-22T10:00:00Z.")
        return None
    return moment


def _values(key: str, values: list[str], faults: Faults) -> frozenset[str]:
    if len(values) > MAX_FILTER_VALUES:
        faults.add(key, "too_many_values", f"A filter takes at most {MAX_FILTER_VALUES} values.")
    if key == "kind" and not set(values) <= set(KINDS):
        faults.add(key, "unknown_kind", f"Kinds are {', '.join(KINDS)}.")
    kept = [value.replace("\0", "\ufffd") for value in values]  # as it is kept
    return frozenset(fold(value) if key in ("via", "coupon") else value for value in kept)
