"""All queries on offers."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import bindparam, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.domains.models import DomainRow
from control.errors import Problem
from control.links.models import LinkRow
from control.offers.models import OfferDomainRow, OfferRow

_BY_ID: Final = select(OfferRow).where(OfferRow.id == bindparam("id"))
_BY_SLUG: Final = select(OfferRow).where(OfferRow.slug == bindparam("slug"))
"""Made once: every edit asks for its offer, and making a question takes longer than its answer."""


async def require(session: AsyncSession, offer_id: str) -> OfferRow:
    """Return an offer. Raises Problem 404."""
    row = (await session.scalars(_BY_ID, {"id": offer_id})).one_or_none()
    if row is None:
        raise Problem.not_found("offer")
    return row


async def by_ids(session: AsyncSession, ids: Collection[str]) -> dict[str, OfferRow]:
    """Return the offers that exist among `ids`, by id."""
    if not ids:
        return {}
    return {row.id: row for row in await session.scalars(select(OfferRow).where(OfferRow.id.in_(ids)))}


async def by_slug(session: AsyncSession, slug: str) -> OfferRow | None:
    """Return the offer with a slug."""
    return (await session.scalars(_BY_SLUG, {"slug": slug})).one_or_none()


async def is_slug_taken(session: AsyncSession, slug: str) -> bool:
    """Tell whether an offer, or a link on any domain, has `slug`: an offer's answers on every domain it may join."""
    by_offer = exists().where(OfferRow.slug == slug)
    by_link = exists().where(LinkRow.slug == slug)
    return bool(await session.scalar(select(by_offer | by_link)))


async def domains(session: AsyncSession, offer_ids: Collection[str]) -> dict[str, list[DomainRow]]:
    """Return each offer's custom domains, in the order in which they were given."""
    found: dict[str, list[DomainRow]] = {offer_id: [] for offer_id in offer_ids}
    if not offer_ids:
        return found
    query = (
        select(OfferDomainRow.offer_id, DomainRow)
        .join(DomainRow, DomainRow.id == OfferDomainRow.domain_id)
        .where(OfferDomainRow.offer_id.in_(offer_ids))
        .order_by(OfferDomainRow.place)
    )
    for offer_id, domain in await session.execute(query):
        found[offer_id].append(domain)
    return found


async def set_domains(session: AsyncSession, offer_id: str, domain_ids: Sequence[str]) -> None:
    """Put an offer on exactly these domains."""
    await session.execute(delete(OfferDomainRow).where(OfferDomainRow.offer_id == offer_id))
    for place, domain_id in enumerate(domain_ids):
        session.add(OfferDomainRow(offer_id=offer_id, domain_id=domain_id, place=place))
    await session.flush()
