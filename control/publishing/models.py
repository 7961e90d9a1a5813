"""The outbox in SQL: where the order of publishes stands, every transaction's link of the chain, and the bodies."""

from typing import Final, cast

from sqlalchemy import Index, Integer, LargeBinary, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber

ONLY: Final = 1
"""Primary key of tables that hold one row."""


class Lineage(Base):
    """Where publishing stands: one row, updated (and so locked until commit) by every transaction that publishes.

    `epoch` is raised only by a rebuild; `sequence` numbers transactions without holes; `hash` chains them all.
    """

    __tablename__ = "publishing_lineage"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(RowNumber)
    sequence: Mapped[int] = mapped_column(RowNumber)
    hash: Mapped[str] = mapped_column(String(32))


class PublishedTransaction(Base):
    """One transaction's link of the chain, kept seven days: Redis, found at one of these, is replayed, not rebuilt.

    `committed_at` is milliseconds since 1970 UTC; `keys` and `size_bytes` cut batches without reading bodies.
    """

    __tablename__ = "publishing_transactions"

    sequence: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(32))
    committed_at: Mapped[int] = mapped_column(RowNumber, index=True)
    keys: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(RowNumber)


class OutboxRow(Base):
    """What one transaction published for one key; `body` None deletes it. A key's newest row is the truth of it."""

    __tablename__ = "publishing_outbox"
    __table_args__ = (Index("ix_publishing_outbox_key", "key", "sequence", unique=True),)

    sequence: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(400))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


LINEAGE, LINKS, BODIES = (cast(Table, model.__table__) for model in (Lineage, PublishedTransaction, OutboxRow))
"""Their tables: what every edit asks and writes is made of these, for objects take longer than the statement itself."""


class LeaseRow:
    """Columns of a table whose one row says who does something, at most one at a time.

    `expires_at` is milliseconds since 1970 UTC.
    """

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    owner: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[int] = mapped_column(RowNumber)


class RebuildLease(LeaseRow, Base):
    """Who rebuilds Redis."""

    __tablename__ = "publishing_rebuild"
