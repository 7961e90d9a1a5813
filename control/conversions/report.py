"""What a postback reports, and what makes two reports one conversion. Pure."""

from typing import Final, NamedTuple

from control.conversions.models import ConversionRow
from control.coupons.models import fold

SALE: Final = "sale"
REFUND: Final = "refund"
REVERSALS: Final = frozenset([REFUND, "chargeback", "rejected"])
"""Events that take back what an earlier one reported: they lower revenue and are no conversions."""


class Report(NamedTuple):
    """What a postback says, checked; texts are "" and `amount` (ten-thousandths) None where it says nothing.

    The amount of a reversal is negative, or zero; `refund_id` tells several of one sale apart.
    """

    event: str
    txn_id: str
    click_id: str
    coupon: str
    amount: int | None
    currency: str
    refund_id: str = ""

    @property
    def is_reversal(self) -> bool:
        """Whether it takes back what was reported before."""
        return self.event in REVERSALS


def key_of(report: Report, conversion_id: str) -> str:
    """Return what repeats of an offer's event are known by: `txn_id`, else the click, else nothing but itself."""
    if report.refund_id:
        return f"refund:{report.refund_id}"
    if report.txn_id:
        return f"txn:{report.txn_id}"
    return f"click:{report.click_id}" if report.click_id else f"id:{conversion_id}"


def differences(row: ConversionRow, report: Report) -> list[str]:
    """Return what a repeat says otherwise than the conversion that it repeats; what it leaves out does not differ."""
    said = {
        "amount": report.amount is None or report.amount == row.amount,
        "currency": report.amount is None or report.currency == row.currency,
        "click_id": not report.click_id or report.click_id == row.click_id,
        "coupon": not report.coupon or fold(report.coupon) == row.folded,
    }
    return [name for name, same in said.items() if not same]
