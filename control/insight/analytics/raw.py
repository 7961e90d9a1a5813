"""Sums from raw clicks, for combinations of dimensions that no shape of rollups has; as far back as clicks are kept."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.models import ClickRow
from control.clicks.shapes import MEASURES, QUARTER_MS, QUARTERS_A_DAY
from control.coupons.models import fold
from control.insight.analytics.cover import split
from control.insight.analytics.periods import QUARTERS_AN_HOUR, Period, Range
from control.insight.analytics.sums import Row, SeriesRow, Values, add

_FOLDED = ("via", "coupon")


class RawReader:
    """Reads one offer's raw clicks, through one session."""

    def __init__(self, session: AsyncSession, offer: int, dimensions: tuple[str, ...]) -> None:
        """Take which dimensions rows are to have, in which order; `choose` comes before all else."""
        self._session = session
        self._dimensions = dimensions
        self._where: list[ColumnElement[bool]] = [ClickRow.offer == offer]
        self._accepts: list[Callable[[Values], bool]] = []

    async def choose(self, filters: Mapping[str, frozenset[str]]) -> None:
        """Read only clicks that filters accept from now on."""
        for dimension, values in filters.items():
            column = getattr(ClickRow, dimension)
            if dimension in store.NUMBERED:
                self._where.append(column.in_((await store.text_numbers(self._session, values)).values()))
            elif dimension in _FOLDED:
                place = self._dimensions.index(dimension)
                self._accepts.append(lambda found, place=place, values=values: found[place] in values)  # type: ignore[misc]
            else:
                self._where.append(column.in_(values))

    def restrict(self, accepts: Callable[[Values], bool]) -> None:
        """Read only clicks with accepted values from now on."""
        self._accepts.append(accepts)

    async def known(self, span: Range) -> set[Values]:
        """Return the combinations of values that there are in a range."""
        return {values for values, _ in await self.totals(span)}

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
            days = stretch.days
            buckets = {day.day: day.bucket for day in days} if len(days) > 1 else defaultdict(lambda: days[0].bucket)  # noqa: B023
            found = await self._read(stretch.range, (quarter + days[0].shift) // QUARTERS_A_DAY)
            rows += [(buckets[day], values, sums) for day, values, sums in found]
        return rows

    async def _read(self, span: Range, unit: ColumnElement[int] | None) -> list[SeriesRow]:
        keys = [
            *([] if unit is None else [unit.label("unit")]),
            *(getattr(ClickRow, name) for name in self._dimensions),
        ]
        query = select(*keys, *_MEASURES).where(
            *self._where,
            ClickRow.time_ms >= span.first * QUARTER_MS,
            ClickRow.time_ms < span.after * QUARTER_MS,
        )
        found = list((await self._session.execute(query.group_by(*keys) if keys else query)).all())
        return await self._merge(found, 0 if unit is None else 1)

    async def _merge(self, found: Iterable[Any], keys: int) -> list[SeriesRow]:
        """Turn numbers into texts and fold what is compared folded; keep what is accepted."""
        texts = await self._texts(found, keys)
        sums: dict[tuple[int, Values], list[int]] = defaultdict(lambda: [0] * len(MEASURES))
        width = keys + len(self._dimensions)
        for row in found:
            values = tuple(
                texts[value] if name in store.NUMBERED else fold(value) if name in _FOLDED else value
                for name, value in zip(self._dimensions, row[keys:width], strict=True)
            )
            if row[width] is not None and all(accepts(values) for accepts in self._accepts):
                add(sums[row[0] if keys else 0, values], row[width:])
        return [(unit, values, measures) for (unit, values), measures in sums.items()]

    async def _texts(self, found: Iterable[Any], keys: int) -> dict[int, str]:
        places = [keys + place for place, name in enumerate(self._dimensions) if name in store.NUMBERED]
        return await store.texts(self._session, {row[place] for row in found for place in places})


def _of_kind(kind: int) -> ColumnElement[int]:
    return func.sum(case((ClickRow.kind == kind, 1), else_=0))


_MEASURES = (_of_kind(0), func.sum(ClickRow.first), _of_kind(2), _of_kind(1), _of_kind(3))
"""In the order of shapes.MEASURES."""
