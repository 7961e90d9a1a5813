"""All queries on conversions, and in SQL who is credited: what is settled, else who is named by now."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from control.clicks.attribution import NOBODY, UNATTRIBUTED
from control.conversions.clicks import ClickStatus
from control.conversions.models import ConversionRow
from control.conversions.report import REVERSALS, SALE, Report
from control.coupons.models import CouponRow
from control.errors import Problem
from control.partners.models import PartnerRow

_REPORTED = aliased(CouponRow)
_CARRIED = aliased(CouponRow)
_NAMED = aliased(PartnerRow)

COUPON_PARTNER = func.coalesce(ConversionRow.coupon_partner_id, _REPORTED.partner_id)
CLICK_PARTNER = func.coalesce(ConversionRow.click_partner_id, _NAMED.id, _CARRIED.partner_id)
CREDITED = func.coalesce(COUPON_PARTNER, CLICK_PARTNER)
CONFLICT = func.coalesce(COUPON_PARTNER != CLICK_PARTNER, False)
PARTNER_KEY = case(
    (CREDITED.is_not(None), CREDITED),
    (or_(ConversionRow.folded != "", ConversionRow.via != "", ConversionRow.click_coupon != ""), UNATTRIBUTED),
    else_=NOBODY,
)
"""The partner as analytics keys it: an id, UNATTRIBUTED where who is named does not exist, NOBODY where none is."""


def with_partners(query: Select[Any]) -> Select[Any]:
    """Return a query on conversions that can use CREDITED and its kin."""
    reported = and_(
        ConversionRow.coupon_partner_id.is_(None),
        _REPORTED.offer_id == ConversionRow.offer_id,
        _REPORTED.folded == ConversionRow.folded,
    )
    carried = and_(
        ConversionRow.click_partner_id.is_(None),
        _CARRIED.offer_id == ConversionRow.offer_id,
        _CARRIED.folded == ConversionRow.click_coupon,
    )
    named = and_(ConversionRow.click_partner_id.is_(None), _NAMED.slug == ConversionRow.via)
    return query.outerjoin(_REPORTED, reported).outerjoin(_CARRIED, carried).outerjoin(_NAMED, named)


def filtered(query: Select[Any], wanted: Mapping[str, str | None], conflict: bool | None) -> Select[Any]:
    """Return a query on conversions narrowed to columns with these values (None: any).

    `partner_id` is who is credited by now.
    """
    query = with_partners(query)
    for name, value in wanted.items():
        if value is not None:
            column = CREDITED if name == "partner_id" else getattr(ConversionRow, name)
            query = query.where(column == value)
    return query if conflict is None else query.where(CONFLICT.is_(conflict))


async def require(session: AsyncSession, conversion_id: str) -> ConversionRow:
    """Return a conversion. Raises Problem 404."""
    query = select(ConversionRow).where(ConversionRow.id == conversion_id)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        raise Problem.not_found("conversion")
    return row


async def earlier(session: AsyncSession, offer_id: str, event: str, key: str) -> ConversionRow | None:
    """Return the conversion of an offer that this one repeats."""
    query = select(ConversionRow).where(
        ConversionRow.offer_id == offer_id, ConversionRow.event == event, ConversionRow.key == key
    )
    return (await session.scalars(query)).one_or_none()


async def sale_of(session: AsyncSession, offer_id: str, report: Report) -> ConversionRow | None:
    """Return what a reversal takes back: what has its `txn_id`, a sale first; else the only one of its click."""
    sales = select(ConversionRow).where(
        ConversionRow.offer_id == offer_id, ConversionRow.event.not_in(sorted(REVERSALS))
    )
    if report.txn_id:
        by_number = sales.where(ConversionRow.key == f"txn:{report.txn_id}")
        newest = by_number.order_by(ConversionRow.event != SALE, ConversionRow.number.desc())
        if (found := (await session.scalars(newest.limit(1))).one_or_none()) is not None:
            return found
    if not report.click_id:
        return None
    of_click = (await session.scalars(sales.where(ConversionRow.click_id == report.click_id).limit(2))).all()
    return of_click[0] if len(of_click) == 1 else None


async def taken_back(session: AsyncSession, conversion_id: str) -> int:
    """Return the sum of what was taken back of a conversion so far, in ten-thousandths: zero or less."""
    query = select(func.sum(ConversionRow.amount)).where(ConversionRow.refund_of == conversion_id)
    return int(await session.scalar(query) or 0)


async def due(session: AsyncSession, now_ms: int, limit: int) -> list[ConversionRow]:
    """Return conversions for which there is something to do, the longest due first."""
    query = select(ConversionRow).where(ConversionRow.look_at <= now_ms).order_by(ConversionRow.look_at).limit(limit)
    return list(await session.scalars(query))


async def waiting(session: AsyncSession) -> tuple[int, int | None]:
    """Return how many conversions wait for their click, and when the first of them was reported."""
    query = select(func.count(), func.min(ConversionRow.at)).where(
        ConversionRow.look_at > 0,  # read by its index: all that wait have one, and few others
        ConversionRow.click_status == ClickStatus.WAITING,
    )
    count, oldest = (await session.execute(query)).one()
    return count, oldest


async def nameable(session: AsyncSession, limit: int) -> list[int]:
    """Return the numbers of conversions that name somebody who exists by now, and do not know it yet."""
    query = with_partners(select(ConversionRow.number)).where(
        or_(_REPORTED.partner_id.is_not(None), _NAMED.id.is_not(None), _CARRIED.partner_id.is_not(None))
    )
    return list(await session.scalars(query.limit(limit)))


async def by_numbers(session: AsyncSession, numbers: Collection[int]) -> list[ConversionRow]:
    """Return the conversions with these numbers."""
    return list(await session.scalars(select(ConversionRow).where(ConversionRow.number.in_(numbers))))
