"""/audit"""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select

from control.access.guard import Admin
from control.audit.models import AuditRow
from control.audit.schemas import Actor, AuditEntry
from control.fields import IdQuery, WordQuery, utc
from control.pagination import Cursor, CursorDep, Page, as_page, page_of
from control.parts import Parts, PartsDep

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", summary="List changes: who, what, before, after")
async def list_changes(
    *,
    parts: PartsDep,
    _caller: Admin,
    cursor: CursorDep,
    target: IdQuery = None,
    action: Annotated[WordQuery, Query(description="Such as offer.update")] = None,
    actor_id: IdQuery = None,
) -> Page[AuditEntry]:
    return await page(parts, cursor, target=target, action=action, actor_id=actor_id)


async def page(parts: Parts, cursor: Cursor, **filters: str | None) -> Page[AuditEntry]:
    """Return one page of the log; `filters` maps columns to the value they must have (None: any)."""
    query = select(AuditRow)
    for column, value in filters.items():
        if value is not None:
            query = query.where(getattr(AuditRow, column) == value)
    async with parts.db.read() as session:
        rows, following = await page_of(session, query, AuditRow.number, cursor)
    return as_page(rows, following, _show)


def _show(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        at=utc(row.at),
        actor=Actor(kind=row.actor_kind, id=row.actor_id, name=row.actor_name),
        action=row.action,
        target=row.target,
        before=row.before,
        after=row.after,
    )
