"""API keys: made, listed, revoked."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access import store, tokens
from control.access.models import KeyRow
from control.access.roles import Caller, Role
from control.access.schemas import Key, KeyIn, NewKey
from control.audit.service import record
from control.db import now_ms
from control.errors import Problem
from control.fields import utc
from control.ids import new_id, new_secret
from control.pagination import Cursor, Page, as_page, page_of
from control.parts import Parts


def show(row: KeyRow) -> Key:
    """Return a key as the API gives it."""
    return Key(id=row.id, name=row.name, role=Role(row.role), hint=row.hint, created_at=utc(row.created_at))


async def page(parts: Parts, cursor: Cursor) -> Page[Key]:
    """Return one page of keys."""
    async with parts.db.read() as session:
        rows, following = await page_of(session, select(KeyRow), KeyRow.number, cursor)
    return as_page(rows, following, show)


async def get(parts: Parts, key_id: str) -> Key:
    """Return one key. Raises Problem 404."""
    async with parts.db.read() as session:
        return show(_require(await store.key_by_id(session, key_id)))


async def create(parts: Parts, caller: Caller, wanted: KeyIn) -> NewKey:
    """Make a key; its token is in the answer and nowhere else."""
    token = new_secret("tn")
    async with parts.db.write() as session:
        row = await add(session, caller, wanted.name, wanted.role, token)
    return NewKey(**show(row).model_dump(), token=token)


async def add(session: AsyncSession, caller: Caller, name: str, role: Role, token: str) -> KeyRow:
    """Store a key with a given token in the caller's transaction."""
    row = KeyRow(
        id=new_id("key"), name=name, role=role, digest=tokens.digest_of(token), hint=token[:6], created_at=now_ms()
    )
    session.add(row)
    await record(session, caller, "key.create", row.id, before=None, after=show(row))
    return row


async def revoke(parts: Parts, caller: Caller, key_id: str) -> Key:
    """End a key at once. Raises Problem 404."""
    async with parts.db.write() as session:
        row = _require(await store.key_by_id(session, key_id))
        await session.delete(row)
        await record(session, caller, "key.delete", row.id, before=show(row), after=None)
    return show(row)


def _require(row: KeyRow | None) -> KeyRow:
    if row is None:
        raise Problem.not_found("key")
    return row
