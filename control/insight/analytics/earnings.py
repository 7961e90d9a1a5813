"""Conversions and revenue beside clicks: the same question, put to conversions."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.shapes import QUARTER_MS
from control.conversions import sums
from control.conversions.sums import Asked, Sums
from control.insight.analytics.question import Question

NONE: Final = Sums(0, Decimal(0))

Earned = dict[str, Sums]
"""Conversions and revenue by key."""


async def earned(session: AsyncSession, question: Question, currency: str) -> Earned:
    """Return what was earned over the whole range by key; without a key under ""."""
    return await sums.totals(session, _asked(question, currency), question.group_by)


async def earned_by_bucket(session: AsyncSession, question: Question, currency: str) -> list[Sums]:
    """Return what was earned in each bucket, under all keys together."""
    starts = [bucket.first * QUARTER_MS for bucket in question.period.buckets]
    found = await sums.series(session, _asked(question, currency), starts)
    return [bucket.get("", NONE) for bucket in found]


def together(parts: Iterable[Sums]) -> Sums:
    """Return the sum of several sums."""
    conversions, revenue = 0, Decimal(0)
    for part in parts:
        conversions, revenue = conversions + part.conversions, revenue + part.revenue
    return Sums(conversions, revenue)


def _asked(question: Question, currency: str) -> Asked:
    span = question.period.range
    return Asked(question.offer_id, currency, span.first * QUARTER_MS, span.after * QUARTER_MS, question.filters)
