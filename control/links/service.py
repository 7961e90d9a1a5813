"""Keeping links: each change publishes what one slug points at."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.service import record
from control.bulk import Refused
from control.domains.urls import link_url
from control.errors import FieldError, Problem
from control.fields import to_ms, utc
from control.ids import Identity
from control.links import batch, store
from control.links.models import LinkRow
from control.links.schemas import Link, LinkIn, LinkPatch
from control.offers import store as offers
from control.pagination import Cursor, Page, as_page, page_of
from control.partners import store as partners
from control.parts import Parts
from control.publishing import outbox
from control.publishing.compile import removal
from control.settings import ControlSettings
from shared.destination import SUBS
from shared.key import Key


def show(settings: ControlSettings, columns: Mapping[str, Any]) -> Link:
    """Return a link, given as columns, as the API gives it."""
    texts = {name: columns[name] or None for name in ("coupon", *SUBS)}
    expires_at = columns["expires_at"]
    return Link(
        id=columns["id"],
        slug=columns["slug"],
        url=link_url(settings, columns["domain"], columns["slug"]),
        offer_id=columns["offer_id"],
        partner_id=columns["partner_id"],
        domain_id=columns["domain_id"],
        enabled=columns["enabled"],
        expires_at=None if expires_at is None else utc(expires_at),
        created_at=utc(columns["created_at"]),
        **texts,
    )


async def page(parts: Parts, cursor: Cursor, filters: Mapping[str, str | None]) -> Page[Link]:
    """Return one page of links; `filters` maps columns to the value they must have (None: any)."""
    query = select(LinkRow)
    for column, value in filters.items():
        if value is not None:
            query = query.where(getattr(LinkRow, column) == value)
    async with parts.db.read() as session:
        rows, following = await page_of(session, query, LinkRow.number, cursor)
    return as_page(rows, following, lambda row: show(parts.settings, columns_of(row)))


async def get(parts: Parts, link_id: str) -> Link:
    """Return one link. Raises Problem 404."""
    async with parts.db.read() as session:
        return show(parts.settings, columns_of(await store.require(session, link_id)))


async def create(parts: Parts, caller: Caller, wanted: LinkIn, again: Identity | None = None) -> Link:
    """Add a link, `again` with the identity that it had before it was deleted.

    Raises Problem 409 where the slug is taken, 422 where it names what does not exist.
    """
    (result,) = await create_many(parts, caller, [wanted], again)
    await parts.live.publish()
    if isinstance(result, Refused):
        raise result.problem
    return show(parts.settings, result)


async def create_many(
    parts: Parts, caller: Caller, wanted: Sequence[LinkIn], again: Identity | None = None
) -> list[Mapping[str, Any] | Refused]:
    """Add at most 500 links in one transaction and give each one's columns or why not; the caller has it published."""
    async with parts.db.write() as session:
        added = await batch.add(session, wanted, again)
        if added.changes:
            await outbox.append(session, added.changes)
            await _record_added(session, parts.settings, caller, added.rows)
    return added.results


async def update(parts: Parts, caller: Caller, link_id: str, wanted: LinkPatch) -> Link:
    """Change a link. Raises Problem 404, 409, 422."""
    async with parts.db.write() as session:
        row = await store.require(session, link_id)
        after = await edit(session, parts.settings, caller, row, wanted)
    await parts.live.publish()
    return after


async def edit(
    session: AsyncSession, settings: ControlSettings, caller: Caller, row: LinkRow, wanted: LinkPatch
) -> Link:
    """Change and publish a link in the caller's transaction."""
    before = show(settings, columns_of(row))
    given = wanted.given()
    await _require_named(session, row, given)
    gone = Key(row.domain, row.slug) if given.get("slug", row.slug) != row.slug else None
    for name, value in given.items():
        setattr(row, name, _stored(name, value))
    await session.flush()
    partner = None if row.partner_id is None else await partners.require(session, row.partner_id)
    change = batch.change_of(columns_of(row), partner.slug if partner else "")
    await outbox.append(session, [change] if gone is None else [removal(gone), change])
    after = show(settings, columns_of(row))
    await record(session, caller, "link.update", row.id, before=before, after=after)
    return after


async def delete(parts: Parts, caller: Caller, link_id: str) -> Link:
    """Delete a link: its slug answers 404 from then on. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, link_id)
        before = show(parts.settings, columns_of(row))
        await session.delete(row)
        await outbox.append(session, [removal(Key(row.domain, row.slug))])
        await record(session, caller, "link.delete", row.id, before=before, after=None)
    await parts.live.publish()
    return before


def columns_of(row: LinkRow) -> dict[str, Any]:
    """Return a stored link as columns."""
    return {column.key: getattr(row, column.key) for column in LinkRow.__table__.columns}


async def _require_named(session: AsyncSession, row: LinkRow, given: Mapping[str, Any]) -> None:
    """Raise Problem where a change names a taken slug (409) or what does not exist (422)."""
    slug = given.get("slug", row.slug)
    if slug != row.slug:
        taken = await store.taken(session, {slug})
        if taken & {(None, slug), (row.domain, slug)}:
            raise Problem.conflict("slug_taken", f"An offer or a link has the slug {slug} already.", "slug")
    for noun, known in (("offer", offers.by_ids), ("partner", partners.by_ids)):
        referred = given.get(f"{noun}_id")
        if referred is not None and not await known(session, {referred}):
            error = FieldError(f"{noun}_id", f"unknown_{noun}", f"There is no such {noun}.")
            raise Problem.invalid([error])


def _stored(name: str, value: Any) -> Any:
    if name == "expires_at":
        return None if value is None else to_ms(value)
    return value or "" if name in ("coupon", *SUBS) else value


async def _record_added(
    session: AsyncSession, settings: ControlSettings, caller: Caller, rows: Sequence[Mapping[str, Any]]
) -> None:
    if len(rows) == 1:
        await record(session, caller, "link.create", rows[0]["id"], before=None, after=show(settings, rows[0]))
        return
    after = {"count": len(rows), "ids": [row["id"] for row in rows]}
    await record(session, caller, "link.create", "bulk", before=None, after=after)
