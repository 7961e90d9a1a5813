"""How many people links and partners sent in the last 30 days, from rollups: one look, however many a page shows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.coupons.models import CouponRow, fold
from control.insight.splits import named, named_by_coupon, senders
from control.links.schemas import Link
from control.offers.models import OfferRow
from control.partners.models import PartnerRow
from control.partners.schemas import Partner
from control.parts import Parts
from control.web.figures import lately, sessions_of, zone_of

PERIOD: Final = "30d"


async def sent_by(request: Request, parts: Parts, links: Sequence[Link]) -> Mapping[str, int]:
    """Return link -> people, as the Analytics tab counts them for who looks; one that sent nobody is not in it."""
    async with parts.clicks_db.read() as session:
        offers = {link.offer_id for link in links}
        return await senders(session, offers, [link.id for link in links], lately(zone_of(request), PERIOD))


async def sent_by_partners(request: Request, parts: Parts, partners: Sequence[Partner]) -> Mapping[str, int]:
    """Return partner -> people over all offers, credited as clicks are: by `via`, where that is nobody's by coupon."""
    span = lately(zone_of(request), PERIOD)
    by_via = {fold(partner.slug): partner.id for partner in partners}
    found = Counter[str]()
    async with sessions_of(parts) as sessions:
        offers = list(await sessions.config.scalars(select(OfferRow.id)))
        for row in await named(sessions.clicks, offers, by_via, span):
            found[by_via[row.via]] += row.people
        owners = await _owners(sessions.config, by_via.values())
        rows = await named_by_coupon(sessions.clicks, owners, by_via, span)
        others = await _partners_among(sessions.config, {row.via for row in rows})
        for row in rows:
            if row.via not in others:
                found[owners[row.offer_id][row.coupon]] += row.people
    return found


async def _owners(session: AsyncSession, partner_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return offer -> code, folded -> the partner whose it is, of these partners."""
    query = select(CouponRow.offer_id, CouponRow.folded, CouponRow.partner_id)
    owners: dict[str, dict[str, str]] = defaultdict(dict)
    for offer_id, code, partner_id in await session.execute(query.where(CouponRow.partner_id.in_(list(partner_ids)))):
        owners[offer_id][code] = partner_id
    return dict(owners)


async def _partners_among(session: AsyncSession, vias: set[str]) -> set[str]:
    """Return those of `vias` that are partners' slugs."""
    slugs = await session.scalars(select(PartnerRow.slug).where(PartnerRow.slug.in_(vias - {""})))
    return {fold(slug) for slug in slugs}
