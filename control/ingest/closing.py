"""Whole days: once a local day is over, its quarters are summed into one row a cell, so that long charts read little.

So are sixteen days at a time out of days. Both are kept for UTC and for every distance from UTC that somebody asked
charts for. Of days of UTC the raw clicks are written once more by columns (`columns`). A late click opens its days
again (`statements.REOPEN_DAYS`); whoever reads uses quarters, and rows, where a day is not closed. So days are never
the truth, and may come late.
"""

from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import CellRow, ClosedDaysRow, QuarterRow, ShiftRow
from control.clicks.shapes import BLOCK_DAYS, DAY_MS, MEASURES, QUARTER_MS, QUARTERS_A_DAY, SHAPES, TOTAL
from control.db import Database
from control.ingest.columns import write_columns

SETTLED_MS: Final = 60 * 60 * 1000
"""How long after its end a day is closed: what spools hold up for longer opens it again."""
UNASKED_MS: Final = 60 * DAY_MS
"""Days of a distance from UTC that nobody asked for in so long are forgotten."""

_INSERT: Final = f"INSERT INTO click_days (shift, days, cell, day, {', '.join(MEASURES)}) "  # names of ours
_SUMS: Final = ", ".join(f"SUM({measure})" for measure in MEASURES)
_REPLACE: Final = "ON CONFLICT (shift, days, cell, day) DO UPDATE SET " + ", ".join(
    f"{measure} = excluded.{measure}" for measure in MEASURES
)
_SUM_UP_QUARTERS: Final = text(
    f"{_INSERT} SELECT :shift, 1, cell, :day, {_SUMS} FROM click_quarters "  # noqa: S608
    f"WHERE offer = :offer AND shape IN ({', '.join(str(shape.number) for shape in SHAPES)}) "
    f"AND quarter >= :first AND quarter < :after GROUP BY cell {_REPLACE}"
)
_SUM_UP_DAYS: Final = text(
    f"{_INSERT} SELECT :shift, {BLOCK_DAYS}, cell, :day, {_SUMS} FROM click_days "  # noqa: S608
    "WHERE shift = :shift AND days = 1 AND cell IN (SELECT id FROM click_cells WHERE offer = :offer) "
    f"AND day >= :day AND day < :day + {BLOCK_DAYS} GROUP BY cell {_REPLACE}"
)


async def close_days(db: Database, now_ms: int) -> int:
    """Close every local day that is over, then every block of closed days, a transaction each; return how many days."""
    async with db.read() as session:
        shifts = await _shifts(session, now_ms)
        first = await _first_quarter(session, await offers_of(session))
    closed = 0
    for shift in shifts if first is not None else ():
        over = ((now_ms - SETTLED_MS) // QUARTER_MS + shift) // QUARTERS_A_DAY
        first_day = ((first or 0) + shift) // QUARTERS_A_DAY
        for day in await _open(db, shift, 1, range(first_day, over)):
            await _close_day(db, shift, day)
            closed += 1
        blocks = range(first_day - first_day % BLOCK_DAYS, over - BLOCK_DAYS + 1, BLOCK_DAYS)
        for day in await _open(db, shift, BLOCK_DAYS, blocks):
            await _close_block(db, shift, day, first_day)
    return closed


async def ask_for(db: Database, shift: int, now_ms: int) -> None:
    """Note that somebody reads days at this distance from UTC; where that is news they are kept from now on."""
    async with db.write() as session:
        row = await session.get(ShiftRow, shift)
        if row is None:
            session.add(ShiftRow(shift=shift, asked_at=now_ms))
        else:
            row.asked_at = now_ms


async def offers_of(session: AsyncSession) -> list[int]:
    """Return the numbers of all offers that have clicks."""
    return list(await session.scalars(select(CellRow.offer).where(CellRow.shape == TOTAL.number).distinct()))


async def _shifts(session: AsyncSession, now_ms: int) -> list[int]:
    asked = await session.scalars(select(ShiftRow.shift).where(ShiftRow.asked_at > now_ms - UNASKED_MS))
    return sorted({0, *asked})


async def _first_quarter(session: AsyncSession, offers: list[int]) -> int | None:
    """Return the quarter of the first click of all."""
    firsts = [
        await session.scalar(
            select(func.min(QuarterRow.quarter)).where(QuarterRow.offer == offer, QuarterRow.shape == TOTAL.number)
        )
        for offer in offers
    ]
    return min((quarter for quarter in firsts if quarter is not None), default=None)


async def _open(db: Database, shift: int, days: int, wanted: range) -> list[int]:
    """Return those of `wanted` that are not closed, oldest first."""
    query = select(ClosedDaysRow.day).where(ClosedDaysRow.shift == shift, ClosedDaysRow.days == days)
    async with db.read() as session:
        closed = set(await session.scalars(query))
    return [day for day in wanted if day not in closed]


async def _close_day(db: Database, shift: int, day: int) -> None:
    first = day * QUARTERS_A_DAY - shift
    span = {"shift": shift, "day": day, "first": first, "after": first + QUARTERS_A_DAY}
    async with db.write() as session:
        for offer in await offers_of(session):
            await session.execute(_SUM_UP_QUARTERS, {"offer": offer, **span})
            if shift == 0:
                await write_columns(session, offer, day)
        session.add(ClosedDaysRow(shift=shift, days=1, day=day))


async def _close_block(db: Database, shift: int, day: int, first_day: int) -> None:
    """Close a block if all of its days still are, but for those before the first click of all."""
    async with db.write() as session:
        query = select(func.count()).where(
            ClosedDaysRow.shift == shift,
            ClosedDaysRow.days == 1,
            ClosedDaysRow.day >= day,
            ClosedDaysRow.day < day + BLOCK_DAYS,
        )
        if (await session.scalar(query) or 0) < day + BLOCK_DAYS - max(day, first_day):
            return
        for offer in await offers_of(session):
            await session.execute(_SUM_UP_DAYS, {"shift": shift, "day": day, "offer": offer})
        session.add(ClosedDaysRow(shift=shift, days=BLOCK_DAYS, day=day))
