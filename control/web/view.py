"""What the Analytics tab and its single clicks are asked to show, all of it in the URL: a view is a link."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

from control.insight.analytics.question import KEYS, MAX_FILTER_VALUES

PERIODS: Final = {"24h": "24 h", "7d": "7 d", "14d": "14 d", "30d": "30 d", "90d": "90 d"}
ANALYTICS: Final = "analytics"
CLICKS: Final = "clicks"
"""Where a view can be looked at: last part of the path."""
DEFAULT_PERIOD: Final = "14d"
CUSTOM: Final = "custom"
MEASURES: Final = {"people": "clicks", "uniques": "uniques", "conversions": "conversions", "bots": "bots"}
"""What the chart can show -> the measure it is."""

_SUBS: Final = ("1", "2", "3", "4", "5")
_HOUR: Final = timedelta(hours=1)
_QUARTER: Final = timedelta(minutes=15)
_MAX_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class View:
    """One view of one offer; `begin` and `end` are local days of a custom period, `full` a card that shows all."""

    offer_id: str
    zone: str
    period: str = DEFAULT_PERIOD
    begin: str = ""
    end: str = ""
    measure: str = "people"
    sub: str = "1"
    full: str = ""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at: str = ANALYTICS

    @property
    def path(self) -> str:
        """Return where this view is looked at."""
        return f"/offers/{self.offer_id}/{self.at}"

    @property
    def href(self) -> str:
        """Return the link to this view."""
        return self.link()

    def link(self, **more: str) -> str:
        """Return the link to this view, with further parameters."""
        query = self._defaults_left_out() + [(key, value) for key, values in self.filters.items() for value in values]
        text = urlencode([*query, *more.items()])
        return f"{self.path}{'?' if text else ''}{text}"

    def seen(self, at: str) -> "View":
        """Return the same view looked at elsewhere: as charts, or as single clicks."""
        return replace(self, at=at)

    def over(self, period: str) -> "View":
        """Return the same view of another period."""
        return replace(self, period=period, begin="", end="")

    def of(self, measure: str) -> "View":
        """Return the same view of another measure."""
        return replace(self, measure=measure)

    def with_sub(self, sub: str) -> "View":
        """Return the same view with another sub-ID in its card."""
        return replace(self, sub=sub)

    def showing(self, full: str) -> "View":
        """Return the same view with all rows of one card, or of none."""
        return replace(self, full=full)

    def has(self, key: str, value: str) -> bool:
        """Tell whether a value is filtered for."""
        return value in self.filters.get(key, ())

    def toggled(self, key: str, value: str) -> "View":
        """Return the view with one more value in a filter, or without it when it is in there."""
        values = self.filters.get(key, ())
        values = tuple(one for one in values if one != value) if value in values else (*values, value)
        return replace(self, filters={name: held for name, held in {**self.filters, key: values}.items() if held})

    def only(self, key: str, *values: str) -> "View":
        """Return the view with these values alone in a filter."""
        return replace(self, filters={**self.filters, key: values})

    def without(self, key: str) -> "View":
        """Return the view without one filter."""
        return replace(self, filters={name: values for name, values in self.filters.items() if name != key})

    def query(self, now: datetime, **more: str) -> str:
        """Return this view's range and filters as the API takes them."""
        begin, end, _ = self.span(now)
        pairs = [("from", begin or ""), ("to", end or ""), ("tz", self.zone), *more.items()]
        pairs += [(key, value) for key, values in self.filters.items() for value in values]
        return urlencode([(name, value) for name, value in pairs if value])

    def span(self, now: datetime) -> tuple[str | None, str | None, str]:
        """Return first moment, end and interval; the running quarter hour is in it."""
        local = now.astimezone(ZoneInfo(self.zone))
        if self.period == CUSTOM:
            return self.begin or None, self.end or None, _interval(self.begin, self.end, local)
        after = (now + _QUARTER).isoformat()
        if self.period == "24h":
            first = local.replace(minute=0, second=0, microsecond=0) - 23 * _HOUR
            return first.isoformat(), after, "hour"
        days = int(self.period.removesuffix("d"))
        first_day = (local - timedelta(days=days - 1)).date()
        return datetime(first_day.year, first_day.month, first_day.day, tzinfo=local.tzinfo).isoformat(), after, "day"

    def _defaults_left_out(self) -> list[tuple[str, str]]:
        given = {
            "period": "" if self.period in (DEFAULT_PERIOD, CUSTOM) else self.period,
            "from": self.begin,
            "to": self.end,
            "measure": "" if self.measure == "people" else self.measure,
            "sub": "" if self.sub == "1" else self.sub,
            "full": self.full,
        }
        return [(name, value) for name, value in given.items() if value]


def view_of(offer_id: str, zone: str, query: QueryParams, at: str = ANALYTICS) -> View:
    """Return the view that a URL asks for; what it asks for in vain is left out."""
    begin, end = query.get("from", "")[:40], query.get("to", "")[:40]
    period = query.get("period", "")
    return View(
        offer_id=offer_id,
        zone=zone,
        period=CUSTOM if begin or end else period if period in PERIODS else DEFAULT_PERIOD,
        begin=begin,
        end=end,
        measure=query["measure"] if query.get("measure") in MEASURES else "people",
        sub=query["sub"] if query.get("sub") in _SUBS else "1",
        full=query["full"] if query.get("full") in KEYS else "",
        filters={key: values for key in KEYS if (values := _values(query, key))},
        at=at,
    )


def _values(query: QueryParams, key: str) -> tuple[str, ...]:
    values = dict.fromkeys(value[:_MAX_CHARS] for value in query.getlist(key))
    return tuple(values)[:MAX_FILTER_VALUES]


def _interval(begin: str, end: str, local: datetime) -> str:
    """Return the interval that makes a custom period readable: at most some ninety bars."""
    try:
        first = datetime.fromisoformat(begin) if begin else local - timedelta(days=29)
        last = datetime.fromisoformat(end) if end else local
        days = (last.replace(tzinfo=None) - first.replace(tzinfo=None)).days + 1
    except ValueError:
        return "day"
    return "hour" if days <= 3 else "day" if days <= 92 else "week" if days <= 600 else "month"
