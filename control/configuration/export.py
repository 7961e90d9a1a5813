"""Reading the whole configuration as a document."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.configuration.document import CouponDoc, Document, LinkDoc, OfferDoc
from control.coupons.models import CouponRow
from control.domains.models import DomainRow
from control.domains.schemas import DomainIn, DomainStatus
from control.fields import utc
from control.links.models import LinkRow
from control.offers import store as offers
from control.offers.models import OfferRow
from control.partners.models import PartnerRow
from control.partners.schemas import PartnerIn
from control.savedtests import store as saved_tests
from control.savedtests.service import as_written
from control.smartlinks import store as smart_links
from control.smartlinks.models import RevisionRow
from control.smartlinks.revisions import show
from shared.destination import SUBS
from shared.key import DEFAULT_DOMAIN

_AT_ONCE = 200


async def current(session: AsyncSession) -> Document:
    """Return the configuration as it stands, everything oldest first."""
    domains = (await session.scalars(select(DomainRow).order_by(DomainRow.number))).all()
    partners = (await session.scalars(select(PartnerRow).order_by(PartnerRow.number))).all()
    rows = (await session.scalars(select(OfferRow).order_by(OfferRow.number))).all()
    partner_slugs = {row.id: row.slug for row in partners}
    offer_slugs = {row.id: row.slug for row in rows}
    return Document.model_construct(
        domains=[_domain(row) for row in domains],
        partners=[PartnerIn.model_construct(slug=row.slug, name=row.name) for row in partners],
        offers=[
            offer
            for start in range(0, len(rows), _AT_ONCE)
            for offer in await _offers(session, rows[start : start + _AT_ONCE])
        ],
        links=await _links(session, offer_slugs, partner_slugs),
        coupons=await _coupons(session, offer_slugs, partner_slugs),
    )


def _domain(row: DomainRow) -> DomainIn:
    fields = {name: getattr(row, name) for name in DomainIn.model_fields}
    return DomainIn.model_construct(**fields | {"status": DomainStatus(row.status)})


async def _offers(session: AsyncSession, rows: Any) -> list[OfferDoc]:
    links = await smart_links.currents(session, rows)
    hosts = await offers.domains(session, [row.id for row in rows])
    tests = await saved_tests.of_offers(session, [row.id for row in rows])
    return [
        _offer(row, links[row.id], [host.host for host in hosts[row.id]]).model_copy(
            update={"tests": [as_written(test) for test in tests[row.id]]}
        )
        for row in rows
    ]


def _offer(row: OfferRow, link: RevisionRow, hosts: list[str]) -> OfferDoc:
    smart_link = show(link).model_dump(exclude={"revision"})
    of_others = ("domains", "smart_link", "tests")
    fields = {name: getattr(row, name) for name in OfferDoc.model_fields if name not in of_others}
    return OfferDoc.model_validate({**fields, "domains": hosts, "smart_link": smart_link})


async def _links(
    session: AsyncSession, offer_slugs: Mapping[str, str], partner_slugs: Mapping[str, str]
) -> list[LinkDoc]:
    table = LinkRow.__table__
    columns = ("slug", "domain", "offer_id", "partner_id", "coupon", *SUBS, "enabled", "expires_at")
    rows = await session.execute(select(*(table.c[name] for name in columns)).order_by(table.c.number))
    return [
        LinkDoc.model_construct(
            slug=row["slug"],
            domain=None if row["domain"] == DEFAULT_DOMAIN else row["domain"],
            offer=offer_slugs[row["offer_id"]],
            partner=partner_slugs.get(row["partner_id"] or ""),
            enabled=row["enabled"],
            expires_at=None if row["expires_at"] is None else utc(row["expires_at"]),
            **{name: row[name] or None for name in ("coupon", *SUBS)},
        )
        for row in rows.mappings()
    ]


async def _coupons(
    session: AsyncSession, offer_slugs: Mapping[str, str], partner_slugs: Mapping[str, str]
) -> list[CouponDoc]:
    query = select(CouponRow.code, CouponRow.offer_id, CouponRow.partner_id).order_by(CouponRow.number)
    return [
        CouponDoc.model_construct(code=code, offer=offer_slugs[offer_id], partner=partner_slugs[partner_id])
        for code, offer_id, partner_id in (await session.execute(query))
    ]
