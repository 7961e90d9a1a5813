"""Sums from raw clicks, for combinations of dimensions that no shape of rollups has; as far back as clicks are kept.

Days that are closed are counted by columns, what is left (today, as a rule) by the database, row by row.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.models import ClickRow, ColumnRow
from control.clicks.shapes import FOLDED, MEASURES, QUARTER_MS, QUARTERS_A_DAY
from control.coupons.models import fold
from control.insight.analytics.columns import Asked, Block, Column, Pairs, count
from control.insight.analytics.cover import split
from control.insight.analytics.periods import QUARTERS_AN_HOUR, LocalDay, Period, Range
from control.insight.analytics.sums import Row, SeriesRow, Values, add

_COLUMNS: Final = tuple(getattr(ColumnRow, name) for name in ("day", "block", "name", "clicks", "texts", "codes"))
_DAYS_AT_ONCE: Final = 8
"""Days whose columns are in memory together."""


class RawReader:
    """Reads one offer's raw clicks, through one session; rows have the values of `dimensions`, in their order."""

    source = "clicks"

    def __init__(self, session: AsyncSession, offer: int, dimensions: Sequence[str], closed_days: Set[int]) -> None:
        """Take the offer's number, and the days of UTC that are closed; without filters every click is read."""
        self._session = session
        self._offer = offer
        self._dimensions = dimensions
        self._closed_days = closed_days
        self._filters: Mapping[str, frozenset[str]] = {}
        self._pairs: Pairs | None = None
        self._where: list[ColumnElement[bool]] = [ClickRow.offer == offer]
        self._rows: list[SeriesRow] | None = None

    async def choose(self, filters: Mapping[str, frozenset[str]]) -> None:
        """Read only clicks that filters accept; what is folded is compared after it was read."""
        self._filters = filters
        for dimension, values in filters.items():
            column = getattr(ClickRow, dimension)
            if dimension in store.NUMBERED:
                self._where.append(column.in_((await store.text_numbers(self._session, values)).values()))
            elif dimension not in FOLDED:
                self._where.append(column.in_(values))

    async def pairs(self, span: Range) -> set[tuple[str, str]]:
        """Return what names partners in a range, folded: (via, coupon), or one of them beside ""."""
        found: set[tuple[str, str]] = set()
        days, gaps = self._parts(span)
        async for blocks in self._blocks(days, ["via", "coupon"]):
            for block in blocks:
                found |= {(via, "") for via in block.columns["via"].texts}
                found |= {("", coupon) for coupon in block.columns["coupon"].texts}
        for gap in gaps:
            query = select(ClickRow.via, ClickRow.coupon).where(*self._where, *_within(gap)).distinct()
            found |= {(fold(via), fold(coupon)) for via, coupon in await self._session.execute(query)}
        return found

    def only(self, accepts: Pairs) -> None:
        """Read only clicks with these (via, coupon), folded."""
        self._pairs = accepts

    async def totals(self, period: Period, interval: str) -> list[Row]:
        """Return the sums of every combination of values over a range."""
        sums: dict[Values, list[int]] = defaultdict(lambda: [0] * len(MEASURES))
        for _, values, of_bucket in await self.series(period, interval):
            add(sums[values], of_bucket)
        return list(sums.items())

    async def series(self, period: Period, interval: str) -> list[SeriesRow]:
        """Return the sums of every combination of values by bucket; they are read once."""
        if self._rows is None:
            days, gaps = self._parts(period.range)
            self._rows = await self._by_columns(days, period.buckets)
            for gap in gaps:
                self._rows += await self._by_rows(gap, period, interval)
        return self._rows

    def _parts(self, span: Range) -> tuple[list[int], list[Range]]:
        """Return the days of UTC in a range that are read by columns, and what lies between them."""
        first_day, last_day = span.first // QUARTERS_A_DAY, (span.after - 1) // QUARTERS_A_DAY
        days = sorted(day for day in self._closed_days if first_day <= day <= last_day)
        bounds = [span.first, *(quarter for day in days for quarter in _quarters(day)), span.after]
        gaps = [Range(first, after) for first, after in zip(bounds[::2], bounds[1::2], strict=True) if first < after]
        return days, gaps

    async def _by_columns(self, days: Sequence[int], buckets: Sequence[Range]) -> list[SeriesRow]:
        asked = Asked(self._filters, self._pairs, self._dimensions)
        rows: list[SeriesRow] = []
        async for blocks in self._blocks(days, asked.names):
            rows += await asyncio.to_thread(count, blocks, asked, buckets)
        return rows

    async def _blocks(self, days: Sequence[int], names: Iterable[str]) -> AsyncIterator[list[Block]]:
        query = select(*_COLUMNS).where(ColumnRow.offer == self._offer, ColumnRow.name.in_(names))
        for start in range(0, len(days), _DAYS_AT_ONCE):
            of_days = query.where(ColumnRow.day.in_(days[start : start + _DAYS_AT_ONCE]))
            clicks: dict[tuple[int, int], int] = {}
            found: dict[tuple[int, int], dict[str, Column]] = defaultdict(dict)
            for day, block, name, number, texts, codes in await self._session.execute(of_days):
                clicks[day, block] = number
                found[day, block][name] = Column.read(texts, codes, number)
            yield [Block(clicks[place], found[place]) for place in found]

    async def _by_rows(self, gap: Range, period: Period, interval: str) -> list[SeriesRow]:
        quarter = ClickRow.time_ms // QUARTER_MS
        if interval == "hour":
            return await self._read(gap, (quarter - period.range.first) // QUARTERS_AN_HOUR)
        rows: list[SeriesRow] = []
        _, stretches = split(_clipped(period.days, gap), {})
        for stretch in stretches:
            days = {day.day: day.bucket for day in stretch.days}
            found = await self._read(stretch.range, (quarter + stretch.days[0].shift) // QUARTERS_A_DAY)
            rows += [(days.get(day, stretch.days[0].bucket), values, sums) for day, values, sums in found]
        return rows

    async def _read(self, span: Range, unit: ColumnElement[int]) -> list[SeriesRow]:
        folded = [name for name in FOLDED if self._pairs or name in self._filters]
        keys = [unit.label("unit"), *(getattr(ClickRow, name) for name in (*self._dimensions, *folded))]
        query = select(*keys, *_MEASURES).where(*self._where, *_within(span)).group_by(*keys)
        found = (await self._session.execute(query)).all()
        return await self._merge([row for row in found if self._accepts(folded, row)])

    def _accepts(self, folded: Sequence[str], row: Any) -> bool:
        """Tell whether the row's `via` and coupon, which follow on its dimensions, are asked for."""
        said = {name: fold(text) for name, text in zip(folded, row[1 + len(self._dimensions) :], strict=False)}
        wanted = all(said[name] in self._filters[name] for name in folded if name in self._filters)
        return wanted and (self._pairs is None or self._pairs(said["via"], said["coupon"]))

    async def _merge(self, found: Sequence[Any]) -> list[SeriesRow]:
        """Turn numbers into texts, fold what is compared folded, and sum what that makes one."""
        numbered = [place for place, name in enumerate(self._dimensions, 1) if name in store.NUMBERED]
        texts = await store.texts(self._session, {row[place] for row in found for place in numbered})
        sums: dict[tuple[int, Values], list[int]] = defaultdict(lambda: [0] * len(MEASURES))
        for row in found:
            values = tuple(
                texts[value] if name in store.NUMBERED else fold(value) if name in FOLDED else value
                for name, value in zip(self._dimensions, row[1:], strict=False)
            )
            add(sums[row[0], values], row[-len(MEASURES) :])
        return [(unit, values, measures) for (unit, values), measures in sums.items()]


def _quarters(day: int) -> Range:
    return Range(day * QUARTERS_A_DAY, (day + 1) * QUARTERS_A_DAY)


def _clipped(days: Iterable[LocalDay], span: Range) -> Iterator[LocalDay]:
    """Yield what a range holds of local days."""
    for day in days:
        first, after = max(day.first, span.first), min(day.after, span.after)
        if first < after:
            yield LocalDay(first, after, day.bucket)


def _within(span: Range) -> list[ColumnElement[bool]]:
    return [ClickRow.time_ms >= span.first * QUARTER_MS, ClickRow.time_ms < span.after * QUARTER_MS]


def _of_kind(kind: int) -> ColumnElement[int]:
    return func.sum(case((ClickRow.kind == kind, 1), else_=0))


_MEASURES: Final = (_of_kind(0), func.sum(ClickRow.first), _of_kind(2), _of_kind(1), _of_kind(3))
"""In the order of shapes.MEASURES."""
