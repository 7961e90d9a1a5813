"""What a worker says of its load, in its lease: how much it does, how fast, in how much memory."""

import time
from collections.abc import Callable
from typing import Final

from edge.clicks.counters import Counters
from edge.feed.leases import Load
from edge.process.heartbeat import resident_bytes

WINDOW_S: Final = 2.5
"""Leases are written at least every three seconds: each has figures of its own time, but where edits hurry them."""


class LoadGauge:
    """Reads the load of one worker from its counters, over the time since it was read last."""

    def __init__(self, counters: Counters, clock: Callable[[], float] = time.monotonic) -> None:
        self._counters = counters
        self._clock = clock
        self._read_at = clock()
        self._redirects = counters.redirects
        self._load = Load()

    def __call__(self) -> Load:
        """Return the load of the last seconds; what was found a moment ago is told again."""
        now = self._clock()
        spent_s = now - self._read_at
        if spent_s >= WINDOW_S:
            redirects = self._counters.redirects
            per_second = round((redirects - self._redirects) / spent_s)
            self._load = Load(per_second, self._counters.waits.take_p99_us(), resident_bytes())
            self._read_at, self._redirects = now, redirects
        return self._load
