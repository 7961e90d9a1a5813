"""Figures for pages: how an offer's people split across its rules, in the rules' order and colours."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request

from control.insight.analytics.periods import Range
from control.insight.analytics.question import KEYS, Question, ask
from control.insight.analytics.reading import Sessions
from control.parts import Parts
from control.smartlinks.schemas import Rule
from control.web.view import View
from shared.table import FALLBACK, INACTIVE, OFF

COLOURS: Final = 8
"""Rules that have a colour of their own; later ones, and deleted ones, share a hatched one."""

_FIXED: Final = {"": "No click known", OFF: "Smart link off", INACTIVE: "Offer paused", FALLBACK: "Everyone else"}


class Band(NamedTuple):
    """One rule in charts: what it is called, its class of colour, its place in the live list (None: not in it)."""

    key: str
    label: str
    look: str
    place: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A figure against the period before: `arrow` up, down or "", and how much, in words."""

    arrow: str
    words: str


@asynccontextmanager
async def sessions_of(parts: Parts) -> AsyncIterator[Sessions]:
    """Give one moment of both databases."""
    async with parts.clicks_db.read() as clicks, parts.db.read() as config:
        yield Sessions(clicks, config)


def question_of(view: View, now: datetime) -> Question:
    """Return what a view asks of the clicks of its offer, by rule. Raises Problem 422."""
    begin, end, interval = view.span(now)
    filters = {key: list(view.filters.get(key, ())) for key in KEYS}
    return ask(
        view.offer_id, begin=begin, end=end, interval=interval, tz=view.zone, group_by="rule", filters=filters, now=now
    )


def zone_of(request: Request) -> str:
    """Return the viewer's time zone: asked for in the URL, else what their browser said, else UTC."""
    for name in (request.query_params.get("tz", ""), request.cookies.get("turnout_tz", "").replace("%2F", "/")):
        try:
            if name:
                return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return "UTC"


def lately(zone: str, period: str) -> Range:
    """Return a period up to now as every page counts it: whole days of the viewer, and today so far."""
    return question_of(View("", zone, period), datetime.now(UTC)).period.range


def bands(rules: Sequence[Rule], keys: Iterable[str], names: Mapping[str, str]) -> list[Band]:
    """Return the bands of a chart from the bottom: rules in their order, deleted ones, off, everyone else on top."""
    found = [_band(rule, place) for place, rule in enumerate(rules, 1)]
    live = {band.key for band in found}
    gone = [key for key in keys if key not in live and key not in _FIXED]
    found += [Band(key, f"{names.get(key) or 'Unnamed rule'} (deleted)", "cx", None) for key in gone]
    return found + [Band(key, label, "cf" if key == FALLBACK else "cn", None) for key, label in _FIXED.items()]


def _band(rule: Rule, place: int) -> Band:
    label = rule.name or f"Rule {place}"
    return Band(rule.id, label if rule.enabled else f"{label} (off)", look_of(place), place)


def look_of(place: int) -> str:
    """Return the class of colour of the rule at `place`."""
    return f"c{place}" if place <= COLOURS else "cx"


def change(now: float, before: float) -> Change | None:
    """Return how a figure moved against the period before, None where there was nothing to move from."""
    if not before:
        return None
    moved = (now - before) / before * 100
    arrow = "" if abs(moved) < 0.05 else "up" if moved > 0 else "down"
    return Change(arrow, f"{abs(moved):,.1f}%" if moved < 1_000 else f"{now / before:,.0f} times")


def percent(part: float, whole: float) -> float:
    """Return a share in percent, to one decimal."""
    return round(part / whole * 100, 1) if whole else 0.0
