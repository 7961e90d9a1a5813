"""Conversions as stored, in the configuration database: a sale must not wait behind a million clicks."""

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class ConversionRow(Base):
    """A conversion: what was reported, what its click had, and whom both name. Texts are "" where there is nothing.

    One that takes back another has a negative `amount`, the other's `id` as `refund_of` where that is known, and all
    else as the other has it.

    `key` is what repeats are known by (`report.key_of`), `amount` in ten-thousandths, `folded` the coupon as codes are
    compared. `coupon_partner_id` and `click_partner_id` are who was found to be named, once that was known, and stay:
    giving a code to somebody else later does not move what was earned. `named_by` is what of the click named its
    partner (`attribution.By`), `preset` whether `via` came from the link. `look_at` is when there is something to do
    for it next (see `settling`), None for nothing. `link` to `referrer` are the click's, `via` and `click_coupon`
    folded; `rule` is an id, `fallback`, `off` or `inactive`.
    """

    __tablename__ = "conversions"
    __table_args__ = (
        UniqueConstraint("offer_id", "key", "event"),
        Index("ix_conversions_offer_id_at", "offer_id", "at"),
    )

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"))
    at: Mapped[int] = mapped_column(BigInteger)
    event: Mapped[str]
    key: Mapped[str]
    txn_id: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    refund_of: Mapped[str | None] = mapped_column(index=True)
    coupon: Mapped[str]
    folded: Mapped[str]
    coupon_partner_id: Mapped[str | None]
    click_id: Mapped[str] = mapped_column(index=True)
    click_status: Mapped[str]
    look_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
    click_partner_id: Mapped[str | None]
    named_by: Mapped[str]
    preset: Mapped[bool]
    clicked_at: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str]
    link: Mapped[str]
    revision: Mapped[int]
    rule: Mapped[str]
    country: Mapped[str]
    device: Mapped[str]
    os: Mapped[str]
    browser: Mapped[str]
    via: Mapped[str]
    click_coupon: Mapped[str]
    sub1: Mapped[str]
    sub2: Mapped[str]
    sub3: Mapped[str]
    sub4: Mapped[str]
    sub5: Mapped[str]
    referrer: Mapped[str]
