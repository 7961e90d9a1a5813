"""The Overview tab: what happens with a click now, and what happened to those of the last day and week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlalchemy import func, select

from control.coupons.models import CouponRow
from control.fields import PathId
from control.insight.analytics.answer import summary
from control.insight.analytics.schemas import Summary
from control.links.models import LinkRow
from control.offers import service as offers
from control.offers import store as offer_store
from control.offers.schemas import Offer
from control.parts import Parts, PartsDep
from control.smartlinks.schemas import Rule
from control.web.figures import Change, bands, change, percent, question_of, sessions_of, zone_of
from control.web.guard import Person
from control.web.notices import notice_of
from control.web.render import page
from control.web.sentence import pretty_url, sentence
from control.web.view import View
from shared.table import FALLBACK, OFF

router = APIRouter(include_in_schema=False)

_PERIODS: Final = {"24h": "Last 24 hours", "7d": "Last 7 days"}
_EVERY_GROUP: Final = 1_000
_RULES_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Station:
    """One way a click can go: a rule (None: everyone else), and its share of the last day and of the last week."""

    rule: Rule | None
    place: int | None
    look: str
    day: tuple[int, float]
    week: tuple[int, float]


@dataclass(frozen=True, slots=True)
class Lately:
    """One period's figures."""

    title: str
    people: int
    change: Change | None
    conversions: int
    fallback: float | None
    href: str


@router.get("/offers/{offer_id}")
async def show_overview(request: Request, parts: PartsDep, caller: Person, offer_id: PathId) -> Any:
    offer = await offers.get(parts, caller, offer_id)
    views = {name: View(offer.id, zone_of(request), name) for name in _PERIODS}
    found = await _found(parts, views)
    stations = _stations(offer, found["24h"], found["7d"])
    return page(
        request,
        "overview.html",
        caller=caller,
        offer=offer,
        stations=[*stations[:-1][:_RULES_SHOWN], stations[-1]],
        hidden=max(0, len(stations) - 1 - _RULES_SHOWN),
        lately=[_lately(title, found[name], views[name]) for name, title in _PERIODS.items()],
        counts=await _counts(parts, offer.id),
        sentence=sentence,
        pretty_url=pretty_url,
        notice=notice_of(request),
    )


async def _found(parts: Parts, views: Mapping[str, View]) -> dict[str, Summary]:
    found: dict[str, Summary] = {}
    now = datetime.now(UTC)
    async with sessions_of(parts) as sessions:
        for name, view in views.items():
            row = await offer_store.require(sessions.config, view.offer_id)
            found[name] = await summary(sessions, question_of(view, now), row, limit=_EVERY_GROUP, compare=True)
    return found


def _stations(offer: Offer, day: Summary, week: Summary) -> list[Station]:
    """Return every rule in its order, and everyone else; while the smart link is off only the latter."""
    link = offer.smart_link
    rules = link.rules if link.enabled else []
    known = {rule.id: rule for rule in rules}
    last = FALLBACK if link.enabled else OFF
    return [
        Station(known.get(band.key), band.place, band.look, _part(day, band.key), _part(week, band.key))
        for band in bands(rules, (), {})
        if band.key in known or band.key == last
    ]


def _part(found: Summary, key: str) -> tuple[int, float]:
    clicks = next((group.clicks for group in found.groups if group.key == key), 0)
    return clicks, percent(clicks, found.totals.clicks)


def _lately(title: str, found: Summary, view: View) -> Lately:
    before = found.previous.totals.clicks if found.previous else 0
    fallback = _part(found, FALLBACK)[1] if found.totals.clicks else None
    moved = change(found.totals.clicks, before)
    return Lately(title, found.totals.clicks, moved, found.totals.conversions, fallback, view.href)


async def _counts(parts: Parts, offer_id: str) -> dict[str, int]:
    """Return how many links, coupons and partners an offer has."""
    columns: Sequence[Any] = (LinkRow.offer_id, CouponRow.offer_id)
    async with parts.db.read() as session:
        links, coupons = [
            await session.scalar(select(func.count()).where(column == offer_id)) or 0 for column in columns
        ]
        partners = func.count(LinkRow.partner_id.distinct())
        sending = await session.scalar(select(partners).where(LinkRow.offer_id == offer_id)) or 0
    return {"links": links, "coupons": coupons, "partners": sending}
