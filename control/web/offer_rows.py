"""The rows of the list of offers: how each one's people split, how many bought, who touched it last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.models import AuditRow
from control.fields import utc
from control.insight.analytics.periods import Range
from control.insight.splits import sales, splits
from control.offers.schemas import Offer
from control.parts import Parts
from control.web.figures import bands, percent
from shared.table import FALLBACK

_GAP: Final = 1.0
_CHECK_FROM: Final = 50
"""Percent of people that no rule catches from which on a list of rules is worth a look."""
_ENOUGH: Final = 100
"""People below whom a share says nothing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a split, in percent of the whole width."""

    look: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Edit:
    """When an offer was last changed, and by whom."""

    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class Row:
    """One offer; `caption` says under its bars what there is to know, `check` that it is worth a look."""

    offer: Offer
    people: int
    conversions: int
    bars: Sequence[Bar]
    says: str
    caption: str
    check: bool
    edit: Edit


async def rows_of(parts: Parts, offers: Sequence[Offer], span: Range) -> list[Row]:
    """Return the rows of `offers`, in their order, with the figures of `span`."""
    ids = [offer.id for offer in offers]
    async with parts.clicks_db.read() as session:
        found = await splits(session, ids, span)
    async with parts.db.read() as session:
        sold = await sales(session, ids, span)
        edits = await _edits(session, ids)
    return [
        _row(offer, found[offer.id], sold.get(offer.id, 0), edits.get(offer.id) or Edit(offer.updated_at, ""))
        for offer in offers
    ]


def _row(offer: Offer, split: Mapping[str, int], conversions: int, edit: Edit) -> Row:
    people = sum(split.values())
    shares = [
        (band.label, band.look, percent(split[band.key], people))
        for band in bands(offer.smart_link.rules, split, {})
        if split.get(band.key)
    ]
    lost = percent(split.get(FALLBACK, 0), people)
    check = offer.smart_link.enabled and bool(offer.smart_link.rules) and people >= _ENOUGH and lost >= _CHECK_FROM
    says = ", ".join(f"{label} {share}%" for label, _, share in shares) or "nobody yet"
    caption = f"{lost:.0f}% go to everyone else" if check else _rules(offer)
    return Row(offer, people, conversions, _bars(shares), says, caption, check, edit)


def _bars(shares: Sequence[tuple[str, str, float]]) -> list[Bar]:
    bars: list[Bar] = []
    x = 0.0
    for _, look, share in shares:
        bars.append(Bar(look, round(x, 1), max(0.5, round(share - _GAP, 1))))
        x += share
    return bars


def _rules(offer: Offer) -> str:
    rules = offer.smart_link.rules
    on = sum(rule.enabled for rule in rules)
    if not offer.smart_link.enabled or not on:
        return "everyone to one page"
    if on < len(rules):
        return f"{on} of {len(rules)} rules on"
    return "1 rule" if on == 1 else f"{on} rules"


async def _edits(session: AsyncSession, offer_ids: Sequence[str]) -> dict[str, Edit]:
    """Return offer -> its newest entry in the audit log."""
    newest = select(func.max(AuditRow.number)).where(AuditRow.target.in_(offer_ids)).group_by(AuditRow.target)
    query = select(AuditRow.target, AuditRow.at, AuditRow.actor_name).where(AuditRow.number.in_(newest))
    return {target: Edit(utc(at), author) for target, at, author in await session.execute(query)}
