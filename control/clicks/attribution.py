"""Whose a click is, decided when it is read: a partner or code created later gets what was theirs.

A click names partners as its visitor did. `via` names a partner by slug; where it names none, the coupon's partner
within the offer it is.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.coupons.models import CouponRow, fold
from control.partners.models import PartnerRow

NOBODY: Final = ""
"""Stands for the partner of clicks that name none."""
UNATTRIBUTED: Final = "unattributed"
"""Stands for the partner of clicks whose `via` and coupon nobody owns, or not yet."""

_ASKED_AT_ONCE: Final = 500


class Attribution(NamedTuple):
    """Partners by what names them in one offer's clicks, folded."""

    by_via: Mapping[str, str]
    by_coupon: Mapping[str, str]

    def partner_of(self, via: str, coupon: str) -> str:
        """Return the partner's id, UNATTRIBUTED or NOBODY; takes both as folded."""
        found = self.by_via.get(via) or self.by_coupon.get(coupon)
        return found or (UNATTRIBUTED if via or coupon else NOBODY)


async def attribution(session: AsyncSession, offer_id: str, named: Iterable[tuple[str, str]]) -> Attribution:
    """Return who owns these (via, coupon) pairs of an offer's clicks."""
    pairs = set(named)
    by_via: dict[str, str] = {}
    by_coupon: dict[str, str] = {}
    for slugs in _chunks({via for via, _ in pairs if via}):
        query = select(PartnerRow.slug, PartnerRow.id).where(PartnerRow.slug.in_(slugs))
        by_via |= {fold(slug): partner for slug, partner in await session.execute(query)}
    for codes in _chunks({coupon for _, coupon in pairs if coupon}):
        owned = select(CouponRow.folded, CouponRow.partner_id).where(
            CouponRow.offer_id == offer_id, CouponRow.folded.in_(codes)
        )
        by_coupon |= dict((await session.execute(owned)).all())
    return Attribution(by_via, by_coupon)


def _chunks(texts: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(texts)
    for start in range(0, len(ordered), _ASKED_AT_ONCE):
        yield ordered[start : start + _ASKED_AT_ONCE]
