"""Revisions and rules as stored."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class RevisionRow(Base):
    """One immutable revision of an offer's smart link.

    `rules` is a list of {id, name, enabled, when, destination_url, final_url}: as typed and, last, as it is sent.
    `sequence` is the publish that carried it; `restored_from` the revision it repeats, null when it was written;
    `overridden_tests` a list of {id, name, message}: saved tests that an admin overrode to save it.
    """

    __tablename__ = "smart_link_revisions"
    __table_args__ = (UniqueConstraint("offer_id", "revision"),)

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"))
    revision: Mapped[int]
    enabled: Mapped[bool]
    fallback_url: Mapped[str | None]
    fallback_final: Mapped[str | None]
    rules: Mapped[list[Any]] = mapped_column(JSON)
    author_kind: Mapped[str]
    author_id: Mapped[str]
    author_name: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)
    restored_from: Mapped[int | None]
    sequence: Mapped[int] = mapped_column(BigInteger)
    overridden_tests: Mapped[list[Any]] = mapped_column(JSON)


class RuleRow(Base):
    """Every rule there ever was: whose it is, its last name, and the last revision that had it.

    Statistics are kept by rule id; this is how a deleted rule's keep their label.
    """

    __tablename__ = "rules"

    id: Mapped[str] = mapped_column(primary_key=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"), index=True)
    name: Mapped[str]
    last_revision: Mapped[int]
