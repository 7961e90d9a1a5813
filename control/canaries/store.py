"""All queries on canaries."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.canaries.models import CanaryRow

_RUNNING: Final = select(CanaryRow).where(CanaryRow.offer_id == bindparam("offer"), CanaryRow.ended_at.is_(None))
"""Made once: every edit asks it, and making a question takes longer than its answer."""


async def running(session: AsyncSession, offer_id: str) -> CanaryRow | None:
    """Return the canary that runs on an offer; there is at most one."""
    return (await session.scalars(_RUNNING, {"offer": offer_id})).one_or_none()


async def running_on(session: AsyncSession, offer_ids: Collection[str]) -> dict[str, CanaryRow]:
    """Return the canaries that run on any of these offers, by offer id."""
    if not offer_ids:
        return {}
    query = select(CanaryRow).where(CanaryRow.offer_id.in_(offer_ids), CanaryRow.ended_at.is_(None))
    return {row.offer_id: row for row in await session.scalars(query)}


async def all_running(session: AsyncSession) -> Sequence[CanaryRow]:
    """Return every canary that runs, the oldest first."""
    return (
        await session.scalars(select(CanaryRow).where(CanaryRow.ended_at.is_(None)).order_by(CanaryRow.number))
    ).all()


async def last_ended(session: AsyncSession, offer_id: str) -> CanaryRow | None:
    """Return the canary of an offer that ended last."""
    query = select(CanaryRow).where(CanaryRow.offer_id == offer_id, CanaryRow.ended_at.is_not(None))
    return (await session.scalars(query.order_by(CanaryRow.number.desc()).limit(1))).one_or_none()


async def of_revisions(session: AsyncSession, offer_id: str, revisions: Collection[int]) -> dict[int, CanaryRow]:
    """Return as which canaries revisions of an offer were tried, by revision."""
    query = select(CanaryRow).where(CanaryRow.offer_id == offer_id, CanaryRow.revision.in_(revisions))
    return {row.revision: row for row in await session.scalars(query)}


async def ends(session: AsyncSession) -> Mapping[tuple[str, str], int]:
    """Return how many canaries ever ended, by outcome and cause."""
    query = select(CanaryRow.outcome, CanaryRow.cause, func.count()).where(CanaryRow.ended_at.is_not(None))
    rows = await session.execute(query.group_by(CanaryRow.outcome, CanaryRow.cause))
    return {(str(row[0]), str(row[1])): int(row[2]) for row in rows}
