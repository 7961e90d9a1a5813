"""Keeping offers: every change that decides what a click gets is published in its own transaction."""

from typing import Any, Final

from sqlalchemy import func, select

from control import pagination
from control.access.roles import Caller
from control.audit.service import record
from control.db import now_ms
from control.destinations import UrlRules
from control.errors import FieldError, Problem
from control.ids import new_id, new_secret
from control.offers import checks, store
from control.offers.compiled import draft_of
from control.offers.models import OfferRow
from control.offers.schemas import Offer, OfferCopy, OfferIn, OfferPatch, SavedOffer
from control.offers.shown import shown
from control.offers.writing import store_changed, store_first
from control.pagination import Cursor, Page, page_of
from control.parts import Parts
from control.savedtests import service as saved_tests
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft, check_draft
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
    parts: Parts,
    caller: Caller,
    cursor: Cursor,
    *,
    slug: str | None = None,
    status: OfferStatus | None = None,
    containing: str = "",
) -> Page[Offer]:
    """Return one page of offers; `containing` is a part of their names or slugs, in any case."""
    query = pagination.containing(select(OfferRow), containing, OfferRow.name, OfferRow.slug)
    if slug is not None:
        query = query.where(OfferRow.slug == slug)
    if status is not None:
        query = query.where(OfferRow.status == status)
    async with parts.db.read() as session:
        rows, following = await page_of(session, query, OfferRow.number, cursor)
        items = await shown(session, parts.settings, caller, rows)
    return Page[Offer](items=items, next_cursor=following)


async def counts(parts: Parts) -> dict[str, int]:
    """Return how many offers there are of each status that any has."""
    async with parts.db.read() as session:
        found = await session.execute(select(OfferRow.status, func.count()).group_by(OfferRow.status))
    return dict(found.all())


async def get(parts: Parts, caller: Caller, offer_id: str) -> Offer:
    """Return one offer. Raises Problem 404."""
    async with parts.db.read() as session:
        row = await store.require(session, offer_id)
        return (await shown(session, parts.settings, caller, [row]))[0]


async def create(parts: Parts, caller: Caller, wanted: OfferIn) -> SavedOffer:
    """Add an offer. Raises Problem 409 where the slug is taken, 422."""
    urls = UrlRules(parts.settings.app_schemes)
    finals = checks.finals(urls, wanted.destination_url, wanted.inactive_url)
    draft = _EMPTY if wanted.smart_link is None else check_draft(wanted.smart_link, urls)
    async with parts.db.write() as session:
        hosts = await checks.require_domains(session, wanted.domain_ids)
        await checks.require_free(session, wanted.slug)
        row = _new(wanted, finals)
        session.add(row)
        await session.flush()
        await store.set_domains(session, row.id, wanted.domain_ids)
        offer = await store_first(session, parts.settings, caller, row, draft=draft, hosts=hosts)
    await parts.live.publish()
    return offer


async def update(parts: Parts, caller: Caller, offer_id: str, wanted: OfferPatch) -> SavedOffer:
    """Change an offer. Raises Problem 404, 422."""
    given = wanted.given()
    async with parts.db.write() as session:
        row = await store.require(session, offer_id)
        _require_same_slug(row, given.pop("slug", row.slug))
        before = (await shown(session, parts.settings, caller, [row]))[0]
        left = await checks.change_domains(session, row, given.pop("domain_ids", None))
        for name, value in given.items():
            setattr(row, name, value)
        urls = UrlRules(parts.settings.app_schemes)
        row.destination_final, row.inactive_final = checks.finals(urls, row.destination_url, row.inactive_url)
        offer = await store_changed(
            session, parts.settings, caller, row, before=before, action="offer.update", left=left
        )
    await parts.live.publish()
    return offer


async def set_status(parts: Parts, caller: Caller, offer_id: str, status: OfferStatus) -> SavedOffer:
    """Pause, activate or archive an offer. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, offer_id)
        before = (await shown(session, parts.settings, caller, [row]))[0]
        row.status = status
        offer = await store_changed(session, parts.settings, caller, row, before=before, action=f"offer.{status}")
    await parts.live.publish()
    return offer


async def clone(parts: Parts, caller: Caller, offer_id: str, wanted: OfferCopy) -> SavedOffer:
    """Add an offer like another one: its smart link under fresh rule ids, its saved tests, its own secret, no links.

    Raises Problem 404; 409 where the slug is taken.
    """
    async with parts.db.write() as session:
        original = await store.require(session, offer_id)
        slug = wanted.slug or await checks.free_copy_slug(session, original.slug)
        await checks.require_free(session, slug)
        current = draft_of(await smart_links.current(session, original))
        draft = current.with_new_ids()
        hosts = (await store.domains(session, [original.id]))[original.id]
        row = _copy(original, slug, wanted.name or f"{original.name[:190]} (copy)")
        session.add(row)
        await session.flush()
        await store.set_domains(session, row.id, [host.id for host in hosts])
        offer = await store_first(session, parts.settings, caller, row, draft=draft, hosts=hosts)
        rule_ids = {old.id: new.id for old, new in zip(current.rules, draft.rules, strict=True)}
        await saved_tests.copy(session, caller, original.id, row.id, rule_ids)
    await parts.live.publish()
    return offer


async def rotate_secret(parts: Parts, caller: Caller, offer_id: str) -> Offer:
    """Give an offer a new postback secret; the old one stops working at once. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, offer_id)
        row.postback_secret = new_secret("pb")
        await record(session, caller, "offer.rotate_postback_secret", row.id, before=None, after=None)
        return (await shown(session, parts.settings, caller, [row]))[0]


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


def _new(wanted: OfferIn, finals: tuple[str, str | None]) -> OfferRow:
    now = now_ms()
    return OfferRow(
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


def _require_same_slug(row: OfferRow, slug: str) -> None:
    if slug != row.slug:
        message = "A slug never changes, for partners have shared it: clone the offer under another."
        raise Problem.invalid([FieldError("slug", "slug_immutable", message)])
