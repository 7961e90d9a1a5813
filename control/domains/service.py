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
from control.domains.schemas import Domain, DomainIn, DomainPatch, DomainStatus, SavedDomain
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
    return Domain(
        id=row.id,
        host=row.host,
        root_url=row.root_url,
        inactive_url=row.inactive_url,
        status=DomainStatus(row.status),
        created_at=utc(row.created_at),
    )


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
    root_final = _final(settings, wanted.root_url, "root_url")
    inactive_final = _final(settings, wanted.inactive_url, "inactive_url")
    if await store.is_taken(session, wanted.host):
        raise Problem.conflict("host_taken", f"{wanted.host} is registered already.", "host")
    identity = again or Identity(new_id("d"), now_ms())
    finals = {"root_final": root_final, "inactive_final": inactive_final}
    row = DomainRow(**identity._asdict(), **wanted.model_dump(), **finals)
    session.add(row)
    await session.flush()
    await record(session, caller, "domain.create", row.id, before=None, after=show(row))
    return row


async def update(parts: Parts, caller: Caller, domain_id: str, wanted: DomainPatch) -> Domain:
    """Change where a domain's root, and while it is paused all of it, redirects. Raises Problem 404, 422."""
    async with parts.db.write() as session:
        row = await store.require(session, domain_id)
        before = show(row)
        for name, url in wanted.given().items():
            setattr(row, name, url)
            setattr(row, name.replace("_url", "_final"), _final(parts.settings, url, name))
        if show(row) != before:
            await record(session, caller, "domain.update", row.id, before=before, after=show(row))
            await publish_list(session, parts.settings)
    await parts.live.publish()
    return show(row)


async def set_status(parts: Parts, caller: Caller, domain_id: str, status: DomainStatus) -> SavedDomain:
    """Switch a domain off, with all links on it, or on again. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, domain_id)
        before = show(row)
        row.status = status
        if show(row) != before:
            action = "domain.pause" if status is DomainStatus.PAUSED else "domain.activate"
            await record(session, caller, action, row.id, before=before, after=show(row))
        sequence = await publish_list(session, parts.settings)
    await parts.live.publish()
    return SavedDomain(**show(row).model_dump(), sequence=sequence)


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
    root = _final(settings, settings.root_url or None, "root_url")
    rows = await store.everyone(session)
    hosts = {row.host: row.root_final for row in rows}
    paused = {row.host: row.inactive_final for row in rows if row.status == DomainStatus.PAUSED}
    change = domains_change({DEFAULT_DOMAIN: root, **hosts}, paused)
    newest = select(OutboxRow.body).where(OutboxRow.key == change.key).order_by(OutboxRow.sequence.desc()).limit(1)
    unchanged = await session.scalar(newest) == change.body
    return (await outbox.append(session, [] if unchanged else [change])).sequence


def _final(settings: ControlSettings, url: str | None, path: str) -> str | None:
    """Return a URL as it is sent. Raises Problem 422."""
    faults: list[FieldError] = []
    rules = UrlRules(settings.app_schemes, macros=False)
    final = None if url is None else destinations.check(url, path, rules, faults)
    if faults:
        raise Problem.invalid(faults)
    return final.url if final else None
