"""Saved tests as stored."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class SavedTestRow(Base):
    """One visitor of an offer (as the API takes them) and what is expected of their click.

    Either `rule_id` is set (a rule's id, `fallback` or `off`), or `destination_url` as typed and `destination_final`
    as it is sent.
    """

    __tablename__ = "saved_tests"
    __table_args__ = (UniqueConstraint("offer_id", "name"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"))
    name: Mapped[str]
    visitor: Mapped[dict[str, Any]] = mapped_column(JSON)
    rule_id: Mapped[str | None]
    destination_url: Mapped[str | None]
    destination_final: Mapped[str | None]
    created_at: Mapped[int] = mapped_column(BigInteger)
