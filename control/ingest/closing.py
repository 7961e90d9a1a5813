"""Whole days: once a local day is over, its quarters are summed into one row a cell, so that long charts read little.

Days are kept for UTC and for every distance from UTC that somebody asked charts for. A late click opens its day again
(`statements.REOPEN_DAYS`); whoever reads uses quarters where a day is not closed. So days are never the truth, and may
come late.
"""

from typing import Final

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import CellRow, ClosedDayRow, QuarterRow, ShiftRow
from control.clicks.shapes import DAY_MS, MEASURES, QUARTER_MS, QUARTERS_A_DAY, SHAPES, TOTAL
from control.db import Database

SETTLED_MS: Final = 60 * 60 * 1000
"""How long after its end a day is closed: what spools hold up for longer opens it again."""
UNASKED_MS: Final = 60 * DAY_MS
"""Days of a distance from UTC that nobody asked for in so long are forgotten."""

_SUM_UP: Final = text(
    f"INSERT INTO click_days (shift, cell, day, {', '.join(MEASURES)}) "  # noqa: S608  # names of ours
    f"SELECT :shift, cell, :day, {', '.join(f'SUM({measure})' for measure in MEASURES)} FROM click_quarters "
    "WHERE offer = :offer AND shape = :shape AND quarter >= :first AND quarter < :after GROUP BY cell "
    "ON CONFLICT (shift, cell, day) DO UPDATE SET "
    + ", ".join(f"{measure} = excluded.{measure}" for measure in MEASURES)
)


async def close_days(db: Database, now_ms: int) -> int:
    """Close every local day that is over, a transaction each; return how many."""
    async with db.read() as session:
        offers = await offers_of(session)
        shifts = await _shifts(session, now_ms)
        days = [(shift, day) for shift in shifts for day in await _open_days(session, shift, offers, now_ms)]
    for shift, day in days:
        async with db.write() as session:
            await _close(session, shift, day, offers)
    return len(days)


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


async def _open_days(session: AsyncSession, shift: int, offers: list[int], now_ms: int) -> list[int]:
    """Return the days that are over and not closed, oldest first, since the first click of any of `offers`."""
    firsts = [
        await session.scalar(
            select(func.min(QuarterRow.quarter)).where(QuarterRow.offer == offer, QuarterRow.shape == TOTAL.number)
        )
        for offer in offers
    ]
    first = min((quarter for quarter in firsts if quarter is not None), default=None)
    if first is None:
        return []
    over = ((now_ms - SETTLED_MS) // QUARTER_MS + shift) // QUARTERS_A_DAY
    closed = set(await session.scalars(select(ClosedDayRow.day).where(ClosedDayRow.shift == shift)))
    return [day for day in range((first + shift) // QUARTERS_A_DAY, over) if day not in closed]


async def _close(session: AsyncSession, shift: int, day: int, offers: list[int]) -> None:
    first = day * QUARTERS_A_DAY - shift
    for offer in offers:
        for shape in SHAPES:
            span = {"first": first, "after": first + QUARTERS_A_DAY}
            await session.execute(_SUM_UP, {"shift": shift, "day": day, "offer": offer, "shape": shape.number, **span})
    await session.execute(delete(ClosedDayRow).where(ClosedDayRow.shift == shift, ClosedDayRow.day == day))
    session.add(ClosedDayRow(shift=shift, day=day))
