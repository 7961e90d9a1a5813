"""The numbers in the side bar: how many offers, links, partners and coupons there are, as far as it matters."""

from typing import Any, Final

from sqlalchemy import func, literal, select

from control.coupons.models import CouponRow
from control.links.models import LinkRow
from control.offers.models import OfferRow
from control.partners.models import PartnerRow
from control.parts import Parts

MOST: Final = 10_000
"""Counting costs what it counts: beyond this many, a page says that there are more."""

_TABLES: Final[tuple[tuple[str, Any], ...]] = (
    ("offers", OfferRow),
    ("links", LinkRow),
    ("partners", PartnerRow),
    ("coupons", CouponRow),
)


async def counts(parts: Parts, most: int = MOST) -> dict[str, str]:
    """Return noun -> how many there are, as it is written: `9,812`, or `10,000+` for more than `most`."""
    columns = []
    for name, table in _TABLES:
        some = select(literal(1)).select_from(table).limit(most + 1).subquery()
        columns.append(select(func.count()).select_from(some).scalar_subquery().label(name))
    async with parts.db.read() as session:
        row = (await session.execute(select(*columns))).one()
    return {name: f"{most:,}+" if count > most else f"{count:,}" for name, count in row._mapping.items()}
