"""Refunds, chargebacks and rejections: a sale taken back, in part or whole.

Each is kept like a conversion, with a negative amount, at the time when it was reported, so that what was earned before
stays as it was shown. It has its sale's click and coupon: what it lowers is the revenue that the sale had raised.
"""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from control.conversions import store
from control.conversions.models import ConversionRow
from control.conversions.report import Report
from control.errors import FieldError, Problem

_OWN: Final = frozenset(["number", "id", "offer_id", "at", "event", "key", "txn_id", "amount", "currency", "refund_of"])
_AS_ITS_SALE: Final = tuple(name for name in ConversionRow.__table__.columns.keys() if name not in _OWN)  # noqa: SIM118


async def take_back(session: AsyncSession, row: ConversionRow, report: Report) -> bool:
    """Give a reversal the facts of its sale; False where it is not known here, and what the report says has to do.

    Without an amount it is all that is left of the sale. Raises Problem 422 where what is said does not do.
    """
    sale = await store.sale_of(session, row.offer_id, report)
    if sale is None:
        _require_enough(report)
        return False
    for name in _AS_ITS_SALE:
        setattr(row, name, getattr(sale, name))
    row.refund_of = sale.id
    row.txn_id = report.txn_id or sale.txn_id
    if report.amount is None:
        row.currency = sale.currency
        row.amount = -max(0, sale.amount + await store.taken_back(session, sale.id))
    return True


def _require_enough(report: Report) -> None:
    if not (report.click_id or report.coupon):
        message = "No sale with this txn_id is known here: send its click_id or coupon, too."
        raise Problem.invalid([FieldError("txn_id", "unknown_sale", message)])
    if report.amount is None:
        message = "Say how much is taken back: the sale is not known here."
        raise Problem.invalid([FieldError("amount", "amount_missing", message)])
