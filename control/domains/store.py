"""All queries on domains."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.domains.models import DomainRow
from control.errors import Problem
from control.links.models import LinkRow
from control.offers.models import OfferDomainRow

_HOSTS: Final = select(DomainRow.host)
"""Made once: every edit asks it, and making a question takes longer than its answer."""


async def require(session: AsyncSession, domain_id: str) -> DomainRow:
    """Return a domain. Raises Problem 404."""
    row = (await session.scalars(select(DomainRow).where(DomainRow.id == domain_id))).one_or_none()
    if row is None:
        raise Problem.not_found("domain")
    return row


async def by_ids(session: AsyncSession, ids: Collection[str]) -> dict[str, DomainRow]:
    """Return the domains that exist among `ids`, by id."""
    if not ids:
        return {}
    rows = await session.scalars(select(DomainRow).where(DomainRow.id.in_(ids)))
    return {row.id: row for row in rows}


async def everyone(session: AsyncSession) -> Sequence[DomainRow]:
    """Return every domain, oldest first."""
    return (await session.scalars(select(DomainRow).order_by(DomainRow.number))).all()


async def hosts(session: AsyncSession) -> frozenset[str]:
    """Return every domain's host."""
    return frozenset(await session.scalars(_HOSTS))


async def is_taken(session: AsyncSession, host: str) -> bool:
    """Tell whether `host` is registered."""
    return bool(await session.scalar(select(exists().where(DomainRow.host == host))))


async def is_used(session: AsyncSession, domain_id: str) -> bool:
    """Tell whether a link or an offer lives on a domain."""
    by_link = exists().where(LinkRow.domain_id == domain_id)
    by_offer = exists().where(OfferDomainRow.domain_id == domain_id)
    return bool(await session.scalar(select(by_link | by_offer)))
