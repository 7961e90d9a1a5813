"""Sums to answers: totals, groups, series, edits, and the period before."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.shapes import KINDS, MEASURE_OF_KIND, MEASURES, OVERFLOW
from control.conversions.sums import Sums as Sales
from control.fields import utc
from control.insight.analytics.earnings import NONE, Earned, earned, earned_by_bucket, together
from control.insight.analytics.labels import labels
from control.insight.analytics.periods import Range
from control.insight.analytics.question import Question
from control.insight.analytics.reading import Reading, Sessions, open_reading
from control.insight.analytics.schemas import Analytics, Edit, Group, Measures, Point, Previous
from control.insight.analytics.sums import Values, add
from control.offers.models import OfferRow
from control.smartlinks.models import RevisionRow

Sums = list[int]

SERIES_GROUPS: Final = 8
"""Groups that a series shows one by one."""
_QUARTER_S: Final = 900
_UNIQUES: Final = MEASURES.index("uniques")
_NO_SUMS: Final = [0] * len(MEASURES)


class Split:
    """Sums by key over a range; what they were read from, and which values of rows belong to each key."""

    def __init__(self, reading: Reading | None = None) -> None:
        """Begin with no groups; `reading` is None for an offer without clicks."""
        self.reading = reading
        self.groups: dict[str, Sums] = {}
        self.values: dict[str, set[Values]] = defaultdict(set)

    @property
    def source(self) -> str:
        """Where sums were read, as answers name it."""
        return self.reading.reader.source if self.reading else "rollups"

    @property
    def total(self) -> Sums:
        """The sums of all groups together."""
        total = [0] * len(MEASURES)
        for sums in self.groups.values():
            add(total, sums)
        return total

    def add(self, key: str, values: Values, sums: Sums) -> None:
        """Count a row for a group."""
        if any(sums):
            add(self.groups.setdefault(key, [0] * len(MEASURES)), sums)
            self.values[key].add(values)


async def split(sessions: Sessions, question: Question) -> Split:
    """Return the sums of every group over the whole range; without a key there is one, named ""."""
    found = Split(await open_reading(sessions, question))
    if found.reading is not None:
        for values, sums in await found.reading.totals():
            for key, part in _parts(question, found.reading.key_of(values), sums):
                found.add(key, values, part)
    return found


async def series(sessions: Sessions, question: Question, keys: Collection[str]) -> list[dict[str, Sums]]:
    """Return the sums of these groups by bucket; without a key the only group is "" ."""
    if question.group_by == "partner":  # which values are a partner's is known only from what there is
        return await _series(await split(sessions, question), question, keys)
    found = Split(await open_reading(sessions, question))
    for key in keys:
        found.values[key].add((key,) if question.is_grouped else ())
    return await _series(found, question, keys)


async def _series(found: Split, question: Question, keys: Collection[str]) -> list[dict[str, Sums]]:
    """Return the sums by bucket of groups that `found` has the values of."""
    buckets: list[dict[str, Sums]] = [defaultdict(lambda: [0] * len(MEASURES)) for _ in question.period.starts]
    values = {value for key in keys for value in found.values[key]}
    if found.reading is None or not values:
        return buckets
    for bucket, row, sums in await found.reading.series(values if question.is_grouped else None):
        for key, part in _parts(question, found.reading.key_of(row), sums):
            add(buckets[bucket][key], part)
    return buckets


async def answer(sessions: Sessions, question: Question, offer: OfferRow, *, limit: int, compare: bool) -> Analytics:
    """Return the whole answer."""
    found = await split(sessions, question)
    total = found.total
    sales = await earned(sessions.config, question, offer.currency)
    before = await _before(sessions, question, offer.currency) if compare else None
    shown = dict(_largest({**dict.fromkeys(sales, _NO_SUMS), **found.groups}, limit)) if question.group_by else {}
    charted = [key for key in shown if key != OVERFLOW][:SERIES_GROUPS]
    return Analytics(
        start=_moment(question.period.range.first),
        end=_moment(question.period.range.after),
        tz=question.zone.key,
        interval=question.interval,
        group_by=question.group_by,
        source=found.source,
        currency=offer.currency,
        totals=measures(total, together(sales.values())),
        previous=before.previous if before else None,
        groups=await _groups(sessions.config, question, shown, total=total, sales=sales, before=before),
        series=await _points(sessions, question, found, charted, offer.currency),
        edits=await _edits(sessions.config, question),
    )


def measures(sums: Sums, sales: Sales = NONE) -> Measures:
    """Return sums as the API names them."""
    return Measures(**dict(zip(MEASURES, sums, strict=True)), conversions=sales.conversions, revenue=sales.revenue)


def _parts(question: Question, key: str, sums: Sums) -> Iterable[tuple[str, Sums]]:
    """Yield what of a row belongs to which group; kinds are not in rows but in measures."""
    kinds = question.filters.get("kind")
    if question.group_by == "kind":
        for kind in KINDS:
            if kinds is None or kind.decode() in kinds:
                yield kind.decode(), _only(sums, {kind.decode()})
    else:
        yield key, sums if kinds is None else _only(sums, kinds)


def _only(sums: Sums, kinds: Collection[str]) -> Sums:
    kept = {MEASURE_OF_KIND[number] for kind, number in KINDS.items() if kind.decode() in kinds}
    if "person" in kinds:
        kept.add(_UNIQUES)
    return [count if place in kept else 0 for place, count in enumerate(sums)]


def _largest(groups: Mapping[str, Sums], limit: int) -> list[tuple[str, Sums]]:
    """Return the groups with the most clicks; all others as one, so that they sum to the same."""
    ordered = sorted(
        groups.items(), key=lambda group: (group[0] == OVERFLOW, *(-count for count in group[1]), group[0])
    )
    if len(ordered) <= limit:
        return ordered
    rest = [0] * len(MEASURES)
    for _, sums in ordered[limit:]:
        add(rest, sums)
    return [*ordered[:limit], (OVERFLOW, rest)]


def _place(group: tuple[str, Sums]) -> tuple[bool, list[int], str]:
    key, sums = group
    return key == OVERFLOW, [-count for count in sums], key


async def _groups(
    session: AsyncSession,
    question: Question,
    shown: Mapping[str, Sums],
    *,
    total: Sums,
    sales: Earned,
    before: "_Before | None",
) -> list[Group]:
    if question.group_by is None:
        return []
    names = await labels(session, question.group_by, list(shown))
    rest = together(sold for key, sold in sales.items() if key not in shown)
    groups = []
    for key, sums in shown.items():
        sold = together([rest, sales.get(key, NONE)]) if key == OVERFLOW else sales.get(key, NONE)
        groups.append(
            Group(
                **measures(sums, sold).model_dump(),
                key=key,
                label=names[key],
                share=sums[0] / total[0] if total[0] else 0.0,
                conversion_rate=sold.conversions / sums[0] if sums[0] else None,
                previous=before.of(key) if before and key != OVERFLOW else None,
            )
        )
    return groups


async def _points(
    sessions: Sessions, question: Question, found: Split, charted: list[str], currency: str
) -> list[Point]:
    totals = await _whole_series(sessions, question.ungrouped(), found)
    groups = await _series(found, question, charted)
    sales = await earned_by_bucket(sessions.config, question.ungrouped(), currency)
    return [
        Point(
            **measures(total.get("", _NO_SUMS), sold).model_dump(),
            start=start,
            groups={key: _count(question, by_key[key]) if key in by_key else 0 for key in charted},
        )
        for start, total, by_key, sold in zip(question.period.starts, totals, groups, sales, strict=True)
    ]


async def _whole_series(sessions: Sessions, question: Question, found: Split) -> list[dict[str, Sums]]:
    """Return the series of all groups together; `found` answered the same question by group."""
    whole = Split(await open_reading(sessions, question, found.reading) if found.reading else None)
    whole.values[""].add(())
    return await _series(whole, question, [""])


def _count(question: Question, sums: Sums) -> int:
    """Return what a chart shows of a group: clicks, or, by kind, the kind's own measure."""
    return sum(sums) - sums[_UNIQUES] if question.group_by == "kind" else sums[0]


