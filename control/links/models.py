"""Links as stored."""

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class LinkRow(Base):
    """A link; `domain` is the host of its namespace, `_` for the default one. Presets are "" where unset."""

    __tablename__ = "links"
    __table_args__ = (UniqueConstraint("slug", "domain"),)  # slug first: offers ask whether any domain has theirs

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str]
    domain_id: Mapped[str | None] = mapped_column(ForeignKey("domains.id"), index=True)
    slug: Mapped[str]
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"), index=True)
    partner_id: Mapped[str | None] = mapped_column(ForeignKey("partners.id"), index=True)
    coupon: Mapped[str]
    sub1: Mapped[str]
    sub2: Mapped[str]
    sub3: Mapped[str]
    sub4: Mapped[str]
    sub5: Mapped[str]
    enabled: Mapped[bool]
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
