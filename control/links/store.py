"""All queries on links."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.errors import Problem
from control.links.models import LinkRow
from control.offers.models import OfferRow


async def require(session: AsyncSession, link_id: str) -> LinkRow:
    """Return a link. Raises Problem 404."""
    row = (await session.scalars(select(LinkRow).where(LinkRow.id == link_id))).one_or_none()
    if row is None:
        raise Problem.not_found("link")
    return row


async def taken(session: AsyncSession, slugs: Collection[str]) -> set[tuple[str | None, str]]:
    """Return which of `slugs` are taken: (domain, slug) by a link, (None, slug) on every domain by an offer."""
    if not slugs:
        return set()
    links = await session.execute(select(LinkRow.domain, LinkRow.slug).where(LinkRow.slug.in_(slugs)))
    offers = await session.scalars(select(OfferRow.slug).where(OfferRow.slug.in_(slugs)))
    return {*links, *((None, slug) for slug in offers)}


async def insert_rows(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new links, given as columns. As a table: through the mapped class it costs a quarter more of the rate."""
    if rows:
        await session.execute(insert(LinkRow.__table__), rows)  # type: ignore[arg-type]  # a Table, which insert takes
