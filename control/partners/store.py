"""All queries on partners."""

from collections.abc import Collection

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.conversions.models import ConversionRow
from control.coupons.models import CouponRow
from control.errors import Problem
from control.links.models import LinkRow
from control.partners.models import PartnerRow


async def require(session: AsyncSession, partner_id: str) -> PartnerRow:
    """Return a partner. Raises Problem 404."""
    row = (await session.scalars(select(PartnerRow).where(PartnerRow.id == partner_id))).one_or_none()
    if row is None:
        raise Problem.not_found("partner")
    return row


async def by_ids(session: AsyncSession, ids: Collection[str]) -> dict[str, PartnerRow]:
    """Return the partners that exist among `ids`, by id."""
    if not ids:
        return {}
    rows = await session.scalars(select(PartnerRow).where(PartnerRow.id.in_(ids)))
    return {row.id: row for row in rows}


async def by_slug(session: AsyncSession, slug: str) -> PartnerRow | None:
    """Return the partner whom `?via=slug` names."""
    return (await session.scalars(select(PartnerRow).where(PartnerRow.slug == slug))).one_or_none()


async def is_used(session: AsyncSession, partner_id: str) -> bool:
    """Tell whether a link or a coupon is a partner's."""
    by_link = exists().where(LinkRow.partner_id == partner_id)
    by_coupon = exists().where(CouponRow.partner_id == partner_id)
    return bool(await session.scalar(select(by_link | by_coupon)))


async def is_named_by_conversions(session: AsyncSession, row: PartnerRow) -> bool:
    """Tell whether a conversion's coupon or click names a partner who has no coupons; credited or not, it says so."""
    named = or_(
        ConversionRow.coupon_partner_id == row.id,
        ConversionRow.click_partner_id == row.id,
        and_(ConversionRow.click_partner_id.is_(None), ConversionRow.via == row.slug),
    )
    return bool(await session.scalar(select(exists().where(named))))
