"""Analytics as the API gives them."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from control.fields import Output, TimeOut


class Measures(Output):
    """What is counted. `clicks` are those of persons; `uniques` of these the first of a visitor on a UTC day."""

    clicks: int = 0
    uniques: int = 0
    bots: int = 0
    duplicates: int = 0
    prefetches: int = 0
    conversions: int = 0
    revenue: Decimal = Decimal(0)


class Group(Measures):
    """What has one key; `previous` is the same in the period before, where that was asked for."""

    key: str
    label: str
    share: float = Field(description="Of all clicks, 0 to 1")
    conversion_rate: float | None = Field(description="Conversions per click")
    previous: Measures | None = None


class Point(Measures):
    """One bucket of the series; `groups` are clicks by key, of the largest groups."""

    start: TimeOut
    groups: dict[str, int]


class Event(StrEnum):
    """What happened to a revision: saved for everyone, tried on a share, then published to everyone, or taken back.

    What is taken back is so by a revision of its own, which is what was live before.
    """

    SAVED = "saved"
    TRIED = "tried"
    PROMOTED = "promoted"
    WITHDRAWN = "withdrawn"


class Edit(Output):
    """What happened to the smart link in this range: a revision that was saved, or one tried that went to everyone."""

    revision: int
    at: TimeOut
    author: str
    restored_from: int | None
    event: Event


class Previous(Output):
    """The range of the same length just before, and what was counted in it."""

    start: TimeOut
    end: TimeOut
    totals: Measures


class Summary(Output):
    """How an offer's traffic splits over a whole range.

    Groups are the largest; smaller ones are one group with the key `\u2026`, so that groups sum to the totals. `source`
    is `clicks` where rollups do not hold the combination that was asked for: then the past reaches back only as far as
    raw clicks are kept.
    """

    start: TimeOut
    end: TimeOut
    tz: str
    interval: str
    group_by: str | None
    source: str
    currency: str
    totals: Measures
    previous: Previous | None
    groups: list[Group]
    edits: list[Edit]


class Analytics(Summary):
    """How an offer's traffic splits, over a whole range and over time."""

    series: list[Point]


class Segment(Output):
    """Visitors with a country and a device who fell through; `when` is the rule that would catch them."""

    country: str
    device: str
    label: str
    clicks: int
    share: float
    when: dict[str, list[str]]


class FallbackWatch(Output):
    """How much of the traffic no rule caught, and who that was, the largest first."""

    start: TimeOut
    end: TimeOut
    clicks: int
    fallback: int
    share: float
    segments: list[Segment]
