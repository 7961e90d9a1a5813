"""Canaries as stored: who began which one, on which workers, and how it ended."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber
from control.publishing.models import LeaseRow


class CanaryRow(Base):
    """One revision of an offer's smart link on `share` percent of the workers, beside `stable_revision`.

    `processes` are the workers that lived when it began, name -> boot, `picked` how many of them got it. `sequence` is
    the publish that began it. While it runs, what ends with `ended_` and `outcome` is null; `cause` is the watch's
    (`verdict.Cause`), "" where a person ended it.
    """

    __tablename__ = "canaries"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"), index=True)
    revision: Mapped[int]
    stable_revision: Mapped[int]
    share: Mapped[int]
    salt: Mapped[str]
    picked: Mapped[int]
    processes: Mapped[dict[str, Any]]
    sequence: Mapped[int] = mapped_column(BigInteger)
    author_kind: Mapped[str]
    author_id: Mapped[str]
    author_name: Mapped[str]
    started_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
    outcome: Mapped[str | None] = mapped_column(String(16))
    cause: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(500))
    ended_kind: Mapped[str | None]
    ended_id: Mapped[str | None]
    ended_name: Mapped[str | None]


class CanaryLease(LeaseRow, Base):
    """Which control watches the canaries."""

    __tablename__ = "canary_lease"
