"""What SQL need not keep: bodies that newer ones replaced, and links of the chain, seven days after they were replaced.

The newest body of every key stays for ever: a rebuild reads it. A tombstone is kept seven days like everything else,
for a key that SQL does not name is absent all the same.
"""

from typing import Final

from sqlalchemy import and_, bindparam, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.db import Database, now_ms
from control.publishing.models import OutboxRow, PublishedTransaction

KEEP_MS: Final = 7 * 24 * 3600 * 1000
_TRANSACTIONS_AT_ONCE: Final = 100
"""Each step is a write transaction of its own, short enough for edits to pass between."""

_PLAIN: Final = {"synchronize_session": False}


async def prune(db: Database, keep_ms: int = KEEP_MS) -> None:
    """Delete what was replaced longer than `keep_ms` ago; Redis, when further back than that, is rebuilt."""
    while await _prune_step(db, now_ms() - keep_ms):
        pass


async def forget_replaced(db: Database, key: str, published: int) -> None:
    """Delete at once every older body of `key`, where its newest is among what is `published` (a sequence)."""
    async with db.write() as session:
        newest = await session.scalar(select(func.max(OutboxRow.sequence)).where(OutboxRow.key == key))
        if newest is not None and newest <= published:
            older = (OutboxRow.key == key, OutboxRow.sequence < newest)
            await session.execute(delete(OutboxRow).where(*older), execution_options=_PLAIN)


async def _prune_step(db: Database, before_ms: int) -> bool:
    """Prune behind the oldest transactions; False when none of them is old enough. The last one stays, as anchor."""
    async with db.write() as session:
        query = (
            select(PublishedTransaction.sequence)
            .where(PublishedTransaction.committed_at < before_ms)
            .order_by(PublishedTransaction.sequence)
            .limit(_TRANSACTIONS_AT_ONCE + 1)
        )
        old = (await session.scalars(query)).all()
        if len(old) < 2:  # Redis found at the anchor is replayed from there
            return False
        await _prune_behind(session, old[0], old[-1])
        past = PublishedTransaction.sequence < old[-1]
        await session.execute(delete(PublishedTransaction).where(past), execution_options=_PLAIN)
        return True


async def _prune_behind(session: AsyncSession, first: int, last: int) -> None:
    """Delete what the transactions `first` to `last` replaced, and their own tombstones."""
    inside = OutboxRow.sequence.between(first, last)
    replaced = await session.execute(
        select(OutboxRow.key, func.max(OutboxRow.sequence)).where(inside).group_by(OutboxRow.key)
    )
    pairs = [{"its_key": key, "its_newest": newest} for key, newest in replaced]
    if pairs:
        older = and_(OutboxRow.key == bindparam("its_key"), OutboxRow.sequence < bindparam("its_newest"))
        await (await session.connection()).execute(delete(OutboxRow).where(older), pairs)
    await session.execute(delete(OutboxRow).where(inside, OutboxRow.body.is_(None)), execution_options=_PLAIN)
