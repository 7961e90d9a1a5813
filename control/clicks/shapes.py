"""What rollups are made of: measures that are summed, and shapes, the sets of dimensions they are kept for.

A *cell* is one combination of values under one shape (mobile, ios under `decision`). A question is answered from the
smallest shape that has all of its dimensions; one that no shape has is answered from raw clicks.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

QUARTER_MS: Final = 15 * 60 * 1000
QUARTERS_A_DAY: Final = 96
DAY_MS: Final = QUARTERS_A_DAY * QUARTER_MS

BLOCK_DAYS: Final = 16
"""Days that are also summed up together, so that a quarter of a year is read as five blocks and ten days."""

KINDS: Final = {b"person": 0, b"duplicate": 1, b"bot": 2, b"prefetch": 3}
"""Kind of a click, as on its line, to its number in raw rows."""

MEASURES: Final = ("clicks", "uniques", "bots", "duplicates", "prefetches")
MEASURE_OF_KIND: Final = (0, 3, 2, 4)
"""Number of a kind to the place of its measure. `uniques` counts those of the clicks that were a visitor's first."""

COLUMNS: Final = (
    *("rule", "country", "device", "os", "browser", "link", "via", "coupon"),
    *("sub1", "sub2", "sub3", "sub4", "sub5", "referrer"),
)
"""Dimensions of clicks, which closed days have as columns."""
FOLDED: Final = ("via", "coupon")
"""Dimensions that are compared without regard to case."""
MEASURE, QUARTER = "measure", "quarter"
"""Columns of closed days beside those of dimensions: twice the number of a click's kind, plus one for a unique; and the
quarter since 1970 that it was in."""

OVERFLOW: Final = "\u2026"
"""Stands for all values of a dimension that came after a shape of an offer was full."""

MAX_CELLS: Final = 50_000
"""Cells of one shape of one offer; visitors can send any text, and must not be able to fill the disk with cells."""

SENT_BY_VISITORS: Final = frozenset(["browser", "via", "coupon", "sub1", "sub2", "sub3", "sub4", "sub5", "referrer"])
"""Dimensions whose values nobody configured."""

MAX_DIMENSIONS: Final = 5


class Shape(NamedTuple):
    """One set of dimensions for which rollups are kept; `number` is its name in SQL."""

    number: int
    dimensions: tuple[str, ...]


TOTAL: Final = Shape(0, ())
DECISION: Final = Shape(1, ("rule", "device", "os"))
COUNTRY: Final = Shape(2, ("country",))
BROWSER: Final = Shape(3, ("browser",))
AUDIENCE: Final = Shape(4, ("rule", "country", "device", "os", "browser"))
SOURCE: Final = Shape(5, ("link", "via", "coupon", "rule"))
MARKET: Final = Shape(6, ("via", "coupon", "country", "device"))
SUBS: Final = tuple(Shape(6 + place, (f"sub{place}", "rule")) for place in range(1, 6))
REFERRER: Final = Shape(12, ("referrer", "rule"))
SUBS_ALONE: Final = tuple(Shape(12 + place, (f"sub{place}",)) for place in range(1, 6))
"""Campaigns are many: without the rule, charts of them read a quarter of the cells."""

SHAPES: Final = (TOTAL, DECISION, COUNTRY, BROWSER, SOURCE, *SUBS_ALONE, *SUBS, REFERRER, AUDIENCE, MARKET)
"""Smallest first, as they are tried."""


def shape_for(dimensions: Collection[str]) -> Shape | None:
    """Return the smallest shape that has all of `dimensions`, or None."""
    return next((shape for shape in SHAPES if set(dimensions) <= set(shape.dimensions)), None)