@dataclass(frozen=True, slots=True)
class _Before:
    """The range of the same length that ends where a question's begins."""

    range: Range
    found: Split
    sales: Earned

    @property
    def previous(self) -> Previous:
        totals = measures(self.found.total, together(self.sales.values()))
        return Previous(start=_moment(self.range.first), end=_moment(self.range.after), totals=totals)

    def of(self, key: str) -> Measures:
        return measures(self.found.groups.get(key, _NO_SUMS), self.sales.get(key, NONE))


async def _before(sessions: Sessions, question: Question, currency: str) -> _Before:
    span = question.period.range
    before = Range(2 * span.first - span.after, span.first)
    asked = question.over(before)
    return _Before(before, await split(sessions, asked), await earned(sessions.config, asked, currency))


async def _edits(session: AsyncSession, question: Question) -> list[Edit]:
    span = question.period.range
    query = (
        select(RevisionRow)
        .where(
            RevisionRow.offer_id == question.offer_id,
            RevisionRow.created_at >= span.first * _QUARTER_S * 1000,
            RevisionRow.created_at < span.after * _QUARTER_S * 1000,
        )
        .order_by(RevisionRow.revision)
    )
    return [
        Edit(revision=row.revision, at=utc(row.created_at), author=row.author_name, restored_from=row.restored_from)
        for row in await session.scalars(query)
    ]


def _moment(quarter: int) -> datetime:
    return utc(0) + timedelta(seconds=quarter * _QUARTER_S)
