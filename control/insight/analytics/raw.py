"""Sums from raw clicks, for combinations of dimensions that no shape of rollups has; as far back as clicks are kept."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.models import ClickRow
from control.clicks.shapes import MEASURES, QUARTER_MS, QUARTERS_A_DAY
from control.coupons.models import fold
from control.insight.analytics.cover import split
from control.insight.analytics.periods import QUARTERS_AN_HOUR, Period, Range
from control.insight.analytics.sums import Row, SeriesRow, Values, add

_FOLDED: Final = ("via", "coupon")


class RawReader:
    """Reads one offer's raw clicks, through one session; rows have the values of `dimensions`, in their order."""

    source = "clicks"

    def __init__(self, session: AsyncSession, offer: int, dimensions: Sequence[str]) -> None:
        """Take the offer's number; without filters every click is read."""
        self._session = session
        self._dimensions = dimensions
        self._where: list[ColumnElement[bool]] = [ClickRow.offer == offer]

    async def choose(self, filters: Mapping[str, frozenset[str]], span: Range) -> None:
        """Read only clicks that filters accept."""
        for dimension, values in filters.items():
            column = getattr(ClickRow, dimension)
            if dimension in store.NUMBERED:
                self._where.append(column.in_((await store.text_numbers(self._session, values)).values()))
            elif dimension not in _FOLDED:
                self._where.append(column.in_(values))
        vias, coupons = filters.get("via"), filters.get("coupon")
        if vias or coupons:
            await self._narrow(
                span, lambda via, coupon: (not vias or via in vias) and (not coupons or coupon in coupons)
            )

    async def pairs(self, span: Range) -> set[tuple[str, str]]:
        """Return the (via, coupon) pairs that there are in a range, folded."""
        return {(fold(via), fold(coupon)) for via, coupon in await self._as_given(span)}

    async def only(self, pairs: Collection[tuple[str, str]], span: Range) -> None:
        """Read only these (via, coupon) pairs."""
        wanted = set(pairs)
        await self._narrow(span, lambda via, coupon: (via, coupon) in wanted)

    async def totals(self, span: Range) -> list[Row]:
        """Return the sums of every combination of values over a range."""
        return [(values, sums) for _, values, sums in await self._read(span, None)]

    async def series(self, period: Period, interval: str) -> list[SeriesRow]:
        """Return the sums of every combination of values by bucket."""
        quarter = ClickRow.time_ms // QUARTER_MS
        if interval == "hour":
            return await self._read(period.range, (quarter - period.range.first) // QUARTERS_AN_HOUR)
        rows: list[SeriesRow] = []
        _, stretches = split(period.days, {})
        for stretch in stretches:
            days = {day.day: day.bucket for day in stretch.days}
            found = await self._read(stretch.range, (quarter + stretch.days[0].shift) // QUARTERS_A_DAY)
            rows += [(days.get(day, stretch.days[0].bucket), values, sums) for day, values, sums in found]
        return rows

    async def _narrow(self, span: Range, accepts: Callable[[str, str], bool]) -> None:
        """Read only pairs that are accepted as folded: what was given is known only from the clicks themselves."""
        given = [pair for pair in await self._as_given(span) if accepts(fold(pair[0]), fold(pair[1]))]
        self._where.append(tuple_(ClickRow.via, ClickRow.coupon).in_(given))

    async def _as_given(self, span: Range) -> list[tuple[str, str]]:
        query = select(ClickRow.via, ClickRow.coupon).where(*self._where, *_within(span)).distinct()
        return [(via, coupon) for via, coupon in await self._session.execute(query)]

    async def _read(self, span: Range, unit: ColumnElement[int] | None) -> list[SeriesRow]:
        units = [] if unit is None else [unit.label("unit")]
        keys = [*units, *(getattr(ClickRow, name) for name in self._dimensions)]
        query = select(*keys, *_MEASURES).where(*self._where, *_within(span))
        found = (await self._session.execute(query.group_by(*keys) if keys else query)).all()
        return await self._merge(found, len(units))

    async def _merge(self, found: Iterable[Any], keys: int) -> list[SeriesRow]:
        """Turn numbers into texts, fold what is compared folded, and sum what that makes one."""
        numbered = [keys + place for place, name in enumerate(self._dimensions) if name in store.NUMBERED]
        texts = await store.texts(self._session, {row[place] for row in found for place in numbered})
        sums: dict[tuple[int, Values], list[int]] = defaultdict(lambda: [0] * len(MEASURES))
        width = keys + len(self._dimensions)
        for row in found:
            values = tuple(
                texts[value] if name in store.NUMBERED else fold(value) if name in _FOLDED else value
                for name, value in zip(self._dimensions, row[keys:width], strict=True)
            )
            if row[width] is not None:
                add(sums[row[0] if keys else 0, values], row[width:])
        return [(unit, values, measures) for (unit, values), measures in sums.items()]


def _within(span: Range) -> list[ColumnElement[bool]]:
    return [ClickRow.time_ms >= span.first * QUARTER_MS, ClickRow.time_ms < span.after * QUARTER_MS]


def _of_kind(kind: int) -> ColumnElement[int]:
    return func.sum(case((ClickRow.kind == kind, 1), else_=0))


_MEASURES: Final = (_of_kind(0), func.sum(ClickRow.first), _of_kind(2), _of_kind(1), _of_kind(3))
"""In the order of shapes.MEASURES."""
