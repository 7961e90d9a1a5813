"""Conversions and revenue, in total, by key and over time: what analytics puts beside the clicks.

Keys, filters and ranges are those of clicks; a conversion counts when it was reported, under the keys of its click.
Without a click it is under "" for all but `partner` and `coupon`.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Label,
    Select,
    and_,
    case,
    column,
    func,
    literal,
    select,
    values,
)
from sqlalchemy.ext.asyncio import AsyncSession

from control.conversions import money
from control.conversions.models import ConversionRow
from control.conversions.report import REVERSALS
from control.conversions.store import PARTNER_KEY, with_partners

_PLAIN: Final = (
    *("event", "kind", "rule", "link", "country", "device", "os", "browser", "via"),
    *("sub1", "sub2", "sub3", "sub4", "sub5", "referrer"),
)
_COLUMNS: Final[dict[str, Any]] = {
    **{name: getattr(ConversionRow, name) for name in _PLAIN},
    "coupon": func.coalesce(func.nullif(ConversionRow.folded, ""), ConversionRow.click_coupon),
    "partner": PARTNER_KEY,
}
_GROUPED: Final = "grouped"
"""Name of the key's column: rows are grouped by name, for PostgreSQL does not know an expression by its parameters."""

KEYS: Final = frozenset(_COLUMNS)
"""What conversions are grouped and filtered by: the keys of clicks, and `event`."""


class Sums(NamedTuple):
    """How many, reversals not counted; and the amounts of those in the currency asked for, less what was taken back."""

    conversions: int
    revenue: Decimal


class Asked(NamedTuple):
    """Which conversions: of an offer, reported from `first_ms` until before `after_ms`, with these values by key.

    `via` and `coupon` are compared folded; `partner` takes ids, UNATTRIBUTED and NOBODY.
    """

    offer_id: str
    currency: str
    first_ms: int
    after_ms: int
    filters: Mapping[str, Collection[str]]


async def totals(session: AsyncSession, asked: Asked, group_by: str | None = None) -> dict[str, Sums]:
    """Return the sums by key, of groups that have any; without a key there is at most one, named ""."""
    query = _filtered(select(_key(group_by), *_sums(asked.currency)), asked, group_by).where(
        ConversionRow.offer_id == asked.offer_id,
        ConversionRow.at >= asked.first_ms,
        ConversionRow.at < asked.after_ms,
    )
    found = await session.execute(query.group_by(_GROUPED))
    return {key: _read(count, revenue, asked.currency) for key, count, revenue in found}


async def series(
    session: AsyncSession,
    asked: Asked,
    starts_ms: Sequence[int],
    group_by: str | None = None,
    keys: Collection[str] | None = None,
) -> list[dict[str, Sums]]:
    """Return the sums by key of each bucket, the last of which ends with the range; `keys` are the groups wanted."""
    buckets = _buckets(starts_ms, asked.after_ms)
    within = and_(
        ConversionRow.offer_id == asked.offer_id,
        ConversionRow.at >= buckets.c.first,
        ConversionRow.at < buckets.c.after,
    )
    query = select(buckets.c.bucket, _key(group_by), *_sums(asked.currency)).join_from(buckets, ConversionRow, within)
    if group_by is not None and keys is not None:
        query = query.where(_COLUMNS[group_by].in_(list(keys)))
    query = _filtered(query, asked, group_by).group_by(buckets.c.bucket, _GROUPED)
    found: list[dict[str, Sums]] = [{} for _ in starts_ms]
    for bucket, key, count, revenue in await session.execute(query):
        found[bucket][key] = _read(count, revenue, asked.currency)
    return found


def _filtered(query: Select[Any], asked: Asked, group_by: str | None) -> Select[Any]:
    if "partner" in (group_by, *asked.filters):
        query = with_partners(query)
    return query.where(*(_COLUMNS[key].in_(list(wanted)) for key, wanted in asked.filters.items()))


def _key(group_by: str | None) -> Label[str]:
    column_: ColumnElement[str] = literal("") if group_by is None else _COLUMNS[group_by]
    return column_.label(_GROUPED)


def _sums(currency: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    count = func.sum(case((ConversionRow.event.in_(sorted(REVERSALS)), 0), else_=1))
    return count, func.sum(case((ConversionRow.currency == currency, ConversionRow.amount), else_=0))


def _buckets(starts_ms: Sequence[int], after_ms: int) -> CTE:
    ends_ms = [*starts_ms[1:], after_ms]
    rows = [(place, first, after) for place, (first, after) in enumerate(zip(starts_ms, ends_ms, strict=True))]
    columns = (column("bucket", Integer), column("first", BigInteger), column("after", BigInteger))
    return values(*columns, name="buckets").data(rows).cte("buckets")


def _read(count: int, revenue: Any, currency: str) -> Sums:
    return Sums(int(count), money.amount(int(revenue), currency))
