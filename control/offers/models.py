"""Offers as stored: destinations as typed and, beside them, as they are sent."""

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class OfferRow(Base):
    """An offer; `*_final` is the ASCII form of the destination beside it, `revision` its smart link's newest."""

    __tablename__ = "offers"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    destination_url: Mapped[str]
    destination_final: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    inactive_url: Mapped[str | None]
    inactive_final: Mapped[str | None]
    redirect_status: Mapped[int]
    append_click_id: Mapped[bool]
    pass_query: Mapped[bool]
    currency: Mapped[str]
    postback_secret: Mapped[str]
    revision: Mapped[int]
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class OfferDomainRow(Base):
    """An offer's place on a custom domain; `place` keeps the order in which domains were given."""

    __tablename__ = "offer_domains"
    __table_args__ = (Index("ix_offer_domains_domain_id", "domain_id"),)

    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"), primary_key=True)
    domain_id: Mapped[str] = mapped_column(ForeignKey("domains.id"), primary_key=True)
    place: Mapped[int]
