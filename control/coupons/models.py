"""Coupons as stored."""

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class CouponRow(Base):
    """A code, one per offer whatever its case; `folded` is what codes are compared by (`fold`)."""

    __tablename__ = "coupons"
    __table_args__ = (UniqueConstraint("offer_id", "folded"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str]
    folded: Mapped[str] = mapped_column(index=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"))
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.id"), index=True)
    created_at: Mapped[int] = mapped_column(BigInteger)


def fold(code: str) -> str:
    """Return the form in which codes are compared: `Save10 ` and `SAVE10` are one code."""
    return code.strip().casefold()
