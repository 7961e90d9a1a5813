"""Opens what a question is answered from: rollups where a shape has the dimensions, else raw clicks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks import store
from control.clicks.attribution import attribution
from control.clicks.shapes import QUARTERS_A_DAY, shape_for
from control.insight.analytics.cover import Closed
from control.insight.analytics.periods import Period
from control.insight.analytics.question import Question
from control.insight.analytics.raw import RawReader
from control.insight.analytics.rollups import RollupReader, closed_days
from control.insight.analytics.sums import Row, SeriesRow, Values

KeyOf = Callable[[Values], str]


class Sessions(NamedTuple):
    """One moment of both databases."""

    clicks: AsyncSession
    config: AsyncSession


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read, and which group the values of a row belong to (without a key all belong to "")."""

    reader: RollupReader | RawReader
    question: Question
    key_of: KeyOf
    shift: int

    @property
    def source(self) -> str:
        """Where sums come from, as answers name it."""
        return "rollups" if isinstance(self.reader, RollupReader) else "clicks"

    async def totals(self) -> list[Row]:
        """Return sums over the whole range."""
        span = self.question.period.range
        if isinstance(self.reader, RollupReader):
            return await self.reader.totals(span, self.shift)
        return await self.reader.totals(span)

    async def series(self, keys: Iterable[str] | None = None) -> list[SeriesRow]:
        """Return sums by bucket: all together with no values, or of the values that belong to `keys`."""
        period, interval = self.question.period, self.question.interval
        if isinstance(self.reader, RawReader):
            rows = await self.reader.series(period, interval)
            wanted = None if keys is None else set(keys)
            return [row for row in rows if wanted is None or self.key_of(row[1]) in wanted]
        if keys is None:
            return await self.reader.series(period, interval)
        cells = {values for values in self.reader.values if self.key_of(values) in set(keys)}
        return await self.reader.series(period, interval, cells)


async def open_reading(sessions: Sessions, question: Question) -> Reading | None:
    """Return what answers `question`; None where the offer has no clicks at all."""
    offer = (await store.text_numbers(sessions.clicks, [question.offer_id])).get(question.offer_id)
    if offer is None:
        return None
    period = question.period
    closed = await closed_days(sessions.clicks, _days(period))
    reader = await _choose_reader(sessions.clicks, question, offer, closed)
    key_of = await _keys(sessions.config, question, reader)
    return Reading(reader, question, key_of, max(closed, key=lambda shift: len(closed[shift]), default=0))


def _days(period: Period) -> list[tuple[int, int, int]]:
    """Return the days that may be read whole: those of the question's own time zone, and those of UTC."""
    shifts = {0, *(day.shift for day in period.days if day.is_whole)}
    first, after = period.range
    return [(shift, (first + shift) // QUARTERS_A_DAY, (after + shift) // QUARTERS_A_DAY) for shift in shifts]


async def _choose_reader(
    session: AsyncSession, question: Question, offer: int, closed: Closed
) -> RollupReader | RawReader:
    dimensions = tuple(sorted(question.dimensions))
    filters = {key: values for key, values in question.filters.items() if key not in ("partner", "kind")}
    shape = shape_for(dimensions)
    if shape is not None:
        rollups = RollupReader(session, offer, shape, dimensions, closed)
        if await rollups.choose(filters):
            return rollups
    raw = RawReader(session, offer, dimensions)
    await raw.choose(filters)
    return raw


async def _keys(session: AsyncSession, question: Question, reader: RollupReader | RawReader) -> KeyOf:
    """Return which group values belong to; narrows the reader where partners are filtered."""
    dimensions = sorted(question.dimensions)
    if "partner" in (question.group_by, *question.filters):
        via, coupon = dimensions.index("via"), dimensions.index("coupon")
        pairs = {(values[via], values[coupon]) for values in await reader.known(question.period.range)}
        owners = await attribution(session, question.offer_id, pairs)

        def partner_of(values: Values) -> str:
            return owners.partner_of(values[via], values[coupon])

        if wanted := question.filters.get("partner"):
            reader.restrict(lambda values: partner_of(values) in wanted)
        if question.group_by == "partner":
            return partner_of
    if question.group_by in (None, "kind"):
        return lambda _values: ""
    place = dimensions.index(question.group_by or "")
    return lambda values: values[place]
