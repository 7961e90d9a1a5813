"""What ids are called, and what a form offers to choose from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.domains import store as domains
from control.domains.models import DomainRow
from control.offers import store as offers
from control.offers.models import OfferRow
from control.partners import store as partners
from control.partners.models import PartnerRow
from control.parts import Parts
from shared.rules import OfferStatus

MAX_CHOICES: Final = 500
"""Suggestions of one field; what is not among them can still be typed."""


@dataclass(frozen=True, slots=True)
class Names:
    """Id -> row of whatever a page mentions."""

    offers: dict[str, OfferRow] = field(default_factory=dict)
    partners: dict[str, PartnerRow] = field(default_factory=dict)
    domains: dict[str, DomainRow] = field(default_factory=dict)

    def offer(self, offer_id: str | None) -> str:
        """Return an offer's name."""
        return self.offers[offer_id].name if offer_id in self.offers else ""

    def partner(self, partner_id: str | None) -> str:
        """Return a partner's name."""
        return self.partners[partner_id].name if partner_id in self.partners else ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form offers: (what is filled in, what it is called)."""

    offers: Sequence[tuple[str, str]]
    partners: Sequence[tuple[str, str]]
    domains: Sequence[tuple[str, str]]


async def names_of(parts: Parts, items: Collection[Any]) -> Names:
    """Return what the `offer_id`, `partner_id` and `domain_id` of `items` are called."""
    async with parts.db.read() as session:
        return Names(
            offers=await offers.by_ids(session, _ids(items, "offer_id")),
            partners=await partners.by_ids(session, _ids(items, "partner_id")),
            domains=await domains.by_ids(session, _ids(items, "domain_id")),
        )


async def choices(parts: Parts) -> Choices:
    """Return what links and coupons can be made for; archived offers are left out."""
    async with parts.db.read() as session:
        return Choices(
            offers=await _pairs(session, OfferRow, OfferRow.status != OfferStatus.ARCHIVED),
            partners=await _pairs(session, PartnerRow),
            domains=[(row.id, row.host) for row in await domains.everyone(session)],
        )


async def _pairs(session: AsyncSession, table: Any, *where: Any) -> list[tuple[str, str]]:
    query = select(table.slug, table.name).where(*where).order_by(table.number.desc()).limit(MAX_CHOICES)
    return [(slug, name) for slug, name in await session.execute(query)]


def _ids(items: Collection[Any], name: str) -> set[str]:
    return {value for item in items if (value := getattr(item, name, None))}
