"""What is forgotten: raw clicks after the days that settings give them, and what only the recent past needs."""

from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import (
    BootRow,
    ClickRow,
    ClosedDaysRow,
    ColumnRow,
    DaysRow,
    DeadLetterRow,
    SeenRow,
    ShiftRow,
    VisitorRow,
)
from control.clicks.shapes import DAY_MS
from control.db import Database
from control.ingest.closing import UNASKED_MS, offers_of

VISITOR_DAYS: Final = 8
"""Days for which visitors are known. A click that a spool kept for longer counts as a unique again."""
DEAD_LETTER_DAYS: Final = 30
BOOT_DAYS: Final = 400
"""Days after its last batch for which a boot is known: a spool older than that would count twice."""
_SPAN_MS: Final = 60 * 60 * 1000


async def forget(db: Database, now_ms: int, retention_days: int) -> int:
    """Delete what is older than its time, in short transactions; return how many raw clicks that was."""
    async with db.write() as session:
        await _forget_small(session, now_ms)
        whole_days = ColumnRow.day < (now_ms - retention_days * DAY_MS) // DAY_MS
        await session.execute(delete(ColumnRow).where(whole_days))
    forgotten = 0
    while deleted := await _forget_clicks(db, now_ms - retention_days * DAY_MS):
        forgotten += deleted
    return forgotten


async def _forget_small(session: AsyncSession, now_ms: int) -> None:
    await session.execute(delete(VisitorRow).where(VisitorRow.day < now_ms // DAY_MS - VISITOR_DAYS))
    await session.execute(delete(DeadLetterRow).where(DeadLetterRow.at < now_ms - DEAD_LETTER_DAYS * DAY_MS))
    old = select(BootRow.boot).where(BootRow.last_at < now_ms - BOOT_DAYS * DAY_MS)
    await session.execute(delete(SeenRow).where(SeenRow.boot.in_(old)))
    await session.execute(delete(BootRow).where(BootRow.last_at < now_ms - BOOT_DAYS * DAY_MS))
    unasked = list(await session.scalars(select(ShiftRow.shift).where(ShiftRow.asked_at < now_ms - UNASKED_MS)))
    for row in (DaysRow, ClosedDaysRow, ShiftRow):
        await session.execute(delete(row).where(row.shift.in_(unasked), row.shift != 0))


async def _forget_clicks(db: Database, before_ms: int) -> int:
    """Delete up to an hour of each offer's clicks from its oldest on; return how many."""
    async with db.write() as session:
        deleted = 0
        for offer in await offers_of(session):
            oldest = await session.scalar(select(func.min(ClickRow.time_ms)).where(ClickRow.offer == offer))
            if oldest is None or oldest >= before_ms:
                continue
            until = min(before_ms, oldest + _SPAN_MS)
            where = (ClickRow.offer == offer, ClickRow.time_ms < until)
            deleted += await session.scalar(select(func.count()).select_from(ClickRow).where(*where)) or 0
            await session.execute(delete(ClickRow).where(*where))
        return deleted
