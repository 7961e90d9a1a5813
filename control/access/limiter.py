"""Failed attempts, counted per source in memory: enough of them and the source waits."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from control.errors import Problem

MAX_SOURCES: Final = 10_000


class Limiter:
    """Allows `burst` failures at once and one more every `refill_s` seconds, per source.

    Sources are bounded: the ones seen longest ago are forgotten first.
    """

    def __init__(self, burst: int, refill_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the limits and a clock in seconds."""
        self._burst = burst
        self._refill_s = refill_s
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, source: str) -> int:
        """Return for how many seconds `source` must not try again; 0 when it may."""
        owed = self._full_at.get(source, 0.0) - self._clock()
        over = owed - (self._burst - 1) * self._refill_s
        return max(0, math.ceil(over))

    def require(self, *sources: str) -> None:
        """Raise Problem 429 while any of `sources` must not try again."""
        if wait_s := max(map(self.wait_s, sources)):
            raise Problem.too_many(wait_s)

    def fail(self, *sources: str) -> None:
        """Count one failure of each of `sources`."""
        now = self._clock()
        for source in sources:
            self._full_at[source] = max(self._full_at.pop(source, now), now) + self._refill_s
        while len(self._full_at) > MAX_SOURCES:
            self._full_at.popitem(last=False)

    def forgive(self, *sources: str) -> None:
        """Forget the failures of `sources`, which have now succeeded."""
        for source in sources:
            self._full_at.pop(source, None)
