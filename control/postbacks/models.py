"""The postback log as stored."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class PostbackRow(Base):
    """One attempt: what it said (parameters that postbacks have, never the secret), and what became of it.

    `source` is the sender's address, truncated; `ignored` the names of other parameters; `errors` field errors of a
    refusal; `differs` what a repeat said otherwise; `test` whether it came from "send test".
    """

    __tablename__ = "postbacks"
    __table_args__ = (Index("ix_postbacks_offer_id_number", "offer_id", "number"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"))
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    method: Mapped[str]
    source: Mapped[str]
    params: Mapped[dict[str, Any]]
    ignored: Mapped[list[Any]]
    outcome: Mapped[str]
    status: Mapped[int]
    code: Mapped[str]
    detail: Mapped[str]
    errors: Mapped[list[Any]]
    differs: Mapped[list[Any]]
    conversion_id: Mapped[str | None]
    test: Mapped[bool]
