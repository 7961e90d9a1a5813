"""Sums to answers: totals, groups, series, edits, and the period before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.shapes import MEASURES, OVERFLOW
from control.conversions.sums import Sums as Sales
from control.fields import utc
from control.insight.analytics.earnings import NONE, Earned, earned, earned_by_bucket, together
from control.insight.analytics.edits import edits
from control.insight.analytics.labels import labels
from control.insight.analytics.periods import Range
from control.insight.analytics.question import Question
from control.insight.analytics.reading import Sessions
from control.insight.analytics.schemas import Analytics, Group, Measures, Point, Previous, Summary
from control.insight.analytics.split import UNIQUES, Split, Sums, series_of, split, whole_series
from control.insight.analytics.sums import add
from control.offers.models import OfferRow

SERIES_GROUPS: Final = 8
"""Groups that a series shows one by one."""
_QUARTER_S: Final = 900
_NO_SUMS: Final = [0] * len(MEASURES)


async def summary(sessions: Sessions, question: Question, offer: OfferRow, *, limit: int, compare: bool) -> Summary:
    """Return the answer without its series: at most `limit` groups, the others as one; with the period before?"""
    return (await _summed_up(sessions, question, offer, limit=limit, compare=compare))[1]


async def answer(sessions: Sessions, question: Question, offer: OfferRow, *, limit: int, compare: bool) -> Analytics:
    """Return the whole answer."""
    found, summed = await _summed_up(sessions, question, offer, limit=limit, compare=compare)
    charted = [group.key for group in summed.groups if group.key != OVERFLOW][:SERIES_GROUPS]
    return Analytics(**dict(summed), series=await _points(sessions, question, found, charted, offer.currency))


async def _summed_up(
    sessions: Sessions, question: Question, offer: OfferRow, *, limit: int, compare: bool
) -> tuple[Split, Summary]:
    found = await split(sessions, question)
    total = found.total
    sales = await earned(sessions.config, question, offer.currency)
    before = await _before(sessions, question, offer.currency) if compare else None
    shown = dict(_largest({**dict.fromkeys(sales, _NO_SUMS), **found.groups}, limit)) if question.group_by else {}
    return found, Summary(
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
        edits=await edits(sessions.config, question),
    )


def measures(sums: Sums, sales: Sales = NONE) -> Measures:
    """Return sums as the API names them."""
    return Measures(**dict(zip(MEASURES, sums, strict=True)), conversions=sales.conversions, revenue=sales.revenue)


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
                **dict(measures(sums, sold)),
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
    groups = await series_of(found, question, charted)
    totals = await whole_series(sessions, question, found, groups)
    sales = await earned_by_bucket(sessions.config, question.ungrouped(), currency)
    return [
        Point(
            **dict(measures(total, sold)),
            start=start,
            groups={key: _count(question, by_key[key]) if key in by_key else 0 for key in charted},
        )
        for start, total, by_key, sold in zip(question.period.starts, totals, groups, sales, strict=True)
    ]


def _count(question: Question, sums: Sums) -> int:
    """Return what a chart shows of a group: clicks, or, by kind, the kind's own measure."""
    return sum(sums) - sums[UNIQUES] if question.group_by == "kind" else sums[0]


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


def _moment(quarter: int) -> datetime:
    return utc(0) + timedelta(seconds=quarter * _QUARTER_S)
