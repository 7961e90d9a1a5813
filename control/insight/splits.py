"""How the people of many offers split across their rules, and how many bought: what a list of offers shows at a glance.

One query each, whatever the number of offers; charts of a single offer ask `analytics`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import CellRow, DaysRow, QuarterRow
from control.clicks.shapes import BLOCK_DAYS, DECISION, QUARTER_MS, QUARTERS_A_DAY
from control.clicks.store import text_numbers
from control.conversions.models import ConversionRow
from control.conversions.report import REVERSALS
from control.insight.analytics.cover import cover
from control.insight.analytics.periods import Range
from control.insight.analytics.rollups import closed_days

_UTC: Final = 0


async def splits(session: AsyncSession, offer_ids: Collection[str], span: Range) -> dict[str, dict[str, int]]:
    """Return offer -> key of a rule -> people; an offer without clicks has no keys."""
    found: dict[str, dict[str, int]] = {offer_id: {} for offer_id in offer_ids}
    names = {number: offer_id for offer_id, number in (await text_numbers(session, offer_ids)).items()}
    if not names:
        return found
    closed = await closed_days(session, [(_UTC, span.first // QUARTERS_A_DAY, span.after // QUARTERS_A_DAY)])
    parts = cover(span, _UTC, closed)
    decisions = [CellRow.offer.in_(names), CellRow.shape == DECISION.number]
    cells = select(CellRow.id).where(*decisions).correlate(None)
    reads: list[Any] = [
        select(DaysRow.cell, DaysRow.clicks).where(
            DaysRow.shift == _UTC,
            DaysRow.days == length,
            DaysRow.day >= first,
            DaysRow.day < after,
            DaysRow.cell.in_(cells),
        )
        for length, runs in ((BLOCK_DAYS, parts.blocks), (1, parts.days))
        for first, after in runs
    ]
    reads += [
        select(QuarterRow.cell, QuarterRow.clicks).where(
            QuarterRow.offer.in_(names),
            QuarterRow.shape == DECISION.number,
            QuarterRow.quarter >= part.first,
            QuarterRow.quarter < part.after,
        )
        for part in parts.quarters
    ]
    read = union_all(*reads).subquery()
    query = select(CellRow.offer, CellRow.v1, func.sum(read.c.clicks)).join(read, read.c.cell == CellRow.id)
    for offer, key, people in await session.execute(query.group_by(CellRow.offer, CellRow.v1)):
        found[names[offer]][key] = int(people)
    return found


async def sales(session: AsyncSession, offer_ids: Collection[str], span: Range) -> Mapping[str, int]:
    """Return offer -> conversions reported within `span`; what takes one back is none."""
    query = (
        select(ConversionRow.offer_id, func.count())
        .where(
            ConversionRow.offer_id.in_(offer_ids),
            ConversionRow.at >= span.first * QUARTER_MS,
            ConversionRow.at < span.after * QUARTER_MS,
            ConversionRow.event.not_in(sorted(REVERSALS)),
        )
        .group_by(ConversionRow.offer_id)
    )
    counts: dict[str, int] = defaultdict(int)
    return counts | dict((await session.execute(query)).all())
