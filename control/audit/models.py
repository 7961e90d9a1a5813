"""The audit log as stored: rows are only ever added."""

from typing import Any, Final, cast

from sqlalchemy import JSON, BigInteger, Table
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber


class AuditRow(Base):
    """One change: by whom, when, to what, from which state to which (null where there was none)."""

    __tablename__ = "audit_log"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str]
    action: Mapped[str]
    target: Mapped[str] = mapped_column(index=True)
    before: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))


AUDIT: Final = cast(Table, AuditRow.__table__)
