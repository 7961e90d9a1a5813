"""Domains as stored."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class DomainRow(Base):
    """A registered host (lower-case A-label form), where its root redirects and, while it is paused, all its visitors.

    `*_final` is the URL beside it as it is sent.
    """

    __tablename__ = "domains"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    host: Mapped[str] = mapped_column(unique=True)
    root_url: Mapped[str | None]
    root_final: Mapped[str | None]
    status: Mapped[str]
    inactive_url: Mapped[str | None]
    inactive_final: Mapped[str | None]
    created_at: Mapped[int] = mapped_column(BigInteger)
