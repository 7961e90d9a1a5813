"""Sums from rollups: whole days where they are closed, quarters for the rest."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import CellRow, ClosedDayRow, DayRow, QuarterRow
from control.clicks.shapes import MEASURES, OVERFLOW, QUARTERS_A_DAY, SENT_BY_VISITORS, Shape
from control.insight.analytics.cover import Closed, Stretch, cover, split
from control.insight.analytics.periods import QUARTERS_AN_HOUR, Period, Range
from control.insight.analytics.sums import Row, SeriesRow, Values, add

_MAX_NAMED_CELLS: Final = 2_000
"""Cells that a query names one by one; for more it reads the whole shape."""

_COLUMNS: Final = ("v1", "v2", "v3", "v4", "v5")


class RollupReader:
    """Reads one shape of one offer, through one session."""

    def __init__(
        self, session: AsyncSession, offer: int, shape: Shape, dimensions: tuple[str, ...], closed: Closed
    ) -> None:
        """Take which of the shape's dimensions rows are to have, in which order; `choose` comes before all else."""
        self._session = session
        self._offer = offer
        self._shape = shape
        self._dimensions = dimensions
        self._closed = closed
        self._cells: dict[int, Values] = {}
        self._where: list[ColumnElement[bool]] = []
        self._restricted = False

    async def choose(self, filters: Mapping[str, frozenset[str]]) -> bool:
        """Find the cells that filters accept; False where a wanted value may be hidden in the overflow."""
        columns = dict(zip(self._shape.dimensions, (getattr(CellRow, name) for name in _COLUMNS), strict=False))
        self._where = [CellRow.offer == self._offer, CellRow.shape == self._shape.number]
        for dimension, values in filters.items():
            hidden: set[str] = {OVERFLOW} if dimension in SENT_BY_VISITORS else set()
            self._where.append(columns[dimension].in_(values | hidden))
        wanted = [columns[dimension] for dimension in self._dimensions]
        for cell, *found in await self._session.execute(select(CellRow.id, *wanted).where(*self._where)):
            self._cells[cell] = tuple(found)
        filtered = [place for place, dimension in enumerate(self._dimensions) if dimension in filters]
        return not any(cell[place] == OVERFLOW for cell in self._cells.values() for place in filtered)

    def restrict(self, accepts: Callable[[Values], bool]) -> None:
        """Read only the cells with accepted values from now on."""
        self._cells = {cell: values for cell, values in self._cells.items() if accepts(values)}
        self._restricted = True

    async def known(self, _span: Range) -> set[Values]:
        """Return the combinations of values that there may be in a range."""
        return self.values

    @property
    def values(self) -> set[Values]:
        """The combinations of values that there are."""
        return set(self._cells.values())

    async def totals(self, span: Range, shift: int) -> list[Row]:
        """Return the sums of every combination of values over a range."""
        sums: dict[Values, list[int]] = defaultdict(lambda: [0] * len(MEASURES))
        parts = cover(span, shift, self._closed.get(shift, frozenset()))
        for at, runs in parts.days.items():
            for first, after in runs:
                query = _sums(DayRow, DayRow.cell).where(DayRow.shift == at, DayRow.day >= first, DayRow.day < after)
                self._collect(sums, await self._rows(query.where(self._in(DayRow.cell)).group_by(DayRow.cell)))
        for part in parts.quarters:
            query = _sums(QuarterRow, QuarterRow.cell).where(*self._quarters(part)).group_by(QuarterRow.cell)
            self._collect(sums, await self._rows(query))
        return list(sums.items())

    async def series(self, period: Period, interval: str, cells: Iterable[Values] | None = None) -> list[SeriesRow]:
        """Return the sums by bucket, of all combinations together, or of each of `cells`."""
        wanted = None if cells is None else set(cells)
        only = None if wanted is None else [cell for cell, values in self._cells.items() if values in wanted]
        if interval == "hour":
            first = period.range.first
            return await self._by_quarter(period.range, (QuarterRow.quarter - first) // QUARTERS_AN_HOUR, only)
        whole, stretches = split(period.days, self._closed)
        rows: list[SeriesRow] = []
        for shift, days in whole.items():
            rows += await self._by_day(shift, {day.day: day.bucket for day in days}, only)
        for stretch in stretches:
            rows += await self._by_stretch(stretch, only)
        return rows

    async def _by_day(self, shift: int, buckets: dict[int, int], only: list[int] | None) -> list[SeriesRow]:
        query = _sums(DayRow, DayRow.day, *([] if only is None else [DayRow.cell]))
        query = query.where(DayRow.shift == shift, DayRow.day >= min(buckets), DayRow.day <= max(buckets))
        query = query.where(self._in(DayRow.cell, only)).group_by(DayRow.day, *([] if only is None else [DayRow.cell]))
        return [
            (buckets[day], self._values(key), sums)
            for (day, *key), sums in _split(await self._rows(query), 1 if only is None else 2)
            if day in buckets and (only is None or key[0] in self._cells)
        ]

    async def _by_stretch(self, stretch: Stretch, only: list[int] | None) -> list[SeriesRow]:
        days = stretch.days
        rows = await self._by_quarter(stretch.range, (QuarterRow.quarter + days[0].shift) // QUARTERS_A_DAY, only)
        if len(days) == 1:
            return [(days[0].bucket, values, sums) for _, values, sums in rows]
        buckets = {day.day: day.bucket for day in days}
        return [(buckets[day], values, sums) for day, values, sums in rows]

    async def _by_quarter(self, span: Range, unit: Any, only: list[int] | None) -> list[SeriesRow]:
        by = [unit.label("unit"), *([] if only is None else [QuarterRow.cell])]
        query = _sums(QuarterRow, *by).where(*self._quarters(span, only)).group_by(*by)
        return [
            (bucket, self._values(key), sums)
            for (bucket, *key), sums in _split(await self._rows(query), len(by))
            if only is None or key[0] in self._cells
        ]

    def _quarters(self, span: Range, only: list[int] | None = None) -> list[ColumnElement[bool]]:
        where = [
            QuarterRow.offer == self._offer,
            QuarterRow.shape == self._shape.number,
            QuarterRow.quarter >= span.first,
            QuarterRow.quarter < span.after,
        ]
        reads_all = len(self._where) == 2 and not self._restricted and only is None
        return where if reads_all else [*where, self._in(QuarterRow.cell, only)]

    def _in(self, column: Any, only: list[int] | None = None) -> ColumnElement[bool]:
        chosen = list(self._cells) if only is None else only
        if self._restricted or only is not None or len(chosen) <= _MAX_NAMED_CELLS:
            named: ColumnElement[bool] = column.in_(bindparam(None, chosen, expanding=True, literal_execute=True))
            return named
        shape: ColumnElement[bool] = column.in_(select(CellRow.id).where(*self._where))
        return shape

    def _values(self, key: list[int]) -> Values:
        return self._cells[key[0]] if key else ()

    def _collect(self, sums: dict[Values, list[int]], rows: Iterable[Any]) -> None:
        for cell, *measures in rows:
            values = self._cells.get(cell)
            if values is not None:
                add(sums[values], measures)

    async def _rows(self, query: Select[Any]) -> list[Any]:
        return list((await self._session.execute(query)).all())


async def closed_days(session: AsyncSession, spans: Iterable[tuple[int, int, int]]) -> Closed:
    """Return which days are closed among (shift, first day, last day)."""
    where = [
        (ClosedDayRow.shift == shift) & (ClosedDayRow.day >= first) & (ClosedDayRow.day <= last)
        for shift, first, last in spans
    ]
    closed: dict[int, set[int]] = defaultdict(set)
    if where:
        for shift, day in await session.execute(select(ClosedDayRow.shift, ClosedDayRow.day).where(or_(*where))):
            closed[shift].add(day)
    return closed


def _sums(row: type[DayRow] | type[QuarterRow], *by: Any) -> Select[Any]:
    return select(*by, *(func.sum(getattr(row, measure)) for measure in MEASURES))


def _split(rows: Iterable[Any], keys: int) -> Iterable[tuple[list[int], list[int]]]:
    return ((list(row[:keys]), [int(value) for value in row[keys:]]) for row in rows)
