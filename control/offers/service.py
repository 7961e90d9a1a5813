"""Keeping offers: every change that decides what a click gets is published in its own transaction.

New ones are made in `making`.
"""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control import pagination
from control.access.roles import Caller
from control.audit.service import record
from control.destinations import UrlRules
from control.errors import FieldError, Problem
from control.ids import new_secret
from control.offers import checks, store
from control.offers.compiled import draft_of
from control.offers.models import OfferRow
from control.offers.schemas import Offer, OfferPatch, SavedOffer
from control.offers.shown import shown
from control.offers.writing import store_changed
from control.pagination import Cursor, Page, page_of
from control.parts import Parts
from control.savedtests import holding
from control.smartlinks import store as smart_links
from shared.rules import OfferStatus


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


async def update(
    parts: Parts,
    caller: Caller,
    offer_id: str,
    wanted: OfferPatch,
    *,
    override_tests: bool = False,
    tests_follow: bool = False,
) -> SavedOffer:
    """Change an offer.

    `tests_follow` says that a save of the smart link comes next, which is held against the saved tests for both. Raises
    Problem 404; 409 where another main destination fails saved tests, unless an admin overrides them; 422.
    """
    given = wanted.given()
    async with parts.db.write() as session:
        row = await store.require(session, offer_id)
        _require_same_slug(row, given.pop("slug", row.slug))
        before = (await shown(session, parts.settings, caller, [row]))[0]
        left = await checks.change_domains(session, row, given.pop("domain_ids", None))
        for name, value in given.items():
            setattr(row, name, value)
        urls = UrlRules(parts.settings.app_schemes)
        led_to = row.destination_final
        row.destination_final, row.inactive_final = checks.finals(urls, row.destination_url, row.inactive_url)
        if override_tests or (row.destination_final != led_to and not tests_follow):
            await _hold(session, parts, caller, row, override=override_tests)
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


async def rotate_secret(parts: Parts, caller: Caller, offer_id: str) -> Offer:
    """Give an offer a new postback secret; the old one stops working at once. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, offer_id)
        row.postback_secret = new_secret("pb")
        await record(session, caller, "offer.rotate_postback_secret", row.id, before=None, after=None)
        return (await shown(session, parts.settings, caller, [row]))[0]


async def _hold(session: AsyncSession, parts: Parts, caller: Caller, row: OfferRow, *, override: bool) -> None:
    """Refuse a main destination with which the smart link as it stands fails saved tests, or record the override."""
    draft = draft_of(await smart_links.current(session, row))
    await holding.hold(session, parts, caller, row, draft, revision=row.revision, override=override)


def _require_same_slug(row: OfferRow, slug: str) -> None:
    if slug != row.slug:
        message = "A slug never changes, for partners have shared it: clone the offer under another."
        raise Problem.invalid([FieldError("slug", "slug_immutable", message)])
