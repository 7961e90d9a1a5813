"""Sums from rollups: whole days where they are closed, quarters for the rest; grouped by the database."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, or_, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import CellRow, ClosedDaysRow, DaysRow, QuarterRow
from control.clicks.shapes import BLOCK_DAYS, MEASURES, OVERFLOW, QUARTERS_A_DAY, SENT_BY_VISITORS, Shape
from control.insight.analytics.cover import Closed, Stretch, cover, split
from control.insight.analytics.periods import QUARTERS_AN_HOUR, Period, Range
from control.insight.analytics.sums import Row, SeriesRow, Values

_COLUMNS = (CellRow.v1, CellRow.v2, CellRow.v3, CellRow.v4, CellRow.v5)


class RollupReader:
    """Reads one shape of one offer, through one session; rows have the values of `dimensions`, in their order."""

    source = "rollups"

    def __init__(
        self, session: AsyncSession, offer: int, shape: Shape, dimensions: Sequence[str], closed: Closed
    ) -> None:
        """Take the offer's number; without filters every cell of the shape is read."""
        self._session = session
        self._offer = offer
        self._shape = shape
        self._columns = dict(zip(shape.dimensions, _COLUMNS, strict=False))
        self._by = [self._columns[dimension] for dimension in dimensions]
        self._closed = closed
        self._where: list[ColumnElement[bool]] = [CellRow.offer == offer, CellRow.shape == shape.number]

    async def choose(self, filters: Mapping[str, frozenset[str]]) -> bool:
        """Read only cells that filters accept; False where what they want may be hidden in the overflow."""
        hidden = [self._columns[name] == OVERFLOW for name in filters if name in SENT_BY_VISITORS]
        if hidden and await self._session.scalar(select(CellRow.id).where(*self._where, or_(*hidden)).limit(1)):
            return False
        self._where += [self._columns[name].in_(values) for name, values in filters.items()]
        return True

    async def pairs(self, _span: Range) -> set[tuple[str, str]]:
        """Return the (via, coupon) pairs that there are."""
        query = select(self._columns["via"], self._columns["coupon"]).where(*self._where).distinct()
        return {(via, coupon) for via, coupon in await self._session.execute(query)}

    def only(self, pairs: Collection[tuple[str, str]]) -> None:
        """Read only these (via, coupon) pairs."""
        self._where.append(tuple_(self._columns["via"], self._columns["coupon"]).in_(pairs))

    async def totals(self, span: Range, shift: int) -> list[Row]:
        """Return the sums of every combination of values over a range."""
        parts = cover(span, shift, self._closed)
        whole = [(BLOCK_DAYS, run) for run in _joined(parts.blocks)] + [(1, run) for run in parts.days]
        by_cell = [
            _days(shift, length).where(DaysRow.day >= first, DaysRow.day < after, self._in(DaysRow.cell))
            for length, (first, after) in whole
        ]
        by_cell += [
            select(QuarterRow.cell, *_sums(QuarterRow)).where(*self._quarters(part)).group_by(QuarterRow.cell)
            for part in parts.quarters
        ]
        return await self._totals(union_all(*by_cell).subquery())

    async def series(self, period: Period, interval: str, only: Collection[Values] | None) -> list[SeriesRow]:
        """Return the sums by bucket: of all together with no values, or of every combination among `only`."""
        where: list[ColumnElement[bool]] = [] if only is None else [tuple_(*self._by).in_(only)]
        if interval == "hour":
            unit = (QuarterRow.quarter - period.range.first) // QUARTERS_AN_HOUR
            return await self._by_quarter(period.range, unit, where)
        whole, stretches = split(period.days, self._closed)
        rows: list[SeriesRow] = []
        for shift, days in whole.items():
            rows += await self._by_day(shift, {day.day: day.bucket for day in days}, where)
        for stretch in stretches:
            rows += await self._by_stretch(stretch, where)
        return rows

    async def _totals(self, cells: Subquery) -> list[Row]:
        """Group by values what is summed by cell: in two steps, because cells are read in the order they lie in."""
        query = select(*self._by, *(func.sum(cells.c[measure]) for measure in MEASURES)).select_from(cells)
        if self._by:
            query = query.join(CellRow, CellRow.id == cells.c.cell).group_by(*self._by)
        keys = len(self._by)
        found = await self._session.execute(query)
        return [(tuple(row[:keys]), [int(n) for n in row[keys:]]) for row in found if row[keys] is not None]

    async def _by_day(self, shift: int, buckets: dict[int, int], where: list[ColumnElement[bool]]) -> list[SeriesRow]:
        query = select(DaysRow.day, *self._values(where), *_sums(DaysRow)).where(
            DaysRow.shift == shift,
            DaysRow.days == 1,
            DaysRow.day >= min(buckets),
            DaysRow.day <= max(buckets),
            self._in(DaysRow.cell, where),
        )
        rows = await self._grouped(query, DaysRow.cell, DaysRow.day, where)
        return [(buckets[day], values, sums) for day, values, sums in rows if day in buckets]

    async def _by_stretch(self, stretch: Stretch, where: list[ColumnElement[bool]]) -> list[SeriesRow]:
        days = stretch.days
        rows = await self._by_quarter(stretch.range, (QuarterRow.quarter + days[0].shift) // QUARTERS_A_DAY, where)
        if len(days) == 1:
            return [(days[0].bucket, values, sums) for _, values, sums in rows]
        buckets = {day.day: day.bucket for day in days}
        return [(buckets[day], values, sums) for day, values, sums in rows]

    async def _by_quarter(self, span: Range, unit: Any, where: list[ColumnElement[bool]]) -> list[SeriesRow]:
        unit = unit.label("unit")
        query = select(unit, *self._values(where), *_sums(QuarterRow)).where(*self._quarters(span, where))
        return await self._grouped(query, QuarterRow.cell, unit, where)

    async def _grouped(
        self, query: Select[Any], cell: Any, unit: Any, where: list[ColumnElement[bool]]
    ) -> list[SeriesRow]:
        values = self._values(where)
        if values:
            query = query.join(CellRow, CellRow.id == cell)
        found = await self._session.execute(query.group_by(unit, *values))
        keys = 1 + len(values)
        return [(row[0], tuple(row[1:keys]), [int(count) for count in row[keys:]]) for row in found]

    def _values(self, where: list[ColumnElement[bool]]) -> list[Any]:
        return self._by if where else []

    def _quarters(self, span: Range, where: Sequence[ColumnElement[bool]] = ()) -> list[ColumnElement[bool]]:
        conditions = [
            QuarterRow.offer == self._offer,
            QuarterRow.shape == self._shape.number,
            QuarterRow.quarter >= span.first,
            QuarterRow.quarter < span.after,
        ]
        reads_all = len(self._where) == 2 and not where
        return conditions if reads_all else [*conditions, self._in(QuarterRow.cell, where)]

    def _in(self, cell: Any, where: Sequence[ColumnElement[bool]] = ()) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = cell.in_(select(CellRow.id).where(*self._where, *where).correlate(None))
        return condition


async def closed_days(session: AsyncSession, spans: Iterable[tuple[int, int, int]]) -> Closed:
    """Return what is closed among (shift, first day, last day)."""
    where = [
        and_(ClosedDaysRow.shift == shift, ClosedDaysRow.day > first - BLOCK_DAYS, ClosedDaysRow.day <= last)
        for shift, first, last in spans
    ]
    closed: dict[tuple[int, int], set[int]] = defaultdict(set)
    query = select(ClosedDaysRow.shift, ClosedDaysRow.days, ClosedDaysRow.day).where(or_(*where))
    for shift, days, day in await session.execute(query):
        closed[shift, days].add(day)
    return dict(closed)


def _days(shift: int, length: int) -> Select[Any]:
    query = select(DaysRow.cell, *_sums(DaysRow)).group_by(DaysRow.cell)
    return query.where(DaysRow.shift == shift, DaysRow.days == length)


def _sums(row: type[DaysRow] | type[QuarterRow]) -> list[Any]:
    return [func.sum(getattr(row, measure)).label(measure) for measure in MEASURES]


def _joined(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return runs with those that touch made one."""
    joined: list[tuple[int, int]] = []
    for first, after in runs:
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], after)
        else:
            joined.append((first, after))
    return joined
