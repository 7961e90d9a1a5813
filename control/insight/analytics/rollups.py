"""Sums from rollups: whole days where they are closed, quarters for the rest; grouped by the database."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, column, func, or_, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import CellRow, ClosedDaysRow, DaysRow, QuarterRow
from control.clicks.shapes import BLOCK_DAYS, MEASURES, OVERFLOW, QUARTERS_A_DAY, SENT_BY_VISITORS, Shape
from control.insight.analytics.cover import Closed, Stretch, cover, split
from control.insight.analytics.periods import QUARTERS_AN_HOUR, Period, Range
from control.insight.analytics.sums import Row, SeriesRow, Values

_CELLS, _DAYS, _QUARTERS = CellRow.__table__, DaysRow.__table__, QuarterRow.__table__
"""Their tables, for a page has some twenty of these statements: without the mapper they are made in half the time."""
_COLUMNS = (_CELLS.c.v1, _CELLS.c.v2, _CELLS.c.v3, _CELLS.c.v4, _CELLS.c.v5)


def _sums(columns: Any) -> list[Any]:
    return [func.sum(columns[measure]).label(measure) for measure in MEASURES]


_SUMS_OF_DAYS, _SUMS_OF_QUARTERS = _sums(_DAYS.c), _sums(_QUARTERS.c)
_SUMS_BY_CELL = _sums({measure: column(measure) for measure in MEASURES})
"""Of a statement that was grouped by cell."""


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
        self._ordered = [self._columns[dimension] for dimension in shape.dimensions if dimension in dimensions]
        self._closed = closed
        self._where: list[ColumnElement[bool]] = [_CELLS.c.offer == offer, _CELLS.c.shape == shape.number]

    async def choose(self, filters: Mapping[str, frozenset[str]]) -> bool:
        """Read only cells that filters accept; False where what they want may be hidden in the overflow."""
        hidden = [self._columns[name] == OVERFLOW for name in filters if name in SENT_BY_VISITORS]
        if hidden and await self._session.scalar(select(_CELLS.c.id).where(*self._where, or_(*hidden)).limit(1)):
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

    async def totals(self, span: Range, shift: int, measures: Sequence[str] = MEASURES) -> list[Row]:
        """Return the sums of every combination of values over a range; a combination may come more than once."""
        parts = cover(span, shift, self._closed)
        places = [MEASURES.index(measure) for measure in measures]
        reads = [self._of_days(shift, BLOCK_DAYS, run, places) for run in _joined(parts.blocks)]
        reads += [self._of_days(shift, 1, run, places) for run in parts.days]
        reads += [self._of_quarters(part, places) for part in parts.quarters]
        keys = len(self._by)
        found = await self._session.execute(union_all(*reads) if len(reads) > 1 else reads[0])
        return [(tuple(row[:keys]), [int(n) for n in row[keys:]]) for row in found if row[keys] is not None]

    async def series(self, period: Period, interval: str, only: Collection[Values] | None) -> list[SeriesRow]:
        """Return the sums by bucket: of all together with no values, or of every combination among `only`."""
        where: list[ColumnElement[bool]] = [] if only is None else [tuple_(*self._by).in_(only)]
        if interval == "hour":
            unit = (_QUARTERS.c.quarter - period.range.first) // QUARTERS_AN_HOUR
            return await self._by_quarter(period.range, unit, where)
        whole, stretches = split(period.days, self._closed)
        rows: list[SeriesRow] = []
        for shift, days in whole.items():
            rows += await self._by_day(shift, {day.day: day.bucket for day in days}, where)
        for stretch in stretches:
            rows += await self._by_stretch(stretch, where)
        return rows

    def _of_days(
        self, shift: int, length: int, run: tuple[int, int], places: Sequence[int]
    ) -> Select[*tuple[Any, ...]]:
        """Return what sums up closed days: cell by cell in the order of values, so that groups need no sorting.

        The join is an outer one because that keeps SQLite to it: it would rather read the days of all offers.
        """
        days = and_(
            _DAYS.c.shift == shift,
            _DAYS.c.days == length,
            _DAYS.c.cell == _CELLS.c.id,
            _DAYS.c.day >= run[0],
            _DAYS.c.day < run[1],
        )
        sums = [_SUMS_OF_DAYS[place] for place in places]
        query = select(*self._by, *sums).select_from(_CELLS.outerjoin(_DAYS, days))
        return query.where(*self._where).group_by(*self._ordered)

    def _of_quarters(self, span: Range, places: Sequence[int]) -> Select[*tuple[Any, ...]]:
        """Return what sums up quarters: by cell first, for they lie by time, and then by values."""
        sums = [_SUMS_OF_QUARTERS[place] for place in places]
        if not self._by:
            return select(*sums).where(*self._quarters(span))
        cells = select(_QUARTERS.c.cell, *sums).where(*self._quarters(span)).group_by(_QUARTERS.c.cell)
        by_cell = cells.subquery().join(_CELLS, _CELLS.c.id == column("cell"))
        return select(*self._by, *(_SUMS_BY_CELL[place] for place in places)).select_from(by_cell).group_by(*self._by)

    async def _by_day(self, shift: int, buckets: dict[int, int], where: list[ColumnElement[bool]]) -> list[SeriesRow]:
        query = select(_DAYS.c.day, *self._values(where), *_SUMS_OF_DAYS).where(
            _DAYS.c.shift == shift,
            _DAYS.c.days == 1,
            _DAYS.c.day >= min(buckets),
            _DAYS.c.day <= max(buckets),
            self._in(_DAYS.c.cell, where),
        )
        rows = await self._grouped(query, _DAYS.c.cell, _DAYS.c.day, where)
        return [(buckets[day], values, sums) for day, values, sums in rows if day in buckets]

    async def _by_stretch(self, stretch: Stretch, where: list[ColumnElement[bool]]) -> list[SeriesRow]:
        days = stretch.days
        rows = await self._by_quarter(stretch.range, (_QUARTERS.c.quarter + days[0].shift) // QUARTERS_A_DAY, where)
        if len(days) == 1:
            return [(days[0].bucket, values, sums) for _, values, sums in rows]
        buckets = {day.day: day.bucket for day in days}
        return [(buckets[day], values, sums) for day, values, sums in rows]

    async def _by_quarter(self, span: Range, unit: Any, where: list[ColumnElement[bool]]) -> list[SeriesRow]:
        unit = unit.label("unit")
        query = select(unit, *self._values(where), *_SUMS_OF_QUARTERS).where(*self._quarters(span, where))
        return await self._grouped(query, _QUARTERS.c.cell, unit, where)

    async def _grouped(
        self, query: Select[Any], cell: Any, unit: Any, where: list[ColumnElement[bool]]
    ) -> list[SeriesRow]:
        values = self._values(where)
        if values:
            query = query.join(_CELLS, _CELLS.c.id == cell)
        found = await self._session.execute(query.group_by(unit, *values))
        keys = 1 + len(values)
        return [(row[0], tuple(row[1:keys]), [int(count) for count in row[keys:]]) for row in found]

    def _values(self, where: list[ColumnElement[bool]]) -> list[Any]:
        return self._by if where else []

    def _quarters(self, span: Range, where: Sequence[ColumnElement[bool]] = ()) -> list[ColumnElement[bool]]:
        conditions = [
            _QUARTERS.c.offer == self._offer,
            _QUARTERS.c.shape == self._shape.number,
            _QUARTERS.c.quarter >= span.first,
            _QUARTERS.c.quarter < span.after,
        ]
        reads_all = len(self._where) == 2 and not where
        return conditions if reads_all else [*conditions, self._in(_QUARTERS.c.cell, where)]

    def _in(self, cell: Any, where: Sequence[ColumnElement[bool]] = ()) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = cell.in_(select(_CELLS.c.id).where(*self._where, *where).correlate(None))
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


def _joined(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return runs with those that touch made one."""
    joined: list[tuple[int, int]] = []
    for first, after in runs:
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], after)
        else:
            joined.append((first, after))
    return joined
