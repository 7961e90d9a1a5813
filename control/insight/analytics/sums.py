"""Rows of sums, as both readers give them."""

import operator
from collections.abc import Sequence

Values = tuple[str, ...]
"""One value for each dimension that a reader was asked for."""

Row = tuple[Values, list[int]]
"""Values and the measures, in the order of MEASURES."""

SeriesRow = tuple[int, Values, list[int]]
"""Number of the bucket, values (empty: all together), measures."""


def add(sums: list[int], more: Sequence[int]) -> None:
    """Add measures to others."""
    sums[:] = map(operator.add, sums, more)
