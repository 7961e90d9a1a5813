"""Undo of a deletion: the audit log holds what was there, so that making it again needs nothing from the browser."""

from typing import Any, Final

from sqlalchemy import select

from control.audit.models import AuditRow
from control.db import now_ms
from control.errors import Problem
from control.parts import Parts

UNDO_MS: Final = 60 * 60 * 1000
"""For how long a deletion can be undone from a page; later it is a new thing."""


async def deleted_state(parts: Parts, noun: str, target: str) -> dict[str, Any]:
    """Return what the `noun` with the id `target` was before it was deleted. Raises Problem 404."""
    query = (
        select(AuditRow)
        .where(AuditRow.target == target, AuditRow.action == f"{noun}.delete", AuditRow.at > now_ms() - UNDO_MS)
        .order_by(AuditRow.number.desc())
        .limit(1)
    )
    async with parts.db.read() as session:
        row = await session.scalar(query)
    if row is None or row.before is None:
        raise Problem.not_found(f"deleted {noun}")
    return dict(row.before)
