"""Counts of one measure, by key and over time: clicks and their kinds from clicks, conversions from conversions."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from control.clicks.shapes import MEASURES, QUARTER_MS
from control.conversions import sums as conversions
from control.insight.analytics.question import Question
from control.insight.analytics.reading import Sessions, open_reading
from control.insight.analytics.split import series, split

CONVERSIONS: Final = "conversions"
SOURCES: Final = ("partner", "link", "coupon")
"""Keys whose clicks are read off the same combinations, and so at once: there may be as many as links."""


async def by_bucket(
    sessions: Sessions, asked: Question, keys: Collection[str], measure: str
) -> Sequence[Mapping[str, int]]:
    """Return the counts of these groups in every bucket of the question's period."""
    if not keys:
        return [{} for _ in asked.period.starts]
    if measure == CONVERSIONS:
        starts = [bucket.first * QUARTER_MS for bucket in asked.period.buckets]
        sold = await conversions.series(sessions.config, _asked(asked), starts, asked.group_by, keys)
        return [{key: part.conversions for key, part in bucket.items()} for bucket in sold]
    place = MEASURES.index(measure)
    return [{key: part[place] for key, part in bucket.items()} for bucket in await series(sessions, asked, keys)]


async def by_key(sessions: Sessions, asked: Question, key: str, measure: str) -> Counter[str]:
    """Return the counts of every group of a key."""
    if measure == CONVERSIONS:
        sold = await conversions.totals(sessions.config, _asked(asked), key)
        return Counter({value: part.conversions for value, part in sold.items()})
    place = MEASURES.index(measure)
    found = await split(sessions, replace(asked, group_by=key))
    return Counter({value: sums[place] for value, sums in found.groups.items()})


async def by_source(sessions: Sessions, asked: Question, measure: str) -> dict[str, Counter[str]]:
    """Return the counts of partners, links and coupons, read at once.

    There is nothing in it where they have to be read one by one: conversions, and clicks filtered by kind.
    """
    if measure == CONVERSIONS or "kind" in asked.filters:
        return {}
    found = {key: Counter[str]() for key in SOURCES}
    reading = await open_reading(sessions, replace(asked, group_by="partner", also=("link",)))
    if reading is None:
        return found
    for values, count in await reading.counts(measure):
        _via, coupon, link = values
        for key, value in zip(SOURCES, (reading.key_of(values), link, coupon), strict=True):
            found[key][value] += count
    return found


def _asked(question: Question) -> conversions.Asked:
    """Return the question as conversions take it; amounts are not asked for, and so no currency."""
    span = question.period.range
    first, after = span.first * QUARTER_MS, span.after * QUARTER_MS
    return conversions.Asked(question.offer_id, "USD", first, after, question.filters)
