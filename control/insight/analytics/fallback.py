"""The fallback watch: who falls through to the fallback, as segments that are ready to become rules."""

from collections import Counter
from dataclasses import replace
from typing import Final

from control.clicks.shapes import QUARTER_MS
from control.fields import utc
from control.insight.analytics.question import Question
from control.insight.analytics.reading import Sessions, open_reading
from control.insight.analytics.schemas import FallbackWatch, Segment
from control.insight.analytics.split import split
from shared.countries import name_of

FALLBACK: Final = "fallback"


async def watch(sessions: Sessions, question: Question, limit: int, clicks: int | None = None) -> FallbackWatch:
    """Return the share of clicks that no rule caught, and the largest segments among them.

    `clicks` is how many there are in all, where that is known.
    """
    total = (await split(sessions, question)).total[0] if clicks is None else clicks
    segments = await _segments(sessions, question)
    fallen = segments.total()
    span = question.period.range
    return FallbackWatch(
        start=utc(span.first * QUARTER_MS),
        end=utc(span.after * QUARTER_MS),
        clicks=total,
        fallback=fallen,
        share=fallen / total if total else 0.0,
        segments=[
            _segment(country, device, clicks, total) for (country, device), clicks in segments.most_common(limit)
        ],
    )


async def _segments(sessions: Sessions, question: Question) -> Counter[tuple[str, str]]:
    """Return clicks by country and device."""
    asked = replace(question.narrowed("rule", [FALLBACK]), also=("country", "device"))
    reading = await open_reading(sessions, asked)
    segments: Counter[tuple[str, str]] = Counter()
    for (country, device), sums in await reading.totals() if reading else []:
        segments[country, device] += sums[0]
    return segments


def _segment(country: str, device: str, clicks: int, total: int) -> Segment:
    return Segment(
        country=country,
        device=device,
        label=f"{name_of(country)} + {device}",
        clicks=clicks,
        share=clicks / total if total else 0.0,
        when={"country": [country], "device": [device]},
    )
