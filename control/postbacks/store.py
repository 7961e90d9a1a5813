"""All queries on the postback log."""

from typing import Final

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.shapes import DAY_MS
from control.postbacks.models import PostbackRow

KEPT_DAYS: Final = 90
KEPT_PER_OFFER: Final = 10_000


def log_of(offer_id: str, outcome: str | None) -> Select[PostbackRow]:
    """Return the query of an offer's attempts, those with one outcome if given."""
    query = select(PostbackRow).where(PostbackRow.offer_id == offer_id)
    return query if outcome is None else query.where(PostbackRow.outcome == outcome)


async def prune(session: AsyncSession, now_ms: int) -> None:
    """Forget attempts that are older than their time, and of each offer all but the newest."""
    await session.execute(delete(PostbackRow).where(PostbackRow.at < now_ms - KEPT_DAYS * DAY_MS))
    for offer_id in list(await session.scalars(select(PostbackRow.offer_id).distinct())):
        newest = select(PostbackRow.number).where(PostbackRow.offer_id == offer_id).order_by(PostbackRow.number.desc())
        last = await session.scalar(newest.offset(KEPT_PER_OFFER).limit(1))
        if last is not None:
            old = delete(PostbackRow).where(PostbackRow.offer_id == offer_id, PostbackRow.number <= last)
            await session.execute(old)
