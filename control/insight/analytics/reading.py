"""Opens what a question is answered from: rollups where a shape has the dimensions, else raw clicks."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.attribution import Attribution, attribution
from control.clicks.shapes import MEASURES, QUARTERS_A_DAY, shape_for
from control.insight.analytics.cover import Closed
from control.insight.analytics.periods import Period
from control.insight.analytics.question import Question
from control.insight.analytics.raw import RawReader
from control.insight.analytics.rollups import RollupReader, closed_days
from control.insight.analytics.sums import Row, SeriesRow, Values

KeyOf = Callable[[Values], str]

Days = tuple[int, int, int]
"""Shift, first day, last day."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """One moment of both databases, in which nothing changes: what was found out is not asked again."""

    clicks: AsyncSession
    config: AsyncSession
    _numbers: dict[str, int | None] = field(default_factory=dict, init=False)
    _closed: dict[tuple[Days, ...], Closed] = field(default_factory=dict, init=False)

    async def number_of(self, offer_id: str) -> int | None:
        """Return the number of an offer in clicks, None where it has none at all."""
        if offer_id not in self._numbers:
            self._numbers[offer_id] = (await store.text_numbers(self.clicks, [offer_id])).get(offer_id)
        return self._numbers[offer_id]

    async def closed(self, period: Period) -> Closed:
        """Return which days that a period may be read by are closed."""
        days = _days(period)
        if days not in self._closed:
            self._closed[days] = await closed_days(self.clicks, days)
        return self._closed[days]


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read, and which group the values of a row belong to (without a key all belong to "")."""

    reader: RollupReader | RawReader
    question: Question
    key_of: KeyOf
    closed: Closed

    @property
    def shift(self) -> int:
        """Where the most days are closed: what totals are read by."""
        return max((at for at, _ in self.closed), key=lambda at: len(self.closed.get((at, 1), ())), default=0)

    async def totals(self) -> list[Row]:
        """Return sums over the whole range."""
        period, interval = self.question.period, self.question.interval
        if isinstance(self.reader, RollupReader):
            return await self.reader.totals(period.range, self.shift)
        return await self.reader.totals(period, interval)

    async def counts(self, measure: str) -> list[tuple[Values, int]]:
        """Return the sums of one measure over the whole range, which are read in less time than all of them."""
        if isinstance(self.reader, RollupReader):
            rows = await self.reader.totals(self.question.period.range, self.shift, (measure,))
            return [(values, sums[0]) for values, sums in rows]
        return [(values, sums[MEASURES.index(measure)]) for values, sums in await self.totals()]

    async def series(self, values: Collection[Values] | None) -> list[SeriesRow]:
        """Return sums by bucket: of these values of rows, or of all together under no values."""
        period, interval = self.question.period, self.question.interval
        if isinstance(self.reader, RollupReader):
            return await self.reader.series(period, interval, values)
        rows = await self.reader.series(period, interval)
        return [row for row in rows if values is None or row[1] in values]


async def open_reading(sessions: Sessions, question: Question) -> Reading | None:
    """Return what answers `question`; None where the offer has no clicks at all."""
    offer = await sessions.number_of(question.offer_id)
    if offer is None:
        return None
    closed = await sessions.closed(question.period)
    reader = await _choose_reader(sessions.clicks, question, offer, closed)
    return Reading(reader, question, await _keys(sessions.config, question, reader), closed)


def _days(period: Period) -> tuple[Days, ...]:
    """Return the days that may be read whole: those of the question's own time zone, and those of UTC."""
    shifts = {0, *(day.shift for day in period.days if day.is_whole)}
    first, after = period.range
    return tuple((shift, (first + shift) // QUARTERS_A_DAY, (after + shift) // QUARTERS_A_DAY) for shift in shifts)


async def _choose_reader(
    session: AsyncSession, question: Question, offer: int, closed: Closed
) -> RollupReader | RawReader:
    filters = {key: values for key, values in question.filters.items() if key not in ("partner", "kind")}
    shape = shape_for(question.dimensions)
    if shape is not None:
        rollups = RollupReader(session, offer, shape, question.columns, closed)
        if await rollups.choose(filters):
            return rollups
    raw = RawReader(session, offer, question.columns, closed.get((0, 1), frozenset()))
    await raw.choose(filters)
    return raw


async def _keys(session: AsyncSession, question: Question, reader: RollupReader | RawReader) -> KeyOf:
    """Return which group values belong to; narrows the reader where partners are filtered."""
    if "partner" not in (question.group_by, *question.filters):
        return lambda values: values[0] if values and question.is_grouped else ""
    span = question.period.range
    pairs = await reader.pairs(span)
    owners = await attribution(session, question.offer_id, pairs)
    wanted = question.filters.get("partner")
    if wanted is not None:
        if isinstance(reader, RawReader):
            reader.only(lambda via, coupon: owners.partner_of(via, coupon) in wanted)
        else:
            reader.only([pair for pair in pairs if owners.partner_of(*pair) in wanted])
    return _partner_of(owners) if question.group_by == "partner" else lambda values: values[0] if values else ""


def _partner_of(owners: Attribution) -> KeyOf:
    return lambda values: owners.partner_of(values[0], values[1])
