"""How the people of many offers split across their rules, how many links and partners sent, how many bought.

One query each, whatever the number of offers; charts of a single offer ask `analytics`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import CellRow, DaysRow, QuarterRow
from control.clicks.shapes import BLOCK_DAYS, DECISION, MARKET, QUARTER_MS, QUARTERS_A_DAY, SOURCE, Shape
from control.clicks.store import text_numbers
from control.conversions.models import ConversionRow
from control.conversions.report import REVERSALS
from control.insight.analytics.cover import Cover, cover
from control.insight.analytics.periods import Range
from control.insight.analytics.rollups import closed_days

_UTC: Final = 0
_OF_A_SHAPE: Final = 2
"""Conditions that choose all cells of a shape of some offers; quarters have both in their key."""
_CODES_AT_ONCE: Final = 10_000


class Named(NamedTuple):
    """People whose clicks name somebody: by `via`, and by a coupon of the offer; both folded."""

    offer_id: str
    via: str
    coupon: str
    people: int


async def splits(session: AsyncSession, offer_ids: Collection[str], span: Range) -> dict[str, dict[str, int]]:
    """Return offer -> key of a rule -> people; an offer without clicks has no keys."""
    found: dict[str, dict[str, int]] = {offer_id: {} for offer_id in offer_ids}
    for offer_id, key, people in await _people(session, offer_ids, span, DECISION, [CellRow.v1]):
        found[offer_id][key] = people
    return found


async def senders(
    session: AsyncSession, offer_ids: Collection[str], link_ids: Collection[str], span: Range
) -> dict[str, int]:
    """Return how many people each of these links of these offers sent; one that sent nobody is not in it."""
    rows = await _people(session, offer_ids, span, SOURCE, [CellRow.v1], CellRow.v1.in_(link_ids))
    return {link_id: people for _, link_id, people in rows if people}


async def named(session: AsyncSession, offer_ids: Collection[str], vias: Collection[str], span: Range) -> list[Named]:
    """Return how many people of these offers named one of `vias`, whatever coupon they had."""
    rows = await _people(session, offer_ids, span, MARKET, [CellRow.v1], CellRow.v1.in_(vias))
    return [Named(offer_id, via, "", people) for offer_id, via, people in rows]


async def named_by_coupon(
    session: AsyncSession, codes: Mapping[str, Collection[str]], vias: Collection[str], span: Range
) -> list[Named]:
    """Return how many people came with one of the `codes` of an offer (offer -> codes), and named none of `vias`."""
    wanted = sorted({code for of_offer in codes.values() for code in of_offer})
    found: list[Named] = []
    for start in range(0, len(wanted), _CODES_AT_ONCE):
        some = [CellRow.v2.in_(wanted[start : start + _CODES_AT_ONCE]), CellRow.v1.not_in(vias)]
        rows = await _people(session, codes, span, MARKET, [CellRow.v1, CellRow.v2], *some)
        found += [Named(*row) for row in rows if row[2] in codes[row[0]]]
    return found


async def _people(
    session: AsyncSession,
    offer_ids: Collection[str],
    span: Range,
    shape: Shape,
    by: Sequence[Any],
    *only: ColumnElement[bool],
) -> list[Any]:
    """Return (offer, *values, people) by these columns of a shape's cells: of all of them, or of some `only`."""
    names = {number: offer_id for offer_id, number in (await text_numbers(session, offer_ids)).items()}
    if not names:
        return []
    closed = await closed_days(session, [(_UTC, span.first // QUARTERS_A_DAY, span.after // QUARTERS_A_DAY)])
    chosen = [CellRow.offer.in_(names), CellRow.shape == shape.number, *only]
    read = union_all(*_reads(cover(span, _UTC, closed), shape, list(names), chosen)).subquery()
    query = select(CellRow.offer, *by, func.sum(read.c.clicks)).join(read, read.c.cell == CellRow.id)
    rows = await session.execute(query.group_by(CellRow.offer, *by))
    return [(names[offer], *values, int(people)) for offer, *values, people in rows]


def _reads(parts: Cover, shape: Shape, offers: Sequence[int], chosen: Sequence[ColumnElement[bool]]) -> list[Any]:
    """Return what gives the clicks of the chosen cells, by cell: of blocks of days, of days, of quarters."""
    cells = select(CellRow.id).where(*chosen).correlate(None)
    narrowed = [QuarterRow.cell.in_(cells)] if len(chosen) > _OF_A_SHAPE else []
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
            QuarterRow.offer.in_(offers),
            QuarterRow.shape == shape.number,
            QuarterRow.quarter >= part.first,
            QuarterRow.quarter < part.after,
            *narrowed,
        )
        for part in parts.quarters
    ]
    return reads


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
