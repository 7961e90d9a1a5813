"""What the auditor has found, as it is now; history is in the log."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from control.db import Base, RowNumber
from control.publishing.models import LeaseRow


class AuditLease(LeaseRow, Base):
    """Which control audits."""

    __tablename__ = "audit_lease"


class AuditedEdge(Base):
    """One edge as asking it showed it, since `since` (milliseconds since 1970 UTC).

    `state` is one of `findings.STATES`, `reason` why it is no better. `differences` are objects with slot, link, says
    and since: what its workers serve and SQL does not say. `address` and `workers` are kept because an edge that is
    cut off from Redis no longer tells them.
    """

    __tablename__ = "audit_edges"

    edge: Mapped[str] = mapped_column(String(255), primary_key=True)
    address: Mapped[str] = mapped_column(String(300))
    workers: Mapped[int]
    state: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(String(500))
    since: Mapped[int] = mapped_column(RowNumber)
    differences: Mapped[list[Any]]
