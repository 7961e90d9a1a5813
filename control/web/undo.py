"""Undo of a deletion: the audit log holds what was there, so that making it again needs nothing from the browser."""

from datetime import datetime
from typing import Final, TypeVar

from pydantic import BaseModel
from sqlalchemy import select

from control.audit.models import AuditRow
from control.db import now_ms
from control.errors import Problem
from control.fields import to_ms
from control.ids import Identity
from control.parts import Parts
from control.web import forms

UNDO_MS: Final = 60 * 60 * 1000
"""For how long a deletion can be undone from a page; later it is a new thing."""

M = TypeVar("M", bound=BaseModel)


async def deleted(parts: Parts, noun: str, target: str, model: type[M]) -> tuple[M, Identity]:
    """Return what makes the `noun` with the id `target` again as it was, and under which identity.

    Raises Problem 404 unless its deletion is the last thing that happened to it, and not long ago.
    """
    query = select(AuditRow).where(AuditRow.target == target).order_by(AuditRow.number.desc()).limit(1)
    async with parts.db.read() as session:
        row = await session.scalar(query)
    if row is None or row.action != f"{noun}.delete" or row.before is None or row.at <= now_ms() - UNDO_MS:
        raise Problem.not_found(f"deleted {noun}")
    wanted = forms.read(model, {name: row.before[name] for name in model.model_fields})
    return wanted, Identity(target, to_ms(datetime.fromisoformat(row.before["created_at"])))
