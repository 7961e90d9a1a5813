"""Keeping conversions: each once, whatever is said twice, with whom it credits."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.store import FoundClick
from control.conversions import store
from control.conversions.clicks import ClickStatus, facts_of, find
from control.conversions.crediting import settle_partners, take_click
from control.conversions.models import ConversionRow
from control.conversions.refunds import take_back
from control.conversions.report import Report, differences, key_of
from control.conversions.schemas import Conversion
from control.conversions.shown import shown
from control.coupons.models import fold
from control.db import now_ms
from control.ids import new_id
from control.offers import store as offers
from control.pagination import Cursor, Page, page_of
from control.parts import Parts

FIRST_LOOK_MS: Final = 1_000


class Kept(NamedTuple):
    """The conversion that a report made or repeats; `differs` names what a repeat says otherwise."""

    row: ConversionRow
    is_new: bool
    differs: list[str]


async def keep(session: AsyncSession, offer_id: str, report: Report, click: FoundClick | None) -> Kept:
    """Store a conversion in the caller's transaction, or find the one that this report repeats.

    `click` is the offer's own, None where it is not recorded yet or the report names none. Raises Problem 422 for a
    reversal that does not say enough.
    """
    conversion_id = new_id("cv")
    key = key_of(report, conversion_id)
    earlier = await store.earlier(session, offer_id, report.event, key)
    if earlier is not None:
        return Kept(earlier, False, differences(earlier, report))
    row = _as_reported(report, id=conversion_id, offer_id=offer_id, key=key)
    as_its_sale = report.is_reversal and await take_back(session, row, report)
    if click is not None and not as_its_sale:
        await take_click(session, row, click, row.at)
    await settle_partners(session, [row])
    session.add(row)
    await session.flush()
    return Kept(row, True, [])


def _as_reported(report: Report, **own: str) -> ConversionRow:
    now = now_ms()
    return ConversionRow(
        **own,
        at=now,
        event=report.event,
        txn_id=report.txn_id,
        amount=report.amount or 0,
        currency=report.currency,
        refund_of=None,
        coupon=report.coupon,
        folded=fold(report.coupon),
        click_id=report.click_id,
        click_status=ClickStatus.WAITING if report.click_id else ClickStatus.NONE,
        look_at=now + FIRST_LOOK_MS if report.click_id else None,
        named_by="",
        preset=False,
        **facts_of(None),
    )


async def page(
    parts: Parts, offer_id: str, cursor: Cursor, *, filters: Mapping[str, str | None], conflict: bool | None
) -> Page[Conversion]:
    """Return one page of an offer's conversions; `filters` as `store.filtered` takes them. Raises Problem 404."""
    async with parts.db.read() as session:
        await offers.require(session, offer_id)
        query = store.filtered(select(ConversionRow).where(ConversionRow.offer_id == offer_id), filters, conflict)
        rows, following = await page_of(session, query, ConversionRow.number, cursor)
        items = await _shown_now(parts, session, rows)
    return Page[Conversion](items=items, next_cursor=following)


async def get(parts: Parts, conversion_id: str) -> Conversion:
    """Return one conversion. Raises Problem 404."""
    async with parts.db.read() as session:
        return (await _shown_now(parts, session, [await store.require(session, conversion_id)]))[0]


async def _shown_now(parts: Parts, session: AsyncSession, rows: Sequence[ConversionRow]) -> list[Conversion]:
    """Return conversions of one offer as they stand now: with clicks that were recorded since."""
    waiting = [row for row in rows if row.click_status == ClickStatus.WAITING]
    if waiting:
        async with parts.clicks_db.read() as clicks:
            found = await find(clicks, {row.click_id for row in waiting})
        for row in waiting:
            if row.click_id in found:  # seen, not written: a reader's session is rolled back
                await take_click(session, row, found[row.click_id], now_ms())
    return await shown(session, rows)
