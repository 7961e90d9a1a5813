"""How long publishes take from commit until every edge serves them, as Prometheus counts durations."""

from bisect import bisect_left
from itertools import accumulate
from typing import Final

BUCKETS_MS: Final = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)


class Latency:
    """Counts durations by upper bound; `sum_ms` and `count` are of all of them."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_MS) + 1)
        self.sum_ms = 0

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self._counts)

    def observe(self, ms: int) -> None:
        """Count one."""
        self._counts[bisect_left(BUCKETS_MS, ms)] += 1
        self.sum_ms += ms

    def cumulative(self) -> list[tuple[str, int]]:
        """Return upper bound in seconds -> how many took at most that long, the last of them `+Inf`."""
        bounds = [*(f"{bound / 1000:g}" for bound in BUCKETS_MS), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))
