"""Keeping coupons. Edges never hear of them: a click keeps the code as given, and it is looked up when read."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.service import record
from control.bulk import Refused
from control.coupons.models import CouponRow, fold
from control.coupons.schemas import Coupon, CouponIn, CouponPatch
from control.db import now_ms
from control.errors import FieldError, Problem
from control.fields import utc
from control.ids import Identity, new_id
from control.offers import store as offers
from control.pagination import Cursor, Page, as_page, page_of
from control.partners import store as partners
from control.parts import Parts


def show(row: CouponRow) -> Coupon:
    """Return a coupon as the API gives it."""
    return _show({name: getattr(row, name) for name in ("id", "code", "offer_id", "partner_id", "created_at")})


async def page(
    parts: Parts, cursor: Cursor, *, code: str | None, offer_id: str | None, partner_id: str | None
) -> Page[Coupon]:
    """Return one page of coupons; `code` in any case."""
    query = select(CouponRow)
    if code is not None:
        query = query.where(CouponRow.folded == fold(code))
    if offer_id is not None:
        query = query.where(CouponRow.offer_id == offer_id)
    if partner_id is not None:
        query = query.where(CouponRow.partner_id == partner_id)
    async with parts.db.read() as session:
        rows, following = await page_of(session, query, CouponRow.number, cursor)
    return as_page(rows, following, show)


async def get(parts: Parts, coupon_id: str) -> Coupon:
    """Return one coupon. Raises Problem 404."""
    async with parts.db.read() as session:
        return show(await _require(session, coupon_id))


async def create(parts: Parts, caller: Caller, wanted: CouponIn, again: Identity | None = None) -> Coupon:
    """Add a coupon, `again` with the identity that it had before it was deleted.

    Raises Problem 409 where the offer has the code, 422 where it names what does not exist.
    """
    async with parts.db.write() as session:
        (result,) = await add(session, caller, [wanted], again)
    if isinstance(result, Refused):
        raise result.problem
    return result


async def create_many(parts: Parts, caller: Caller, wanted: Sequence[CouponIn]) -> list[Coupon | Refused]:
    """Add at most 500 coupons in one transaction and say how each fared."""
    async with parts.db.write() as session:
        return await add(session, caller, wanted)


async def add(
    session: AsyncSession, caller: Caller, wanted: Sequence[CouponIn], again: Identity | None = None
) -> list[Coupon | Refused]:
    """Store at most 500 coupons in the caller's transaction; each one may be refused alone.

    `again` is the identity that a single one had before it was deleted.
    """
    known_offers = await offers.by_ids(session, {coupon.offer_id for coupon in wanted})
    known_partners = await partners.by_ids(session, {coupon.partner_id for coupon in wanted})
    taken = await _taken(session, {fold(coupon.code) for coupon in wanted})
    results: list[Coupon | Refused] = []
    rows: list[dict[str, Any]] = []
    for coupon in wanted:
        refused = _refusal(coupon, known_offers, known_partners, taken)
        if refused is not None:
            results.append(refused)
            continue
        taken.add((coupon.offer_id, fold(coupon.code)))
        identity = again or Identity(new_id("c"), now_ms())
        rows.append({**coupon.model_dump(), **identity._asdict(), "folded": fold(coupon.code)})
        results.append(_show(rows[-1]))
    if rows:
        await session.execute(insert(CouponRow), rows)
        await _record_added(session, caller, rows)
    return results


async def update(parts: Parts, caller: Caller, coupon_id: str, wanted: CouponPatch) -> Coupon:
    """Change a coupon. Raises Problem 404, 409, 422."""
    async with parts.db.write() as session:
        return await edit(session, caller, await _require(session, coupon_id), wanted)


async def edit(session: AsyncSession, caller: Caller, row: CouponRow, wanted: CouponPatch) -> Coupon:
    """Change a coupon in the caller's transaction."""
    before = show(row)
    given = wanted.given()
    if (partner_id := given.get("partner_id")) and not await partners.by_ids(session, {partner_id}):
        raise Problem.invalid([FieldError("partner_id", "unknown_partner", "There is no such partner.")])
    if "code" in given:
        await _require_free(session, row, given["code"])
        row.folded = fold(given["code"])
    for name, value in given.items():
        setattr(row, name, value)
    await record(session, caller, "coupon.update", row.id, before=before, after=show(row))
    return show(row)


async def delete(parts: Parts, caller: Caller, coupon_id: str) -> Coupon:
    """Delete a coupon. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await _require(session, coupon_id)
        await session.delete(row)
        await record(session, caller, "coupon.delete", row.id, before=show(row), after=None)
    return show(row)


def _show(columns: Mapping[str, Any]) -> Coupon:
    return Coupon(
        id=columns["id"],
        code=columns["code"],
        offer_id=columns["offer_id"],
        partner_id=columns["partner_id"],
        created_at=utc(columns["created_at"]),
    )


async def _require(session: AsyncSession, coupon_id: str) -> CouponRow:
    row = (await session.scalars(select(CouponRow).where(CouponRow.id == coupon_id))).one_or_none()
    if row is None:
        raise Problem.not_found("coupon")
    return row


async def _taken(session: AsyncSession, folded: Collection[str]) -> set[tuple[str, str]]:
    query = select(CouponRow.offer_id, CouponRow.folded).where(CouponRow.folded.in_(folded))
    return set(await session.execute(query))


async def _require_free(session: AsyncSession, row: CouponRow, code: str) -> None:
    if fold(code) != row.folded and (row.offer_id, fold(code)) in await _taken(session, {fold(code)}):
        error = _code_taken(code)
        raise Problem.conflict(error.code, error.message, error.path)


def _refusal(
    coupon: CouponIn, offer_ids: Collection[str], partner_ids: Collection[str], taken: Collection[tuple[str, str]]
) -> Refused | None:
    if coupon.offer_id not in offer_ids:
        return Refused(422, (FieldError("offer_id", "unknown_offer", "There is no such offer."),))
    if coupon.partner_id not in partner_ids:
        return Refused(422, (FieldError("partner_id", "unknown_partner", "There is no such partner."),))
    if (coupon.offer_id, fold(coupon.code)) in taken:
        return Refused(409, (_code_taken(coupon.code),))
    return None


def _code_taken(code: str) -> FieldError:
    return FieldError("code", "code_taken", f"This offer has the code {code} already, in this case or another.")


async def _record_added(session: AsyncSession, caller: Caller, rows: Sequence[Mapping[str, Any]]) -> None:
    if len(rows) == 1:
        await record(session, caller, "coupon.create", rows[0]["id"], before=None, after=_show(rows[0]))
        return
    after = {"count": len(rows), "ids": [row["id"] for row in rows]}
    await record(session, caller, "coupon.create", "bulk", before=None, after=after)
