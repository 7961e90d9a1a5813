"""Taking postbacks: whatever is tried is logged, and what is reported twice counts once."""

import logging
from typing import NamedTuple

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from control.access.guard import source_of
from control.clicks.store import FoundClick
from control.conversions import clicks
from control.conversions.report import Report
from control.conversions.schemas import Conversion
from control.conversions.service import keep
from control.conversions.shown import shown
from control.errors import Faults, FieldError, Problem
from control.offers import store as offers
from control.offers.models import OfferRow
from control.pagination import Cursor, Page, as_page, page_of
from control.parts import Parts
from control.postbacks import log, store
from control.postbacks.checks import check
from control.postbacks.log import Attempt
from control.postbacks.models import PostbackRow
from control.postbacks.reading import Said, read
from control.postbacks.schemas import Postback, PostbackTest, TestedPostback
from shared.client_ip import truncate_address
from shared.key import is_slug

_log = logging.getLogger(__name__)


class Taken(NamedTuple):
    """The conversion of a postback, and whether this one made it."""

    conversion: Conversion
    is_new: bool


async def receive(parts: Parts, slug: str, request: Request) -> Taken:
    """Take a postback. Raises Problem 401, 404, 413, 415, 422, 429."""
    said = Said()
    unread: Problem | None = None
    try:
        await read(request, said)
    except Problem as problem:
        unread = problem
    offer = await _offer(parts, slug.lower())
    source = source_of(request)
    attempt = Attempt(offer, request.method, truncate_address(source), said)
    try:
        parts.postbacks.require(offer.postback_secret, said.secrets, source)
    except Problem as problem:
        if problem.status == 401 and parts.postbacks.may_log(offer.id):
            await _log_refusal(parts, attempt, problem)
        raise
    try:
        if unread:
            raise unread
        report = check(said.params, offer.currency, Faults(list(said.faults)))
        click = await _click(parts, offer.id, report.click_id)
        return await _take(parts, attempt, report, click)
    except Problem as problem:
        await _log_refusal(parts, attempt, problem)
        raise


async def test(parts: Parts, offer_id: str, wanted: PostbackTest) -> TestedPostback:
    """Run a postback through all that one goes through, and undo it. Raises Problem 404."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
    said = Said(params=wanted.params())
    attempt = Attempt(offer, "POST", "", said, test=True)
    if not said.params.keys() & {"click_id", "coupon"}:
        await _name_newest_click(parts, attempt)
    try:
        report = check(said.params, offer.currency, Faults())
        click = await _click(parts, offer.id, report.click_id)
        row, conversion = await _try(parts, attempt, report, click)
    except Problem as problem:
        await _log_refusal(parts, attempt, problem)
        return log.tested(log.refusal(attempt, problem), None)
    return log.tested(row, conversion)


async def page(parts: Parts, offer_id: str, cursor: Cursor, outcome: str | None) -> Page[Postback]:
    """Return one page of an offer's log. Raises Problem 404."""
    async with parts.db.read() as session:
        await offers.require(session, offer_id)
        rows, following = await page_of(session, store.log_of(offer_id, outcome), PostbackRow.number, cursor)
    return as_page(rows, following, log.show)


async def _offer(parts: Parts, slug: str) -> OfferRow:
    async with parts.db.read() as session:
        offer = await offers.by_slug(session, slug) if is_slug(slug) else None
    if offer is None:
        raise Problem.not_found("offer")
    return offer


async def _click(parts: Parts, offer_id: str, click_id: str) -> FoundClick | None:
    """Return the click that a report names, None while it is not recorded. Raises Problem 422 for another offer's."""
    if not click_id:
        return None
    try:
        async with parts.clicks_db.read() as session:
            found = (await clicks.find(session, [click_id])).get(click_id)
    except SQLAlchemyError as exc:  # a sale does not wait for the clicks: it takes its click later
        _log.warning("the clicks database cannot be asked: %s", exc)
        return None
    if found and found.texts["offer"] != offer_id:
        raise Problem.invalid([FieldError("click_id", "other_offer", "This click was on another offer.")])
    return found


async def _name_newest_click(parts: Parts, attempt: Attempt) -> None:
    async with parts.clicks_db.read() as session:
        newest = await clicks.newest(session, attempt.offer.id)
    if newest:
        attempt.said.params["click_id"] = newest


async def _take(parts: Parts, attempt: Attempt, report: Report, click: FoundClick | None) -> Taken:
    async with parts.db.write() as session:
        kept = await keep(session, attempt.offer.id, report, click)
        session.add(log.success(attempt, kept))
        conversion = (await shown(session, [kept.row]))[0]
    return Taken(conversion, kept.is_new)


async def _try(
    parts: Parts, attempt: Attempt, report: Report, click: FoundClick | None
) -> tuple[PostbackRow, Conversion]:
    """Return the log's entry, and the conversion as it would be; only the entry is kept."""
    async with parts.db.write() as session:
        undo = await session.begin_nested()
        kept = await keep(session, attempt.offer.id, report, click)
        conversion = (await shown(session, [kept.row]))[0]
        await undo.rollback()
        row = log.success(attempt, kept)
        session.add(row)
    return row, conversion


async def _log_refusal(parts: Parts, attempt: Attempt, problem: Problem) -> None:
    async with parts.db.write() as session:
        session.add(log.refusal(attempt, problem))
