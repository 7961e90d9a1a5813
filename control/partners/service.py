"""Keeping partners. Nothing of a partner but the slug, which never changes, is ever published."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.service import record
from control.db import now_ms
from control.errors import Problem
from control.fields import utc
from control.ids import Identity, new_id
from control.pagination import Cursor, Page, as_page, page_of
from control.partners import store
from control.partners.models import PartnerRow
from control.partners.schemas import Partner, PartnerIn, PartnerPatch
from control.parts import Parts


def show(row: PartnerRow) -> Partner:
    """Return a partner as the API gives them."""
    return Partner(id=row.id, name=row.name, slug=row.slug, created_at=utc(row.created_at))


async def page(parts: Parts, cursor: Cursor, slug: str | None = None) -> Page[Partner]:
    """Return one page of partners."""
    query = select(PartnerRow)
    if slug is not None:
        query = query.where(PartnerRow.slug == slug)
    async with parts.db.read() as session:
        rows, following = await page_of(session, query, PartnerRow.number, cursor)
    return as_page(rows, following, show)


async def get(parts: Parts, partner_id: str) -> Partner:
    """Return one partner. Raises Problem 404."""
    async with parts.db.read() as session:
        return show(await store.require(session, partner_id))


async def create(parts: Parts, caller: Caller, wanted: PartnerIn, again: Identity | None = None) -> Partner:
    """Add a partner, `again` with the identity that they had before. Raises Problem 409 where the slug is taken."""
    async with parts.db.write() as session:
        return show(await add(session, caller, wanted, again))


async def add(session: AsyncSession, caller: Caller, wanted: PartnerIn, again: Identity | None = None) -> PartnerRow:
    """Store a new partner in the caller's transaction."""
    if await store.by_slug(session, wanted.slug):
        raise Problem.conflict("slug_taken", f"Another partner has the slug {wanted.slug}.", "slug")
    row = PartnerRow(**(again or Identity(new_id("p"), now_ms()))._asdict(), slug=wanted.slug, name=wanted.name)
    session.add(row)
    await session.flush()
    await record(session, caller, "partner.create", row.id, before=None, after=show(row))
    return row


async def update(parts: Parts, caller: Caller, partner_id: str, wanted: PartnerPatch) -> Partner:
    """Rename a partner. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, partner_id)
        if "name" in wanted.model_fields_set:
            await rename(session, caller, row, wanted.name)
    return show(row)


async def rename(session: AsyncSession, caller: Caller, row: PartnerRow, name: str) -> None:
    """Rename a partner in the caller's transaction."""
    before = show(row)
    row.name = name
    await record(session, caller, "partner.update", row.id, before=before, after=show(row))


async def delete(parts: Parts, caller: Caller, partner_id: str) -> Partner:
    """Remove a partner. Raises Problem 404; 409 while links or coupons are theirs, and for who has conversions."""
    async with parts.db.write() as session:
        row = await store.require(session, partner_id)
        if await store.is_used(session, partner_id):
            raise Problem.conflict("in_use", f"Links or coupons are {row.name}'s: delete or reassign them first.")
        if await store.is_named_by_conversions(session, row):
            raise Problem.conflict("has_conversions", f"Conversions name {row.name}, and what was earned stays theirs.")
        await session.delete(row)
        await record(session, caller, "partner.delete", row.id, before=show(row), after=None)
    return show(row)
