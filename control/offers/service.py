"""Keeping offers: every change that decides what a click gets is published in its own transaction."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control import destinations
from control.access.roles import Caller, Role
from control.audit.service import record
from control.db import now_ms
from control.destinations import UrlRules
from control.domains import store as domains
from control.domains.models import DomainRow
from control.domains.urls import link_url
from control.errors import Faults, FieldError, Problem
from control.fields import utc
from control.ids import new_id, new_secret
from control.offers import store
from control.offers.compiled import compiled_offer, draft_of
from control.offers.models import OfferRow
from control.offers.schemas import Offer, OfferCopy, OfferIn, OfferPatch, SavedOffer
from control.pagination import Cursor, Page, page_of
from control.parts import Parts
from control.publishing import outbox
from control.publishing.compile import offer_changes
from control.settings import ControlSettings
from control.smartlinks import revisions
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft, check_draft
from control.smartlinks.models import RevisionRow
from control.smartlinks.service import table_of
from control.smartlinks.surroundings import surroundings_of
from control.smartlinks.warnings import warnings_of
from shared.key import DEFAULT_DOMAIN
from shared.rules import OfferStatus

_COPIED: Final = (
    "destination_url",
    "destination_final",
    "status",
    "inactive_url",
    "inactive_final",
    "redirect_status",
    "append_click_id",
    "pass_query",
    "currency",
)
_EMPTY: Final = CheckedDraft(enabled=False, fallback_url=None, fallback_final=None, rules=())


async def page(
    parts: Parts, caller: Caller, cursor: Cursor, *, slug: str | None = None, status: OfferStatus | None = None
) -> Page[Offer]:
    """Return one page of offers."""
    query = select(OfferRow)
    if slug is not None:
        query = query.where(OfferRow.slug == slug)
    if status is not None:
        query = query.where(OfferRow.status == status)
    async with parts.db.read() as session:
        rows, following = await page_of(session, query, OfferRow.number, cursor)
        items = await _shown(session, parts.settings, caller, rows)
    return Page[Offer](items=items, next_cursor=following)


async def get(parts: Parts, caller: Caller, offer_id: str) -> Offer:
    """Return one offer. Raises Problem 404."""
    async with parts.db.read() as session:
        row = await store.require(session, offer_id)
        return (await _shown(session, parts.settings, caller, [row]))[0]


async def create(parts: Parts, caller: Caller, wanted: OfferIn) -> SavedOffer:
    """Add an offer. Raises Problem 409 where the slug is taken, 422."""
    async with parts.db.write() as session:
        saved = await add(session, parts.settings, caller, wanted)
    await parts.live.publish()
    return saved


async def add(session: AsyncSession, settings: ControlSettings, caller: Caller, wanted: OfferIn) -> SavedOffer:
    """Store and publish a new offer in the caller's transaction."""
    urls = UrlRules(settings.app_schemes)
    finals = _finals(urls, wanted.destination_url, wanted.inactive_url)
    draft = _EMPTY if wanted.smart_link is None else check_draft(wanted.smart_link, urls)
    hosts = await _require_domains(session, wanted.domain_ids)
    await _require_free(session, wanted.slug)
    now = now_ms()
    row = OfferRow(
        id=new_id("o"),
        slug=wanted.slug,
        name=wanted.name,
        destination_url=wanted.destination_url,
        destination_final=finals[0],
        status=OfferStatus.ACTIVE,
        inactive_url=wanted.inactive_url,
        inactive_final=finals[1],
        redirect_status=wanted.redirect_status,
        append_click_id=wanted.append_click_id,
        pass_query=wanted.pass_query,
        currency=wanted.currency,
        postback_secret=new_secret("pb"),
        revision=0,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    await store.set_domains(session, row.id, wanted.domain_ids)
    return await _store_first(session, settings, caller, row, draft=draft, hosts=hosts)


async def update(parts: Parts, caller: Caller, offer_id: str, wanted: OfferPatch) -> SavedOffer:
    """Change an offer. Raises Problem 404, 422."""
    async with parts.db.write() as session:
        row = await store.require(session, offer_id)
        saved = await edit(session, parts.settings, caller, row, wanted)
    await parts.live.publish()
    return saved


async def edit(
    session: AsyncSession, settings: ControlSettings, caller: Caller, row: OfferRow, wanted: OfferPatch
) -> SavedOffer:
    """Change and publish an offer in the caller's transaction."""
    given = wanted.given()
    if given.pop("slug", row.slug) != row.slug:
        message = "A slug never changes, for partners have shared it: clone the offer under another."
        raise Problem.invalid([FieldError("slug", "slug_immutable", message)])
    before = (await _shown(session, settings, _nobody(caller), [row]))[0]
    left = await _change_domains(session, row, given.pop("domain_ids", None))
    for name, value in given.items():
        setattr(row, name, value)
    row.destination_final, row.inactive_final = _finals(
        UrlRules(settings.app_schemes), row.destination_url, row.inactive_url
    )
    return await _store_changed(session, settings, caller, row, before=before, action="offer.update", left=left)


async def set_status(parts: Parts, caller: Caller, offer_id: str, status: OfferStatus) -> SavedOffer:
    """Pause, activate or archive an offer. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, offer_id)
        saved = await switch(session, parts.settings, caller, row, status)
    await parts.live.publish()
    return saved


async def switch(
    session: AsyncSession, settings: ControlSettings, caller: Caller, row: OfferRow, status: OfferStatus
) -> SavedOffer:
    """Give an offer a status, and publish it, in the caller's transaction."""
    before = (await _shown(session, settings, _nobody(caller), [row]))[0]
    row.status = status
    return await _store_changed(session, settings, caller, row, before=before, action=f"offer.{status}")


async def clone(parts: Parts, caller: Caller, offer_id: str, wanted: OfferCopy) -> SavedOffer:
    """Add an offer like another one: its smart link under fresh rule ids, its own secret, none of its links.

    Raises Problem 404; 409 where the slug is taken.
    """
    async with parts.db.write() as session:
        original = await store.require(session, offer_id)
        slug = wanted.slug or await _free_copy_slug(session, original.slug)
        await _require_free(session, slug)
        draft = draft_of(await smart_links.current(session, original)).with_new_ids()
        hosts = (await store.domains(session, [original.id]))[original.id]
        row = _copy(original, slug, wanted.name or f"{original.name[:190]} (copy)")
        session.add(row)
        await session.flush()
        await store.set_domains(session, row.id, [host.id for host in hosts])
        saved = await _store_first(session, parts.settings, caller, row, draft=draft, hosts=hosts)
    await parts.live.publish()
    return saved


async def rotate_secret(parts: Parts, caller: Caller, offer_id: str) -> Offer:
    """Give an offer a new postback secret; the old one stops working at once. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, offer_id)
        row.postback_secret = new_secret("pb")
        await record(session, caller, "offer.rotate_postback_secret", row.id, before=None, after=None)
        return (await _shown(session, parts.settings, caller, [row]))[0]


async def _store_first(
    session: AsyncSession,
    settings: ControlSettings,
    caller: Caller,
    row: OfferRow,
    *,
    draft: CheckedDraft,
    hosts: Sequence[DomainRow],
) -> SavedOffer:
    written = await revisions.write(session, caller, row, draft)
    table_of(row, written.draft)  # refuses a table that is too large, saying where
    changes = offer_changes(compiled_offer(row, written.draft), [host.host for host in hosts])
    written.row.sequence = await outbox.append(session, changes)
    saved = await _saved(session, settings, caller, row, written.row.sequence)
    await record(session, caller, "offer.create", row.id, before=None, after=_state(saved))
    return saved


async def _store_changed(
    session: AsyncSession,
    settings: ControlSettings,
    caller: Caller,
    row: OfferRow,
    *,
    before: Offer,
    action: str,
    left: Sequence[str] = (),
) -> SavedOffer:
    row.updated_at = now_ms()
    await session.flush()
    draft = draft_of(await smart_links.current(session, row))
    hosts = (await store.domains(session, [row.id]))[row.id]
    changes = offer_changes(compiled_offer(row, draft), [host.host for host in hosts], left)
    sequence = await outbox.append(session, changes)
    saved = await _saved(session, settings, caller, row, sequence)
    await record(session, caller, action, row.id, before=_state(before), after=_state(saved))
    return saved


async def _change_domains(session: AsyncSession, row: OfferRow, wanted: list[str] | None) -> list[str]:
    """Put the offer on the wanted domains (None: as they are) and return the hosts it left."""
    if wanted is None:
        return []
    hosts = await _require_domains(session, wanted)
    old = (await store.domains(session, [row.id]))[row.id]
    await store.set_domains(session, row.id, wanted)
    kept = {host.id for host in hosts}
    return [host.host for host in old if host.id not in kept]


async def _require_domains(session: AsyncSession, ids: Sequence[str]) -> list[DomainRow]:
    known = await domains.by_ids(session, ids)
    faults = Faults()
    for place, domain_id in enumerate(ids):
        if domain_id not in known:
            faults.add(f"domain_ids.{place}", "unknown_domain", "There is no such domain.")
        if domain_id in ids[:place]:
            faults.add(f"domain_ids.{place}", "duplicate_id", "This domain is listed twice.")
    faults.raise_if_any()
    return [known[domain_id] for domain_id in ids]


async def _require_free(session: AsyncSession, slug: str) -> None:
    if await store.is_slug_taken(session, slug):
        raise Problem.conflict("slug_taken", f"An offer or a link has the slug {slug} already.", "slug")


async def _free_copy_slug(session: AsyncSession, slug: str) -> str:
    for number in itertools.count(1):
        tail = "-copy" if number == 1 else f"-copy-{number}"
        candidate = slug[: 64 - len(tail)] + tail
        if not await store.is_slug_taken(session, candidate):
            return candidate
    raise AssertionError("counting never ends")


def _copy(original: OfferRow, slug: str, name: str) -> OfferRow:
    fields: dict[str, Any] = {field: getattr(original, field) for field in _COPIED}
    now = now_ms()
    return OfferRow(
        id=new_id("o"),
        slug=slug,
        name=name,
        postback_secret=new_secret("pb"),
        revision=0,
        created_at=now,
        updated_at=now,
        **fields,
    )


def _finals(urls: UrlRules, destination_url: str, inactive_url: str | None) -> tuple[str, str | None]:
    faults: list[FieldError] = []
    destination = destinations.check(destination_url, "destination_url", urls, faults)
    inactive = None if inactive_url is None else destinations.check(inactive_url, "inactive_url", urls, faults)
    if faults or destination is None:
        raise Problem.invalid(faults)
    return destination.url, inactive.url if inactive else None


async def _saved(
    session: AsyncSession, settings: ControlSettings, caller: Caller, row: OfferRow, sequence: int
) -> SavedOffer:
    await session.flush()
    offer = (await _shown(session, settings, caller, [row]))[0]
    draft = draft_of(await smart_links.current(session, row))
    warnings = warnings_of(draft, await surroundings_of(session, settings, row))
    return SavedOffer(**offer.model_dump(), sequence=sequence, warnings=warnings)


async def _shown(
    session: AsyncSession, settings: ControlSettings, caller: Caller, rows: Sequence[OfferRow]
) -> list[Offer]:
    links = await smart_links.currents(session, rows)
    hosts = await store.domains(session, [row.id for row in rows])
    return [_show(settings, caller, row, links[row.id], hosts[row.id]) for row in rows]


def _show(
    settings: ControlSettings, caller: Caller, row: OfferRow, link: RevisionRow, hosts: Sequence[DomainRow]
) -> Offer:
    return Offer(
        id=row.id,
        slug=row.slug,
        url=link_url(settings, hosts[0].host if hosts else DEFAULT_DOMAIN, row.slug),
        name=row.name,
        destination_url=row.destination_url,
        status=OfferStatus(row.status),
        inactive_url=row.inactive_url,
        redirect_status=row.redirect_status,
        append_click_id=row.append_click_id,
        pass_query=row.pass_query,
        domain_ids=[host.id for host in hosts],
        currency=row.currency,
        postback_secret=row.postback_secret if caller.role.includes(Role.ADMIN) else None,
        smart_link=revisions.show(link),
        revision=row.revision,
        created_at=utc(row.created_at),
        updated_at=utc(row.updated_at),
    )


def _nobody(caller: Caller) -> Caller:
    """Return `caller` as a viewer: what goes into the audit log holds no secret."""
    return Caller(caller.id, caller.name, Role.VIEWER, caller.kind)


def _state(offer: Offer) -> dict[str, Any]:
    """Return what the audit log keeps of an offer; the smart link has entries of its own."""
    return offer.model_dump(mode="json", exclude={"postback_secret", "smart_link", "warnings", "sequence"})
