"""All queries on saved tests."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.errors import Problem
from control.savedtests.models import SavedTestRow

_OF_OFFER: Final = select(SavedTestRow).where(SavedTestRow.offer_id == bindparam("offer")).order_by(SavedTestRow.number)
"""Made once: every edit asks it, and making a question takes longer than its answer."""


async def of_offer(session: AsyncSession, offer_id: str) -> Sequence[SavedTestRow]:
    """Return an offer's saved tests, oldest first."""
    return (await session.scalars(_OF_OFFER, {"offer": offer_id})).all()


async def of_offers(session: AsyncSession, offer_ids: Sequence[str]) -> dict[str, list[SavedTestRow]]:
    """Return the saved tests of each offer, oldest first, by offer id."""
    found: dict[str, list[SavedTestRow]] = {offer_id: [] for offer_id in offer_ids}
    query = select(SavedTestRow).where(SavedTestRow.offer_id.in_(offer_ids)).order_by(SavedTestRow.number)
    for row in await session.scalars(query):
        found[row.offer_id].append(row)
    return found


async def require(session: AsyncSession, offer_id: str, test_id: str) -> SavedTestRow:
    """Return one saved test of an offer. Raises Problem 404."""
    query = select(SavedTestRow).where(SavedTestRow.offer_id == offer_id, SavedTestRow.id == test_id)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        raise Problem.not_found("saved test")
    return row


async def count(session: AsyncSession, offer_id: str) -> int:
    """Return how many saved tests an offer has."""
    query = select(func.count()).select_from(SavedTestRow).where(SavedTestRow.offer_id == offer_id)
    return await session.scalar(query) or 0


async def named(session: AsyncSession, offer_id: str, name: str) -> SavedTestRow | None:
    """Return the saved test of an offer that has this name, if any."""
    query = select(SavedTestRow).where(SavedTestRow.offer_id == offer_id, SavedTestRow.name == name)
    return (await session.scalars(query)).one_or_none()
