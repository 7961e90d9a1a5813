"""Registering hosts: each change publishes the list that every edge holds at all times."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control import destinations
from control.access.roles import Caller
from control.audit.service import record
from control.db import now_ms
from control.destinations import UrlRules
from control.domains import store
from control.domains.models import DomainRow
from control.domains.schemas import Domain, DomainIn, DomainPatch
from control.errors import FieldError, Problem
from control.fields import utc
from control.ids import Identity, new_id
from control.pagination import Cursor, Page, as_page, page_of
from control.parts import Parts
from control.publishing import outbox
from control.publishing.compile import domains_change
from control.publishing.models import OutboxRow
from control.settings import ControlSettings
from shared.key import DEFAULT_DOMAIN


def show(row: DomainRow) -> Domain:
    """Return a domain as the API gives it."""
    return Domain(id=row.id, host=row.host, root_url=row.root_url, created_at=utc(row.created_at))


async def page(parts: Parts, cursor: Cursor, host: str | None = None) -> Page[Domain]:
    """Return one page of domains."""
    query = select(DomainRow)
    if host is not None:
        query = query.where(DomainRow.host == host.lower())
    async with parts.db.read() as session:
        rows, following = await page_of(session, query, DomainRow.number, cursor)
    return as_page(rows, following, show)


async def get(parts: Parts, domain_id: str) -> Domain:
    """Return one domain. Raises Problem 404."""
    async with parts.db.read() as session:
        return show(await store.require(session, domain_id))


async def create(parts: Parts, caller: Caller, wanted: DomainIn, again: Identity | None = None) -> Domain:
    """Register a host, `again` with the identity that it had before it was deleted.

    Raises Problem 409 where it is registered, 422 for a bad root URL.
    """
    async with parts.db.write() as session:
        row = await add(session, parts.settings, caller, wanted, again)
        await publish_list(session, parts.settings)
    await parts.live.publish()
    return show(row)


async def add(
    session: AsyncSession, settings: ControlSettings, caller: Caller, wanted: DomainIn, again: Identity | None = None
) -> DomainRow:
    """Store a new domain in the caller's transaction, which then publishes the list."""
    root_final = _root(settings, wanted.root_url)
    if await store.is_taken(session, wanted.host):
        raise Problem.conflict("host_taken", f"{wanted.host} is registered already.", "host")
    identity = again or Identity(new_id("d"), now_ms())
    row = DomainRow(**identity._asdict(), host=wanted.host, root_url=wanted.root_url, root_final=root_final)
    session.add(row)
    await session.flush()
    await record(session, caller, "domain.create", row.id, before=None, after=show(row))
    return row


async def update(parts: Parts, caller: Caller, domain_id: str, wanted: DomainPatch) -> Domain:
    """Change where a domain's root redirects. Raises Problem 404, 422."""
    async with parts.db.write() as session:
        row = await store.require(session, domain_id)
        if "root_url" in wanted.model_fields_set:
            await set_root(session, parts.settings, caller, row, wanted.root_url)
            await publish_list(session, parts.settings)
    await parts.live.publish()
    return show(row)


async def set_root(
    session: AsyncSession, settings: ControlSettings, caller: Caller, row: DomainRow, root_url: str | None
) -> None:
    """Change a domain's root in the caller's transaction, which then publishes the list."""
    before = show(row)
    row.root_final = _root(settings, root_url)
    row.root_url = root_url
    await record(session, caller, "domain.update", row.id, before=before, after=show(row))


async def delete(parts: Parts, caller: Caller, domain_id: str) -> Domain:
    """Unregister a host. Raises Problem 404; 409 while links or offers live on it."""
    async with parts.db.write() as session:
        row = await store.require(session, domain_id)
        if await store.is_used(session, domain_id):
            raise Problem.conflict("in_use", f"Links or offers live on {row.host}: move or delete them first.")
        await session.delete(row)
        await session.flush()
        await record(session, caller, "domain.delete", row.id, before=show(row), after=None)
        await publish_list(session, parts.settings)
    await parts.live.publish()
    return show(row)


async def publish_list(session: AsyncSession, settings: ControlSettings) -> int:
    """Append the list of hosts to the outbox of the caller's transaction, unless the newest there is the same."""
    await session.flush()
    root = _root(settings, settings.root_url or None)
    hosts = {row.host: row.root_final for row in await store.everyone(session)}
    change = domains_change({DEFAULT_DOMAIN: root, **hosts})
    newest = select(OutboxRow.body).where(OutboxRow.key == change.key).order_by(OutboxRow.sequence.desc()).limit(1)
    unchanged = await session.scalar(newest) == change.body
    return await outbox.append(session, [] if unchanged else [change])


def _root(settings: ControlSettings, root_url: str | None) -> str | None:
    faults: list[FieldError] = []
    rules = UrlRules(settings.app_schemes, macros=False)
    final = None if root_url is None else destinations.check(root_url, "root_url", rules, faults)
    if faults:
        raise Problem.invalid(faults)
    return final.url if final else None
